//! Auth values (Part 1, clause 16.6.4.3).

/// An auth value without its trailing zeros: two that differ only in those are the same. Constant-time in the bytes, but
/// for the length of the result.
#[must_use]
pub fn trimmed(auth: &[u8]) -> &[u8] {
    let end = auth.iter().rposition(|&byte| byte != 0).map_or(0, |last| last.saturating_add(1));
    auth.get(..end).unwrap_or(auth)
}
