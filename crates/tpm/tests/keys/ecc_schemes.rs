//! The curves and schemes beside ECDSA and ECDH on NIST's large curves, and split operations, through bytes and beside
//! libtpms.
#![allow(clippy::indexing_slicing)]

use crate::common::{TestTpm, password};
use crate::libtpms::{Any, Endpoint, Libtpms};
use crate::outside::{self, load_external, no_ticket, with, with_ecc_scheme};
use crate::peer::Both;
use crate::templates::{keys::*, *};
use ironroot_crypto::{
    EccPoint, EccProvider, PORTABLE, Random,
    ecc::{base_point, generate, is_weierstrass, sm2},
    hash::digest,
};
use ironroot_wire::*;

const KEY: TpmiDhObject = TpmiDhObject(0x8000_0000);
const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const SIGN: A = A(A::USER_WITH_AUTH.0 | A::SIGN_ENCRYPT.0);
const DECRYPT: A = A(A::USER_WITH_AUTH.0 | A::DECRYPT.0);

/// Every short Weierstrass curve; libtpms has no Brainpool.
fn curves() -> impl Iterator<Item = TpmEccCurve> {
    TpmEccCurve::EVERY.iter().copied().filter(|&curve| is_weierstrass(curve))
}

fn libtpms_has(curve: TpmEccCurve) -> bool {
    curve.value() < 0x30
}

struct Byte(u8);

