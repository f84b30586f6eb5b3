//! The options of `swtpm socket` whose values are lists: what each of them promises holds, or is refused with a reason.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use ironroot_host::{Address, AtStart};

/// `--tpmstate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePath(pub PathBuf);

impl FromStr for StatePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut folder = None;
        for part in text.split(',') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("dir", path) if !path.is_empty() => folder = Some(path.into()),
                ("backend-uri", uri) => match uri.strip_prefix("dir://") {
                    Some(path) if !path.is_empty() => folder = Some(path.into()),
                    _ => return Err(format!("{uri}: a state here is a folder: backend-uri=dir://DIR")),
                },
                ("mode", "0600" | "0400" | "600") => {}
                ("mode", mode) => {
                    return Err(format!("mode={mode}: a state's files are their owner's alone (0600); leave it out"));
                }
                ("lock", "") => {}
                _ => return Err(format!("{part}: not understood; expected dir=DIR or backend-uri=dir://DIR")),
            }
        }
        folder.map(Self).ok_or_else(|| "expected dir=DIR or backend-uri=dir://DIR".into())
    }
}

/// `--server` and `--ctrl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Where.
    pub address: Address,
    /// A UNIX socket's permissions.
    pub mode: Option<u32>,
    /// The client hangs up after each command, or is hung up on.
    pub disconnect: bool,
    /// The daemon ends with the client.
    pub terminate: bool,
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut kind, mut port, mut host, mut path, mut mode) = ("", None, None::<IpAddr>, None, None);
        let (mut disconnect, mut terminate) = (false, false);
        for part in text.split(',') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("type", value @ ("tcp" | "unixio")) => kind = value,
                ("port", number) => port = Some(number.parse().map_err(|_| format!("{number} is no port"))?),
                ("bindaddr", address) => {
                    host = Some(address.parse().map_err(|_| format!("{address} is no address"))?);
                }
                ("path", name) if !name.is_empty() => path = Some(PathBuf::from(name)),
                ("mode", digits) => mode = Some(permissions(digits)?),
                ("disconnect", "") => disconnect = true,
                ("terminate", "") => terminate = true,
                ("fd" | "clientfd", _) => {
                    return Err(format!(
                        "{part}: sockets are not taken by number here; name a port or a path (QEMU and libvirt do, and pass \
                         the data channel's socket over the control channel)"
                    ));
                }
                ("ifname", _) => return Err(format!("{part}: name a link-local address with its scope in bindaddr")),
                ("uid" | "gid", _) => {
                    return Err(format!("{part}: a socket belongs to the user that the TPM runs as (--runas)"));
                }
                _ => return Err(format!("{part}: not understood; expected type=tcp,port=… or type=unixio,path=…")),
            }
        }
        let address = match (kind, port, path) {
            ("tcp", Some(port), None) if mode.is_none() => {
                Address::Tcp(SocketAddr::new(host.unwrap_or(Ipv4Addr::LOCALHOST.into()), port))
            }
            ("unixio", None, Some(path)) if host.is_none() => Address::Unix(path),
            // swtpm's default.
            ("", Some(port), None) if mode.is_none() => {
                Address::Tcp(SocketAddr::new(host.unwrap_or(Ipv4Addr::LOCALHOST.into()), port))
            }
            _ => return Err("expected type=tcp,port=PORT[,bindaddr=ADDRESS] or type=unixio,path=PATH[,mode=0…]".into()),
        };
        Ok(Self { address, mode, disconnect, terminate })
    }
}

fn permissions(digits: &str) -> Result<u32, String> {
    let mode = digits.strip_prefix('0').and_then(|digits| u32::from_str_radix(digits, 8).ok());
    mode.filter(|mode| *mode <= 0o777).ok_or_else(|| format!("{digits} is no mode: write 0 and three octal digits"))
}

/// `--flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// What happens to the TPM at the start.
    pub start: AtStart,
    /// Whether TPM2_Shutdown is sent at the end.
    pub auto_shutdown: bool,
}

