//! Where diagnostics go, and how many: standard error, or what `--log` names.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    str::FromStr,
    sync::Arc,
};

use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::{
    descriptor,
    failure::{Failure, Result},
};

/// `--log`, as swtpm has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    to: To,
    level: Option<u8>,
    prefix: String,
    truncate: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    StandardError,
    Nowhere,
    File(PathBuf),
    Descriptor(u32),
}

const FORMS: &str =
    "expected [file=FILE|fd=NUMBER][,level=NUMBER][,prefix=TEXT][,truncate]; file=- switches the log off";

impl FromStr for LogPlace {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut place = Self { to: To::StandardError, level: None, prefix: String::new(), truncate: false };
        for part in text.split(',') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("file", "-") => place.to = To::Nowhere,
                ("file", path) if !path.is_empty() => place.to = To::File(path.into()),
                ("fd", number) => {
                    place.to = To::Descriptor(number.parse().map_err(|_| format!("{number} is no file descriptor"))?);
                }
                ("level", number) => {
                    place.level = Some(number.parse().map_err(|_| format!("{number} is no level: 0 to 255"))?);
                }
                ("prefix", words) => place.prefix = words.into(),
                ("truncate", "") => place.truncate = true,
                _ => return Err(format!("{part}: not understood; {FORMS}")),
            }
        }
        if place.truncate && !matches!(place.to, To::File(_)) {
            return Err(format!("truncate: there is no file to truncate; {FORMS}"));
        }
        Ok(place)
    }
}

/// Begins to log. Errors and warnings; with `-v` (or level 2) what happens, with `-vv` (or level 5) every command.
///
/// # Errors
/// The file cannot be written.
pub fn begin(verbose: u8, place: Option<&LogPlace>) -> Result {
    let said = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let level = place.and_then(|place| place.level).map_or(said, |level| {
        let wanted = match level {
            0 => LevelFilter::ERROR,
            1 => LevelFilter::WARN,
            2..=4 => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        };
        // -v adds to it.
        if verbose == 0 { wanted } else { wanted.max(said) }
    });
    let level = if place.is_some_and(|place| place.to == To::Nowhere) { LevelFilter::OFF } else { level };
    let logger = tracing_subscriber::fmt().with_max_level(level).with_target(false);
    let prefix: Arc<str> = place.map_or("", |place| &place.prefix).into();
    match place.map(LogPlace::open).transpose()?.flatten() {
        Some(file) => logger.with_ansi(false).with_writer(Lines { file: Some(Arc::new(file)), prefix }).init(),
        None if prefix.is_empty() => logger.with_writer(io::stderr).init(),
        None => logger.with_ansi(false).with_writer(Lines { file: None, prefix }).init(),
    }
    Ok(())
}

impl LogPlace {
    fn open(&self) -> Result<Option<File>> {
        match &self.to {
            To::StandardError | To::Nowhere => Ok(None),
            To::Descriptor(number) => descriptor::take(*number).map(|taken| Some(File::from(taken))),
            To::File(path) => {
                let mut options = OpenOptions::new();
                options.create(true).mode(0o640);
                // Behind what is there, unless that goes.
                if self.truncate {
                    options.write(true).truncate(true)
                } else {
                    options.append(true)
                };
                options.open(path).map(Some).map_err(|error| Failure::during(path.display(), error))
            }
        }
    }
}

/// Writes events, each with a prefix, in one piece.
#[derive(Clone)]
struct Lines {
    /// Standard error if none.
    file: Option<Arc<File>>,
    prefix: Arc<str>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Lines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = [self.prefix.as_bytes(), event].concat();
        match &self.file {
            Some(file) => (&**file).write_all(&line)?,
            None => io::stderr().write_all(&line)?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_command_line() {
        for good in ["file=l", "file=-", "fd=3,level=20", "level=1", "file=l,level=5,prefix=a b,truncate", "prefix=x"] {
            assert!(good.parse::<LogPlace>().is_ok(), "{good}");
        }
        for bad in ["", "file=", "fd=x", "level=x", "level=256", "truncate", "fd=3,truncate", "file=l,colour=red"] {
            assert!(bad.parse::<LogPlace>().is_err(), "{bad}");
        }
    }
}
