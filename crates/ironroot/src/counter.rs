//! The counter of a state on the command line: `--counter file=DIR`, `--counter witness=HOST:PORT`.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use ironroot_platform::{CounterError, CounterKind, MonotonicCounter, host::OsEntropy};
use ironroot_store::{Connect, FileCounter, NewCounter, Policy};
use ironroot_witness::{Connector, Dial, Direct, EnrolmentKey, WitnessCounter, hex, unhex};

use crate::{
    crypto::provider,
    failure::{Failure, Result},
};

/// Where a counter is, and when it is advanced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterPlace {
    backing: Backing,
    policy: Policy,
}

/// What backs it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Backing {
    /// Files in this folder.
    Folder(PathBuf),
    /// A witness at HOST:PORT, and the file with the key that enrols states there.
    Witness(String, Option<PathBuf>),
}

/// Who asks a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asker {
    /// A command, which does what it has to and ends.
    #[default]
    Command,
    /// A daemon, which calls nobody once it is in its sandbox: a process beside it makes its connections.
    Daemon,
    /// A command that only looks, while a daemon may be counting.
    Observer,
}

const FORMS: &str = "expected file=DIR[,advance=commit|sessions], DIR being a folder on another disk than the state, or \
                     witness=HOST:PORT[,key=FILE][,advance=commit|sessions], FILE being what `ironroot witness enrol` wrote";

impl FromStr for CounterPlace {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut parts = text.split(',');
        let (name, value) = parts.next().and_then(|part| part.split_once('=')).unwrap_or_default();
        let mut backing = match name {
            "file" if !value.is_empty() => Backing::Folder(value.into()),
            "witness" => Backing::Witness(host_and_port(value)?, None),
            _ => return Err(FORMS.into()),
        };
        let mut policy = Policy::EveryCommit;
        for part in parts {
            match (part.split_once('=').unwrap_or_default(), &mut backing) {
                (("advance", "commit"), _) => policy = Policy::EveryCommit,
                (("advance", "sessions"), _) => policy = Policy::Sessions,
                (("key", file), Backing::Witness(_, key)) if !file.is_empty() => *key = Some(file.into()),
                _ => return Err(format!("{part}: not understood; {FORMS}")),
            }
        }
        Ok(Self { backing, policy })
    }
}

fn host_and_port(text: &str) -> std::result::Result<String, String> {
    let parts = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    parts.map(|_| text.to_owned()).ok_or_else(|| format!("{text:?}: not HOST:PORT; {FORMS}"))
}

impl CounterPlace {
    /// A counter for a state in `state` that has none yet.
    ///
    /// # Errors
    /// The counter would lie in the state's folder, its place cannot be kept as text, or there is no way to a witness.
    pub fn for_new(&self, state: &Path, asker: Asker) -> Result<NewCounter> {
        match &self.backing {
            Backing::Folder(folder) => self.new_file(folder, state),
            Backing::Witness(address, key) => {
                let key = key.as_ref().ok_or_else(|| {
                    Failure::new(format!(
                        "witness {address}: a state is registered there with a key; name the file that `ironroot witness enrol` \
                         wrote: --counter witness={address},key=FILE"
                    ))
                })?;
                let key = EnrolmentKey::load(key)?;
                let place = Recorded { address: address.clone(), witness: key.witness };
                let counter = place.counter(asker)?.with_enrolment(key);
                Ok(NewCounter { counter: Box::new(counter), place: place.to_string(), policy: self.policy })
            }
        }
    }

    fn new_file(&self, given: &Path, state: &Path) -> Result<NewCounter> {
        let absolute = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
        let failed = |error| Failure::during(given.display(), error);
        let folder = absolute(given).map_err(failed)?;
        if folder.starts_with(absolute(state).map_err(failed)?) {
            return Err(Failure::new(format!(
                "{}: a counter in the state's own folder is put back together with it; name a folder elsewhere, best on \
                 another disk",
                given.display()
            )));
        }
        crate::device::create_folder(&folder)?;
        let place = folder.to_str().ok_or_else(|| {
            Failure::new(format!("{}: the counter's place is kept as text; use a path in UTF-8", folder.display()))
        })?;
        Ok(NewCounter { counter: Box::new(FileCounter::new(&folder)), place: place.into(), policy: self.policy })
    }
}

