//! Structures through bytes and back: the canonical form is unique, and no part of it may be missing.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Debug;

use ironroot_wire::*;

/// The value comes back from its bytes; a prefix of them is not enough, and more is too much.
fn round_trip<T: Wire + PartialEq + Debug>(value: T) {
    let bytes = value.to_bytes();
    assert_eq!(T::from_bytes(&bytes), Ok(value));
    for length in 0..bytes.len() {
        assert_eq!(T::from_bytes(&bytes[..length]).err(), Some(TpmRc::INSUFFICIENT), "{length} of {bytes:02x?}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(T::from_bytes(&longer).err(), Some(TpmRc::SIZE));
}

fn digest(size: usize) -> Tpm2bDigest {
    Tpm2bDigest::from_slice(&vec![0xD1; size]).unwrap()
}

fn name() -> Tpm2bName {
    Tpm2bName::from_slice(&[0x0B; 34]).unwrap()
}

fn number(byte: u8) -> Tpm2bEccParameter {
    Tpm2bEccParameter::from_slice(&[byte; 32]).unwrap()
}

fn cipher(algorithm: TpmiAlgSymObject, key_bits: TpmiSymKeyBits, mode: Option<TpmiAlgSymMode>) -> TpmtSymDefObject {
    TpmtSymDefObject { algorithm, key_bits, mode }
}

fn selection() -> TpmlPcrSelection {
    TpmlPcrSelection::new(vec![
        TpmsPcrSelection { hash: TpmiAlgHash::Sha256, pcr_select: TpmsPcrSelect::of(&[0, 7, 23]) },
        TpmsPcrSelection { hash: TpmiAlgHash::Sha1, pcr_select: TpmsPcrSelect::default() },
    ])
}

const HASHES: &[TpmiAlgHash] = TpmiAlgHash::EVERY;

#[test]
fn integers_and_enumerations() {
    round_trip(0x12u8);
    round_trip(0x1234u16);
    round_trip(0x1234_5678u32);
    round_trip(0x1234_5678_9ABC_DEF0u64);
    round_trip(-2i8);
    round_trip(-3i32);
    for &value in TpmSt::EVERY {
        round_trip(value);
    }
    for &value in TpmEo::EVERY {
        round_trip(value);
    }
    for &value in TpmClockAdjust::EVERY {
        round_trip(value);
    }
    for &value in HASHES {
        round_trip(value);
        round_trip(Some(value));
    }
    round_trip(None::<TpmiAlgHash>);
}

#[test]
fn schemes_and_signatures() {
    for &hash in HASHES {
        round_trip(TpmtHa::new(hash, &vec![0xA5; hash.digest_size()]).unwrap());
        round_trip(TpmtKeyedhashScheme::Hmac(hash));
        round_trip(TpmtKeyedhashScheme::Xor(TpmsSchemeXor { hash_alg: hash, kdf: Some(TpmiAlgKdf::Kdf1Sp800_108) }));
        for scheme in [
            TpmtSigScheme::Hmac(hash),
            TpmtSigScheme::Rsassa(hash),
            TpmtSigScheme::Rsapss(hash),
            TpmtSigScheme::Ecdsa(hash),
        ] {
            round_trip(scheme.clone());
            round_trip(Some(scheme));
        }
        round_trip(TpmtRsaScheme::Oaep(hash));
        round_trip(TpmtRsaDecrypt::Oaep(hash));
        round_trip(TpmtEccScheme::Ecdh(hash));
        round_trip(TpmtKdfScheme::Kdf2(hash));
        round_trip(TpmtSymDef::Xor(hash));
        let sig = Tpm2bPublicKeyRsa::from_slice(&[5; 256]).unwrap();
        round_trip(TpmtSignature::Rsapss(TpmsSignatureRsa { hash, sig }));
        let ecdsa = TpmsSignatureEcc { hash, signature_r: number(1), signature_s: number(2) };
        round_trip(Some(TpmtSignature::Ecdsa(ecdsa)));
    }
    round_trip(TpmtRsaScheme::Rsaes(()));
    round_trip(None::<TpmtSigScheme>);
    round_trip(None::<TpmtSignature>);
    for &key_bits in TpmiSymKeyBits::EVERY {
        for &mode in TpmiAlgSymMode::EVERY {
            round_trip(TpmtSymDef::Cipher(cipher(TpmiAlgSymObject::Aes, key_bits, Some(mode))));
            round_trip(cipher(TpmiAlgSymObject::Camellia, key_bits, Some(mode)));
        }
        round_trip(cipher(TpmiAlgSymObject::Aes, key_bits, None));
    }
}

/// One public area of each type.
fn publics() -> Vec<TpmtPublic> {
    let symmetric = Some(cipher(TpmiAlgSymObject::Aes, TpmiSymKeyBits::Bits128, Some(TpmiAlgSymMode::Cfb)));
    let rsa = TpmsRsaParms { symmetric, scheme: None, key_bits: TpmiRsaKeyBits::new(2048), exponent: 65_537 };
    let ecc = TpmsEccParms {
        symmetric: None,
        scheme: Some(TpmtEccScheme::Ecdsa(TpmiAlgHash::Sha384)),
        curve_id: TpmEccCurve::NistP384,
        kdf: None,
    };
    let sym = TpmsSymcipherParms { sym: cipher(TpmiAlgSymObject::Aes, TpmiSymKeyBits::Bits256, None) };
    let kinds = vec![
        PublicKind::Rsa(rsa, Tpm2bPublicKeyRsa::from_slice(&[9; 256]).unwrap()),
        PublicKind::Ecc(ecc, TpmsEccPoint { x: number(3), y: number(4) }),
        PublicKind::Symcipher(sym, digest(32)),
        PublicKind::Keyedhash(TpmsKeyedhashParms { scheme: None }, digest(32)),
        PublicKind::Mlkem(
            TpmsMlkemParms { symmetric, parameter_set: TpmiMlkemParms::MlKem768 },
            Tpm2bPublicKeyMlkem::from_slice(&[5; 1184]).unwrap(),
        ),
        PublicKind::Mldsa(
            TpmsMldsaParms { parameter_set: TpmiMldsaParms::MlDsa87, allow_external_mu: AllowExternalMu(true) },
            Tpm2bPublicKeyMldsa::from_slice(&[6; 2592]).unwrap(),
        ),
        PublicKind::HashMldsa(
            TpmsHashMldsaParms { parameter_set: TpmiMldsaParms::MlDsa44, hash_alg: TpmiAlgHash::Sha512 },
            Tpm2bPublicKeyMldsa::from_slice(&[7; 1312]).unwrap(),
        ),
    ];
    let public = |kind| TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: TpmaObject::FIXED_TPM | TpmaObject::SIGN_ENCRYPT,
        auth_policy: digest(32),
        kind,
    };
    kinds.into_iter().map(public).collect()
}

#[test]
fn objects() {
    for public in publics() {
        round_trip(public.parms());
        round_trip(TpmtPublicPlus(TpmtPublic { name_alg: None, ..public.clone() }));
        assert_eq!(
            TpmtPublic::from_bytes(&TpmtPublic { name_alg: None, ..public.clone() }.to_bytes()),
            Err(TpmRc::HASH)
        );
        round_trip(Tpm2b(public.clone()));
        round_trip(public);
    }
    let sensitives = [
        TpmuSensitiveComposite::Rsa(Tpm2bPrivateKeyRsa::from_slice(&[1; 128]).unwrap()),
        TpmuSensitiveComposite::Ecc(Tpm2bEccPrivate::from_slice(&[2; 48]).unwrap()),
        TpmuSensitiveComposite::Bits(Tpm2bSensitiveData::from_slice(&[3; 128]).unwrap()),
        TpmuSensitiveComposite::Sym(Tpm2bSymKey::from_slice(&[4; 32]).unwrap()),
    ];
    for sensitive in sensitives {
        let value = TpmtSensitive {
            auth_value: Tpm2bAuth::from_slice(b"auth").unwrap(),
            seed_value: SeedValue::from_slice(&[5; 32]).unwrap(),
            sensitive,
        };
        round_trip(Tpm2b(value.clone()));
        round_trip(Tpm2bOption(Some(value.clone())));
        round_trip(value);
    }
    round_trip(TpmsSensitiveCreate {
        user_auth: Tpm2bAuth::from_slice(b"auth").unwrap(),
        data: Tpm2bSensitiveData::from_slice(b"data").unwrap(),
    });
    round_trip(TpmsCreationData {
        pcr_select: selection(),
        pcr_digest: digest(32),
        locality: TpmaLocality(1),
        parent_name_alg: TpmAlgId::SHA256,
        parent_name: name(),
        parent_qualified_name: name(),
        outside_info: Tpm2bData::from_slice(b"outside").unwrap(),
    });
}

#[test]
fn attestations() {
    let clock_info = TpmsClockInfo { clock: 1, reset_count: 2, restart_count: 3, safe: TpmiYesNo(true) };
    let time = TpmsTimeInfo { time: 4, clock_info };
    let all = [
        TpmuAttest::Certify(TpmsCertifyInfo { name: name(), qualified_name: name() }),
        TpmuAttest::Creation(TpmsCreationInfo { object_name: name(), creation_hash: digest(48) }),
        TpmuAttest::Quote(TpmsQuoteInfo { pcr_select: selection(), pcr_digest: digest(32) }),
        TpmuAttest::Time(TpmsTimeAttestInfo { time, firmware_version: 5 }),
        TpmuAttest::Nv(TpmsNvCertifyInfo {
            index_name: name(),
            offset: 6,
            nv_contents: Tpm2bMaxNvBuffer::from_slice(b"contents").unwrap(),
        }),
        TpmuAttest::NvDigest(TpmsNvDigestCertifyInfo { index_name: name(), nv_digest: digest(32) }),
    ];
    for attested in all {
        round_trip(TpmsAttest {
            qualified_signer: name(),
            extra_data: Tpm2bData::from_slice(b"nonce").unwrap(),
            clock_info,
            firmware_version: 7,
            attested,
        });
    }
}

#[test]
fn sessions_tickets_contexts_and_nv() {
    round_trip(TpmsAuthCommand {
        session_handle: TpmiShAuthSession(0x0200_0001),
        nonce: Tpm2bNonce::from_slice(&[1; 16]).unwrap(),
        session_attributes: TpmaSession::CONTINUE_SESSION | TpmaSession::AUDIT,
        hmac: Tpm2bAuth::from_slice(&[2; 32]).unwrap(),
    });
    round_trip(TpmsAuthResponse {
        nonce: Tpm2bNonce::from_slice(&[1; 32]).unwrap(),
        session_attributes: TpmaSession::CONTINUE_SESSION,
        hmac: Tpm2bAuth::from_slice(&[2; 32]).unwrap(),
    });
    let hierarchy = TpmiRhHierarchy(TpmHandle::OWNER.0);
    round_trip(TpmtTkCreation { tag: TpmSt::Creation, hierarchy, digest: digest(32) });
    round_trip(TpmtTkVerified { metadata: TpmuTkVerifiedMeta::Verified, hierarchy, hmac: digest(32) });
    round_trip(TpmtTkAuth { tag: TpmSt::AuthSigned, hierarchy, digest: digest(64) });
    round_trip(TpmtTkAuth { tag: TpmSt::AuthSecret, hierarchy, digest: digest(0) });
    round_trip(TpmtTkHashcheck { tag: TpmSt::Hashcheck, hierarchy, digest: digest(32) });
    round_trip(TpmsContext {
        sequence: 8,
        saved_handle: TpmiDhSaved(0x8000_0002),
        hierarchy,
        context_blob: Tpm2bContextData::from_slice(&[9; 300]).unwrap(),
    });
    for nt in [TpmNt::Ordinary, TpmNt::Counter, TpmNt::Bits, TpmNt::Extend, TpmNt::PinFail, TpmNt::PinPass] {
        let attributes = (TpmaNv::AUTHREAD | TpmaNv::OWNERWRITE).with_nt(nt);
        assert_eq!(attributes.nt(), Ok(nt));
        round_trip(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(0x0150_0001),
            name_alg: TpmiAlgHash::Sha256,
            attributes,
            auth_policy: digest(32),
            data_size: 8,
        });
    }
}