impl Random for Byte {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

fn auth() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

/// A key of a curve, from outside.
fn pair(curve: TpmEccCurve, byte: u8) -> (Vec<u8>, EccPoint) {
    let (scalar, point) = generate(&PORTABLE, curve, &mut Byte(byte)).unwrap();
    (scalar.to_vec(), point)
}

fn public(curve: TpmEccCurve, attributes: A, scheme: Option<TpmtEccScheme>, point: &EccPoint) -> TpmtPublic {
    let mut public = with_ecc_scheme(with(ec_public(), attributes), scheme);
    if let PublicKind::Ecc(parms, unique) = &mut public.kind {
        parms.curve_id = curve;
        *unique = ec_point(&point.x, &point.y);
    }
    public
}

fn private(scalar: &[u8]) -> TpmtSensitive {
    sensitive(TpmuSensitiveComposite::Ecc(Tpm2bEccPrivate::from_slice(scalar).unwrap()))
}

fn load_both(curve: TpmEccCurve, attributes: A, scheme: Option<TpmtEccScheme>) -> (Both, Vec<u8>, EccPoint) {
    let mut both = Both::started();
    let (scalar, point) = pair(curve, 7);
    let command = load_external(public(curve, attributes, scheme, &point), Some(private(&scalar)), NULL);
    assert_eq!(both.same(&command, &[]).unwrap().object_handle, KEY.into(), "{curve:?}");
    (both, scalar, point)
}

fn sign(in_scheme: Option<TpmtSigScheme>, message: &[u8]) -> Sign {
    let digest = Tpm2bDigest::from_slice(&digest(SHA256, &[message])).unwrap();
    Sign { key_handle: KEY, digest, in_scheme, validation: no_ticket() }
}

fn verify(message: &[u8], signature: TpmtSignature) -> VerifySignature {
    let digest = Tpm2bDigest::from_slice(&digest(SHA256, &[message])).unwrap();
    VerifySignature { key_handle: KEY, digest, signature }
}

/// Keys of every curve load, sign and verify on both TPMs, each the other's signatures, with every scheme that signs.
#[test]
fn signatures_of_every_curve_and_scheme() {
    for curve in curves().filter(|&curve| libtpms_has(curve)) {
        let (mut both, ..) = load_both(curve, SIGN, None);
        let schemes: &[TpmtSigScheme] = &[TpmtSigScheme::Ecdsa(SHA256), TpmtSigScheme::Ecschnorr(SHA256)];
        let sm2 = [TpmtSigScheme::Sm2(SHA256)];
        // libtpms does SM2 on its own curve only.
        let sm2 = if curve == TpmEccCurve::Sm2P256 { &sm2[..] } else { &[] };
        for scheme in schemes.iter().chain(sm2) {
            let command = sign(Some(scheme.clone()), b"message");
            let (ours, theirs) = both.both(&command, &auth());
            for signature in [ours.unwrap().signature, theirs.unwrap().signature] {
                both.same(&verify(b"message", signature.clone()), &[]).unwrap_or_else(|rc| {
                    panic!("{curve:?} {scheme:?} {rc}");
                });
                let wrong = both.same(&verify(b"massage", signature), &[]).err();
                assert_eq!(wrong, Some(TpmRc::SIGNATURE.parameter(2)));
            }
        }
    }
}

/// Brainpool, which libtpms does not have: OpenSSL verifies.
#[test]
fn openssl_verifies_brainpool() {
    for curve in curves().filter(|&curve| !libtpms_has(curve)) {
        let mut tpm = TestTpm::started();
        let mut template = ecdsa(A::USER_WITH_AUTH | A::FIXED_TPM | A::FIXED_PARENT | A::SENSITIVE_DATA_ORIGIN);
        if let PublicKind::Ecc(parms, _) = &mut template.kind {
            parms.curve_id = curve;
        }
        let created = tpm.run_auth(&create_primary(OWNER, with(template, sign_attributes()))).unwrap();
        let signature = tpm.run_auth(&sign(None, b"message")).unwrap().signature;
        assert!(outside::verifies(&created.out_public.0, b"message", &signature), "{curve:?}");
        assert!(!outside::verifies(&created.out_public.0, b"massage", &signature), "{curve:?}");
    }
}

fn sign_attributes() -> A {
    A::USER_WITH_AUTH | A::FIXED_TPM | A::FIXED_PARENT | A::SENSITIVE_DATA_ORIGIN | A::SIGN_ENCRYPT
}

/// The same parameters as libtpms says, and for all curves both agree on shared points.
#[test]
fn every_curve_agrees_on_a_shared_point() {
    for curve in curves().filter(|&curve| libtpms_has(curve)) {
        let (mut both, ..) = load_both(curve, DECRYPT, None);
        let (ours, theirs) = both.both(&EcdhKeyGen { key_handle: KEY }, &[]);
        for made in [ours.unwrap(), theirs.unwrap()] {
            let command = EcdhZGen { key_handle: KEY, in_point: made.pub_point };
            let (ours, theirs) = both.both(&command, &auth());
            assert_eq!(ours.unwrap().out_point, made.z_point, "{curve:?}");
            assert_eq!(stripped(&theirs.unwrap().out_point.0), stripped(&made.z_point.0), "{curve:?}");
        }
    }
}

/// Without leading zeros, which libtpms leaves out on curves whose size is no multiple of eight bytes.
fn stripped(point: &TpmsEccPoint) -> [Vec<u8>; 2] {
    [&point.x, &point.y].map(|number| number.iter().copied().skip_while(|digit| *digit == 0).collect())
}

fn ecdaa_scheme(count: u16) -> TpmsSchemeEcdaa {
    TpmsSchemeEcdaa { hash_alg: SHA256, count }
}

fn commit(p1: TpmsEccPoint, s2: &[u8], y2: &[u8]) -> Commit {
    Commit {
        sign_handle: KEY,
        p1: Tpm2b(p1),
        s2: Tpm2bSensitiveData::from_slice(s2).unwrap(),
        y2: Tpm2bEccParameter::from_slice(y2).unwrap(),
    }
}

/// Some `s2` whose hash is the x coordinate of a point of P-256, and its y coordinate.
fn hashed_point() -> (Vec<u8>, Vec<u8>) {
    (b"s2 2".to_vec(), bytes("c757d4c3ebde17ba52ae58f85b4b3795c1240b725298f6b1bd0f0124010f4201"))
}

/// `K` does not depend on anything random, so both TPMs give the same; `L` and `E` are multiples by one number.
#[test]
fn commits_beside_libtpms() {
    let (mut both, scalar, _) = load_both(TpmEccCurve::NistP256, SIGN, Some(TpmtEccScheme::Ecdaa(ecdaa_scheme(0))));
    let (s2, y2) = hashed_point();
    let p1 = base_point(TpmEccCurve::NistP256);
    let commands = [
        commit(ec_point(&p1.x, &p1.y), &s2, &y2),
        commit(no_point(), &s2, &y2),
        commit(ec_point(&p1.x, &p1.y), &[], &[]),
        commit(no_point(), &[], &[]),
    ];
    let base = EccPoint { x: digest(SHA256, &[&s2]).to_vec(), y: y2 };
    let k = PORTABLE.ecc_multiply(TpmEccCurve::NistP256, &scalar, &base).unwrap();
    for (counter, command) in (0..).zip(commands) {
        let (ours, theirs) = both.both(&command, &auth());
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert_eq!((ours.counter, theirs.counter), (counter, counter));
        assert_eq!(ours.k, theirs.k);
        let has = |point: &Tpm2b<TpmsEccPoint>| !point.0.x.is_empty();
        assert_eq!((has(&ours.l), has(&ours.e)), (has(&theirs.l), has(&theirs.e)));
        if !command.s2.is_empty() {
            assert_eq!(ours.k.0, ec_point(&k.x, &k.y));
        }
    }
    for (command, code) in [
        (commit(no_point(), &[], &[1]), TpmRc::SIZE.parameter(3)),
        (commit(no_point(), &[1], &[]), TpmRc::SIZE.parameter(3)),
        (commit(no_point(), b"s2 2", &[1; 32]), TpmRc::ECC_POINT.parameter(2)),
        (commit(ec_point(&[1; 32], &[2; 32]), &[], &[]), TpmRc::ECC_POINT.parameter(1)),
    ] {
        assert_eq!(both.same(&command, &auth()).err(), Some(code));
    }
}

/// The verifier's side: `[s]G - [H(k || digest)]Q` is the point that the commit gave out.
fn commitment_of(public: &EccPoint, digest_signed: &[u8], signature: &TpmtSignature) -> EccPoint {
    let TpmtSignature::Ecdaa(signature) = signature else { panic!("{signature:?}") };
    let curve = TpmEccCurve::NistP256;
    let challenge = digest(SHA256, &[&signature.signature_r, digest_signed]);
    // -Q has the other y coordinate.
    let p = ironroot_crypto::ecc::parameters(curve).p;
    let mut borrow = 0_u16;
    let mut y: Vec<u8> = Vec::new();
    for (a, b) in p.iter().rev().zip(public.y.iter().rev()) {
        let difference = 256 + u16::from(*a) - u16::from(*b) - borrow;
        borrow = u16::from(difference < 256);
        y.insert(0, difference as u8);
    }
    let negative = EccPoint { x: public.x.clone(), y };
    let terms = [(&signature.signature_s[..], &base_point(curve)), (&challenge[..], &negative)];
    PORTABLE.ecc_combine(curve, terms).unwrap()
}

/// Signatures of both TPMs complete their commits, once.
#[test]
fn ecdaa_signatures() {
    let own = Some(TpmtEccScheme::Ecdaa(ecdaa_scheme(0)));
    let (mut both, _, public) = load_both(TpmEccCurve::NistP256, SIGN, own);
    let (ours, theirs) = both.both(&commit(no_point(), &[], &[]), &auth());
    let commits = [ours.unwrap(), theirs.unwrap()];
    let command = sign(Some(TpmtSigScheme::Ecdaa(ecdaa_scheme(0))), b"message");
    let (ours, theirs) = both.both(&command, &auth());
    for (commit, signature) in commits.iter().zip([ours.unwrap().signature, theirs.unwrap().signature]) {
        let point = commitment_of(&public, &digest(SHA256, &[b"message"]), &signature);
        assert_eq!(ec_point(&point.x, &point.y), commit.e.0);
        // No TPM verifies it.
        assert_eq!(both.same(&verify(b"message", signature), &[]).err(), Some(TpmRc::SCHEME.parameter(2)));
    }
    // The number is used up.
    assert_eq!(both.ours.run_auth(&command).err(), Some(TpmRc::VALUE));
    // Nothing was committed with this one.
    let other = sign(Some(TpmtSigScheme::Ecdaa(ecdaa_scheme(9))), b"message");
    assert_eq!(both.ours.run_auth(&other).err(), Some(TpmRc::RANGE));
    // The counter must be the caller's.
    assert_eq!(both.same(&sign(None, b"message"), &auth()).err(), Some(TpmRc::SCHEME.parameter(2)));
}

/// The numbers of a key are derived with its name algorithm: a key without one has none.
#[test]
fn a_key_without_a_name_has_no_commits() {
    let mut tpm = TestTpm::started();
    let (scalar, point) = pair(TpmEccCurve::NistP256, 7);
    let key = public(TpmEccCurve::NistP256, SIGN, Some(TpmtEccScheme::Ecdaa(ecdaa_scheme(0))), &point);
    let key = TpmtPublic { name_alg: None, ..key };
    tpm.run(&load_external(key, Some(private(&scalar)), NULL)).unwrap();
    assert_eq!(tpm.run_auth(&commit(no_point(), &[], &[])).err(), Some(TpmRc::KEY.handle(1)));
    let command = sign(Some(TpmtSigScheme::Ecdaa(ecdaa_scheme(0))), b"message");
    assert_eq!(tpm.run_auth(&command).err(), Some(TpmRc::VALUE));
}

/// An anonymous attestation does not say who attests, and its signature covers the qualifying data all the same.
#[test]
fn anonymous_attestation() {
    let own = Some(TpmtEccScheme::Ecdaa(ecdaa_scheme(0)));
    for qualifying in [&b"qualifying"[..], b""] {
        let (mut both, _, public) = load_both(TpmEccCurve::NistP256, SIGN, own.clone());
        let (ours, theirs) = both.both(&commit(no_point(), &[], &[]), &auth());
        let commits = [ours.unwrap(), theirs.unwrap()];
        let command = Quote {
            sign_handle: Some(KEY),
            qualifying_data: Tpm2bData::from_slice(qualifying).unwrap(),
            in_scheme: Some(TpmtSigScheme::Ecdaa(ecdaa_scheme(0))),
            pcr_select: TpmlPcrSelection::new(Vec::new()),
        };
        let (ours, theirs) = both.both(&command, &auth());
        for (name, commit, quote) in [("ours", &commits[0], ours.unwrap()), ("libtpms", &commits[1], theirs.unwrap())] {
            let attest = TpmsAttest::from_bytes(&quote.quoted).unwrap();
            assert!(attest.qualified_signer.is_empty() && attest.extra_data.is_empty());
            let inner = digest(SHA256, &[&quote.quoted]);
            // libtpms hashes once if there is no qualifying data; equation 61 has no such exception.
            let once = name == "libtpms" && qualifying.is_empty();
            let signed = if once { inner } else { digest(SHA256, &[qualifying, &inner]) };
            let point = commitment_of(&public, &signed, &quote.signature.unwrap());
            assert_eq!(ec_point(&point.x, &point.y), commit.e.0, "{name} {qualifying:?}");
        }
    }
}

/// A sequence takes the counter in its context.
#[test]
fn ecdaa_sequences() {
    let mut tpm = TestTpm::started();
    let (scalar, point) = pair(TpmEccCurve::NistP256, 7);
    let key = public(TpmEccCurve::NistP256, SIGN, Some(TpmtEccScheme::Ecdaa(ecdaa_scheme(0))), &point);
    tpm.run(&load_external(key, Some(private(&scalar)), NULL)).unwrap();
    let committed = tpm.run_auth(&commit(no_point(), &[], &[])).unwrap();
    let start = |context: &[u8]| SignSequenceStart {
        key_handle: KEY,
        auth: Tpm2bAuth::default(),
        context: Tpm2bSignatureCtx::from_slice(context).unwrap(),
    };
    assert_eq!(tpm.run(&start(&[])).err(), Some(TpmRc::SIZE.parameter(2)));
    let sequence_handle = tpm.run(&start(&committed.counter.to_be_bytes())).unwrap().sequence_handle;
    let command = SignSequenceComplete {
        sequence_handle,
        key_handle: KEY,
        buffer: Tpm2bMaxBuffer::from_slice(b"message").unwrap(),
    };
    let signature = tpm.run_auth(&command).unwrap().signature;
    let found = commitment_of(&point, &digest(SHA256, &[b"message"]), &signature);
    assert_eq!(ec_point(&found.x, &found.y), committed.e.0);
}

/// After a TPM Resume a pending number is still there; after a TPM Reset it is not.
#[test]
fn commits_survive_a_resume() {
    let mut tpm = TestTpm::started();
    let (scalar, point) = pair(TpmEccCurve::NistP256, 7);
    let key = public(TpmEccCurve::NistP256, SIGN, Some(TpmtEccScheme::Ecdaa(ecdaa_scheme(0))), &point);
    let load = load_external(key, Some(private(&scalar)), NULL);
    tpm.run(&load).unwrap();
    let committed = tpm.run_auth(&commit(no_point(), &[], &[])).unwrap();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::State).unwrap();
    tpm.run(&load).unwrap();
    let command = sign(Some(TpmtSigScheme::Ecdaa(ecdaa_scheme(committed.counter))), b"message");
    let signature = tpm.run_auth(&command).unwrap().signature;
    let found = commitment_of(&point, &digest(SHA256, &[b"message"]), &signature);
    assert_eq!(ec_point(&found.x, &found.y), committed.e.0);

