//! TCTI strings, as the TSS's loader knows them: `name:key=value,key=value`, or `device:PATH`.

use std::{env, path::PathBuf, time::Duration};

use crate::{ClientError, Transport, transport};

/// The forms that [`Tcti::parse`] takes.
pub const FORMS: &str =
    "mssim[:host=HOST][,port=PORT], mssim:path=SOCKET, swtpm[:host=HOST][,port=PORT], swtpm:path=SOCKET, device[:PATH]";

/// The variables that [`Tcti::from_env`] reads, in order.
pub const VARIABLES: [&str; 2] = ["TPM2TOOLS_TCTI", "TCTI"];

/// Where a socket listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP host and the port of the TPM; the platform or control channel is at the next port.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port of the command channel.
        port: u16,
    },
    /// A UNIX socket; the control channel is at the same path with `.ctrl` behind it.
    Unix(PathBuf),
}

/// Which TPM to talk to, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tcti {
    /// The Microsoft simulator's protocol.
    Mssim(Endpoint),
    /// swtpm's data and control channels.
    Swtpm(Endpoint),
    /// A character device of the kernel.
    Device(PathBuf),
}

/// How long a client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to be established.
    pub connect: Duration,
    /// For a response; long enough for a TPM that makes an RSA key.
    pub response: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), response: Duration::from_secs(300) }
    }
}

