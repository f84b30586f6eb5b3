//! Parameter encryption with every block cipher (Part 1, clause 19), by hand, and the algorithms' attributes: what libtpms
//! has, with the same code for both.

use std::collections::BTreeMap;

use crate::common::{TestTpm, decode, encode};
use crate::peer::Swtpm;
use ironroot_crypto::{cfb_decrypt, cfb_encrypt, hash::digest, kdfa};
use ironroot_tpm::Profile;
use ironroot_wire::{
    TpmiAlgSymObject::{Aes, Camellia, Sm4, Tdes},
    TpmiSymKeyBits::{Bits128, Bits192, Bits256},
    *,
};

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const NONCE: [u8; 16] = [0xC0; 16];

/// Key and initialization vector of one direction of a session without a session key.
fn derived(cipher: &TpmtSymDefObject, newer: &[u8], older: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let size = cipher.key_size() + cipher.algorithm.block_size();
    let all = kdfa(SHA256, &[], b"CFB", newer, older, size as u32 * 8);
    (all[..cipher.key_size()].to_vec(), all[cipher.key_size()..].to_vec())
}

/// `TPM2_Hash` with its data and its digest encrypted. `send` is a TPM.
fn hashes_what_was_encrypted(send: &mut dyn FnMut(&[u8]) -> Vec<u8>, cipher: TpmtSymDefObject) {
    let start = StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&NONCE).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type: TpmSe::Hmac,
        symmetric: Some(TpmtSymDef::Cipher(cipher)),
        auth_hash: SHA256,
    };
    let started = decode::<StartAuthSession>(&send(&encode(&start, &[]))).unwrap().0;
    let message = b"a message that is longer than a few blocks, and not a number of them";
    let mut data = message.to_vec();
    let (key, iv) = derived(&cipher, &NONCE, &started.nonce_tpm);
    cfb_encrypt(cipher.algorithm, &key, &iv, &mut data).unwrap();
    let command = Hash {
        data: Tpm2bMaxBuffer::from_slice(&data).unwrap(),
        hash_alg: SHA256,
        hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
    };
    let session = TpmsAuthCommand {
        session_handle: started.session_handle,
        nonce: Tpm2bNonce::from_slice(&NONCE).unwrap(),
        session_attributes: TpmaSession::DECRYPT | TpmaSession::ENCRYPT,
        hmac: Tpm2bAuth::default(),
    };
    let (response, sessions) = decode::<Hash>(&send(&encode(&command, &[session]))).unwrap();
    let nonce_tpm = &sessions[2..18];
    let (key, iv) = derived(&cipher, nonce_tpm, &NONCE);
    let mut hashed = response.out_hash.to_vec();
    cfb_decrypt(cipher.algorithm, &key, &iv, &mut hashed).unwrap();
    assert_eq!(hashed, digest(SHA256, &[message])[..], "{cipher:?}");
}

#[test]
fn every_cipher_encrypts_parameters() {
    let mut ours = TestTpm::with_profile(Profile::EVERYTHING);
    let mut theirs = Swtpm::start();
    for (algorithm, key_bits, in_libtpms) in [
        (Aes, Bits128, true),
        (Aes, Bits192, false),
        (Aes, Bits256, true),
        (Camellia, Bits128, true),
        (Camellia, Bits192, false),
        (Camellia, Bits256, true),
        (Sm4, Bits128, false),
        (Tdes, Bits128, true),
        (Tdes, Bits192, true),
    ] {
        let cipher = TpmtSymDefObject { algorithm, key_bits, mode: Some(TpmiAlgSymMode::Cfb) };
        hashes_what_was_encrypted(&mut |command| ours.raw(command), cipher);
        if in_libtpms {
            hashes_what_was_encrypted(&mut |command| theirs.raw(command), cipher);
        }
    }
}

#[test]
fn a_session_wants_cfb() {
    let mut tpm = TestTpm::with_profile(Profile::EVERYTHING);
    for algorithm in [Aes, Camellia, Sm4, Tdes] {
        for mode in [None, Some(TpmiAlgSymMode::Cbc), Some(TpmiAlgSymMode::Cmac)] {
            let start = StartAuthSession {
                tpm_key: None,
                bind: None,
                nonce_caller: Tpm2bNonce::from_slice(&NONCE).unwrap(),
                encrypted_salt: Tpm2bEncryptedSecret::default(),
                session_type: TpmSe::Hmac,
                symmetric: Some(TpmtSymDef::Cipher(TpmtSymDefObject { algorithm, key_bits: Bits128, mode })),
                auth_hash: SHA256,
            };
            assert_eq!(tpm.run(&start), Err(TpmRc::MODE.parameter(4)), "{algorithm:?} {mode:?}");
        }
    }
}

fn attributes(response: GetCapabilityResponse) -> BTreeMap<u16, TpmaAlgorithm> {
    let TpmsCapabilityData::Algorithms(list) = response.capability_data else { panic!("not algorithms") };
    list.iter().map(|property| (property.alg.0, property.alg_properties)).collect()
}

/// Part 2, table 8 and the algorithm registry.
#[test]
fn algorithms_have_the_attributes_of_libtpms() {
    let command = GetCapability { capability: TpmCap::Algs, property: 0, property_count: 256 };
    let ours = attributes(TestTpm::with_profile(Profile::EVERYTHING).run(&command).unwrap());
    let theirs = attributes(Swtpm::start().run(&command, &[]).unwrap());
    let shared: Vec<u16> = theirs.keys().copied().filter(|alg| ours.contains_key(alg)).collect();
    assert!(shared.len() > 25, "{shared:02x?}");
    for alg in shared {
        assert_eq!(ours[&alg], theirs[&alg], "{alg:#06x}");
    }
    for (alg, expected) in [
        (TpmAlgId::SM4, TpmaAlgorithm::SYMMETRIC),
        (TpmAlgId::SM3_256, TpmaAlgorithm::HASH),
        (TpmAlgId::CMAC, TpmaAlgorithm::SYMMETRIC | TpmaAlgorithm::SIGNING),
    ] {
        assert_eq!(ours[&alg.0], expected, "{alg:?}");
    }
}
