//! A sequence as a record: what a saved context of a sequence holds.

use alloc::vec::Vec;

use ironroot_crypto::{hash::Hasher, hmac::Hmac};
use ironroot_wire::{Reader, Rules, Tpm2bAuth, TpmRc, TpmiAlgHash, Wire};

use crate::state::{
    objects::{Sequence, SequenceState},
    saved::Bytes,
};

/// Appends the record of a sequence.
pub fn save(sequence: &Sequence, out: &mut Vec<u8>) {
    sequence.auth.marshal(out);
    match &sequence.state {
        SequenceState::Hash { hasher, first_bytes } => {
            1u8.marshal(out);
            save_hasher(hasher, out);
            Bytes(zeroize::Zeroizing::new(first_bytes.clone())).marshal(out);
        }
        SequenceState::Hmac(hmac) => {
            2u8.marshal(out);
            hmac.algorithm().marshal(out);
            Bytes(hmac.save()).marshal(out);
        }
        SequenceState::Event(hashers) => {
            3u8.marshal(out);
            for hasher in hashers {
                save_hasher(hasher, out);
            }
        }
    }
}

fn save_hasher(hasher: &Hasher, out: &mut Vec<u8>) {
    hasher.algorithm().marshal(out);
    Bytes(hasher.save()).marshal(out);
}

/// The sequence of a record.
///
/// # Errors
/// The bytes are not such a record.
pub fn restore(record: &[u8]) -> Result<Sequence, TpmRc> {
    let mut reader = Reader::new(record, &Rules::ALL);
    let reader = &mut reader;
    let auth = Tpm2bAuth::unmarshal(reader)?;
    let state = match u8::unmarshal(reader)? {
        1 => {
            let hasher = restore_hasher(reader)?;
            let first_bytes = Bytes::unmarshal(reader)?.0.to_vec();
            SequenceState::Hash { hasher, first_bytes }
        }
        2 => {
            let alg = TpmiAlgHash::unmarshal(reader)?;
            let saved = Bytes::unmarshal(reader)?;
            SequenceState::Hmac(Hmac::restore(alg, &saved.0).map_err(|_| TpmRc::VALUE)?)
        }
        3 => {
            let mut hashers = Vec::new();
            while !reader.is_empty() {
                hashers.push(restore_hasher(reader)?);
            }
            SequenceState::Event(hashers)
        }
        _ => return Err(TpmRc::VALUE),
    };
    if reader.is_empty() { Ok(Sequence { auth, state }) } else { Err(TpmRc::SIZE) }
}

fn restore_hasher(reader: &mut Reader<'_>) -> Result<Hasher, TpmRc> {
    let alg = TpmiAlgHash::unmarshal(reader)?;
    let saved = Bytes::unmarshal(reader)?;
    Hasher::restore(alg, &saved.0).map_err(|_| TpmRc::VALUE)
}