impl Tcti {
    const DEFAULT_HOST: &'static str = "127.0.0.1";
    const DEFAULT_PORT: u16 = 2321;
    const DEFAULT_DEVICES: [&'static str; 2] = ["/dev/tpmrm0", "/dev/tpm0"];

    /// Understands a TCTI string. A leading `libtss2-tcti-` and a trailing `.so` or `.so.0` of the name are ignored, as the TSS
    /// accepts those too.
    ///
    /// # Errors
    /// [`ClientError::Tcti`] with the reason.
    pub fn parse(string: &str) -> Result<Self, ClientError> {
        let fail = |reason: String| ClientError::Tcti { string: string.into(), reason };
        let (name, conf) = string.split_once(':').unwrap_or((string, ""));
        let name = name.trim().trim_start_matches("libtss2-tcti-");
        let name = name.trim_end_matches(".0").trim_end_matches(".so");
        match name {
            "mssim" => Ok(Self::Mssim(endpoint(conf).map_err(fail)?)),
            "swtpm" => Ok(Self::Swtpm(endpoint(conf).map_err(fail)?)),
            "device" if conf.is_empty() => Ok(Self::Device(Self::DEFAULT_DEVICES[0].into())),
            "device" => Ok(Self::Device(conf.into())),
            "" => Err(fail("it is empty".into())),
            other => Err(fail(format!("the transport \"{other}\" is not known"))),
        }
    }

    /// The TCTI that the environment names (`TPM2TOOLS_TCTI`, then `TCTI`), or `None` if it names none.
    ///
    /// # Errors
    /// As [`Tcti::parse`].
    pub fn from_env() -> Result<Option<Self>, ClientError> {
        Self::from_variables(|name| env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ClientError> {
        let value = VARIABLES.iter().filter_map(|name| variable(name)).find(|value| !value.trim().is_empty());
        value.map(|value| Self::parse(value.trim())).transpose()
    }

    /// The TCTI that the environment names; without one, the first of `/dev/tpmrm0` and `/dev/tpm0` that exists; without
    /// either, a local `swtpm:` at port 2321.
    ///
    /// # Errors
    /// As [`Tcti::parse`].
    pub fn from_env_or_default() -> Result<Self, ClientError> {
        if let Some(tcti) = Self::from_env()? {
            return Ok(tcti);
        }
        let device = Self::DEFAULT_DEVICES.iter().map(PathBuf::from).find(|path| path.exists());
        Ok(device.map_or_else(|| Self::Swtpm(Endpoint::default()), Self::Device))
    }

    /// Opens the transport.
    ///
    /// # Errors
    /// [`ClientError::Connect`], and what the protocol's greeting may give.
    pub fn connect(&self, timeouts: Timeouts) -> Result<Box<dyn Transport>, ClientError> {
        Ok(match self {
            Self::Mssim(endpoint) => Box::new(transport::Mssim::connect(endpoint, timeouts)?),
            Self::Swtpm(endpoint) => Box::new(transport::Swtpm::connect(endpoint, timeouts)?),
            Self::Device(path) => Box::new(transport::Device::open(path)?),
        })
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::Tcp { host: Tcti::DEFAULT_HOST.into(), port: Tcti::DEFAULT_PORT }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The TCTI string, as the TSS takes it.
impl std::fmt::Display for Tcti {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, endpoint) = match self {
            Self::Mssim(endpoint) => ("mssim", endpoint),
            Self::Swtpm(endpoint) => ("swtpm", endpoint),
            Self::Device(path) => return write!(f, "device:{}", path.display()),
        };
        match endpoint {
            Endpoint::Tcp { host, port } => write!(f, "{name}:host={host},port={port}"),
            Endpoint::Unix(path) => write!(f, "{name}:path={}", path.display()),
        }
    }
}

impl std::str::FromStr for Tcti {
    type Err = ClientError;
    fn from_str(string: &str) -> Result<Self, ClientError> {
        Self::parse(string)
    }
}

fn endpoint(conf: &str) -> Result<Endpoint, String> {
    let (mut host, mut port, mut path) = (None, None, None);
    for pair in conf.split(',').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("\"{pair}\" is not KEY=VALUE"))?;
        if value.is_empty() {
            return Err(format!("{key} has no value"));
        }
        let slot = match key {
            "host" => &mut host,
            "port" => &mut port,
            "path" => &mut path,
            _ => return Err(format!("the key \"{key}\" is not known")),
        };
        if slot.replace(value).is_some() {
            return Err(format!("{key} is given twice"));
        }
    }
    match (host, port, path) {
        (None, None, Some(path)) => Ok(Endpoint::Unix(path.into())),
        (host, port, None) => Ok(Endpoint::Tcp {
            host: host.unwrap_or(Tcti::DEFAULT_HOST).trim_matches(['[', ']']).into(),
            port: port.map_or(Ok(Tcti::DEFAULT_PORT), parse_port)?,
        }),
        _ => Err("path goes without host and port".into()),
    }
}

/// The platform or control channel is at the next port, so 65,535 cannot be a TPM's.
fn parse_port(value: &str) -> Result<u16, String> {
    match value.parse::<u16>() {
        Ok(port) if (1..u16::MAX).contains(&port) => Ok(port),
        _ => Err(format!("\"{value}\" is not a port from 1 to 65534")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp { host: host.into(), port }
    }

    #[test]
    fn strings_of_the_tss_are_understood() {
        let rows = [
            ("mssim", Tcti::Mssim(tcp("127.0.0.1", 2321))),
            ("mssim:", Tcti::Mssim(tcp("127.0.0.1", 2321))),
            ("mssim:host=localhost,port=4000", Tcti::Mssim(tcp("localhost", 4000))),
            ("mssim:port=4000,host=10.0.0.1", Tcti::Mssim(tcp("10.0.0.1", 4000))),
            ("swtpm:port=4000", Tcti::Swtpm(tcp("127.0.0.1", 4000))),
            ("swtpm:host=::1", Tcti::Swtpm(tcp("::1", 2321))),
            ("swtpm:path=/run/tpm.sock", Tcti::Swtpm(Endpoint::Unix("/run/tpm.sock".into()))),
            ("libtss2-tcti-swtpm.so.0:port=5", Tcti::Swtpm(tcp("127.0.0.1", 5))),
            ("device", Tcti::Device("/dev/tpmrm0".into())),
            ("device:/dev/tpm1", Tcti::Device("/dev/tpm1".into())),
        ];
        for (string, expected) in rows {
            assert_eq!(Tcti::parse(string).unwrap(), expected, "{string}");
            assert_eq!(Tcti::parse(&expected.to_string()).unwrap(), expected, "{string}");
        }
    }

    #[test]
    fn the_first_variable_that_says_something_counts() {
        let find = |tools: Option<&str>, other: Option<&str>| {
            let (tools, other) = (tools.map(String::from), other.map(String::from));
            Tcti::from_variables(move |name| if name == "TPM2TOOLS_TCTI" { tools.clone() } else { other.clone() })
        };
        assert_eq!(find(None, None).unwrap(), None);
        assert_eq!(find(Some(" "), Some("swtpm:port=5")).unwrap(), Some(Tcti::Swtpm(tcp("127.0.0.1", 5))));
        assert_eq!(find(Some("mssim"), Some("swtpm:port=5")).unwrap(), Some(Tcti::Mssim(tcp("127.0.0.1", 2321))));
        assert!(find(Some("nonsense"), None).is_err());
    }

    #[test]
    fn bad_strings_are_refused_with_the_reason() {
        let rows = [
            ("", "it is empty"),
            ("tabrmd:bus_type=session", "\"tabrmd\" is not known"),
            ("mssim:host", "\"host\" is not KEY=VALUE"),
            ("mssim:hosts=a", "\"hosts\" is not known"),
            ("mssim:host=", "host has no value"),
            ("mssim:port=65535", "not a port"),
            ("mssim:port=0", "not a port"),
            ("mssim:port=1x", "not a port"),
            ("mssim:port=1,port=2", "given twice"),
            ("swtpm:path=/x,port=2", "path goes without"),
        ];
        for (string, reason) in rows {
            let error = Tcti::parse(string).unwrap_err().to_string();
            assert!(error.contains(reason), "{string}: {error}");
        }
    }
}