impl FromStr for Flags {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut needs_init, mut auto_shutdown) = (true, true);
        let mut startup = None;
        for flag in text.split(',').filter(|flag| !flag.is_empty()) {
            match flag {
                "not-need-init" => needs_init = false,
                "startup-clear" | "startup-state" | "startup-none" if startup.is_none() => startup = Some(flag),
                "startup-clear" | "startup-state" | "startup-none" => {
                    return Err(format!("{flag}: a TPM is started in one way"));
                }
                "startup-deactivated" => return Err(format!("{flag}: that is for a TPM 1.2, and this is a TPM 2.0")),
                "disable-auto-shutdown" => auto_shutdown = false,
                _ => {
                    return Err(format!(
                        "{flag}: not understood; there are not-need-init, startup-clear, startup-state, startup-none and \
                         disable-auto-shutdown"
                    ));
                }
            }
        }
        let start = match startup {
            Some("startup-clear") => AtStart::StartupClear,
            Some("startup-state") => AtStart::StartupState,
            _ if needs_init => AtStart::Off,
            _ => AtStart::PowerOn,
        };
        Ok(Self { start, auto_shutdown })
    }
}

/// `--locality`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locality;

impl FromStr for Locality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "reject-locality-4" => Ok(Self),
            _ if text.contains("allow-set-locality") => Err(
                "allow-set-locality: commands that set the locality come from Linux's vTPM proxy alone, which this program \
                 does not serve; the control channel sets it (swtpm_ioctl -l)"
                    .into(),
            ),
            _ => Err(format!("{text}: not understood; expected reject-locality-4")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_as_swtpm_reads_them() {
        let read = |text: &str| text.parse::<Flags>().map(|flags| (flags.start, flags.auto_shutdown));
        assert_eq!(read(""), Ok((AtStart::Off, true)));
        assert_eq!(read("not-need-init"), Ok((AtStart::PowerOn, true)));
        assert_eq!(read("startup-none"), Ok((AtStart::Off, true)));
        assert_eq!(read("not-need-init,startup-none"), Ok((AtStart::PowerOn, true)));
        assert_eq!(read("startup-clear"), Ok((AtStart::StartupClear, true)));
        assert_eq!(read("not-need-init,startup-state,disable-auto-shutdown"), Ok((AtStart::StartupState, false)));
        for bad in ["startup-deactivated", "startup-clear,startup-state", "opened-fds", "Not-Need-Init"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn channels_as_swtpm_reads_them() {
        let read = |text: &str| text.parse::<Channel>();
        let tcp = |address: &str| Ok(Address::Tcp(address.parse().unwrap()));
        let address = |text: &str| read(text).map(|channel| channel.address);
        assert_eq!(address("type=tcp,port=2321"), tcp("127.0.0.1:2321"));
        assert_eq!(address("port=2321"), tcp("127.0.0.1:2321"));
        assert_eq!(address("type=tcp,port=2321,bindaddr=::1"), tcp("[::1]:2321"));
        assert_eq!(address("type=unixio,path=/a/b"), Ok(Address::Unix("/a/b".into())));
        assert_eq!(read("type=unixio,path=s,mode=0660").map(|channel| channel.mode), Ok(Some(0o660)));
        assert_eq!(read("type=tcp,port=1,disconnect").map(|channel| channel.disconnect), Ok(true));
        assert_eq!(read("type=unixio,path=s,terminate").map(|channel| channel.terminate), Ok(true));
        for bad in [
            "",
            "type=tcp",
            "type=unixio",
            "type=udp,port=1",
            "type=tcp,port=65536",
            "type=tcp,port=1,mode=0600",
            "type=unixio,path=s,mode=660",
            "type=unixio,path=s,mode=01777",
            "type=unixio,path=s,bindaddr=::1",
            "type=tcp,fd=3",
            "type=unixio,clientfd=3",
            "type=unixio,path=s,uid=0",
            "type=tcp,port=1,ifname=eth0",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn folders_as_swtpm_reads_them() {
        let read = |text: &str| text.parse::<StatePath>().map(|path| path.0);
        assert_eq!(read("dir=/a"), Ok("/a".into()));
        assert_eq!(read("backend-uri=dir:///a"), Ok("/a".into()));
        assert_eq!(read("backend-uri=dir://a"), Ok("a".into()));
        assert_eq!(read("dir=/a,mode=0600"), Ok("/a".into()));
        for bad in ["", "dir=", "/a", "backend-uri=file:///a", "dir=/a,mode=0640", "mode=0600"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