    let committed = tpm.run_auth(&commit(no_point(), &[], &[])).unwrap();
    tpm.run(&Shutdown { shutdown_type: TpmSu::Clear }).unwrap();
    tpm.reopen();
    tpm.startup(TpmSu::Clear).unwrap();
    tpm.run(&load).unwrap();
    let command = sign(Some(TpmtSigScheme::Ecdaa(ecdaa_scheme(committed.counter))), b"message");
    assert_eq!(tpm.run_auth(&command).err(), Some(TpmRc::RANGE));
}

/// Moving a running TPM takes the pending numbers along.
#[test]
fn commits_move_with_the_volatile_state() {
    let mut tpm = TestTpm::started();
    let ephemeral = tpm.run(&EcEphemeral { curve_id: TpmEccCurve::NistP256 }).unwrap();
    let blob = tpm.tpm.save_volatile();
    tpm.reopen();
    tpm.tpm.restore_volatile(0, &blob).unwrap();
    let (scalar, point) = pair(TpmEccCurve::NistP256, 7);
    tpm.run(&load_external(public(TpmEccCurve::NistP256, DECRYPT, None, &point), Some(private(&scalar)), NULL))
        .unwrap();
    let (peer_scalar, peer) = pair(TpmEccCurve::NistP256, 9);
    let command = zgen(&peer, &peer, TpmiEccKeyExchange::Ecdh, ephemeral.counter);
    let z = tpm.run_auth(&command).unwrap().out_z2;
    let q = EccPoint { x: ephemeral.q.0.x.to_vec(), y: ephemeral.q.0.y.to_vec() };
    let expected = PORTABLE.ecc_multiply(TpmEccCurve::NistP256, &peer_scalar, &q).unwrap();
    assert_eq!(z.0, ec_point(&expected.x, &expected.y));
}

