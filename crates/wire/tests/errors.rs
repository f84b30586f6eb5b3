//! What unmarshalling refuses, and with which code (Part 2): a row for each rule.
#![allow(clippy::unwrap_used, missing_docs)]

use ironroot_wire::*;

/// The code that `bytes` are refused with.
fn refused<T: Wire>(bytes: &[u8]) -> TpmRc {
    match T::from_bytes(bytes) {
        Ok(_) => TpmRc::SUCCESS,
        Err(rc) => rc,
    }
}

/// Checks all values of a two-byte enumeration: those of `valid` pass, the others get `rc`.
fn only<T: Wire>(valid: &[u16], rc: TpmRc) {
    for value in 0..=u16::MAX {
        let expected = if valid.contains(&value) { TpmRc::SUCCESS } else { rc };
        assert_eq!(refused::<T>(&value.to_be_bytes()), expected, "{value:#06x}");
    }
    assert_eq!(refused::<T>(&[0]), TpmRc::INSUFFICIENT);
}

/// Checks the values of a handle type: those of `valid` pass, their neighbours outside get TPM_RC_VALUE.
fn handles<T: Wire>(valid: &[(u32, u32)]) {
    let inside = |value: u32| valid.iter().any(|&(first, last)| (first..=last).contains(&value));
    let edges = valid.iter().flat_map(|&(first, last)| {
        [first, last, first.wrapping_sub(1), last.wrapping_add(1), first.wrapping_add((last - first) / 2)]
    });
    let kinds = (0..=0xFFu32).map(|top| top << 24);
    let permanent = 0x4000_0000..=0x4000_0020;
    for value in edges.chain(kinds).chain(permanent) {
        let expected = if inside(value) { TpmRc::SUCCESS } else { TpmRc::VALUE };
        assert_eq!(refused::<T>(&value.to_be_bytes()), expected, "{value:#010x}");
    }
    assert_eq!(refused::<T>(&[0x40, 0, 0]), TpmRc::INSUFFICIENT);
}

#[test]
fn algorithms_have_a_code_for_each_place() {
    only::<TpmiAlgHash>(&[0x04, 0x0B, 0x0C, 0x0D, 0x12, 0x27, 0x28, 0x29], TpmRc::HASH);
    only::<Option<TpmiAlgHash>>(&[0x04, 0x0B, 0x0C, 0x0D, 0x12, 0x27, 0x28, 0x29, 0x10], TpmRc::HASH);
    only::<TpmiAlgAsym>(&[0x01, 0x23], TpmRc::ASYMMETRIC);
    only::<TpmiAlgSymMode>(&[0x3F, 0x40, 0x41, 0x42, 0x43, 0x44], TpmRc::MODE);
    only::<Option<TpmiAlgSymMode>>(&[0x3F, 0x40, 0x41, 0x42, 0x43, 0x44, 0x10], TpmRc::MODE);
    only::<TpmiAlgCipherMode>(&[0x40, 0x41, 0x42, 0x43, 0x44], TpmRc::MODE);
    only::<TpmiAlgMacScheme>(&[0x04, 0x0B, 0x0C, 0x0D, 0x12, 0x27, 0x28, 0x29, 0x3F], TpmRc::SYMMETRIC);
    only::<TpmiAlgKdf>(&[0x07, 0x1F, 0x20, 0x21, 0x22], TpmRc::KDF);
    only::<TpmiAlgPublic>(&[0x01, 0x08, 0x23, 0x25, 0xA0, 0xA1, 0xA2], TpmRc::TYPE);
    only::<TpmEccCurve>(&[1, 2, 3, 4, 5, 0x10, 0x11, 0x20, 0x30, 0x31, 0x32, 0x40, 0x41], TpmRc::CURVE);
    only::<TpmiSymKeyBits>(&[128, 192, 256], TpmRc::VALUE);
    only::<TpmiRsaKeyBits>(&[1024, 2048, 3072, 4096], TpmRc::VALUE);
}

