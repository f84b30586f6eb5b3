//! What the tests have seen, for `cargo xtask conformance`: if `IRONROOT_TRACE` names a folder, every process writes
//! each new fact there once, as a line of words separated by tabs.
//!
//! - `command CODE RC TEST`: the command was executed through its bytes, and answered this.
//! - `row CODE RC TEST CONDITION`: a test of a row of `error_rows.txt` held.
//! - `implemented CODE NAME`: `TPM_CAP_COMMANDS` lists the command.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::{LazyLock, Mutex},
};

use ironroot_wire::TpmRc;

/// The open file, and what stands in it.
struct Trace {
    file: File,
    known: HashSet<String>,
}

static TRACE: LazyLock<Option<Mutex<Trace>>> = LazyLock::new(|| {
    let folder = PathBuf::from(std::env::var_os("IRONROOT_TRACE").filter(|folder| !folder.is_empty())?);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{}-{}.tsv", env!("CARGO_CRATE_NAME"), std::process::id()));
    let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    Some(Mutex::new(Trace { file, known: HashSet::new() }))
});

fn write(line: impl FnOnce() -> String) {
    let Some(trace) = TRACE.as_ref() else { return };
    let line = line();
    // A test that failed while it wrote has not spoilt what the others write.
    let mut trace = trace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !trace.known.contains(&line) {
        writeln!(trace.file, "{line}").unwrap();
        trace.known.insert(line);
    }
}

/// The name of the running test.
fn test() -> String {
    let thread = std::thread::current();
    format!("{}::{}", env!("CARGO_CRATE_NAME"), thread.name().unwrap_or("?"))
}

/// The name of a response code without its position.
fn name(rc: TpmRc) -> String {
    rc.describe().map_or_else(|| format!("{:#05x}", rc.0), |(name, _)| name.trim_start_matches("TPM_RC_").to_owned())
}

/// A command and its response.
pub fn command(command: &[u8], response: &[u8]) {
    let word = |bytes: &[u8]| bytes.get(6..10).and_then(|word| word.try_into().ok()).map(u32::from_be_bytes);
    if TRACE.is_some()
        && let (Some(code), Some(rc)) = (word(command), word(response))
    {
        write(|| format!("command\t{code:#05x}\t{}\t{}", name(TpmRc(rc)), test()));
    }
}

/// A row that held.
pub fn row(code: u32, rc: TpmRc, condition: &str) {
    write(|| format!("row\t{code:#05x}\t{}\t{}\t{condition}", name(rc), test()));
}

/// A command that the TPM says it has.
pub fn implemented(code: u32, command: &str) {
    write(|| format!("implemented\t{code:#05x}\t{command}"));
}
