//! Enrolments: what lets a machine register states with a witness, and how many.
//!
//! An enrolment key is needed once, when a state is registered; from then on the state has a key of its own. So a key that
//! leaks later lets a stranger take up room, and nothing else; and it can be withdrawn at any time.

use crate::WitnessError;
use crate::keys::{hex, unhex};
use ironroot_platform::Entropy;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No file of a key is longer, in bytes.
const LONGEST: u64 = 4096;

/// What a machine is given.
pub struct EnrolmentKey {
    /// Which enrolment.
    pub enrolment: [u8; 16],
    /// Its key.
    pub key: Zeroizing<[u8; 32]>,
    /// The public key of the witness.
    pub witness: [u8; 32],
}

/// What the witness knows of it.
pub struct Enrolment {
    /// Its key.
    pub key: Zeroizing<[u8; 32]>,
    /// How many states it may register.
    pub states: u32,
    /// For people.
    pub label: String,
}

/// Where a witness looks enrolments up.
pub trait Enrolments {
    /// The enrolment of this name, if it is there and was not withdrawn.
    fn find(&mut self, enrolment: &[u8; 16]) -> Option<Enrolment>;
}

const KEY_FILE: &str = "ironroot witness key 1";
const RECORD: &str = "ironroot witness enrolment 1";

impl EnrolmentKey {
    /// Loads the file that `ironroot witness enrol` wrote.
    ///
    /// # Errors
    /// The file, what is wrong with it, and the next step.
    pub fn load(path: &Path) -> Result<Self, WitnessError> {
        let fields = read(path, KEY_FILE)?;
        let damaged = || {
            let next = "take the file that `ironroot witness enrol` wrote";
            WitnessError::new(format!("{}: this is no enrolment key of a witness; {next}", path.display()))
        };
        Ok(Self {
            enrolment: *unhex(fields.get("enrolment").ok_or_else(damaged)?).ok_or_else(damaged)?,
            key: unhex(fields.get("key").ok_or_else(damaged)?).ok_or_else(damaged)?,
            witness: *unhex(fields.get("witness").ok_or_else(damaged)?).ok_or_else(damaged)?,
        })
    }

    /// Writes the file, which must not be there.
    ///
    /// # Errors
    /// The file, and why.
    pub fn save(&self, path: &Path) -> Result<(), WitnessError> {
        let text = Zeroizing::new(format!(
            "{KEY_FILE}\nenrolment = {}\nkey = {}\nwitness = {}\n",
            hex(&self.enrolment),
            *Zeroizing::new(hex(&*self.key)),
            hex(&self.witness)
        ));
        write_new(path, text.as_bytes()).map_err(|error| WitnessError::during(path.display(), error))
    }
}

/// Enrolments in a folder, one file each: to withdraw one is to remove its file.
#[derive(Debug, Clone)]
pub struct EnrolmentFolder(PathBuf);

impl EnrolmentFolder {
    /// The enrolments of the witness in a folder.
    #[must_use]
    pub fn of(witness: &Path) -> Self {
        Self(witness.join("enrolments"))
    }

    fn path(&self, enrolment: &[u8; 16]) -> PathBuf {
        self.0.join(hex(enrolment))
    }

    /// Makes an enrolment for so many states.
    ///
    /// # Errors
    /// What failed.
    pub fn add(
        &self,
        witness: &[u8; 32],
        label: &str,
        states: u32,
        entropy: &mut dyn Entropy,
    ) -> Result<EnrolmentKey, WitnessError> {
        let mut made = EnrolmentKey { enrolment: [0; 16], key: Zeroizing::new([0; 32]), witness: *witness };
        let random = entropy.fill(&mut made.enrolment).and_then(|()| entropy.fill(&mut *made.key));
        random.map_err(|error| WitnessError::during("making an enrolment key", error))?;
        let label: String = label.chars().filter(|letter| !letter.is_control()).take(200).collect();
        let key = Zeroizing::new(hex(&*made.key));
        let text = Zeroizing::new(format!("{RECORD}\nkey = {}\nstates = {states}\nlabel = {label}\n", *key));
        let path = self.path(&made.enrolment);
        create_folder(&self.0)
            .and_then(|()| write_new(&path, text.as_bytes()))
            .map_err(|error| WitnessError::during(path.display(), error))?;
        Ok(made)
    }

    /// Withdraws an enrolment: no state is registered under it any more. Those that were go on.
    ///
    /// # Errors
    /// There is none of this name, or its file cannot be removed.
    pub fn withdraw(&self, enrolment: &[u8; 16]) -> Result<(), WitnessError> {
        let path = self.path(enrolment);
        fs::remove_file(&path).map_err(|error| WitnessError::during(path.display(), error))
    }

    /// All of them.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&mut self) -> Result<Vec<([u8; 16], Enrolment)>, WitnessError> {
        let failed = |error: io::Error| WitnessError::during(self.0.display(), error);
        let mut names = Vec::new();
        match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(files) => {
                for file in files {
                    let name = file.map_err(failed)?.file_name();
                    names.extend(name.to_str().and_then(unhex::<16>).map(|name| *name));
                }
            }
        }
        names.sort_unstable();
        Ok(names.into_iter().filter_map(|name| Some((name, self.find(&name)?))).collect())
    }
}

impl Enrolments for EnrolmentFolder {
    fn find(&mut self, enrolment: &[u8; 16]) -> Option<Enrolment> {
        let path = self.path(enrolment);
        let found = read(&path, RECORD);
        if let Err(error) = &found
            && path.exists()
        {
            tracing::error!("{error}");
        }
        let fields = found.ok()?;
        Some(Enrolment {
            key: unhex(fields.get("key")?)?,
            states: fields.get("states")?.parse().ok()?,
            label: fields.get("label").map(|label| label.to_string()).unwrap_or_default(),
        })
    }
}

/// A file's lines `name = value` behind its first line.
fn read(path: &Path, first: &str) -> Result<BTreeMap<String, Zeroizing<String>>, WitnessError> {
    let failed = |why: &dyn std::fmt::Display| WitnessError::during(path.display(), why);
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| failed(&error))?;
    let mut lines = text.lines();
    if lines.next() != Some(first) {
        return Err(failed(&format!(
            "its first line is not {first:?}; take the file that `ironroot witness enrol` wrote"
        )));
    }
    let pair = |line: &str| {
        let (name, value) = line.split_once(" = ")?;
        Some((name.to_owned(), Zeroizing::new(value.to_owned())))
    };
    Ok(lines.filter_map(pair).collect())
}

/// Makes a folder that only its owner may enter; one that is there stays as it is.
pub fn create_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that was not there, for its owner only.
pub fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
        return written;
    }
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
