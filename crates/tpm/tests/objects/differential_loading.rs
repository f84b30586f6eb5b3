//! The loading of external keys, and the import of keys in the clear, compared with libtpms code by code.

use crate::common::{self, TestTpm};
use crate::libtpms::{Any, Endpoint, Libtpms};
use crate::templates::{keys::*, *};
use ironroot_wire::*;

fn load_external(private: Option<TpmtSensitive>, public: TpmtPublic, hierarchy: u32) -> LoadExternal {
    LoadExternal {
        in_private: Tpm2bOption(private),
        in_public: Tpm2b(TpmtPublicPlus(public)),
        hierarchy: TpmiRhHierarchy(hierarchy),
    }
}

/// Loads on both and compares codes and names.
fn compare(ours: &mut Any<'_>, peer: &mut Libtpms, command: &LoadExternal) -> bool {
    let results = [ours.run(command), peer.run(command)];
    let outcomes =
        results.each_ref().map(|result| result.as_ref().map(|response| response.name.clone()).map_err(|rc| *rc));
    assert_eq!(outcomes[0], outcomes[1], "{command:?}");
    if let [Ok(one), Ok(two)] = results {
        ours.run(&FlushContext { flush_handle: TpmiDhContext(one.object_handle.0) }).unwrap();
        peer.run(&FlushContext { flush_handle: TpmiDhContext(two.object_handle.0) }).unwrap();
        return true;
    }
    false
}

fn pairs() -> Vec<(TpmtPublic, TpmtSensitive)> {
    vec![(rsa_public(), rsa_private()), (ec_public(), ec_private()), aes_pair(&[1; 16]), hmac_pair(&[2; 32])]
}

#[test]
fn attributes_schemes_and_hierarchies_of_external_keys() {
    let (mut ours, mut peer) = (TestTpm::started(), Libtpms::started());
    let mut ours = Any::Ours(&mut ours);
    let bits = [A::FIXED_TPM, A::FIXED_PARENT, A::ENCRYPTED_DUPLICATION, A::RESTRICTED, A::DECRYPT, A::SIGN_ENCRYPT];
    let sha256 = TpmiAlgHash::Sha256;
    let (mut compared, mut accepted) = (0, 0);
    for set in 0..1_u32 << bits.len() {
        let attributes = bits
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1)
            .fold(A::USER_WITH_AUTH, |all, (_, bit)| all | *bit);
        for (public, private) in pairs() {
            for name_alg in [public.name_alg, None] {
                for cipher in [None, aes128()] {
                    for scheme in 0..3 {
                        let mut public = TpmtPublic { object_attributes: attributes, name_alg, ..public.clone() };
                        match &mut public.kind {
                            PublicKind::Rsa(parms, _) => {
                                parms.symmetric = cipher;
                                parms.scheme =
                                    [None, Some(TpmtRsaScheme::Rsassa(sha256)), Some(TpmtRsaScheme::Oaep(sha256))]
                                        [scheme]
                                        .clone();
                            }
                            PublicKind::Ecc(parms, _) => {
                                parms.symmetric = cipher;
                                parms.scheme =
                                    [None, Some(TpmtEccScheme::Ecdsa(sha256)), Some(TpmtEccScheme::Ecdh(sha256))]
                                        [scheme]
                                        .clone();
                            }
                            PublicKind::Keyedhash(parms, _) => {
                                parms.scheme = [None, hmac_sha256(), derivation()][scheme].clone()
                            }
                            _ => {}
                        }
                        for (private, hierarchy) in
                            [(None, OWNER), (None, NULL), (Some(&private), NULL), (Some(&private), OWNER)]
                        {
                            let command = load_external(private.cloned(), public.clone(), hierarchy);
                            accepted += u32::from(compare(&mut ours, &mut peer, &command));
                            compared += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{compared} external keys compared, {accepted} accepted");
    assert!(accepted > 100);
}

/// Where ours is meant to differ: it knows firmwareLimited and the limited hierarchies (v185), says which parameter has the
/// scalar that is too long for its curve, and takes no even RSA exponent, which no key has.
fn is_meant(ours: TpmRc, theirs: TpmRc, kind: &PublicKind) -> bool {
    let firmware_limited = theirs == TpmRc::RESERVED_BITS.parameter(2)
        || ours == TpmRc::SVN_LIMITED.parameter(3) && theirs == TpmRc::VALUE.parameter(3);
    let scalar = ours == TpmRc::KEY_SIZE.parameter(1) && theirs == TpmRc::KEY_SIZE;
    let exponent = ours == TpmRc::VALUE.parameter(2) && [TpmRc::SUCCESS, TpmRc::BINDING].contains(&theirs);
    match kind {
        PublicKind::Rsa(..) => firmware_limited || exponent,
        PublicKind::Ecc(..) => firmware_limited || scalar,
        _ => firmware_limited,
    }
}

/// The bytes of the command itself are changed, so that unmarshalling is compared, too.
#[test]
fn every_changed_byte_of_an_external_key() {
    let (mut ours, mut peer) = (TestTpm::started(), Libtpms::started());
    let mut ours = Any::Ours(&mut ours);
    let (mut compared, mut meant) = (0, 0);
    for (public, private) in pairs() {
        for with_private in [false, true] {
            let command = load_external(with_private.then(|| private.clone()), public.clone(), NULL);
            let bytes = common::encode(&command, &[]);
            for at in 10..bytes.len() {
                for change in [0x01, 0x80] {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    let codes = [load_and_flush(&mut ours, &changed), load_and_flush(&mut peer, &changed)];
                    compared += 1;
                    if codes[0] != codes[1] {
                        assert!(
                            is_meant(codes[0], codes[1], &public.kind),
                            "{:?}, byte {at} ^ {change:#x}: {} / {}",
                            public.alg(),
                            codes[0],
                            codes[1]
                        );
                        meant += 1;
                    }
                }
            }
        }
    }
    println!("{compared} changed commands compared, {meant} meant to differ");
    assert!(meant < 40);
}

fn load_and_flush(tpm: &mut impl Endpoint, command: &[u8]) -> TpmRc {
    let answer = tpm.raw(command);
    let code = common::rc(&answer);
    if code == TpmRc::SUCCESS {
        let handle = u32::from_be_bytes(answer[10..14].try_into().unwrap());
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle) }).unwrap();
    }
    code
}