fn zgen(qs_b: &EccPoint, qe_b: &EccPoint, in_scheme: TpmiEccKeyExchange, counter: u16) -> ZGen2Phase {
    let point = |point: &EccPoint| Tpm2b(ec_point(&point.x, &point.y));
    ZGen2Phase { key_a: KEY, in_qs_b: point(qs_b), in_qe_b: point(qe_b), in_scheme, counter }
}

/// Two TPMs agree on a point, once.
fn exchange(curve: TpmEccCurve, scheme: TpmiEccKeyExchange, one: &mut impl Endpoint, other: &mut impl Endpoint) {
    let [(one_scalar, one_public), (other_scalar, other_public)] = [pair(curve, 7), pair(curve, 8)];
    let load = |scalar: &[u8], point| load_external(public(curve, DECRYPT, None, point), Some(private(scalar)), NULL);
    one.run(&load(&one_scalar, &one_public)).unwrap();
    other.run(&load(&other_scalar, &other_public)).unwrap();
    let begin = EcEphemeral { curve_id: curve };
    let (one_ephemeral, other_ephemeral) = (one.run(&begin).unwrap(), other.run(&begin).unwrap());
    let point = |point: &TpmsEccPoint| EccPoint { x: point.x.to_vec(), y: point.y.to_vec() };
    let one_command = zgen(&other_public, &point(&other_ephemeral.q.0), scheme, one_ephemeral.counter);
    let other_command = zgen(&one_public, &point(&one_ephemeral.q.0), scheme, other_ephemeral.counter);
    let (ours, theirs) = (one.run_auth(&one_command).unwrap(), other.run_auth(&other_command).unwrap());
    assert_eq!(stripped(&ours.out_z1.0), stripped(&theirs.out_z1.0), "{curve:?} {scheme:?}");
    assert_eq!(stripped(&ours.out_z2.0), stripped(&theirs.out_z2.0), "{curve:?} {scheme:?}");
    assert_eq!(ours.out_z2.0.x.is_empty(), scheme != TpmiEccKeyExchange::Ecdh);
    let once_only = Some(TpmRc::VALUE.parameter(4));
    assert_eq!((one.run_auth(&one_command).err(), other.run_auth(&other_command).err()), (once_only, once_only));
}