#[test]
fn constants_out_of_their_range_are_values() {
    only::<TpmSu>(&[0, 1], TpmRc::VALUE);
    only::<TpmEo>(&(0..=11).collect::<Vec<u16>>(), TpmRc::VALUE);
    for value in 0..=u8::MAX {
        let code = |valid: bool| if valid { TpmRc::SUCCESS } else { TpmRc::VALUE };
        assert_eq!(refused::<TpmiYesNo>(&[value]), code(value < 2));
        assert_eq!(refused::<TpmSe>(&[value]), code(matches!(value, 0 | 1 | 3)));
        assert_eq!(refused::<TpmClockAdjust>(&[value]), code(matches!(value as i8, -3..=3)));
    }
}

#[test]
fn selectors_have_the_code_of_their_union() {
    let selector = |value: u16| value.to_be_bytes();
    let bad = selector(0x0099);
    assert_eq!(refused::<TpmtSymDef>(&bad), TpmRc::SYMMETRIC);
    assert_eq!(refused::<TpmtSymDefObject>(&bad), TpmRc::SYMMETRIC);
    assert_eq!(refused::<TpmtSymDefObject>(&selector(0x000A)), TpmRc::SYMMETRIC, "XOR is for sessions only");
    assert_eq!(refused::<TpmtKeyedhashScheme>(&bad), TpmRc::VALUE);
    assert_eq!(refused::<TpmtSigScheme>(&bad), TpmRc::SCHEME);
    assert_eq!(refused::<TpmtKdfScheme>(&bad), TpmRc::KDF);
    assert_eq!(refused::<TpmtRsaScheme>(&bad), TpmRc::VALUE);
    assert_eq!(refused::<TpmtRsaDecrypt>(&selector(0x0014)), TpmRc::VALUE, "RSASSA does not decrypt");
    assert_eq!(refused::<TpmtEccScheme>(&bad), TpmRc::SCHEME);
    assert_eq!(refused::<TpmtSignature>(&bad), TpmRc::SCHEME);
    assert_eq!(refused::<TpmtPublicParms>(&bad), TpmRc::TYPE);
    assert_eq!(refused::<TpmtPublic>(&bad), TpmRc::TYPE);
    assert_eq!(refused::<TpmtSensitive>(&bad), TpmRc::TYPE);
    assert_eq!(refused::<TpmtHa>(&bad), TpmRc::HASH);
    assert_eq!(refused::<TpmsCapabilityData>(&[0, 0, 0, 99]), TpmRc::VALUE);
    // TPM_ALG_NULL where there is no "+".
    let null = selector(0x0010);
    assert_eq!(refused::<TpmtSymDefObject>(&null), TpmRc::SYMMETRIC);
    assert_eq!(refused::<TpmtSigScheme>(&null), TpmRc::SCHEME);
    assert_eq!(refused::<TpmiAlgHash>(&null), TpmRc::HASH);
    // And within: the hash, key size or mode of what was selected.
    assert_eq!(refused::<TpmtSigScheme>(&[0, 0x14, 0, 0x99]), TpmRc::HASH);
    assert_eq!(refused::<TpmtSymDef>(&[0, 6, 0, 127, 0, 0x43]), TpmRc::VALUE);
    assert_eq!(refused::<TpmtSymDef>(&[0, 6, 0, 128, 0, 0x99]), TpmRc::MODE);
    assert_eq!(refused::<TpmtSymDef>(&[0, 0x0A, 0, 0x99]), TpmRc::HASH);
}

#[test]
fn reserved_bits_must_be_clear() {
    macro_rules! reserved {
        ($($type:ty: $repr:ty),*) => {$(
            for bit in 0..<$repr>::BITS {
                let value: $repr = 1 << bit;
                let defined = <$type>::DEFINED.contains(<$type>::NONE.with({
                    let mut attributes = <$type>::NONE;
                    attributes.0 = value;
                    attributes
                }));
                let expected = if defined { TpmRc::SUCCESS } else { TpmRc::RESERVED_BITS };
                assert_eq!(refused::<$type>(&value.to_be_bytes()), expected, "{} bit {bit}", stringify!($type));
            }
        )*};
    }
    reserved!(TpmaObject: u32, TpmaSession: u8, TpmaNv: u32, TpmaAlgorithm: u32, TpmaPermanent: u32, TpmaLocality: u8);
    // Part 2, 8.3 and 8.4, by number rather than by what the code defines.
    for bit in [0u32, 3, 12, 13, 14, 15, 20, 21, 24, 31] {
        assert_eq!(refused::<TpmaObject>(&(1u32 << bit).to_be_bytes()), TpmRc::RESERVED_BITS, "bit {bit}");
    }
    for bit in [3, 4] {
        assert_eq!(refused::<TpmaSession>(&[1u8 << bit]), TpmRc::RESERVED_BITS, "bit {bit}");
    }
    for bit in [8u32, 9, 20, 24] {
        assert_eq!(refused::<TpmaNv>(&(1u32 << bit).to_be_bytes()), TpmRc::RESERVED_BITS, "bit {bit}");
    }
}

