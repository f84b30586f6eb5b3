//! The file of tables: where each table stands, and the checks before any is used.
//!
//! ```text
//!       32  header: "IRONROOT-WB" 00, version (01), external encodings (00 none, 01 affine), 2 zero bytes, product check (16)
//!   65,536  16 tables of 256 words of 16 bytes: input encoding
//!   61,440  15 x 32 exclusive-or tables
//!  516,096  9 rounds, each twice 16 tables of 256 words of 4 bytes and 4 x 3 x 8 exclusive-or tables
//!   65,536  16 tables of 256 words of 16 bytes: last round and output encoding
//!   61,440  15 x 32 exclusive-or tables
//!       32  SHA-256 of everything before
//! ```
//!
//! An exclusive-or table has 128 bytes: the nibble for (a, b) is number 16 a + b, the even one of a pair in the upper half.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use core::fmt;
use sha2::{Digest, Sha256};

/// A file's first bytes.
pub const MAGIC: &[u8; 12] = b"IRONROOT-WB\0";
const VERSION: u8 = 1;
pub(crate) const HEADER_SIZE: usize = 32;
const DIGEST_SIZE: usize = 32;
/// An exclusive-or table, two nibbles a byte.
pub(crate) type Xor = [u8; 128];
const WIDE_SIZE: usize = 16 * 256 * 16;
const WIDE_XOR_SIZE: usize = 15 * 32 * 128;
const HALF_SIZE: usize = 16 * 256 * 4;
const HALF_XOR_SIZE: usize = 4 * 3 * 8 * 128;
/// Rounds but the last.
pub(crate) const ROUNDS: usize = 9;
/// The size of a file of tables, in bytes.
pub const FILE_SIZE: usize =
    HEADER_SIZE + 2 * (WIDE_SIZE + WIDE_XOR_SIZE) + ROUNDS * 2 * (HALF_SIZE + HALF_XOR_SIZE) + DIGEST_SIZE;

/// What stands between the caller and the cipher's input and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum External {
    /// Nothing: the tables are AES-128 itself. For comparison; no identity is derived from such tables.
    None,
    /// Two secret affine maps of 128 bits that come from the product secret.
    Affine,
}

impl External {
    #[cfg(feature = "std")]
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Affine => 1,
        }
    }
}

/// Why a file is not one of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TablesError {
    /// Its size is not [`FILE_SIZE`].
    Size,
    /// It does not begin as one.
    Magic,
    /// It is of a version that this program does not know.
    Version,
    /// It was changed or damaged since it was made.
    Damaged,
}

impl fmt::Display for TablesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "white-box tables have 770112 bytes, and this has not",
            Self::Magic => "it does not begin as white-box tables do",
            Self::Version => "the white-box tables are of a version that this program does not know",
            Self::Damaged => {
                "the white-box tables were changed or damaged since they were made (their digest does not fit)"
            }
        })
    }
}

impl core::error::Error for TablesError {}

/// The tables that turn 16 bytes into a wider word each, and the sum of these words.
#[derive(Clone, Copy)]
pub(crate) struct Wide<'a> {
    pub(crate) words: &'a [[u8; 16]],
    pub(crate) xor: &'a [Xor],
}

/// One of the two layers of a round.
#[derive(Clone, Copy)]
pub(crate) struct Half<'a> {
    pub(crate) words: &'a [[u8; 4]],
    pub(crate) xor: &'a [Xor],
}

/// Encoded tables, checked, that compute a product's derivation function.
#[derive(Clone, Copy)]
pub struct Tables<'a> {
    pub(crate) external: External,
    pub(crate) product_check: [u8; 16],
    pub(crate) input: Wide<'a>,
    pub(crate) rounds: [[Half<'a>; 2]; ROUNDS],
    pub(crate) output: Wide<'a>,
}

impl fmt::Debug for Tables<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("external", &self.external).finish_non_exhaustive()
    }
}

impl<'a> Tables<'a> {
    /// Checks a file and takes it apart. It is read where it lies and not copied.
    ///
    /// # Errors
    /// [`TablesError`] if it is not a whole, unchanged file of tables.
    pub fn new(file: &'a [u8]) -> Result<Self, TablesError> {
        if !file.starts_with(MAGIC) {
            return Err(TablesError::Magic);
        }
        let file: &[u8; FILE_SIZE] = file.try_into().map_err(|_| TablesError::Size)?;
        let (contents, digest) = file.split_last_chunk::<DIGEST_SIZE>().ok_or(TablesError::Size)?;
        if Sha256::digest(contents).as_slice() != digest {
            return Err(TablesError::Damaged);
        }
        let (header, mut rest) = contents.split_first_chunk::<HEADER_SIZE>().ok_or(TablesError::Size)?;
        let external = match header.get(MAGIC.len()..16) {
            Some([VERSION, 0, 0, 0]) => External::None,
            Some([VERSION, 1, 0, 0]) => External::Affine,
            _ => return Err(TablesError::Version),
        };
        let product_check = header.last_chunk().copied().ok_or(TablesError::Size)?;
        let input = Wide::take(&mut rest).ok_or(TablesError::Size)?;
        let empty = Half { words: &[], xor: &[] };
        let mut rounds = [[empty; 2]; ROUNDS];
        for half in rounds.as_flattened_mut() {
            *half = Half::take(&mut rest).ok_or(TablesError::Size)?;
        }
        let output = Wide::take(&mut rest).ok_or(TablesError::Size)?;
        Ok(Self { external, product_check, input, rounds, output })
    }

    /// Which external encodings they have.
    #[must_use]
    pub const fn external(&self) -> External {
        self.external
    }

    /// Tells products apart; equal for all tables of one product secret with the same external encodings. No secret.
    #[must_use]
    pub const fn product_check(&self) -> [u8; 16] {
        self.product_check
    }
}

fn part<'a>(rest: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let (part, behind) = rest.split_at_checked(size)?;
    *rest = behind;
    Some(part)
}

impl<'a> Wide<'a> {
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let words = part(rest, WIDE_SIZE)?.as_chunks().0;
        Some(Self { words, xor: part(rest, WIDE_XOR_SIZE)?.as_chunks().0 })
    }
}

impl<'a> Half<'a> {
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let words = part(rest, HALF_SIZE)?.as_chunks().0;
        Some(Self { words, xor: part(rest, HALF_XOR_SIZE)?.as_chunks().0 })
    }
}

/// The header and the digest around the tables.
#[cfg(feature = "std")]
pub(crate) fn header(external: External, product_check: [u8; 16]) -> [u8; HEADER_SIZE] {
    let mut header = [0; HEADER_SIZE];
    let version = [VERSION, external.code(), 0, 0];
    let fields = MAGIC.iter().chain(&version).chain(&product_check);
    header.iter_mut().zip(fields).for_each(|(to, from)| *to = *from);
    header
}
