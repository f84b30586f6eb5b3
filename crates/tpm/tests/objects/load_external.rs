//! `TPM2_LoadExternal` through bytes: known keys, and everything that is not one.

use crate::common::TestTpm;
use crate::templates::{keys::*, *};
use ironroot_crypto::hash::digest;
use ironroot_wire::*;

fn load(tpm: &mut TestTpm, private: Option<TpmtSensitive>, public: TpmtPublic, hierarchy: u32) -> Result<u32, TpmRc> {
    let command = LoadExternal {
        in_private: Tpm2bOption(private),
        in_public: Tpm2b(TpmtPublicPlus(public)),
        hierarchy: TpmiRhHierarchy(hierarchy),
    };
    let handle = tpm.run(&command).map(|response| response.object_handle.0)?;
    Ok(handle)
}

#[test]
fn keys_of_every_type_load_with_both_areas() {
    let mut tpm = TestTpm::started();
    let (aes_public, aes_private) = aes_pair(&[1; 16]);
    let (hmac_public, hmac_private) = hmac_pair(&[2; 64]);
    let pairs = [
        (rsa_public(), rsa_private()),
        (ec_public(), ec_private()),
        (aes_public, aes_private),
        (hmac_public, hmac_private),
    ];
    for (public, private) in pairs {
        let handle = load(&mut tpm, Some(private.clone()), public.clone(), NULL).unwrap();
        let read = tpm.run(&ReadPublic { object_handle: TpmiDhObject(handle) }).unwrap();
        assert_eq!(read.out_public.0.0, public);
        assert_eq!(read.name, read.qualified_name);
        assert_eq!(read.name[2..], *digest(TpmiAlgHash::Sha256, &[&public.to_bytes()]));
        // Without a name algorithm there is no name, and symmetric keys are not bound.
        let nameless = TpmtPublic { name_alg: None, ..public };
        let handle = load(&mut tpm, Some(private), nameless, NULL).unwrap();
        let read = tpm.run(&ReadPublic { object_handle: TpmiDhObject(handle) }).unwrap();
        assert!(read.name.is_empty() && read.qualified_name.is_empty());
    }
}

#[test]
fn public_areas_load_into_every_hierarchy() {
    let mut tpm = TestTpm::started();
    for hierarchy in [OWNER, ENDORSEMENT, PLATFORM, NULL] {
        for public in [rsa_public(), ec_public()] {
            load(&mut tpm, None, public.clone(), hierarchy).unwrap();
            // Attributes that only this TPM's own keys have do not matter without the private area.
            let elsewhere = TpmtPublic { object_attributes: public.object_attributes | OWN | A::RESTRICTED, ..public };
            load(&mut tpm, None, elsewhere, hierarchy).unwrap();
        }
    }
}