/// Ours on the one side, libtpms on the other. libtpms has ECMQV, but goes into failure mode when it is used; its SM2 gives
/// another point than the example of GB/T 32918.5, which `ironroot_crypto::ecc::exchange` is held to.
#[test]
fn two_phase_exchange_with_libtpms() {
    for curve in [TpmEccCurve::NistP256, TpmEccCurve::NistP521, TpmEccCurve::BnP256] {
        let scheme = TpmiEccKeyExchange::Ecdh;
        exchange(curve, scheme, &mut Any::Ours(&mut TestTpm::started()), &mut Libtpms::started());
    }
}

/// Both sides are ours, each with a key of its own.
#[test]
fn two_phase_exchange_of_every_curve() {
    for curve in curves() {
        for scheme in [TpmiEccKeyExchange::Ecdh, TpmiEccKeyExchange::Ecmqv, TpmiEccKeyExchange::Sm2] {
            exchange(curve, scheme, &mut Any::Ours(&mut TestTpm::started()), &mut Any::Ours(&mut TestTpm::started()));
        }
    }
}

#[test]
fn errors_of_two_phase_exchange() {
    let curve = TpmEccCurve::NistP256;
    let peer = pair(curve, 9).1;
    let nowhere = EccPoint { x: vec![1; 32], y: vec![1; 32] };
    let (mut both, ..) = load_both(curve, DECRYPT, Some(TpmtEccScheme::Ecdh(SHA256)));
    both.both(&EcEphemeral { curve_id: curve }, &[]).0.unwrap();
    for (command, code) in [
        (zgen(&nowhere, &peer, TpmiEccKeyExchange::Ecdh, 0), TpmRc::ECC_POINT.parameter(1)),
        (zgen(&peer, &nowhere, TpmiEccKeyExchange::Ecdh, 0), TpmRc::ECC_POINT.parameter(2)),
        (zgen(&peer, &peer, TpmiEccKeyExchange::Ecmqv, 0), TpmRc::SCHEME.parameter(3)),
    ] {
        assert_eq!(both.same(&command, &auth()).err(), Some(code));
    }
    // 44.2.5: out of the window.
    let late = zgen(&peer, &peer, TpmiEccKeyExchange::Ecdh, 1);
    assert_eq!(both.ours.run_auth(&late).err(), Some(TpmRc::RANGE.parameter(4)));
    // A failure does not use the number up.
    both.ours.run_auth(&zgen(&peer, &peer, TpmiEccKeyExchange::Ecdh, 0)).unwrap();

    let command = zgen(&peer, &peer, TpmiEccKeyExchange::Ecdh, 0);
    let (mut both, ..) = load_both(curve, SIGN, None);
    assert_eq!(both.same(&command, &auth()).err(), Some(TpmRc::ATTRIBUTES.handle(1)));
    let mut both = Both::started();
    both.same(&load_external(rsa_public(), Some(rsa_private()), NULL), &[]).unwrap();
    assert_eq!(both.same(&command, &auth()).err(), Some(TpmRc::KEY.handle(1)));
    assert_eq!(both.same(&commit(no_point(), &[], &[]), &auth()).err(), Some(TpmRc::KEY.handle(1)));
}