#[test]
fn buffers_have_a_largest_size() {
    macro_rules! sizes {
        ($($type:ident = $max:expr),* $(,)?) => {$(
            assert_eq!($type::MAX, $max, stringify!($type));
            let full = [7; $max];
            let mut bytes = ($max as u16).to_be_bytes().to_vec();
            bytes.extend(&full);
            assert_eq!($type::from_bytes(&bytes).unwrap().as_slice(), full);
            assert_eq!($type::from_bytes(&bytes).unwrap().to_bytes(), bytes);
            assert_eq!(refused::<$type>(&bytes[..bytes.len() - 1]), TpmRc::INSUFFICIENT);
            // The size is looked at before the contents.
            assert_eq!(refused::<$type>(&($max as u16 + 1).to_be_bytes()), TpmRc::SIZE, stringify!($type));
            assert_eq!(refused::<$type>(&[0]), TpmRc::INSUFFICIENT);
            assert_eq!(refused::<$type>(&[0, 0]), TpmRc::SUCCESS);
            assert_eq!(refused::<$type>(&[0, 0, 0]), TpmRc::SIZE);
            assert!($type::from_slice(&[0; $max + 1]).is_err());
        )*};
    }
    sizes! {
        Tpm2bDigest = 64, Tpm2bData = 66, Tpm2bNonce = 64, Tpm2bAuth = 64, Tpm2bOperand = 64, Tpm2bEvent = 1024,
        Tpm2bMaxBuffer = 1024, Tpm2bMaxNvBuffer = 1024, Tpm2bTimeout = 8, Tpm2bIv = 16, Tpm2bName = 66,
        Tpm2bSymKey = 32, Tpm2bSensitiveData = 128, Tpm2bPublicKeyRsa = 512, Tpm2bEccParameter = 80,
        Tpm2bEccPrivate = 80, Tpm2bEncryptedSecret = 1568, Tpm2bLabel = 48, Tpm2bPublicKeyMlkem = 1568,
        Tpm2bPrivateKeyMlkem = 64, Tpm2bPublicKeyMldsa = 2592, Tpm2bPrivateKeyMldsa = 32, Tpm2bSharedSecret = 64,
        Tpm2bKemCiphertext = 1568, Tpm2bSignatureEddsa = 160, Tpm2bSignatureMldsa = 4627, Tpm2bSignatureCtx = 255,
        Tpm2bSignatureHint = 80,
    }
}

#[test]
fn structures_behind_their_size_fill_it() {
    let point = TpmsEccPoint {
        x: Tpm2bEccParameter::from_slice(&[1]).unwrap(),
        y: Tpm2bEccParameter::from_slice(&[2]).unwrap(),
    };
    let bytes = Tpm2b(point).to_bytes();
    assert_eq!(bytes, [0, 6, 0, 1, 1, 0, 1, 2]);
    assert_eq!(refused::<Tpm2b<TpmsEccPoint>>(&bytes), TpmRc::SUCCESS);
    assert_eq!(refused::<Tpm2b<TpmsEccPoint>>(&[0, 0]), TpmRc::SIZE, "empty");
    assert_eq!(refused::<Tpm2b<TpmsEccPoint>>(&[0, 7, 0, 1, 1, 0, 1, 2, 9]), TpmRc::SIZE, "longer than its contents");
    // The structure is complete, so it is the size that is wrong.
    assert_eq!(refused::<Tpm2b<TpmsEccPoint>>(&[0, 7, 0, 1, 1, 0, 1, 2]), TpmRc::SIZE);
    assert_eq!(refused::<Tpm2b<TpmsEccPoint>>(&[0, 6, 0, 1, 1, 0, 1]), TpmRc::INSUFFICIENT, "bytes missing");
    assert_ne!(refused::<Tpm2b<TpmsEccPoint>>(&[0, 5, 0, 1, 1, 0, 1, 2]), TpmRc::SUCCESS, "shorter than its contents");
    assert_eq!(refused::<Tpm2bOption<TpmtSensitive>>(&[0, 0]), TpmRc::SUCCESS);
}