#[test]
fn capabilities() {
    let select = TpmsTaggedPcrSelect { tag: 1, pcr_select: TpmsPcrSelect::of(&[16, 23]) };
    let policy = TpmsTaggedPolicy {
        handle: TpmHandle::OWNER,
        policy_hash: Some(TpmtHa::new(TpmiAlgHash::Sha256, &[1; 32]).unwrap()),
    };
    let alg = TpmsAlgProperty { alg: TpmAlgId::RSA, alg_properties: TpmaAlgorithm::ASYMMETRIC };
    let property = TpmsTaggedProperty { property: TpmPt::MANUFACTURER, value: 0x4952_4F4E };
    let all = [
        TpmsCapabilityData::Algorithms(TpmlAlgProperty::new(vec![alg])),
        TpmsCapabilityData::Handles(TpmlHandle::new(vec![TpmHandle::OWNER, TpmHandle(0x8100_0001)])),
        TpmsCapabilityData::Commands(TpmlCca::new(vec![TpmaCc(0x02C0_0126)])),
        TpmsCapabilityData::PpCommands(TpmlCc::new(vec![TpmCc(0x126)])),
        TpmsCapabilityData::AuditCommands(TpmlCc::default()),
        TpmsCapabilityData::AssignedPcr(selection()),
        TpmsCapabilityData::TpmProperties(TpmlTaggedTpmProperty::new(vec![property])),
        TpmsCapabilityData::PcrProperties(TpmlTaggedPcrProperty::new(vec![select])),
        TpmsCapabilityData::EccCurves(TpmlEccCurve::new(TpmEccCurve::EVERY.to_vec())),
        TpmsCapabilityData::AuthPolicies(TpmlTaggedPolicy::new(vec![policy])),
        TpmsCapabilityData::ActData(TpmlActData::new(vec![TpmsActData {
            handle: TpmHandle::ACT_0,
            timeout: 5,
            attributes: TpmaAct::SIGNALED,
        }])),
    ];
    for data in all {
        round_trip(data);
    }
}