/// Two-phase key exchange adds points, which X25519 and X448 cannot.
#[test]
fn ephemeral_keys_are_of_curves_whose_points_add() {
    let mut tpm = TestTpm::started();
    for curve_id in [TpmEccCurve::Curve25519, TpmEccCurve::Curve448] {
        assert_eq!(tpm.run(&EcEphemeral { curve_id }).err(), Some(TpmRc::CURVE.parameter(1)));
    }
}

fn kdf2() -> Option<TpmtKdfScheme> {
    Some(TpmtKdfScheme::Kdf2(TpmiAlgHash::Sm3_256))
}

/// OpenSSL decrypts what the TPM has encrypted, and the TPM what OpenSSL has: on the curve of SM2, with SM3.
#[test]
fn sm2_encryption_with_openssl() {
    let mut tpm = TestTpm::started();
    let (scalar, point) = pair(TpmEccCurve::Sm2P256, 7);
    tpm.run(&load_external(public(TpmEccCurve::Sm2P256, DECRYPT, None, &point), Some(private(&scalar)), NULL)).unwrap();
    for message in [&b"encryption standard"[..], b"x", &[7; 1000]] {
        let command =
            EccEncrypt { key_handle: KEY, plain_text: Tpm2bMaxBuffer::from_slice(message).unwrap(), in_scheme: kdf2() };
        let made = tpm.run(&command).unwrap();
        assert_eq!(outside::ecc::sm2_decrypt(&scalar, &point, (&made.c1.0, &made.c2, &made.c3)), message);
        let (c1, c2, c3) = outside::ecc::sm2_encrypt(&point, message);
        let command = EccDecrypt {
            key_handle: KEY,
            c1: Tpm2b(c1),
            c2: Tpm2bMaxBuffer::from_slice(&c2).unwrap(),
            c3: Tpm2bDigest::from_slice(&c3).unwrap(),
            in_scheme: kdf2(),
        };
        assert_eq!(tpm.run_auth(&command).unwrap().plain_text.as_slice(), message);
    }
}

