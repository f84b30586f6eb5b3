//! The table of commands and of the error conditions that Part 3 names for them: crates/tpm/tests/error_rows.txt.

use crate::run::{Result, root};

/// Where the table is.
pub const PATH: &str = "crates/tpm/tests/error_rows.txt";

/// A command, or with code 0 what every command has in common.
pub struct Section {
    pub code: u32,
    pub name: String,
    pub clause: String,
    pub rows: Vec<Row>,
}

/// An error condition.
pub struct Row {
    pub rc: String,
    pub condition: String,
    /// Why it cannot occur.
    pub never: Option<String>,
}

/// Reads the table.
pub fn read() -> Result<Vec<Section>> {
    parse(&std::fs::read_to_string(root().join(PATH)).map_err(|e| format!("{PATH}: {e}"))?)
}

fn parse(text: &str) -> Result<Vec<Section>> {
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let wrong = || format!("{PATH}, line {number}: not understood: {line}");
        if let Some(head) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let (code, rest) = head.split_once(' ').ok_or_else(wrong)?;
            let (name, clause) = rest.rsplit_once(' ').ok_or_else(wrong)?;
            let code = super::hex(code).ok_or_else(wrong)?;
            sections.push(Section { code, name: name.into(), clause: clause.into(), rows: Vec::new() });
            continue;
        }
        let (rc, rest) = line.split_once(": ").ok_or_else(wrong)?;
        let (condition, never) = match rest.split_once(" -- ") {
            Some((condition, reason)) => (condition, Some(reason.to_owned())),
            None => (rest, None),
        };
        let row = Row { rc: rc.into(), condition: condition.into(), never };
        sections.last_mut().ok_or_else(wrong)?.rows.push(row);
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read() {
        let read = parse("# words\n\n[0x123 TPM2_A and TPM2_B 1.2]\nVALUE: bad\nSIZE: long -- it is short\n").unwrap();
        let [section] = read.as_slice() else { panic!("one section") };
        assert_eq!((section.code, section.name.as_str(), section.clause.as_str()), (0x123, "TPM2_A and TPM2_B", "1.2"));
        assert_eq!(section.rows[0].never, None);
        assert_eq!(section.rows[1].never.as_deref(), Some("it is short"));
        assert!(parse("VALUE: no command").is_err());
    }
}