#[test]
fn lists_have_a_largest_count() {
    assert_eq!(refused::<TpmlDigest>(&[0, 0, 0, 9]), TpmRc::SIZE);
    assert_eq!(refused::<TpmlDigest>(&[0, 0, 0, 8]), TpmRc::INSUFFICIENT);
    assert_eq!(refused::<TpmlPcrSelection>(&[0, 0, 0, 9]), TpmRc::SIZE);
    assert_eq!(refused::<TpmlDigestValues>(&[0xFF; 4]), TpmRc::SIZE);
    assert_eq!(refused::<TpmlDigestValues>(&[0, 0, 0, 1, 0, 0x99]), TpmRc::HASH);
    assert_eq!(refused::<TpmlHandle>(&[0xFF; 4]), TpmRc::SIZE);
    assert_eq!(refused::<TpmlPcrSelection>(&[0, 0, 0, 1, 0, 0x0B, 4, 0, 0, 0, 0]), TpmRc::VALUE, "sizeofSelect");
    assert_eq!(refused::<TpmlPcrSelection>(&[0, 0, 0, 1, 0, 0x0B, 2, 0, 0]), TpmRc::VALUE, "sizeofSelect");
}

#[test]
fn tickets_have_their_tag_and_attestations_their_magic() {
    let ticket = |tag: u16| [&tag.to_be_bytes()[..], &[0x40, 0, 0, 7, 0, 0]].concat();
    for tag in 0x8000..=0x8040 {
        let code = |valid: bool| if valid { TpmRc::SUCCESS } else { TpmRc::TAG };
        assert_eq!(refused::<TpmtTkCreation>(&ticket(tag)), code(tag == 0x8021), "{tag:#x}");
        // A ticket of TPM2_VerifyDigestSignature has an algorithm in front of its HMAC.
        let verified = if tag == 0x8027 { TpmRc::INSUFFICIENT } else { code(matches!(tag, 0x8022 | 0x8026)) };
        assert_eq!(refused::<TpmtTkVerified>(&ticket(tag)), verified, "{tag:#x}");
        assert_eq!(refused::<TpmtTkAuth>(&ticket(tag)), code(matches!(tag, 0x8023 | 0x8025)), "{tag:#x}");
        assert_eq!(refused::<TpmtTkHashcheck>(&ticket(tag)), code(tag == 0x8024), "{tag:#x}");
    }
    assert_eq!(refused::<TpmtTkCreation>(&[0x80, 0x21, 0x40, 0, 0, 1, 0, 0]), TpmRc::SUCCESS);
    assert_eq!(refused::<TpmtTkCreation>(&[0x80, 0x21, 0x40, 0, 0, 9, 0, 0]), TpmRc::VALUE);
    assert_eq!(refused::<TpmsAttest>(&[0xFE, 0x54, 0x43, 0x47]), TpmRc::VALUE);
    let head = [&[0xFF, 0x54, 0x43, 0x47, 0x80, 0x21, 0, 0, 0, 0][..], &[0; 25]].concat();
    assert_eq!(refused::<TpmsAttest>(&head), TpmRc::SELECTOR);
}

