//! docs/conformance.md: written from what was measured, and read again to see whether it still holds.

use super::hex;
use super::measured::{Facts, Measured};
use super::rows::Section;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What stands above the tables.
const HEAD: &str = "\
# What is there of TPM 2.0, v185

Written by `cargo xtask conformance` from measured runs: edit nothing here. `cargo xtask test` fails if a claim of this
page does not hold.

**What is counted.** Part 2, 6.5.2 lists 136 names for 134 command codes: `TPM2_MAC` and `TPM2_MAC_Start` are
`TPM2_HMAC` and `TPM2_HMAC_Start` with more kinds of keys, under the same codes. Three codes belong to the field upgrade
(`TPM2_FieldUpgradeStart`, `TPM2_FieldUpgradeData`, `TPM2_FirmwareRead`), whose path comes later. The other 131, the
deprecated ones among them, are this table's. `TPM2_Vendor_TCG_Test` is no command of the library.

";

/// How the table of commands is read.
const LEGEND: &str = "\
- **here**: the TPM reports it in `TPM_CAP_COMMANDS` and answers it.
- **succeeds**, **refused with**: what tests of `crates/tpm/tests` saw, through the bytes of the command (response codes
  without the position; tests that draw their commands by lot do not count).
- **used by**: programs that know nothing of us, under which it succeeded (`tests/`, a folder a program).

";

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn list<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    words.into_iter().cloned().collect::<Vec<_>>().join(", ")
}

/// Part, one of how many.
fn of(part: usize, whole: usize) -> String {
    if part == whole { format!("all {whole}") } else { format!("{part} of {whole}") }
}

/// The whole page.
pub fn write(sections: &[Section], measured: &Measured) -> String {
    let mut page = String::from(HEAD);
    let commands: Vec<(&Section, Facts)> = sections
        .iter()
        .filter(|section| section.code != 0)
        .map(|section| (section, measured.commands.get(&section.code).cloned().unwrap_or_default()))
        .collect();
    let count = |what: fn(&Facts) -> bool| of(commands.iter().filter(|(_, facts)| what(facts)).count(), commands.len());
    let rows: Vec<_> = sections.iter().flat_map(|section| section.rows.iter().map(move |row| (section, row))).collect();
    let proven = rows.iter().filter(|(section, row)| shown(measured, section, row).is_some()).count();
    let never = rows.iter().filter(|(_, row)| row.never.is_some()).count();
    let _ = write!(
        page,
        "| | |\n|---|---|\n\
         | commands | {} |\n| with a test in which they succeed | {} |\n| with a test in which they are refused | {} |\n\
         | used by unmodified programs | {} |\n\
         | error conditions of Part 3 shown by a test | {} |\n| error conditions that cannot occur | {never} |\n\n",
        count(|facts| facts.implemented),
        count(|facts| facts.success),
        count(|facts| !facts.errors.is_empty()),
        count(|facts| !facts.peers.is_empty()),
        of(proven, rows.len().saturating_sub(never)),
    );
    let _ = write!(page, "## Commands\n\n{LEGEND}");
    page.push_str(
        "| code | command | Part 3 | here | succeeds | refused with | used by |\n|---|---|---|---|---|---|---|\n",
    );
    for (section, facts) in &commands {
        let _ = writeln!(page, "{}", command_line(section, facts));
    }
    page.push_str(
        "\n## Error conditions\n\nWhat Part 3 names together with a response code \
         ([the table](../crates/tpm/tests/error_rows.txt)), and the test that shows it.\n",
    );
    for section in sections.iter().filter(|section| !section.rows.is_empty()) {
        let _ = write!(
            page,
            "\n### {} ({})\n\n| code | condition | shown by |\n|---|---|---|\n",
            section.name, section.clause
        );
        for row in &section.rows {
            let by = match (&row.never, shown(measured, section, row)) {
                (Some(reason), _) => format!("cannot occur: {reason}"),
                (None, Some(test)) => format!("`{test}`"),
                (None, None) => "-".into(),
            };
            let _ = writeln!(page, "| {} | {} | {by} |", row.rc, row.condition);
        }
    }
    page.push('\n');
    page.push_str(include_str!("../../../differential/explained.md"));
    page
}

/// The test that showed a row.
pub fn shown<'a>(measured: &'a Measured, section: &Section, row: &super::rows::Row) -> Option<&'a str> {
    measured.rows.get(&(section.code, row.rc.clone(), row.condition.clone())).map(String::as_str)
}

fn command_line(section: &Section, facts: &Facts) -> String {
    format!(
        "| {:#05x} | {} | {} | {} | {} | {} | {} |",
        section.code,
        section.name,
        section.clause,
        yes(facts.implemented),
        yes(facts.success),
        list(&facts.errors),
        list(&facts.peers),
    )
}

/// What the page claims of each command.
pub fn claims(page: &str) -> BTreeMap<u32, Facts> {
    let words = |cell: &str| cell.split(", ").filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let line = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", code, _, _, implemented, success, errors, peers, ""] = cells.as_slice() else { return None };
        let facts = Facts {
            implemented: *implemented == "yes",
            success: *success == "yes",
            errors: words(errors),
            peers: words(peers),
        };
        Some((hex(code)?, facts))
    };
    page.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_again_what_was_written_into_it() {
        let section = Section { code: 0x153, name: "TPM2_Create".into(), clause: "12.1".into(), rows: Vec::new() };
        let facts = Facts {
            implemented: true,
            success: true,
            errors: ["SIZE".to_owned(), "VALUE".to_owned()].into(),
            peers: ["tpm2-tools".to_owned()].into(),
        };
        let mut measured = Measured::default();
        measured.commands.insert(0x153, facts.clone());
        let claims = claims(&write(&[section], &measured));
        assert_eq!(claims.len(), 1);
        assert!(claims[&0x153] == facts);
    }
}
