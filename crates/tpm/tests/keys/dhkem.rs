//! DHKEM (RFC 9180) with elliptic-curve keys through bytes: CFRG's vectors, the other library, and what is refused.

use crate::common::TestTpm;
use crate::curves::{self, of_small_order, private};
use crate::outside::{load_external, openssl, with};
use crate::templates::{keys::*, pq::outside_mlkem, *};
use ironroot_crypto::{PORTABLE, dhkem};
use ironroot_wire::*;

const VECTORS: &str = include_str!("../../../crypto/vectors/dhkem.txt");
const PAIRS: [(&str, TpmEccCurve, TpmiAlgHash); 5] = [
    ("p256", TpmEccCurve::NistP256, TpmiAlgHash::Sha256),
    ("p384", TpmEccCurve::NistP384, TpmiAlgHash::Sha384),
    ("p521", TpmEccCurve::NistP521, TpmiAlgHash::Sha512),
    ("x25519", TpmEccCurve::Curve25519, TpmiAlgHash::Sha256),
    ("x448", TpmEccCurve::Curve448, TpmiAlgHash::Sha512),
];

/// A key for ECDH with this key derivation.
fn template(curve_id: TpmEccCurve, attributes: A, kdf: Option<TpmtKdfScheme>) -> TpmtPublic {
    // The hash of the scheme means nothing here (Part 2, 12.2.3.5).
    let mut public = ecc(attributes | A::DECRYPT, None, Some(TpmtEccScheme::Ecdh(TpmiAlgHash::Sha256)));
    let PublicKind::Ecc(parms, _) = &mut public.kind else { panic!() };
    (parms.curve_id, parms.kdf) = (curve_id, kdf);
    public
}

fn hkdf(hash: TpmiAlgHash) -> Option<TpmtKdfScheme> {
    Some(TpmtKdfScheme::Hkdf(hash))
}

/// The point of a serialized public key (RFC 9180, 7.1.1).
fn point(curve: TpmEccCurve, serialized: &[u8]) -> TpmsEccPoint {
    match curve {
        TpmEccCurve::Curve25519 | TpmEccCurve::Curve448 => ec_point(serialized, &[]),
        _ => {
            assert_eq!(serialized[0], 4);
            let (x, y) = serialized[1..].split_at(serialized.len() / 2);
            ec_point(x, y)
        }
    }
}

fn serialized(public: &TpmtPublic) -> Vec<u8> {
    let PublicKind::Ecc(parms, point) = &public.kind else { panic!() };
    match parms.curve_id {
        TpmEccCurve::Curve25519 | TpmEccCurve::Curve448 => point.x.to_vec(),
        _ => [&[4][..], &point.x, &point.y].concat(),
    }
}

fn load(tpm: &mut TestTpm, public: TpmtPublic, private: Option<TpmtSensitive>) -> TpmiDhObject {
    TpmiDhObject(tpm.run(&load_external(public, private, NULL)).unwrap().object_handle.0)
}

fn flush(tpm: &mut TestTpm, handle: TpmiDhObject) {
    tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle.0) }).unwrap();
}

fn decapsulate(key: TpmiDhObject, ciphertext: &[u8]) -> Decapsulate {
    Decapsulate { key_handle: key, ciphertext: Tpm2bKemCiphertext::from_slice(ciphertext).unwrap() }
}

#[test]
fn the_vectors_of_rfc_9180_are_decapsulated() {
    let mut tpm = TestTpm::started();
    let mut count = 0;
    for row in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let [name, _, private_key, public_key, encapsulation, shared] = row.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let (_, curve, hash) = PAIRS.into_iter().find(|pair| pair.0 == name).unwrap();
        let mut public = template(curve, PLAIN, hkdf(hash));
        let PublicKind::Ecc(_, unique) = &mut public.kind else { panic!() };
        *unique = point(curve, &bytes(public_key));
        let key = load(&mut tpm, public, Some(private(&bytes(private_key))));
        let found = tpm.run_auth(&decapsulate(key, &bytes(encapsulation))).unwrap();
        assert_eq!(*found.shared_secret, bytes(shared), "{row}");
        flush(&mut tpm, key);
        count += 1;
    }
    assert_eq!(count, 26);
}

