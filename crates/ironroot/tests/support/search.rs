//! Looking for secrets in a daemon's memory, and in its log.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::FileExt,
};

use super::Daemon;

/// A secret that the test knows.
pub struct Secret {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// Fresh random bytes under a name.
pub fn secret(name: &'static str) -> Secret {
    let mut bytes = vec![0; 32];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    // An auth value loses zeros at its end.
    bytes[31] |= 1;
    Secret { name, bytes }
}

/// Where a secret was found: its name, how many times, and in which mapping first.
pub fn search(daemon: &Daemon, secrets: &[&Secret]) -> Vec<(&'static str, usize, String)> {
    let maps = fs::read_to_string(format!("/proc/{}/maps", daemon.pid())).unwrap();
    let memory = File::open(format!("/proc/{}/mem", daemon.pid())).expect("the memory of one's own child");
    let mut found: Vec<(&'static str, usize, String)> = Vec::new();
    let mut seen = 0;
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let (begin, end) = range.split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        let mut content = vec![0; usize::try_from(end - begin).unwrap()];
        if memory.read_exact_at(&mut content, begin).is_err() {
            continue;
        }
        seen += content.len();
        for secret in secrets {
            // Freed memory loses its first bytes to the allocator, and numbers are kept with the least byte first: a third
            // of the secret in either order is the secret.
            let forward = &secret.bytes;
            let backward: Vec<u8> = forward.iter().rev().copied().collect();
            for whole in [forward, &backward] {
                for part in [&whole[..12], &whole[whole.len() - 12..], &whole[10..22]] {
                    for at in memmem(&content, part) {
                        let place = format!("{:#x} {}", begin + at as u64, line);
                        match found.iter_mut().find(|(name, ..)| *name == secret.name) {
                            Some((_, count, _)) => *count += 1,
                            None => found.push((secret.name, 1, place)),
                        }
                    }
                }
            }
        }
    }
    assert!(seen > 1 << 20, "only {seen} bytes of memory could be read");
    found
}

fn memmem(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    let first = needle[0];
    let mut hits = Vec::new();
    let mut at = 0;
    while let Some(step) = haystack[at..].iter().position(|&byte| byte == first) {
        at += step;
        if haystack[at..].starts_with(needle) {
            hits.push(at);
        }
        at += 1;
    }
    hits
}

#[track_caller]
pub fn assert_gone(when: &str, daemon: &Daemon, secrets: &[&Secret]) {
    let found = search(daemon, secrets);
    assert!(found.is_empty(), "{when}, these are still in memory: {found:#?}");
}

#[track_caller]
pub fn assert_there(when: &str, daemon: &Daemon, secrets: &[&Secret]) {
    let found = search(daemon, secrets);
    for secret in secrets {
        let there = found.iter().any(|(name, ..)| *name == secret.name);
        assert!(there, "{when}, the search does not even find {}", secret.name);
    }
}

/// No secret stands in the log, in any form in which bytes get there.
#[track_caller]
pub fn assert_not_logged(log: &str, secrets: &[&Secret]) {
    for secret in secrets {
        let hex: String = secret.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let list = format!("{:?}", &secret.bytes[..8]);
        let text = std::str::from_utf8(&secret.bytes).unwrap_or(&hex);
        for form in [&hex[..16], &hex.to_uppercase()[..16], list.trim_matches(['[', ']']), &text[..16]] {
            assert!(!log.contains(form), "{} is in the log", secret.name);
        }
    }
}
