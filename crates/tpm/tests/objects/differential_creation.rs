//! The rules for templates and for external keys compared with libtpms, code by code, over every combination of
//! attributes, types and schemes.

use crate::common::TestTpm;
use crate::libtpms::{Any, Endpoint, Libtpms};
use crate::templates::*;
use ironroot_wire::*;

/// The attributes that the rules look at, but for x509sign, of which libtpms does not check what Part 2, 8.3.3.15 demands.
const BITS: [A; 8] = [
    A::FIXED_TPM,
    A::FIXED_PARENT,
    A::SENSITIVE_DATA_ORIGIN,
    A::ENCRYPTED_DUPLICATION,
    A::RESTRICTED,
    A::DECRYPT,
    A::SIGN_ENCRYPT,
    A::ADMIN_WITH_POLICY,
];

fn attribute_sets() -> impl Iterator<Item = A> {
    (0..1_u32 << BITS.len()).map(|set| {
        BITS.iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1)
            .fold(A::USER_WITH_AUTH, |all, (_, bit)| all | *bit)
    })
}

/// One template of each type, scheme and cipher. The RSA ones have an exponent that neither TPM generates keys for, so
/// that what passes the rules ends in `TPM_RC_RANGE` and costs nothing.
fn templates(attributes: A) -> Vec<TpmtPublic> {
    let sha256 = TpmiAlgHash::Sha256;
    let xor = |kdf| Some(TpmtKeyedhashScheme::Xor(TpmsSchemeXor { hash_alg: sha256, kdf }));
    let mut all = vec![symcipher(attributes)];
    for scheme in [None, hmac_sha256(), derivation(), xor(None), xor(Some(TpmiAlgKdf::Mgf1))] {
        all.push(keyedhash(attributes, scheme));
    }
    for symmetric in [None, aes128(), aes(TpmiSymKeyBits::Bits256)] {
        for scheme in [None, Some(TpmtEccScheme::Ecdsa(sha256)), Some(TpmtEccScheme::Ecdh(sha256))] {
            all.push(ecc(attributes, symmetric, scheme));
        }
        for scheme in [
            None,
            Some(TpmtRsaScheme::Rsapss(sha256)),
            Some(TpmtRsaScheme::Oaep(sha256)),
            Some(TpmtRsaScheme::Rsaes(())),
        ] {
            let mut template = rsa(attributes, symmetric, scheme);
            if let PublicKind::Rsa(parms, _) = &mut template.kind {
                parms.exponent = 3;
            }
            all.push(template);
        }
    }
    let mut other = ecc(attributes, aes128(), None);
    other.name_alg = Some(TpmiAlgHash::Sha384);
    all.push(other.clone());
    other.auth_policy = Tpm2bDigest::from_slice(&[0; 32]).unwrap();
    all.push(other);
    all
}

/// The response code alone.
fn code<C: Command>(tpm: &mut impl Endpoint, command: &C) -> TpmRc {
    match tpm.run_auth(command) {
        Ok(_) => TpmRc::SUCCESS,
        Err(rc) => rc,
    }
}

struct Parents {
    fixed: u32,
    mobile: u32,
    encrypted: u32,
}

/// A parent with fixedTPM, and one of each kind of duplication group below it. It is flushed last, for libtpms has three
/// slots only.
fn parents(tpm: &mut impl Endpoint) -> Parents {
    let fixed = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle.0;
    let mut child = |attributes: A| {
        let made = tpm.run_auth(&create(fixed, ecc(attributes | STORAGE, aes128(), None), b"", b"")).unwrap();
        let load =
            Load { parent_handle: TpmiDhObject(fixed), in_private: made.out_private, in_public: made.out_public };
        let transient = tpm.run_auth(&load).unwrap().object_handle;
        let handle = if attributes.contains(A::ENCRYPTED_DUPLICATION) { 0x8100_0002 } else { 0x8100_0001 };
        let evict = EvictControl {
            auth: TpmiRhProvision(OWNER),
            object_handle: TpmiDhObject(transient.0),
            persistent_handle: TpmiDhPersistent(handle),
        };
        tpm.run_auth(&evict).unwrap();
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(transient.0) }).unwrap();
        handle
    };
    let mobile = child(MOBILE);
    let encrypted = child(MOBILE | A::ENCRYPTED_DUPLICATION);
    Parents { fixed, mobile, encrypted }
}

#[test]
fn the_rules_of_creation_are_those_of_libtpms() {
    let (mut ours, mut peer) = (TestTpm::started(), Libtpms::started());
    let mut ours = Any::Ours(&mut ours);
    let (here, there) = (parents(&mut ours), parents(&mut peer));
    let (mut compared, mut accepted) = (0, 0);
    for attributes in attribute_sets() {
        for template in templates(attributes) {
            for data in [&b""[..], b"0123456789abcdef", b"short"] {
                for (one, two) in
                    [(here.fixed, there.fixed), (here.mobile, there.mobile), (here.encrypted, there.encrypted)]
                {
                    let mine = code(&mut ours, &create(one, template.clone(), b"", data));
                    let theirs = code(&mut peer, &create(two, template.clone(), b"", data));
                    assert_eq!(mine, theirs, "{data:?} {template:?}");
                    compared += 1;
                    accepted += u32::from(mine == TpmRc::SUCCESS);
                }
            }
        }
    }
    println!("{compared} templates compared, {accepted} of them accepted");
    assert!(accepted > 100);
}

#[test]
fn the_rules_of_primary_objects_are_those_of_libtpms() {
    let (mut ours, mut peer) = (TestTpm::started(), Libtpms::started());
    let mut ours = Any::Ours(&mut ours);
    for attributes in attribute_sets() {
        for template in templates(attributes) {
            for data in [&b""[..], b"0123456789abcdef"] {
                let mut command = create_primary(NULL, template.clone());
                command.in_sensitive = secret(b"", data);
                let results = [ours.run_auth(&command), peer.run_auth(&command)];
                let codes = results.each_ref().map(|result| result.as_ref().err().copied());
                assert_eq!(codes[0], codes[1], "{data:?} {template:?}");
                if let [Ok(one), Ok(two)] = results {
                    ours.run(&FlushContext { flush_handle: TpmiDhContext(one.object_handle.0) }).unwrap();
                    peer.run(&FlushContext { flush_handle: TpmiDhContext(two.object_handle.0) }).unwrap();
                }
            }
        }
    }
}
