//! Unmarshalling: arbitrary bytes give a value or a response code, and a value's bytes are what it was read from.
#![no_main]

use ironroot_wire::{self as wire, Reader, Rules, Wire};
use libfuzzer_sys::fuzz_target;

/// Unmarshals one value; what it took has to be its canonical form again.
fn read<T: Wire>(bytes: &[u8]) {
    let mut reader = Reader::new(bytes, &Rules::ALL);
    if let Ok(value) = T::unmarshal(&mut reader) {
        let taken = &bytes[..bytes.len() - reader.len()];
        assert_eq!(value.to_bytes(), taken, "what was read is not what is written");
    }
}

/// One unmarshaller for each value of the input's first byte.
macro_rules! kinds {
    ($($kind:ty),+ $(,)?) => {
        const KINDS: &[fn(&[u8])] = &[$(read::<$kind>),+];
    };
}

kinds! {
    wire::TpmtPublic,
    wire::TpmtSensitive,
    wire::Tpm2b<wire::TpmtPublic>,
    wire::TpmsNvPublic,
    wire::TpmtHa,
    wire::TpmsAttest,
    wire::TpmsPcrSelect,
    wire::TpmsContext,
    wire::TpmtSignature,
    wire::TpmlPcrSelection,
    wire::TpmlDigest,
    wire::TpmlDigestValues,
    wire::TpmtSymDef,
    wire::TpmtRsaDecrypt,
    wire::TpmsSensitiveCreate,
    wire::TpmsCreationData,
    wire::TpmtTkCreation,
    wire::TpmtTkVerified,
    wire::TpmsCapabilityData,
    wire::TpmtPublicParms,
    wire::TpmsIdObject,
}

fuzz_target!(|input: &[u8]| {
    if let Some((kind, bytes)) = input.split_first() {
        KINDS[usize::from(*kind) % KINDS.len()](bytes);
    }
});
