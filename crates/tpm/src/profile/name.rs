//! The name of a profile, by value.

use core::fmt;

/// Bytes that a name may have.
const MAX: usize = 32;

/// The name of a profile: up to 32 letters, digits and `-_.:`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProfileName {
    bytes: [u8; MAX],
    len: u8,
}

impl ProfileName {
    /// A name, if it is one.
    #[must_use]
    pub const fn new(name: &str) -> Option<Self> {
        let (mut bytes, mut rest) = ([0; MAX], name.as_bytes());
        if rest.is_empty() || rest.len() > MAX {
            return None;
        }
        let len = rest.len() as u8;
        let mut to: &mut [u8] = &mut bytes;
        while let ([first, tail @ ..], [place, places @ ..]) = (rest, to) {
            if !(first.is_ascii_alphanumeric() || matches!(*first, b'-' | b'_' | b'.' | b':')) {
                return None;
            }
            *place = *first;
            rest = tail;
            to = places;
        }
        Some(Self { bytes, len })
    }

    /// A name in the source of this crate.
    pub(super) const fn constant(name: &str) -> Self {
        match Self::new(name) {
            Some(name) => name,
            None => Self { bytes: [b'?'; MAX], len: 1 },
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("?")
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
