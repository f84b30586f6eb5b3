//! Marshalling and unmarshalling (Part 2, clause 4.11): big-endian, no padding, sizes in front.
//!
//! Marshalling cannot fail: the types already hold only what fits. Unmarshalling reports the `TPM_RC` of Part 2.

use alloc::vec::Vec;

use crate::{Rules, TpmRc};

/// Something that has a canonical form on the wire.
pub trait Wire: Sized {
    /// Whether the form starts with a 16-bit size (`TPM2B_`), which is what a session may encrypt (Part 1, clause 19).
    const SIZED: bool = false;

    /// Appends the canonical form to `out`.
    fn marshal(&self, out: &mut Vec<u8>);

    /// Takes one value from the reader.
    ///
    /// # Errors
    /// The response code that Part 2 names for the first rule that the bytes break.
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc>;

    /// The canonical form as a new vector.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.marshal(&mut out);
        out
    }

    /// Unmarshals a value that must fill `bytes` exactly, under [`Rules::ALL`].
    ///
    /// # Errors
    /// As [`Wire::unmarshal`]; `TPM_RC_SIZE` if bytes are left over.
    fn from_bytes(bytes: &[u8]) -> Result<Self, TpmRc> {
        let mut reader = Reader::new(bytes, &Rules::ALL);
        let value = Self::unmarshal(&mut reader)?;
        if reader.is_empty() { Ok(value) } else { Err(TpmRc::SIZE) }
    }
}

/// A type whose conditional form ("+" in Part 2) allows a NULL value, spelled `Option<T>` here.
pub trait Nullable: Wire {
    /// The bytes of the NULL value: `TPM_ALG_NULL` or `TPM_RH_NULL`.
    const NULL: &'static [u8];
}

/// The bytes that are still to be unmarshalled, and the rules of the active profile.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    rules: &'a Rules,
}

impl<'a> Reader<'a> {
    /// A reader over `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8], rules: &'a Rules) -> Self {
        Self { rest: bytes, rules }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The number of bytes that have not been read yet.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The rules that values are held to.
    #[must_use]
    pub const fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// Takes `count` bytes.
    ///
    /// # Errors
    /// `TPM_RC_INSUFFICIENT` if there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], TpmRc> {
        let (head, tail) = self.rest.split_at_checked(count).ok_or(TpmRc::INSUFFICIENT)?;
        self.rest = tail;
        Ok(head)
    }

    /// Takes `bytes` if they come next.
    pub fn take_if(&mut self, bytes: &[u8]) -> bool {
        match self.rest.strip_prefix(bytes) {
            Some(tail) => {
                self.rest = tail;
                true
            }
            None => false,
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TpmRc> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(TpmRc::INSUFFICIENT)?;
        self.rest = tail;
        Ok(*head)
    }
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Wire for $type {
            fn marshal(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
                Ok(<$type>::from_be_bytes(reader.array()?))
            }
        }
    )*};
}
integer!(u8, u16, u32, u64, i8, i32);

impl<T: Nullable> Wire for Option<T> {
    fn marshal(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.marshal(out),
            None => out.extend_from_slice(T::NULL),
        }
    }
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        if reader.take_if(T::NULL) { Ok(None) } else { T::unmarshal(reader).map(Some) }
    }
}

impl Wire for () {
    fn marshal(&self, _: &mut Vec<u8>) {}
    fn unmarshal(_: &mut Reader<'_>) -> Result<Self, TpmRc> {
        Ok(())
    }
}

/// Appends `bytes` behind their 16-bit size. The types that call this hold at most 65,535 bytes.
pub(crate) fn marshal_sized(bytes: &[u8], out: &mut Vec<u8>) {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).marshal(out);
    out.extend_from_slice(bytes);
}

/// Takes a 16-bit size and that many bytes.
///
/// # Errors
/// `TPM_RC_SIZE` if the size is above `max`, `TPM_RC_INSUFFICIENT` if bytes are missing (Part 2, clause 4.5).
pub(crate) fn unmarshal_sized<'a>(reader: &mut Reader<'a>, max: usize) -> Result<&'a [u8], TpmRc> {
    let size = usize::from(u16::unmarshal(reader)?);
    if size > max {
        return Err(TpmRc::SIZE);
    }
    reader.take(size)
}
