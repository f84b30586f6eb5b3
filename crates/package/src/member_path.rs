//! Names of files in a package.

use std::collections::BTreeSet;

/// The folder of the manifest and its signature.
pub const RESERVED: &str = "META-INF";

/// The longest name, and the longest part of one. Bytes.
const LONGEST: usize = 1024;
const LONGEST_PART: usize = 255;

/// Whether a name stays in the folder into which a package is opened, and means the same to every program.
///
/// # Errors
/// What is wrong with it.
pub fn check(path: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("{path:?} {why}"));
    if path.is_empty() || path.len() > LONGEST {
        return wrong("is empty, or longer than 1024 bytes");
    }
    if path.chars().any(|character| character.is_control() || character == '\\' || character == ':') {
        return wrong("has a control character, a backslash or a colon in it");
    }
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") {
            return wrong("is not a relative path without . and ..");
        }
        if part.len() > LONGEST_PART {
            return wrong("has a part that is longer than 255 bytes");
        }
    }
    match path.split('/').next() {
        Some(first) if first.eq_ignore_ascii_case(RESERVED) => wrong("is in META-INF, which is the manifest's"),
        _ => Ok(()),
    }
}

/// Whether these names, each of which is fine, can exist side by side: in order, none twice, and no file is another's folder.
///
/// # Errors
/// What is wrong with them.
pub fn check_together<'a>(paths: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for path in paths {
        if seen.last().is_some_and(|last| *last >= path) {
            return Err(format!("{path:?} is there twice, or out of order"));
        }
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        if let Some(file) = folders.into_iter().find(|folder| seen.contains(folder)) {
            return Err(format!("{file:?} is a file and a folder"));
        }
        seen.insert(path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        for good in ["a", "a/b.c", "ä/ß", "..a", "a..", "-", "meta/inf"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let long = "a".repeat(256);
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "a/.",
            "a\\b",
            "C:x",
            "a\0b",
            "a\nb",
            "META-INF/x",
            "meta-inf/x",
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_one_thing() {
        let together = |paths: &[&str]| check_together(paths.iter().copied());
        assert_eq!(together(&["a", "b", "b-c/d", "b.c"]), Ok(()));
        assert!(together(&["a", "a"]).is_err());
        assert!(together(&["b", "a"]).is_err());
        assert!(together(&["a", "a/b"]).is_err());
        assert!(together(&["a", "a-", "a/b/c"]).is_err());
    }
}