/// OpenSSL verifies a message that a sequence has signed for an identity (Part 1, 45.2.2.3).
#[test]
fn sm2_sequences_with_openssl() {
    let mut tpm = TestTpm::started();
    let (scalar, point) = pair(TpmEccCurve::Sm2P256, 7);
    let scheme = Some(TpmtEccScheme::Sm2(TpmiAlgHash::Sm3_256));
    tpm.run(&load_external(public(TpmEccCurve::Sm2P256, SIGN, scheme, &point), Some(private(&scalar)), NULL)).unwrap();
    let context = Tpm2bSignatureCtx::from_slice(b"1234567812345678").unwrap();
    let start = SignSequenceStart { key_handle: KEY, auth: Tpm2bAuth::default(), context: context.clone() };
    let sequence_handle = tpm.run(&start).unwrap().sequence_handle;
    let part = SequenceUpdate { sequence_handle, buffer: Tpm2bMaxBuffer::from_slice(b"mess").unwrap() };
    tpm.run_auth(&part).unwrap();
    let buffer = Tpm2bMaxBuffer::from_slice(b"age").unwrap();
    let complete = SignSequenceComplete { sequence_handle, key_handle: KEY, buffer };
    let signature = tpm.run_auth(&complete).unwrap().signature;
    let TpmtSignature::Sm2(halves) = &signature else { panic!("{signature:?}") };
    assert!(outside::ecc::sm2_verifies(&point, b"1234567812345678", b"message", halves));
    assert!(!outside::ecc::sm2_verifies(&point, b"8765432187654321", b"message", halves));

    // The same through the TPM, and by the digest of identity and message.
    let start = VerifySequenceStart {
        key_handle: KEY,
        auth: Tpm2bAuth::default(),
        hint: Tpm2bSignatureHint::default(),
        context,
    };
    let sequence_handle = tpm.run(&start).unwrap().sequence_handle;
    let part = SequenceUpdate { sequence_handle, buffer: Tpm2bMaxBuffer::from_slice(b"message").unwrap() };
    tpm.run_auth(&part).unwrap();
    tpm.run_auth(&VerifySequenceComplete { sequence_handle, key_handle: KEY, signature: signature.clone() }).unwrap();
    let z = sm2::identity_digest((TpmEccCurve::Sm2P256, TpmiAlgHash::Sm3_256), b"1234567812345678", &point).unwrap();
    let e = Tpm2bDigest::from_slice(&digest(TpmiAlgHash::Sm3_256, &[&z, b"message"])).unwrap();
    let command = |context: &[u8]| VerifyDigestSignature {
        key_handle: KEY,
        context: Tpm2bSignatureCtx::from_slice(context).unwrap(),
        digest: e.clone(),
        signature: signature.clone(),
    };
    tpm.run(&command(b"")).unwrap();
    assert_eq!(tpm.run(&command(b"identity")).err(), Some(TpmRc::SIZE.parameter(1)));
}

