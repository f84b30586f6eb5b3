//! Lists of endorsement keys, as makers of TPMs and factories hand them over: CSV with a heading, or JSON.

use ironroot_attest::{object_name, parse_public};
use serde::Deserialize;

use crate::{authority::to_hex, protocol::from_base64};

/// What is wrong with a list, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct KeyListError {
    place: String,
    why: String,
}

/// One entry of a JSON list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Name(String),
    Named { ek_name: String },
    Public { ek_public: String },
}

/// The hexadecimal names of the endorsement keys in a list.
///
/// CSV has a heading with a column `ek_name` (the key's name: the identifier of its hash algorithm and the digest, in
/// hexadecimal) or `ek_public` (its public area, in base64); other columns are skipped. JSON is an array of such names, or
/// of objects with one of the two.
///
/// # Errors
/// [`KeyListError`]: the first entry that is not a key.
pub fn parse(text: &str) -> Result<Vec<String>, KeyListError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('[') { parse_json(text) } else { parse_csv(text) }
}

fn parse_json(text: &str) -> Result<Vec<String>, KeyListError> {
    let malformed = |error: serde_json::Error| KeyListError { place: "the list".into(), why: error.to_string() };
    let entries: Vec<Entry> = serde_json::from_str(text).map_err(malformed)?;
    let one = |(number, entry): (usize, &Entry)| {
        let result = match entry {
            Entry::Name(name) | Entry::Named { ek_name: name } => checked_name(name),
            Entry::Public { ek_public } => name_of(ek_public),
        };
        result.map_err(|why| KeyListError { place: format!("entry {}", number.saturating_add(1)), why })
    };
    entries.iter().enumerate().map(one).collect()
}

/// What reads a cell: a name, or why it is none.
type Read = fn(&str) -> Result<String, String>;

fn parse_csv(text: &str) -> Result<Vec<String>, KeyListError> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let error = |line: usize, why: &str| KeyListError { place: format!("line {}", line + 1), why: why.into() };
    let (first, heading) = lines.next().ok_or_else(|| error(0, "the list is empty"))?;
    let headings: Vec<&str> = cells(heading).collect();
    let column = |name: &str| headings.iter().position(|heading| heading.eq_ignore_ascii_case(name));
    let (column, read): (usize, Read) = match (column("ek_name"), column("ek_public")) {
        (Some(column), _) => (column, checked_name),
        (None, Some(column)) => (column, name_of),
        (None, None) => return Err(error(first, "the heading has no column ek_name or ek_public")),
    };
    lines
        .map(|(number, line)| {
            let cell = cells(line).nth(column).ok_or_else(|| error(number, "the line is too short"))?;
            read(cell).map_err(|why| error(number, &why))
        })
        .collect()
}

/// The cells of a line. Names and base64 hold neither commas nor quotes, so quotes are decoration.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split([',', ';']).map(|cell| cell.trim().trim_matches('"').trim())
}

/// A name: the identifier of SHA-1, SHA-256, SHA-384 or SHA-512, and as many bytes as that hash has.
fn checked_name(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    let digits = match name.get(..4) {
        Some("0004") => 40,
        Some("000b") => 64,
        Some("000c") => 96,
        Some("000d") => 128,
        _ => return Err(format!("\"{text}\" is not the name of a key: it begins with 000b, 000c, 000d or 0004")),
    };
    let is_name = name.len() == digits + 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_name {
        Ok(name)
    } else {
        Err(format!("\"{text}\" is not the name of a key: {digits} hexadecimal digits follow the first four"))
    }
}

fn name_of(text: &str) -> Result<String, String> {
    let public = from_base64(text).map_err(|error| format!("not base64: {error}"))?;
    let public = parse_public(&public).map_err(|rc| format!("not a public area: {rc}"))?;
    Ok(to_hex(&object_name(&public)))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn name(byte: &str) -> String {
        format!("000b{}", byte.repeat(32))
    }

    #[test]
    fn lists_in_both_forms() {
        let (a, b) = (name("a1"), name("b2"));
        let both = vec![a.clone(), b.clone()];
        assert_eq!(parse(&format!("serial,EK_NAME\n1,{}\n\n2,\"{b}\"\r\n", a.to_uppercase())).unwrap(), both);
        assert_eq!(parse(&format!("\u{feff}ek_name;x\n{a};1\n{b};2")).unwrap(), both);
        assert_eq!(parse(&format!("[\"{a}\", {{\"ek_name\": \"{b}\", \"serial\": 2}}]")).unwrap(), both);
        assert_eq!(parse("[]").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (list, place) in [
            ("", "line 1"),
            ("serial\n1", "line 1"),
            ("ek_name\n\nxyz", "line 3"),
            (&format!("x,ek_name\n1,{}\n2", name("a1")), "line 3"),
            (&format!("ek_name\n{}0", name("a1")), "line 2"),
            (&format!("ek_name\n{}", name("zz")), "line 2"),
            ("ek_public\n!!", "line 2"),
            ("ek_public\nAAAA", "line 2"),
            ("[1]", "the list"),
            (&format!("[\"{}\", \"00\"]", name("a1")), "entry 2"),
            ("[{\"ek_public\": \"AAAA\"}]", "entry 1"),
            ("[", "the list"),
        ] {
            let error = parse(list).unwrap_err().to_string();
            assert!(error.starts_with(place), "{list}: {error}");
        }
    }
}
