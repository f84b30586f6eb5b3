//! A sequence as a record: what a saved context of a sequence holds.

use alloc::{boxed::Box, vec::Vec};

use ironroot_crypto::{Cmac, hash::Hasher, hmac::Hmac, mldsa::Mu};
use ironroot_wire::{Reader, Rules, Tpm2bAuth, TpmRc, TpmiAlgHash, TpmiAlgSymObject, TpmiYesNo, Wire};

use super::{
    eddsa::{self, Hashing, Whole},
    mac::Mac,
    messages::Message,
};
use crate::state::{
    objects::{KeyIdentity, Sequence, SequenceState, Signing, Verification},
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
        SequenceState::Mac(Mac::Hmac(hmac)) => {
            2u8.marshal(out);
            save_hmac(hmac, out);
        }
        SequenceState::Mac(Mac::Cmac(cmac)) => {
            6u8.marshal(out);
            cmac.algorithm().marshal(out);
            Bytes(cmac.save()).marshal(out);
        }
        SequenceState::Event(hashers) => {
            3u8.marshal(out);
            for hasher in hashers {
                save_hasher(hasher, out);
            }
        }
        SequenceState::Sign(signing) => {
            4u8.marshal(out);
            signing.key.0.marshal(out);
            signing.context.marshal(out);
            save_message(&signing.message, out);
            Bytes(zeroize::Zeroizing::new(signing.start.clone())).marshal(out);
        }
        SequenceState::Verify(verification) => {
            5u8.marshal(out);
            verification.key.0.marshal(out);
            verification.context.marshal(out);
            save_message(&verification.message, out);
            TpmiYesNo(verification.ticket.is_some()).marshal(out);
            if let Some(ticket) = &verification.ticket {
                save_hmac(ticket, out);
            }
        }
    }
}

fn save_message(message: &Message, out: &mut Vec<u8>) {
    match message {
        Message::Digest(hasher) => {
            1u8.marshal(out);
            save_hasher(hasher, out);
        }
        Message::Hmac(hmac) => {
            2u8.marshal(out);
            save_hmac(hmac, out);
        }
        Message::Mu(mu) => {
            3u8.marshal(out);
            Bytes(mu.save()).marshal(out);
        }
        Message::Whole(whole) => {
            4u8.marshal(out);
            whole.save(out);
        }
        Message::Prehash(hash) => {
            5u8.marshal(out);
            hash.save(out);
        }
        Message::Eddsa(verification) => {
            6u8.marshal(out);
            verification.save(out);
        }
    }
}

fn save_hmac(hmac: &Hmac, out: &mut Vec<u8>) {
    hmac.algorithm().marshal(out);
    Bytes(hmac.save()).marshal(out);
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
        2 => SequenceState::Mac(Mac::Hmac(restore_hmac(reader)?)),
        3 => {
            let mut hashers = Vec::new();
            while !reader.is_empty() {
                hashers.push(restore_hasher(reader)?);
            }
            SequenceState::Event(hashers)
        }
        4 => SequenceState::Sign(Signing {
            key: KeyIdentity(Wire::unmarshal(reader)?),
            context: Wire::unmarshal(reader)?,
            message: restore_message(reader)?,
            start: Bytes::unmarshal(reader)?.0.to_vec(),
        }),
        5 => SequenceState::Verify(Box::new(Verification {
            key: KeyIdentity(Wire::unmarshal(reader)?),
            context: Wire::unmarshal(reader)?,
            message: restore_message(reader)?,
            ticket: if TpmiYesNo::unmarshal(reader)?.0 { Some(restore_hmac(reader)?) } else { None },
        })),
        6 => {
            let alg = TpmiAlgSymObject::unmarshal(reader)?;
            let saved = Bytes::unmarshal(reader)?;
            let cmac = Cmac::restore(alg, &saved.0).map_err(|_| TpmRc::VALUE)?;
            SequenceState::Mac(Mac::Cmac(cmac))
        }
        _ => return Err(TpmRc::VALUE),
    };
    if reader.is_empty() { Ok(Sequence { auth, state }) } else { Err(TpmRc::SIZE) }
}

fn restore_message(reader: &mut Reader<'_>) -> Result<Message, TpmRc> {
    Ok(match u8::unmarshal(reader)? {
        1 => Message::Digest(restore_hasher(reader)?),
        2 => Message::Hmac(restore_hmac(reader)?),
        4 => Message::Whole(Whole::restore(reader)?),
        5 => Message::Prehash(Hashing::restore(reader)?),
        6 => Message::Eddsa(eddsa::Verification::restore(reader)?),
        3 => Message::Mu(Mu::restore(&Bytes::unmarshal(reader)?.0).map_err(|_| TpmRc::VALUE)?),
        _ => return Err(TpmRc::VALUE),
    })
}

fn restore_hmac(reader: &mut Reader<'_>) -> Result<Hmac, TpmRc> {
    let alg = TpmiAlgHash::unmarshal(reader)?;
    let saved = Bytes::unmarshal(reader)?;
    Hmac::restore(alg, &saved.0).map_err(|_| TpmRc::VALUE)
}

fn restore_hasher(reader: &mut Reader<'_>) -> Result<Hasher, TpmRc> {
    let alg = TpmiAlgHash::unmarshal(reader)?;
    let saved = Bytes::unmarshal(reader)?;
    Hasher::restore(alg, &saved.0).map_err(|_| TpmRc::VALUE)
}