#[test]
fn errors_of_encryption() {
    let mut tpm = TestTpm::started();
    let (scalar, point) = pair(TpmEccCurve::NistP256, 7);
    tpm.run(&load_external(public(TpmEccCurve::NistP256, DECRYPT, None, &point), Some(private(&scalar)), NULL))
        .unwrap();
    let encrypt = |in_scheme| EccEncrypt {
        key_handle: KEY,
        plain_text: Tpm2bMaxBuffer::from_slice(b"message").unwrap(),
        in_scheme,
    };
    let made = tpm.run(&encrypt(Some(TpmtKdfScheme::Kdf2(SHA256)))).unwrap();
    let decrypt = |c1: TpmsEccPoint, c3: &[u8], in_scheme| EccDecrypt {
        key_handle: KEY,
        c1: Tpm2b(c1),
        c2: made.c2.clone(),
        c3: Tpm2bDigest::from_slice(c3).unwrap(),
        in_scheme,
    };
    let sha256 = || Some(TpmtKdfScheme::Kdf2(SHA256));
    let good = tpm.run_auth(&decrypt(made.c1.0.clone(), &made.c3, sha256())).unwrap();
    assert_eq!(good.plain_text.as_slice(), b"message");
    let other = Some(TpmtKdfScheme::Kdf1Sp800_108(SHA256));
    for scheme in [None, other] {
        assert_eq!(tpm.run(&encrypt(scheme.clone())).err(), Some(TpmRc::SCHEME.parameter(2)));
        let command = decrypt(made.c1.0.clone(), &made.c3, scheme);
        assert_eq!(tpm.run_auth(&command).err(), Some(TpmRc::SCHEME.parameter(4)));
    }
    let off = decrypt(ec_point(&[1; 32], &[1; 32]), &made.c3, sha256());
    assert_eq!(tpm.run_auth(&off).err(), Some(TpmRc::ECC_POINT.parameter(1)));
    let wrong = decrypt(made.c1.0.clone(), &[1; 32], sha256());
    assert_eq!(tpm.run_auth(&wrong).err(), Some(TpmRc::VALUE.parameter(3)));
}

/// Parents on every curve hold children that sign.
#[test]
fn keys_of_every_curve_are_created() {
    for curve in curves() {
        let mut tpm = TestTpm::started();
        let mut template = ecc_srk();
        if let PublicKind::Ecc(parms, _) = &mut template.kind {
            parms.curve_id = curve;
        }
        let parent = tpm.run_auth(&create_primary(OWNER, template)).unwrap().object_handle.0;
        let mut child = ecdsa(sign_attributes());
        if let PublicKind::Ecc(parms, _) = &mut child.kind {
            parms.curve_id = curve;
        }
        let made = tpm.run_auth(&create(parent, child, b"", b"")).unwrap();
        let load =
            Load { parent_handle: TpmiDhObject(parent), in_private: made.out_private, in_public: made.out_public };
        let key_handle = TpmiDhObject(tpm.run_auth(&load).unwrap().object_handle.0);
        let signature = tpm.run_auth(&Sign { key_handle, ..sign(None, b"message") }).unwrap().signature;
        tpm.run(&VerifySignature { key_handle, ..verify(b"message", signature) }).unwrap();
    }
}
