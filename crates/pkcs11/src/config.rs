//! The configuration: a small file for those who cannot set environment variables, the variables, and what is so without both.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

use ironroot_client::Tcti;
use ironroot_keys::{KeyList, KeyReference};
use zeroize::Zeroizing;

/// Names the file; without it, the user's and then the machine's are looked for.
const VARIABLE: &str = "IRONROOT_PKCS11_CONFIG";
/// `stderr`, or a file that reasons are appended to.
const LOG: &str = "IRONROOT_PKCS11_LOG";
const OF_THE_MACHINE: &str = "/etc/ironroot/pkcs11.conf";
const OF_THE_USER: &str = "ironroot/pkcs11.conf";

/// What the module needs to know.
pub(crate) struct Config {
    pub tcti: Tcti,
    pub list: KeyList,
    /// A folder or a file with certificates; it need not be there.
    pub certificates: PathBuf,
    /// The token's label.
    pub label: String,
    /// The keys that are shown; all of the list, if there is none here.
    pub keys: Vec<KeyReference>,
    /// The endorsement hierarchy's auth value, if it is not the user who gives it as a PIN.
    pub endorsement_auth: Option<Zeroizing<Vec<u8>>>,
}

/// The lines of a file.
#[derive(Default)]
struct Lines {
    tcti: Option<String>,
    list: Option<PathBuf>,
    certificates: Option<PathBuf>,
    label: Option<String>,
    log: Option<String>,
    endorsement_auth: Option<PathBuf>,
    keys: Vec<KeyReference>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config({}, {})", self.tcti, self.list.path().display())
    }
}

impl Config {
    /// The configuration of this process. The environment goes before the file, except where it is not to be trusted
    /// (a program that runs with more rights than its user).
    ///
    /// # Errors
    /// A sentence with the file, the line and the reason.
    pub(crate) fn load(trust_environment: bool) -> Result<Self, String> {
        let variable = |name: &str| {
            if trust_environment { env::var(name).ok().filter(|value| !value.is_empty()) } else { None }
        };
        // Known early, so that what is wrong with the file is said, too.
        super::error::set_log(variable(LOG));
        let lines = match variable(VARIABLE) {
            Some(path) => Lines::read(Path::new(&path))?,
            None => match Self::found(&variable) {
                Some(path) => Lines::read(&path)?,
                None => Lines::default(),
            },
        };
        if let Some(log) = variable(LOG).or_else(|| lines.log.clone()) {
            super::error::set_log(Some(log));
        }
        Self::of(lines, &variable)
    }

    fn found(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let folder = variable("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
        let own = folder.map(|folder| folder.join(OF_THE_USER));
        own.into_iter().chain([PathBuf::from(OF_THE_MACHINE)]).find(|path| path.exists())
    }

    fn of(lines: Lines, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let named = ironroot_client::tcti::VARIABLES.iter().find_map(|name| variable(name)).or(lines.tcti);
        let tcti = match named {
            Some(text) => Tcti::parse(text.trim()),
            // No variable counts here, so this is the default alone.
            None => Ok(default_tcti()),
        };
        let list = match (variable("IRONROOT_KEY_LIST").map(PathBuf::from).or(lines.list), variable("HOME")) {
            (Some(path), _) => KeyList::at(path),
            (None, Some(_)) => KeyList::of_user().map_err(|error| error.to_string())?,
            (None, None) => KeyList::at("/etc/ironroot/keys.json"),
        };
        let folder = list.path().parent().unwrap_or(Path::new("/")).to_owned();
        let endorsement_auth = lines.endorsement_auth.map(|path| read_auth(&path)).transpose()?;
        Ok(Self {
            tcti: tcti.map_err(|error| error.to_string())?,
            certificates: lines.certificates.unwrap_or_else(|| folder.join("certificates")),
            label: lines.label.unwrap_or_else(|| "ironroot".into()),
            keys: lines.keys,
            endorsement_auth,
            list,
        })
    }
}

fn default_tcti() -> Tcti {
    let device = ["/dev/tpmrm0", "/dev/tpm0"].iter().map(PathBuf::from).find(|path| path.exists());
    device.map_or_else(|| Tcti::Swtpm(ironroot_client::Endpoint::default()), Tcti::Device)
}

/// The auth value in a file, without the end of its line.
fn read_auth(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut value = Zeroizing::new(fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?);
    while value.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        value.pop();
    }
    Ok(value)
}

impl Lines {
    fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// `WHAT = VALUE` a line; `#` begins a comment at the beginning of a line.
    fn parse(text: &str) -> Result<Self, String> {
        let mut lines = Self::default();
        for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (what, value) = line.split_once('=').ok_or_else(|| format!("line {number}: expected WHAT = VALUE"))?;
            let (what, value) = (what.trim(), value.trim());
            if value.is_empty() {
                return Err(format!("line {number}: {what} has no value"));
            }
            let twice = || format!("line {number}: {what} is given twice");
            let absolute = || match Path::new(value) {
                path if path.is_absolute() => Ok(path.to_owned()),
                _ => Err(format!("line {number}: {what} is a whole path, from / on")),
            };
            let once = |slot: &mut Option<String>| slot.replace(value.into()).map_or(Ok(()), |_| Err(twice()));
            let once_path = |slot: &mut Option<PathBuf>| slot.replace(absolute()?).map_or(Ok(()), |_| Err(twice()));
            match what {
                "tcti" => once(&mut lines.tcti)?,
                "list" => once_path(&mut lines.list)?,
                "certificates" => once_path(&mut lines.certificates)?,
                "label" => once(&mut lines.label)?,
                "log" => once(&mut lines.log)?,
                "endorsement-auth" => once_path(&mut lines.endorsement_auth)?,
                "key" => lines.keys.push(value.parse().map_err(|error| format!("line {number}: {error}"))?),
                _ => {
                    return Err(format!(
                        "line {number}: \"{what}\" is not known; expected tcti, list, certificates, label, log, endorsement-auth or key"
                    ));
                }
            }
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Config::of(Lines::parse(text)?, &variable)
    }

    #[test]
    fn a_file_says_everything_and_the_environment_goes_before_it() {
        let text =
            "# a TPM\n tcti = swtpm:port=4000\nlist=/x/keys.json\n\nlabel = of the factory\nkey = web\nkey = ssh\n";
        let config = of(text, &[]).unwrap();
        assert_eq!(config.tcti.to_string(), "swtpm:host=127.0.0.1,port=4000");
        assert_eq!(config.list.path(), Path::new("/x/keys.json"));
        assert_eq!(config.certificates, Path::new("/x/certificates"));
        assert_eq!((config.label.as_str(), config.keys.len()), ("of the factory", 2));
        let config = of(text, &[("TCTI", "device:/dev/x"), ("IRONROOT_KEY_LIST", "/y/list")]).unwrap();
        assert_eq!((config.tcti.to_string().as_str(), config.list.path()), ("device:/dev/x", Path::new("/y/list")));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line() {
        for (text, reason) in [
            ("tcti", "line 1: expected"),
            ("\ntcti =", "line 2: tcti has no value"),
            ("label=a\nlabel=b", "line 2: label is given twice"),
            ("list = keys.json", "line 1: list is a whole path"),
            ("key = handle:7", "line 1: \"handle:7\""),
            ("pin = 1234", "\"pin\" is not known"),
            ("tcti = tabrmd:", "\"tabrmd\" is not known"),
            ("endorsement-auth = /no/such/file", "/no/such/file"),
        ] {
            let error = of(text, &[("HOME", "/x")]).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