#[test]
fn what_is_not_a_key_is_refused() {
    let mut tpm = TestTpm::started();
    let (x, y, d) = (bytes(EC_X), bytes(EC_Y), bytes(EC_D));
    let with_point = |x: &[u8], y: &[u8]| {
        let mut public = ec_public();
        if let PublicKind::Ecc(_, unique) = &mut public.kind {
            *unique = ec_point(x, y);
        }
        public
    };
    let with_modulus = |n: &[u8], exponent: u32| {
        let mut public = rsa_public();
        if let PublicKind::Rsa(parms, unique) = &mut public.kind {
            *unique = Tpm2bPublicKeyRsa::from_slice(n).unwrap();
            parms.exponent = exponent;
        }
        public
    };
    let scalar = |d: &[u8]| sensitive(TpmuSensitiveComposite::Ecc(Tpm2bEccPrivate::from_slice(d).unwrap()));
    let prime = |p: &[u8]| sensitive(TpmuSensitiveComposite::Rsa(Tpm2bPrivateKeyRsa::from_slice(p).unwrap()));
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 2;
        bytes
    };
    let with_auth =
        |size: usize| TpmtSensitive { auth_value: Tpm2bAuth::from_slice(&vec![1; size]).unwrap(), ..ec_private() };
    let with_seed =
        |size: usize| TpmtSensitive { seed_value: SeedValue::from_slice(&vec![1; size]).unwrap(), ..ec_private() };
    let attributes = |attributes: A| TpmtPublic { object_attributes: attributes, ..ec_public() };
    let with_policy = TpmtPublic { auth_policy: Tpm2bDigest::from_slice(&[0; 20]).unwrap(), ..ec_public() };
    let (n, p) = (bytes(RSA_N), bytes(RSA_P));
    let order = bytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let (aes_public, aes_private) = aes_pair(&[1; 16]);
    let (_, aes_other) = aes_pair(&[2; 16]);
    let (hmac_public, hmac_private) = hmac_pair(&[1; 65]);
    let nameless = |public: TpmtPublic| TpmtPublic { name_alg: None, ..public };

    let public_rows = [
        ("point off the curve", with_point(&x, &flipped(&y, 31)), TpmRc::ECC_POINT),
        ("point (0, 0)", with_point(&[0; 32], &[0; 32]), TpmRc::ECC_POINT),
        ("short coordinate", with_point(&x[1..], &y), TpmRc::KEY),
        ("no point", with_point(&[], &[]), TpmRc::KEY),
        ("short modulus", with_modulus(&n[1..], 0), TpmRc::KEY),
        ("no modulus", with_modulus(&[], 0), TpmRc::KEY),
        ("modulus without its top bit", with_modulus(&[&[0x7f], &n[1..]].concat(), 0), TpmRc::KEY),
        ("exponent 3", with_modulus(&n, 3), TpmRc::VALUE),
        ("even exponent", with_modulus(&n, 65_538), TpmRc::VALUE),
        ("policy of 20 bytes", with_policy.clone(), TpmRc::SIZE),
        ("storage key without cipher", attributes(PLAIN | STORAGE), TpmRc::SCHEME),
        ("scheme of a key for nothing", attributes(PLAIN), TpmRc::SCHEME),
        ("HMAC key of 65 bytes, unique of none", keyedhash(PLAIN | SIGN, hmac_sha256()), TpmRc::KEY),
    ];
    for (what, public, expected) in public_rows {
        assert_eq!(load(&mut tpm, None, public, OWNER), Err(expected.parameter(2)), "{what}");
    }

    let rows = [
        ("private area outside of NULL", ec_public(), ec_private(), OWNER, TpmRc::HIERARCHY.parameter(3)),
        ("fixedTPM", attributes(OWN | SIGN), ec_private(), NULL, TpmRc::ATTRIBUTES.parameter(2)),
        ("fixedParent", attributes(PLAIN | SIGN | A::FIXED_PARENT), ec_private(), NULL, TpmRc::ATTRIBUTES.parameter(2)),
        ("restricted", attributes(PLAIN | SIGN | A::RESTRICTED), ec_private(), NULL, TpmRc::ATTRIBUTES.parameter(2)),
        ("policy of 20 bytes", with_policy, ec_private(), NULL, TpmRc::SIZE.parameter(2)),
        ("scalar of another point", ec_public(), scalar(&flipped(&d, 31)), NULL, TpmRc::BINDING),
        ("scalar 0", ec_public(), scalar(&[0; 32]), NULL, TpmRc::KEY_SIZE.parameter(1)),
        ("no scalar", ec_public(), scalar(&[]), NULL, TpmRc::KEY_SIZE.parameter(1)),
        ("scalar n", ec_public(), scalar(&order), NULL, TpmRc::KEY_SIZE.parameter(1)),
        ("scalar n without a name", nameless(ec_public()), scalar(&order), NULL, TpmRc::KEY_SIZE.parameter(1)),
        ("scalar of 33 bytes", ec_public(), scalar(&[&[1], &d[..]].concat()), NULL, TpmRc::KEY_SIZE.parameter(1)),
        ("prime of another modulus", rsa_public(), prime(&flipped(&p, 100)), NULL, TpmRc::BINDING),
        ("the same without a name", nameless(rsa_public()), prime(&flipped(&p, 100)), NULL, TpmRc::BINDING),
        ("short prime", rsa_public(), prime(&p[1..]), NULL, TpmRc::KEY_SIZE.parameter(1)),
        ("five values", rsa_public(), prime(&p.repeat(5)), NULL, TpmRc::KEY_SIZE.parameter(1)),
        (
            "prime without its top bit",
            rsa_public(),
            prime(&[&[0x7f], &p[1..]].concat()),
            NULL,
            TpmRc::KEY_SIZE.parameter(1),
        ),
        ("exponent 17", with_modulus(&n, 17), rsa_private(), NULL, TpmRc::RANGE.parameter(2)),
        (
            "modulus without its top bit",
            with_modulus(&[&[0x7f], &n[1..]].concat(), 0),
            rsa_private(),
            NULL,
            TpmRc::KEY.parameter(2),
        ),
        ("another type", ec_public(), rsa_private(), NULL, TpmRc::TYPE.parameter(1)),
        ("auth value of 33 bytes", ec_public(), with_auth(33), NULL, TpmRc::SIZE.parameter(1)),
        ("seedValue of 33 bytes", ec_public(), with_seed(33), NULL, TpmRc::KEY_SIZE.parameter(1)),
        ("another AES key", aes_public.clone(), aes_other, NULL, TpmRc::BINDING),
        (
            "AES key with a short seedValue",
            aes_public.clone(),
            TpmtSensitive { seed_value: SeedValue::from_slice(&[9; 31]).unwrap(), ..aes_private.clone() },
            NULL,
            TpmRc::KEY_SIZE.parameter(1),
        ),
        (
            "AES key of 15 bytes",
            aes_public,
            TpmtSensitive {
                sensitive: TpmuSensitiveComposite::Sym(Tpm2bSymKey::from_slice(&[1; 15]).unwrap()),
                ..aes_private
            },
            NULL,
            TpmRc::KEY_SIZE.parameter(1),
        ),
        ("HMAC key longer than the block", hmac_public, hmac_private, NULL, TpmRc::KEY_SIZE.parameter(1)),
    ];
    for (what, public, private, hierarchy, expected) in rows {
        assert_eq!(load(&mut tpm, Some(private), public, hierarchy), Err(expected), "{what}");
    }
}

#[test]
fn an_unpadded_scalar_is_the_same_key() {
    let mut tpm = TestTpm::started();
    let mut public = ec_public();
    // 1 * G
    let (x, y) = (
        bytes("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        bytes("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    );
    if let PublicKind::Ecc(_, unique) = &mut public.kind {
        *unique = ec_point(&x, &y);
    }
    let one = sensitive(TpmuSensitiveComposite::Ecc(Tpm2bEccPrivate::from_slice(&[1]).unwrap()));
    load(&mut tpm, Some(one), public, NULL).unwrap();
}
