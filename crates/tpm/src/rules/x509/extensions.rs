//! The extensions that say something about the object (Part 3, 18.8.1; Part 2, 8.11): they must not say what it is not.

use der::{
    Decode, Tag, TagNumber,
    asn1::{BitStringRef, ObjectIdentifier, OctetStringRef},
};
use ironroot_wire::{TpmRc, TpmaObject};

use super::elements;

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
/// tcg-tpmaObject.
const TPMA_OBJECT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.10.1.1.1");

/// Bits of KeyUsage (RFC 5280, 4.2.1.3): bit 0 is the highest of the first byte.
#[derive(Clone, Copy)]
struct KeyUsage(u16);

impl KeyUsage {
    const DIGITAL_SIGNATURE: Self = Self(1 << 15);
    const NON_REPUDIATION: Self = Self(1 << 14);
    const KEY_ENCIPHERMENT: Self = Self(1 << 13);
    const DATA_ENCIPHERMENT: Self = Self(1 << 12);
    const KEY_AGREEMENT: Self = Self(1 << 11);
    const KEY_CERT_SIGN: Self = Self(1 << 10);
    const CRL_SIGN: Self = Self(1 << 9);
    const ENCIPHER_ONLY: Self = Self(1 << 8);
    const DECIPHER_ONLY: Self = Self(1 << 7);

    const fn has_any(self, of: &[Self]) -> bool {
        let mut rest = of;
        while let [first, tail @ ..] = rest {
            if self.0 & first.0 != 0 {
                return true;
            }
            rest = tail;
        }
        false
    }

    /// Whether the key may be used so (Part 2, Table 45).
    const fn suits(self, attributes: TpmaObject) -> bool {
        let sign = attributes.contains(TpmaObject::SIGN_ENCRYPT);
        let decrypt = attributes.contains(TpmaObject::DECRYPT);
        let parent = decrypt && attributes.contains(TpmaObject::RESTRICTED);
        let signs = self.has_any(&[Self::DIGITAL_SIGNATURE, Self::KEY_CERT_SIGN, Self::CRL_SIGN]);
        let decrypts =
            self.has_any(&[Self::DATA_ENCIPHERMENT, Self::KEY_AGREEMENT, Self::ENCIPHER_ONLY, Self::DECIPHER_ONLY]);
        let stays = self.has_any(&[Self::NON_REPUDIATION]);
        let wraps = self.has_any(&[Self::KEY_ENCIPHERMENT]);
        (sign || !signs)
            && (decrypt || !decrypts)
            && (parent || !wraps)
            && (attributes.contains(TpmaObject::FIXED_TPM) || !stays)
    }
}

/// Checks the extensions of a certificate for an object with these attributes.
///
/// # Errors
/// `TPM_RC_VALUE` (parameter 3) if they are not extensions or have no KeyUsage; `TPM_RC_ATTRIBUTES` if KeyUsage or the
/// TPMA_OBJECT extension do not fit the object, which is handle 1. (libtpms has the numbers of both handles exchanged.)
pub fn check(extensions: &[u8], attributes: TpmaObject) -> Result<(), TpmRc> {
    let (usage, stated) = stated(extensions).map_err(|_| TpmRc::VALUE.parameter(3))?;
    if stated.is_some_and(|stated| stated != attributes) {
        return Err(TpmRc::ATTRIBUTES.handle(1));
    }
    if usage.ok_or(TpmRc::VALUE.parameter(3))?.suits(attributes) { Ok(()) } else { Err(TpmRc::ATTRIBUTES.handle(1)) }
}

/// What the extensions say: the usage of the key, and the attributes of the object.
fn stated(bytes: &[u8]) -> der::Result<(Option<KeyUsage>, Option<TpmaObject>)> {
    let explicit = Tag::ContextSpecific { constructed: true, number: TagNumber(3) };
    let [list] = elements(bytes, explicit)?[..] else { return Err(explicit.value_error().into()) };
    let (mut usage, mut attributes) = (None, None);
    for extension in elements(list, Tag::Sequence)? {
        let parts = elements(extension, Tag::Sequence)?;
        let (Some(id), Some(value)) = (parts.first(), parts.last()) else {
            return Err(Tag::Sequence.value_error().into());
        };
        let value = <&OctetStringRef>::from_der(value)?.as_bytes();
        match ObjectIdentifier::from_der(id)? {
            KEY_USAGE => usage = Some(KeyUsage(first_bits(value)? as u16)),
            TPMA_OBJECT => attributes = Some(TpmaObject(whole_bits(value)?)),
            _ => {}
        }
    }
    Ok((usage, attributes))
}

/// The first 16 bits of a BIT STRING, as if it were never shorter.
fn first_bits(bytes: &[u8]) -> der::Result<u32> {
    let bits = BitStringRef::from_der(bytes)?;
    let byte = |at: usize| u32::from(bits.raw_bytes().get(at).copied().unwrap_or_default());
    Ok(byte(0) << 8 | byte(1))
}

/// A BIT STRING of four bytes.
fn whole_bits(bytes: &[u8]) -> der::Result<u32> {
    let bits = BitStringRef::from_der(bytes)?;
    let four = bits.as_bytes().and_then(|bytes| bytes.try_into().ok());
    four.map(u32::from_be_bytes).ok_or_else(|| Tag::BitString.value_error().into())
}