#[test]
fn secrets_travel_to_the_holder_of_a_key() {
    let mut tpm = TestTpm::started();
    for (_, curve, hash) in PAIRS {
        let made = tpm.run_auth(&create_primary(OWNER, template(curve, OWN, hkdf(hash)))).unwrap();
        let (key, public) = (TpmiDhObject(made.object_handle.0), made.out_public.0);
        let sent = tpm.run(&Encapsulate { key_handle: key }).unwrap();
        assert_eq!(sent.shared_secret.len(), hash.digest_size());
        let again = tpm.run(&Encapsulate { key_handle: key }).unwrap();
        assert_ne!(sent.ciphertext, again.ciphertext);
        let found = tpm.run_auth(&decapsulate(key, &sent.ciphertext)).unwrap();
        assert_eq!(found.shared_secret, sent.shared_secret);
        // The other library makes the ciphertext.
        let mut random = ironroot_crypto::Drbg::from_seed(b"test", &[]);
        let (secret, ciphertext) =
            dhkem::encapsulate(&PORTABLE, (curve, hash), &serialized(&public), &mut random).unwrap();
        assert_eq!(*tpm.run_auth(&decapsulate(key, &ciphertext)).unwrap().shared_secret, *secret);
        // The same key agrees by ECDH, too.
        let z = tpm.run(&EcdhKeyGen { key_handle: key }).unwrap();
        let z_gen = EcdhZGen { key_handle: key, in_point: z.pub_point };
        assert_eq!(tpm.run_auth(&z_gen).unwrap().out_point, z.z_point);
        flush(&mut tpm, key);
    }
}

#[test]
fn the_other_library_opens_what_the_tpm_sends() {
    let mut tpm = TestTpm::started();
    for row in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let [name, _, private_key, public_key, ..] = row.split(' ').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let (_, curve, hash) = PAIRS.into_iter().find(|pair| pair.0 == name).unwrap();
        let mut public = template(curve, PLAIN, hkdf(hash));
        let PublicKind::Ecc(_, unique) = &mut public.kind else { panic!() };
        *unique = point(curve, &bytes(public_key));
        let key = load(&mut tpm, public.clone(), None);
        let sent = tpm.run(&Encapsulate { key_handle: key }).unwrap();
        let pair = (curve, hash);
        let found =
            dhkem::decapsulate(&PORTABLE, pair, &bytes(private_key), &serialized(&public), &sent.ciphertext).unwrap();
        assert_eq!(*found, *sent.shared_secret, "{row}");
        flush(&mut tpm, key);
    }
}

#[test]
fn what_is_no_encapsulation_is_refused() {
    let mut tpm = TestTpm::started();
    for (_, curve, hash) in PAIRS {
        let made = tpm.run_auth(&create_primary(OWNER, template(curve, OWN, hkdf(hash)))).unwrap();
        let key = TpmiDhObject(made.object_handle.0);
        let sent = tpm.run(&Encapsulate { key_handle: key }).unwrap().ciphertext;
        let size = Some(TpmRc::SIZE.parameter(1));
        for wrong in [&sent[1..], &[&sent[..], &[0]].concat(), &[]] {
            assert_eq!(tpm.run_auth(&decapsulate(key, wrong)).err(), size);
        }
        let no_point = Some(TpmRc::ECC_POINT.parameter(1));
        let bad = match curve {
            TpmEccCurve::Curve25519 | TpmEccCurve::Curve448 => of_small_order(curve),
            _ => {
                let mut off = sent.to_vec();
                *off.last_mut().unwrap() ^= 1;
                let mut compressed = sent.to_vec();
                compressed[0] = 2;
                vec![off, compressed, vec![0; sent.len()]]
            }
        };
        for wrong in bad {
            assert_eq!(tpm.run_auth(&decapsulate(key, &wrong)).err(), no_point);
        }
        flush(&mut tpm, key);
    }
}

#[test]
fn only_an_agreement_key_has_the_key_derivation_of_its_curve() {
    let mut tpm = TestTpm::started();
    let refused = Some(TpmRc::KDF.parameter(2));
    for (_, curve, hash) in PAIRS {
        let others = [TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512].into_iter();
        for other in others.filter(|other| *other != hash) {
            let public = template(curve, OWN, hkdf(other));
            assert_eq!(tpm.run(&TestParms { parameters: public.parms() }).err(), Some(TpmRc::KDF.parameter(1)));
            assert_eq!(tpm.run_auth(&create_primary(OWNER, public)).err(), refused);
        }
        tpm.run(&TestParms { parameters: template(curve, OWN, hkdf(hash)).parms() }).unwrap();
        for kdf in [TpmtKdfScheme::Kdf1Sp800_56a(hash), TpmtKdfScheme::Kdf1Sp800_108(hash), TpmtKdfScheme::Mgf1(hash)] {
            assert_eq!(tpm.run_auth(&create_primary(OWNER, template(curve, OWN, Some(kdf)))).err(), refused);
        }
        // A storage key, a signing key, and a key that leaves its scheme open.
        let mut storage = curves::storage(curve);
        let PublicKind::Ecc(parms, _) = &mut storage.kind else { panic!() };
        parms.kdf = hkdf(hash);
        assert_eq!(tpm.run_auth(&create_primary(OWNER, storage)).err(), refused);
    }
    let hash = TpmiAlgHash::Sha256;
    let with_kdf = |mut public: TpmtPublic| {
        let PublicKind::Ecc(parms, _) = &mut public.kind else { panic!() };
        parms.kdf = hkdf(hash);
        public
    };
    for template in [
        ecdsa(OWN),
        ecc(OWN | A::DECRYPT, None, None),
        ecc(OWN | SIGN | A::DECRYPT, None, None),
        curves::eddsa(TpmEccCurve::Curve25519, OWN),
    ] {
        let refused_here = tpm.run_auth(&create_primary(OWNER, with_kdf(template.clone()))).err();
        assert_eq!(refused_here, refused, "{template:?}");
    }
}