/// Finds the counter of a state: where it was when it was set, or where the command line says that it is now.
pub fn connect(given: Option<CounterPlace>, asker: Asker) -> Connect {
    let given = given.map(|place| place.backing);
    Box::new(move |kind, recorded| match (kind, &given) {
        (CounterKind::File, None) => Ok(file(Path::new(recorded), asker)),
        (CounterKind::File, Some(Backing::Folder(folder))) => Ok(file(folder, asker)),
        (CounterKind::Witness, None | Some(Backing::Witness(..))) => {
            let mut place: Recorded = recorded.parse().map_err(CounterError::Refused)?;
            if let Some(Backing::Witness(address, _)) = &given {
                place.address.clone_from(address);
            }
            place.counter(asker).map(|counter| Box::new(counter) as Box<dyn MonotonicCounter>)
        }
        (CounterKind::Hardware, _) => {
            Err(CounterError::Unreachable(format!("this program does not know how to reach {kind} ({recorded})")))
        }
        (_, Some(_)) => {
            Err(CounterError::Refused(format!("the state expects {kind}, and --counter names another kind")))
        }
    })
}

fn file(folder: &Path, asker: Asker) -> Box<dyn MonotonicCounter> {
    Box::new(if asker == Asker::Observer { FileCounter::observing(folder) } else { FileCounter::new(folder) })
}

/// A witness, as its place is kept in the state: where it was, and the key that it signs with.
struct Recorded {
    address: String,
    witness: [u8; 32],
}

impl std::fmt::Display for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} signing with {}", self.address, hex(&self.witness))
    }
}

impl FromStr for Recorded {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts = text.split_once(" signing with ").and_then(|(address, key)| Some((address, unhex(key)?)));
        let (address, witness) = parts.ok_or_else(|| format!("{text}: this is no place of a witness"))?;
        Ok(Self { address: address.into(), witness: *witness })
    }
}

impl Recorded {
    fn counter(&self, asker: Asker) -> std::result::Result<WitnessCounter, CounterError> {
        let dial: Box<dyn Dial> = match asker {
            Asker::Command | Asker::Observer => Box::new(Direct::to(&self.address)),
            Asker::Daemon => Box::new(self.connector()?),
        };
        Ok(WitnessCounter::new(&self.address, self.witness, dial, Box::new(OsEntropy), provider()))
    }

    /// The process that makes connections. Names become addresses here, and once: it can read no files.
    fn connector(&self) -> std::result::Result<Connector, CounterError> {
        let failed = |error| CounterError::Unreachable(format!("witness {}: {error}", self.address));
        let addresses: Vec<SocketAddr> = self.address.to_socket_addrs().map_err(failed)?.collect();
        let words = std::iter::once("connector".to_owned()).chain(addresses.iter().map(ToString::to_string));
        Connector::spawn(&words.collect::<Vec<_>>()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_command_line() {
        for good in [
            "file=d",
            "file=d,advance=sessions",
            "witness=h:1",
            "witness=[::1]:2351,key=k",
            "witness=h:1,key=k,advance=sessions",
            "witness=h:1,advance=commit,key=k",
        ] {
            assert!(good.parse::<CounterPlace>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "d",
            "file=",
            "file=d,key=k",
            "file=d,advance=never",
            "witness=",
            "witness=h",
            "witness=:1",
            "witness=h:port",
            "witness=h:65536",
            "witness=h:1,key=",
            "witness=h:1,",
        ] {
            assert!(bad.parse::<CounterPlace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_place_of_a_witness_is_kept_as_text() {
        let place = Recorded { address: "[::1]:2351".into(), witness: [0xab; 32] };
        let again: Recorded = place.to_string().parse().unwrap();
        assert_eq!((again.address, again.witness), (place.address, place.witness));
        for bad in ["", "h:1", "h:1 signing with", "h:1 signing with abcd"] {
            assert!(bad.parse::<Recorded>().is_err(), "{bad}");
        }
    }
}
