//! What the tests and the peers' scripts have really seen, as they wrote it into the folder that `IRONROOT_TRACE` names.

use super::hex;
use crate::run::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Facts about one command.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The TPM reports it in `TPM_CAP_COMMANDS`.
    pub implemented: bool,
    /// A test saw it succeed.
    pub success: bool,
    /// The response codes, without their positions, that tests saw it refused with.
    pub errors: BTreeSet<String>,
    /// The programs under whose use it succeeded.
    pub peers: BTreeSet<String>,
}

/// Everything that was seen.
#[derive(Default)]
pub struct Measured {
    pub commands: BTreeMap<u32, Facts>,
    /// The test that showed a condition: by command, response code and condition.
    pub rows: BTreeMap<(u32, String, String), String>,
}

/// Reads all files of the folder.
pub fn read(folder: &Path) -> Result<Measured> {
    let mut measured = Measured::default();
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}: nothing was measured", folder.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        for line in text.lines() {
            measured.add(line).ok_or_else(|| format!("{}: not understood: {line}", path.display()))?;
        }
    }
    Ok(measured)
}

/// Tests whose commands are drawn by lot: which errors they meet is not said anywhere.
fn by_lot(test: &str) -> bool {
    let file = test.split("::").next().unwrap_or_default();
    file.ends_with("_random") || file.starts_with("differential")
}

impl Measured {
    fn add(&mut self, line: &str) -> Option<()> {
        let mut words = line.split('\t');
        let kind = words.next()?;
        let code = hex(words.next()?)?;
        let facts = self.commands.entry(code).or_default();
        match kind {
            "implemented" => facts.implemented = true,
            "command" => {
                let rc = words.next()?;
                let test = words.next()?;
                if !by_lot(test) {
                    if rc == "SUCCESS" {
                        facts.success = true;
                    } else {
                        facts.errors.insert(rc.to_owned());
                    }
                }
            }
            "row" => {
                let rc = words.next()?.to_owned();
                let test = words.next()?.to_owned();
                let condition = words.next()?.to_owned();
                let shown = self.rows.entry((code, rc, condition)).or_insert_with(|| test.clone());
                // Of several tests, always the same one, whatever order the files come in.
                if test < *shown {
                    *shown = test;
                }
            }
            "peer" => {
                facts.peers.insert(words.next()?.to_owned());
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_gathered_and_lots_are_not() {
        let mut measured = Measured::default();
        for line in [
            "implemented\t0x153\tCreate",
            "command\t0x153\tSUCCESS\tobject::a",
            "command\t0x153\tVALUE\tobject::a",
            "command\t0x153\tSIZE\tkeys_random::a",
            "peer\t0x153\ttpm2-tools",
            "row\t0x153\tVALUE\trows_b::x\twrong",
            "row\t0x153\tVALUE\trows_a::x\twrong",
        ] {
            measured.add(line).unwrap();
        }
        let facts = &measured.commands[&0x153];
        assert!(facts.implemented && facts.success);
        assert_eq!(facts.errors.iter().collect::<Vec<_>>(), ["VALUE"]);
        assert_eq!(facts.peers.iter().collect::<Vec<_>>(), ["tpm2-tools"]);
        assert_eq!(measured.rows[&(0x153, "VALUE".into(), "wrong".into())], "rows_a::x");
        assert!(measured.add("nonsense\t0x1").is_none());
    }
}