#[test]
fn handle_types_let_only_their_handles_through() {
    const TRANSIENT: (u32, u32) = (0x8000_0000, 0x80FF_FFFF);
    const PERSISTENT: (u32, u32) = (0x8100_0000, 0x81FF_FFFF);
    const NV: (u32, u32) = (0x0100_0000, 0x01FF_FFFF);
    const HMAC: (u32, u32) = (0x0200_0000, 0x02FF_FFFF);
    const POLICY: (u32, u32) = (0x0300_0000, 0x03FF_FFFF);
    const PCR: (u32, u32) = (0, 23);
    let one = |value| (value, value);
    let (owner, null, lockout) = (one(0x4000_0001), one(0x4000_0007), one(0x4000_000A));
    let (endorsement, platform, platform_nv) = (one(0x4000_000B), one(0x4000_000C), one(0x4000_000D));
    handles::<TpmiDhObject>(&[TRANSIENT, PERSISTENT]);
    handles::<Option<TpmiDhObject>>(&[TRANSIENT, PERSISTENT, null]);
    handles::<TpmiDhParent>(&[TRANSIENT, PERSISTENT, owner, endorsement, platform, null]);
    handles::<TpmiDhPersistent>(&[PERSISTENT]);
    handles::<TpmiDhEntity>(&[TRANSIENT, PERSISTENT, NV, PCR, owner, endorsement, platform, lockout]);
    handles::<TpmiDhPcr>(&[PCR]);
    handles::<TpmiShAuthSession>(&[HMAC, POLICY, one(0x4000_0009)]);
    handles::<TpmiShHmac>(&[HMAC]);
    handles::<TpmiShPolicy>(&[POLICY]);
    handles::<TpmiDhContext>(&[HMAC, POLICY, TRANSIENT]);
    handles::<TpmiDhSaved>(&[HMAC, POLICY, (0x8000_0000, 0x8000_0002)]);
    handles::<TpmiRhHierarchy>(&[owner, endorsement, platform, null]);
    handles::<TpmiRhEnables>(&[owner, endorsement, platform, platform_nv]);
    handles::<TpmiRhHierarchyAuth>(&[owner, endorsement, platform, lockout]);
    handles::<TpmiRhBaseHierarchy>(&[owner, endorsement, platform]);
    handles::<TpmiRhPlatform>(&[platform]);
    handles::<TpmiRhEndorsement>(&[endorsement]);
    handles::<TpmiRhProvision>(&[owner, platform]);
    handles::<TpmiRhClear>(&[lockout, platform]);
    handles::<TpmiRhNvAuth>(&[NV, owner, platform]);
    handles::<TpmiRhLockout>(&[lockout]);
    handles::<TpmiRhNvIndex>(&[NV]);
}

#[test]
fn a_profile_takes_algorithms_away() {
    let rules = Rules {
        algorithms: rules::AlgorithmSet::ALL.without(0x0004).without(0x0001),
        curves: 1 << 3,
        rsa_key_bits: rules::KeySizes::of(&[2048]),
        aes_key_bits: rules::KeySizes::of(&[128]),
        camellia_key_bits: rules::KeySizes::of(&[256]),
        ml_parameter_sets: TpmaMlParameterSet::ML_KEM_768 | TpmaMlParameterSet::ML_DSA_44,
    };
    fn under<T: Wire>(bytes: &[u8], rules: &Rules) -> TpmRc {
        T::unmarshal(&mut Reader::new(bytes, rules)).err().unwrap_or(TpmRc::SUCCESS)
    }
    assert_eq!(under::<TpmiAlgHash>(&[0, 4], &rules), TpmRc::HASH);
    assert_eq!(under::<TpmiAlgHash>(&[0, 0x0B], &rules), TpmRc::SUCCESS);
    assert_eq!(under::<TpmiAlgPublic>(&[0, 1], &rules), TpmRc::TYPE);
    assert_eq!(under::<TpmEccCurve>(&[0, 4], &rules), TpmRc::CURVE);
    assert_eq!(under::<TpmiRsaKeyBits>(&[8, 0], &rules), TpmRc::SUCCESS);
    assert_eq!(under::<TpmiRsaKeyBits>(&[12, 0], &rules), TpmRc::VALUE);
    assert_eq!(under::<TpmtSymDef>(&[0, 6, 1, 0, 0, 0x43], &rules), TpmRc::VALUE);
    assert_eq!(under::<TpmtSymDef>(&[0, 0x26, 1, 0, 0, 0x43], &rules), TpmRc::SUCCESS);
    for (set, mlkem, mldsa) in [
        (0, TpmRc::PARMS, TpmRc::PARMS),
        (1, TpmRc::PARMS, TpmRc::SUCCESS),
        (2, TpmRc::SUCCESS, TpmRc::PARMS),
        (3, TpmRc::PARMS, TpmRc::PARMS),
        (4, TpmRc::PARMS, TpmRc::PARMS),
    ] {
        assert_eq!(under::<TpmiMlkemParms>(&[0, set], &rules), mlkem);
        assert_eq!(under::<TpmiMldsaParms>(&[0, set], &rules), mldsa);
    }
}
