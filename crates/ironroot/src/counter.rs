//! The counter of a state on the command line: `--counter file=DIR`.

use std::{path::PathBuf, str::FromStr};

use ironroot_platform::{CounterError, CounterKind, MonotonicCounter};
use ironroot_store::{Connect, FileCounter, NewCounter, Policy};

use crate::failure::{Failure, Result};

/// Where a counter is, and when it is advanced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterPlace {
    folder: PathBuf,
    policy: Policy,
}

const FORMS: &str = "expected file=DIR[,advance=commit|sessions], DIR being a folder on another disk than the state";

impl FromStr for CounterPlace {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut parts = text.split(',');
        let folder = parts.next().and_then(|part| part.strip_prefix("file=")).filter(|folder| !folder.is_empty());
        let folder = folder.ok_or(FORMS)?.into();
        let mut policy = Policy::EveryCommit;
        for part in parts {
            policy = match part {
                "advance=commit" => Policy::EveryCommit,
                "advance=sessions" => Policy::Sessions,
                _ => return Err(format!("{part}: not understood; {FORMS}")),
            };
        }
        Ok(Self { folder, policy })
    }
}

impl CounterPlace {
    /// The folder.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// A counter for a state in `state` that has none yet.
    ///
    /// # Errors
    /// The counter would lie in the state's folder, or its place cannot be kept as text.
    pub fn for_new(&self, state: &std::path::Path) -> Result<NewCounter> {
        let absolute = |path: &std::path::Path| path.canonicalize().or_else(|_| std::path::absolute(path));
        let failed = |error| Failure::during(self.folder.display(), error);
        let folder = absolute(&self.folder).map_err(failed)?;
        if folder.starts_with(absolute(state).map_err(failed)?) {
            return Err(Failure::new(format!(
                "{}: a counter in the state's own folder is put back together with it; name a folder elsewhere, best on \
                 another disk",
                self.folder.display()
            )));
        }
        crate::device::create_folder(&folder)?;
        let place = folder.to_str().ok_or_else(|| {
            Failure::new(format!("{}: the counter's place is kept as text; use a path in UTF-8", folder.display()))
        })?;
        Ok(NewCounter { counter: Box::new(FileCounter::new(&folder)), place: place.into(), policy: self.policy })
    }

    /// Finds the counter here, wherever it was when it was set.
    pub fn connect(&self) -> Connect {
        let folder = self.folder.clone();
        Box::new(move |kind, _| match kind {
            CounterKind::File => Ok(Box::new(FileCounter::new(&folder)) as Box<dyn MonotonicCounter>),
            other => Err(CounterError::Refused(format!("the state expects {other}, and --counter names a folder"))),
        })
    }
}