#[test]
fn the_commands_refuse_other_keys() {
    let mut tpm = TestTpm::started();
    let plain = tpm.run_auth(&create_primary(OWNER, template(TpmEccCurve::NistP256, OWN, None))).unwrap();
    let plain = TpmiDhObject(plain.object_handle.0);
    tpm.row("not a KEM key", &Encapsulate { key_handle: plain }, TpmRc::KEY.handle(1));
    tpm.row("not a KEM key", &decapsulate(plain, &[4; 65]), TpmRc::KEY.handle(1));
    let signing = load(&mut tpm, ec_public(), Some(ec_private()));
    tpm.row("not a KEM key", &Encapsulate { key_handle: signing }, TpmRc::KEY.handle(1));
    // Without a name algorithm, TPM2_LoadExternal takes attributes that no key of a name may have.
    let set = TpmiMlkemParms::MlKem768;
    let (public, secret) = outside_mlkem(PLAIN, set, &[9; 64]);
    let nameless = load(&mut tpm, TpmtPublic { name_alg: None, ..public }, Some(secret));
    let sent = tpm.run(&Encapsulate { key_handle: nameless }).unwrap().ciphertext;
    let refused = TpmRc::ATTRIBUTES.handle(1);
    tpm.row("a key that does not decrypt", &decapsulate(nameless, &sent), refused);
    // The public area alone.
    let made = tpm.run_auth(&create_primary(OWNER, template(TpmEccCurve::NistP256, OWN, hkdf(TpmiAlgHash::Sha256))));
    let public = with(made.unwrap().out_public.0, PLAIN | A::DECRYPT);
    let alone = load(&mut tpm, public, None);
    let sent = tpm.run(&Encapsulate { key_handle: alone }).unwrap().ciphertext;
    assert_eq!(tpm.run_auth(&decapsulate(alone, &sent)).err(), Some(TpmRc::AUTH_UNAVAILABLE));
}

/// An ephemeral key of OpenSSL's; what it agrees on is computed there, and the derivation from RFC 9180's text here.
#[test]
fn openssl_and_hmac_make_the_same_secret() {
    let mut tpm = TestTpm::started();
    let hash = TpmiAlgHash::Sha256;
    let made = tpm.run_auth(&create_primary(OWNER, template(TpmEccCurve::Curve25519, OWN, hkdf(hash)))).unwrap();
    let (key, public) = (TpmiDhObject(made.object_handle.0), made.out_public.0);
    let ephemeral = [0x77; 32];
    let encapsulation = curves::openssl_public(&public, &ephemeral);
    let shared = curves::openssl_agrees(&public, &ephemeral);
    let suite = b"HPKE-v1KEM\x00\x20";
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hkdf = |mode: &str, options: &[(&str, Vec<u8>)]| {
        let options: Vec<String> = options.iter().map(|(name, value)| format!("{name}:{}", hex(value))).collect();
        let mut arguments = vec!["kdf", "-keylen", "32", "-binary", "-kdfopt", "digest:SHA256", "-kdfopt", mode];
        options.iter().for_each(|option| arguments.extend(["-kdfopt", option.as_str()]));
        arguments.push("HKDF");
        let (done, out) = openssl(&arguments, &[]);
        assert!(done, "openssl's HKDF");
        out
    };
    let labelled = [&suite[..], b"eae_prk", &shared].concat();
    let extracted = hkdf("mode:EXTRACT_ONLY", &[("hexkey", labelled), ("hexsalt", vec![0])]);
    let info = [&[0, 32][..], suite, b"shared_secret", &encapsulation, &serialized(&public)].concat();
    let expected = hkdf("mode:EXPAND_ONLY", &[("hexkey", extracted), ("hexinfo", info)]);
    assert_eq!(*tpm.run_auth(&decapsulate(key, &encapsulation)).unwrap().shared_secret, expected);
}
