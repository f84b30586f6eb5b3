//! `ironroot state export` and `import`.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use ironroot_anchor::machine::{self, Source};
use ironroot_store::{Cost, FileStore, backup_label};
use serde_json::json;

use super::{existing, place, shown};
use crate::{
    cli::{Export, Import},
    failure::{Failure, Result},
};

/// No backup is larger.
const LARGEST: u64 = 64 << 20;

/// Writes a backup. Never overwrites a file.
///
/// # Errors
/// What failed, on which file.
pub fn export(arguments: &Export) -> Result {
    let (place, anchor) = existing(&arguments.place)?;
    let key = arguments.backup_key.load()?;
    // Which source the device value comes from is no secret, and has to be known before anything can be opened.
    let source = machine::recall(&place.folder)?.to_string();
    let access = place.access(&anchor)?;
    let (backup, report) = FileStore::export(&place.folder, access, &key, Cost::RECOMMENDED, &source)?;
    write_new(&arguments.output, &backup).map_err(|error| Failure::during(arguments.output.display(), error))?;
    if arguments.json {
        println!(
            "{}",
            json!({
                "backup": shown(&arguments.output),
                "bytes": backup.len(),
                "sequence": report.sequence,
                "records": report.records,
            })
        );
    } else {
        println!(
            "{}: {} records of {}, sequence number {}, {} bytes",
            arguments.output.display(),
            report.records,
            place.folder.display(),
            report.sequence,
            backup.len()
        );
        println!("It opens with its key on this device and with this product secret only; keep both.");
    }
    Ok(())
}

/// Makes a state from a backup, in a folder that has none.
///
/// # Errors
/// What failed, on which file.
pub fn import(arguments: &Import) -> Result {
    let place = place(&arguments.place)?;
    if place.is_manufactured() {
        return Err(Failure::new(format!(
            "{}: there is a TPM here already, and an import overwrites none; use an empty folder, or move this one away",
            place.folder.display()
        )));
    }
    let key = arguments.backup_key.load()?;
    let backup = read(&arguments.input).map_err(|error| Failure::during(arguments.input.display(), error))?;
    let during = |error| Failure::during(arguments.input.display(), error);
    let source = match &arguments.device_source {
        Some(source) => source.clone(),
        None => backup_label(&backup).map_err(during)?.parse::<Source>()?,
    };
    let (anchor, binding) = place.initialized(&source)?;
    let counter = place.new_counter()?;
    let access = place.access_of_new(&anchor)?;
    let report = FileStore::import(&place.folder, access, &backup, &key, counter).map_err(during)?;
    machine::bind(&place.folder, &binding)?;
    machine::record(&place.folder, &source)?;
    if arguments.json {
        println!(
            "{}",
            json!({ "state": shown(&place.folder), "sequence": report.sequence, "records": report.records })
        );
    } else {
        println!(
            "{}: {} records from a backup of sequence number {}",
            place.folder.display(),
            report.records,
            report.sequence
        );
        println!("What was committed since the backup is not in it: NV contents and counters, persistent keys.");
    }
    Ok(())
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a backup is worse than none.
        let _ = fs::remove_file(path);
    }
    written
}
