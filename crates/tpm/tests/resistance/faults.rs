//! Entropy that fails or repeats, computations that go wrong: nothing is released, and the TPM says why.
use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use crate::common::{TestTpm, seeds};
use crate::templates::*;
use ironroot_crypto::{
    CryptoError, EccPoint, EccProvider, EccSecretPoint, EdwardsProvider, MlDsaPrivateKey, MlDsaProvider,
    MlKemPrivateKey, MlKemProvider, PORTABLE, Provider, Random, RsaPrivateKey, RsaProvider, ecc::eddsa::Domain,
    rsa::RsaCrt,
};
use ironroot_crypto_host::HOST;
use ironroot_platform::{
    Entropy, EntropyError,
    memory::{MemoryStorage, TestEntropy},
};
use ironroot_tpm::{OpenError, Profile, Tpm};
use ironroot_wire::*;
use zeroize::Zeroizing;

const GOOD: u32 = 0;
const STUCK: u32 = 1;
const SILENT: u32 = 2;

/// An entropy source that the test breaks, and that may differ between copies of one TPM.
#[derive(Clone)]
struct Source {
    inner: TestEntropy,
    state: Arc<AtomicU32>,
    /// What this copy gets from the world after it was copied.
    own: Arc<AtomicU32>,
}

impl Source {
    fn new() -> Self {
        Self { inner: TestEntropy::new(3), state: Arc::default(), own: Arc::default() }
    }

    fn set(&self, state: u32) {
        self.state.store(state, Ordering::SeqCst);
    }
}

impl Entropy for Source {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        match self.state.load(Ordering::SeqCst) {
            STUCK => out.fill(0x41),
            SILENT => return Err(EntropyError),
            _ => self.inner.fill(out)?,
        }
        let own = self.own.load(Ordering::SeqCst).to_le_bytes();
        out.iter_mut().zip(own).for_each(|(to, from)| *to ^= from);
        Ok(())
    }
}

fn on(source: &Source, provider: &'static dyn Provider) -> TestTpm {
    let storage = MemoryStorage::new();
    let tpm = Tpm::manufacture(Box::new(storage.clone()), Box::new(source.clone()), provider, Profile::HOST, seeds());
    let mut tpm = TestTpm { tpm: tpm.unwrap(), storage, now: 1, locality: 0, profile: Profile::HOST };
    tpm.startup(TpmSu::Clear).unwrap();
    tpm
}

fn random(tpm: &mut TestTpm) -> Result<Vec<u8>, TpmRc> {
    tpm.run(&GetRandom { bytes_requested: 32 }).map(|response| response.random_bytes.to_vec())
}

fn test_result(tpm: &mut TestTpm) -> (Vec<u8>, TpmRc) {
    let result = tpm.run(&GetTestResult {}).unwrap();
    (result.out_data.to_vec(), TpmRc(result.test_result))
}

fn answers_in_failure_mode(tpm: &mut TestTpm) {
    let capability = GetCapability { capability: TpmCap::TpmProperties, property: 0x100, property_count: 8 };
    assert!(tpm.run(&capability).is_ok());
    assert_eq!(random(tpm), Err(TpmRc::FAILURE));
}

#[test]
fn a_source_that_is_broken_at_the_start_makes_no_tpm() {
    for state in [STUCK, SILENT] {
        let source = Source::new();
        source.set(state);
        let storage = MemoryStorage::new();
        let made = Tpm::manufacture(Box::new(storage), Box::new(source), &HOST, Profile::HOST, seeds());
        assert_eq!(made.err(), Some(OpenError::Entropy));
    }
}

#[test]
fn a_source_that_breaks_later_ends_in_failure_mode_that_says_why() {
    for state in [STUCK, SILENT] {
        let commands: [fn(&mut TestTpm) -> TpmRc; 4] = [
            |tpm| random(tpm).unwrap_err(),
            |tpm| tpm.run(&StirRandom { in_data: Tpm2bSensitiveData::from_slice(b"x").unwrap() }).unwrap_err(),
            |tpm| {
                let session = StartAuthSession {
                    tpm_key: None,
                    bind: None,
                    nonce_caller: Tpm2bNonce::from_slice(&[1; 16]).unwrap(),
                    encrypted_salt: Tpm2bEncryptedSecret::default(),
                    session_type: TpmSe::Hmac,
                    symmetric: None,
                    auth_hash: TpmiAlgHash::Sha256,
                };
                tpm.run(&session).unwrap_err()
            },
            |tpm| tpm.run_auth(&Clear { auth_handle: TpmiRhClear(PLATFORM) }).unwrap_err(),
        ];
        for command in commands {
            let source = Source::new();
            let mut tpm = on(&source, &HOST);
            random(&mut tpm).unwrap();
            source.set(state);
            let stored = tpm.storage.records();
            assert_eq!(command(&mut tpm), TpmRc::FAILURE);
            assert!(tpm.storage.records() == stored, "nothing that was drawn is kept");
            answers_in_failure_mode(&mut tpm);
            assert_eq!(test_result(&mut tpm), (vec![0, 0], TpmRc::FAILURE), "TPM_ALG_ERROR: no algorithm, the entropy");
            // It stays so when the source works again, until _TPM_Init.
            source.set(GOOD);
            assert_eq!(random(&mut tpm), Err(TpmRc::FAILURE));
            tpm.tpm.power_on(tpm.now);
            tpm.startup(TpmSu::Clear).unwrap();
            random(&mut tpm).unwrap();
            // And a source that is still broken then is found again.
            source.set(state);
            tpm.tpm.power_on(tpm.now);
            assert_eq!(tpm.startup(TpmSu::Clear), Err(TpmRc::FAILURE));
            assert_eq!(test_result(&mut tpm).1, TpmRc::FAILURE);
        }
    }
}

#[test]
fn commands_that_need_no_randomness_do_not_ask_for_it() {
    let source = Source::new();
    let mut tpm = on(&source, &HOST);
    source.set(SILENT);
    tpm.run(&ReadClock {}).unwrap();
    let capability = GetCapability { capability: TpmCap::TpmProperties, property: 0x100, property_count: 1 };
    tpm.run(&capability).unwrap();
    assert_eq!(random(&mut tpm), Err(TpmRc::FAILURE));
}

/// Two TPMs that are the same to the last bit, as after a fork or when the image of a virtual machine is started twice:
/// from the next command on, each gets entropy of its own.
#[test]
fn copies_of_a_running_tpm_do_not_repeat_each_other() {
    let (one, other) = (Source::new(), Source::new());
    let (mut left, mut right) = (on(&one, &HOST), on(&other, &HOST));
    for _ in 0..3 {
        assert_eq!(random(&mut left), random(&mut right), "they are the same so far");
    }
    other.own.store(0x5bd1_e995, Ordering::SeqCst);
    let (first, second) = (random(&mut left).unwrap(), random(&mut right).unwrap());
    assert_ne!(first, second);
    assert_ne!(random(&mut left), random(&mut right));
    // Keys, too.
    let key = |tpm: &mut TestTpm| {
        let primary = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle;
        let create = Create {
            parent_handle: TpmiDhObject(primary.0),
            in_sensitive: secret(b"", b""),
            in_public: Tpm2b(ecdsa(OWN)),
            outside_info: Tpm2bData::default(),
            creation_pcr: TpmlPcrSelection::default(),
        };
        tpm.run_auth(&create).unwrap().out_public.to_bytes()
    };
    assert_ne!(key(&mut left), key(&mut right));
}

/// The number of a split operation, which would give the key away if two signatures had it.
#[test]
fn copies_of_a_running_tpm_commit_to_different_numbers() {
    let ephemeral = |tpm: &mut TestTpm| {
        let response = tpm.run(&EcEphemeral { curve_id: TpmEccCurve::NistP256 }).unwrap();
        (response.q.0.x.to_vec(), response.counter)
    };
    let (one, other) = (Source::new(), Source::new());
    let (mut left, mut right) = (on(&one, &HOST), on(&other, &HOST));
    other.own.store(0x0bad_cafe, Ordering::SeqCst);
    let (first, second) = (ephemeral(&mut left), ephemeral(&mut right));
    assert_eq!(first.1, second.1, "the same counter");
    assert_ne!(first.0, second.0);
}

/// The volatile state alone, in two processes.
#[test]
fn a_volatile_state_that_is_restored_twice_diverges() {
    let source = Source::new();
    let mut tpm = on(&source, &HOST);
    random(&mut tpm).unwrap();
    let saved = tpm.tpm.save_volatile();
    let mut outputs = Vec::new();
    for own in [1_u32, 2] {
        let source = Source::new();
        source.own.store(own << 8, Ordering::SeqCst);
        let opened = Tpm::open(Box::new(tpm.storage.clone()), Box::new(source), &HOST, Profile::HOST, seeds()).unwrap();
        let mut copy =
            TestTpm { tpm: opened, storage: tpm.storage.clone(), now: tpm.now, locality: 0, profile: Profile::HOST };
        copy.tpm.restore_volatile(tpm.now, &saved).unwrap();
        outputs.push(random(&mut copy).unwrap());
    }
    assert_ne!(outputs[0], outputs[1]);
}

#[test]
fn stirring_changes_what_follows() {
    let outputs: Vec<_> = [&b"one"[..], b"two"]
        .map(|data| {
            let mut tpm = on(&Source::new(), &HOST);
            tpm.run(&StirRandom { in_data: Tpm2bSensitiveData::from_slice(data).unwrap() }).unwrap();
            random(&mut tpm).unwrap()
        })
        .to_vec();
    assert_ne!(outputs[0], outputs[1]);
}

/// What a provider gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    RsaPrivate,
    RsaPublic,
    EccBase,
    EccMultiply,
    EcdsaSign,
    EcdsaVerify,
    XMultiply,
    EddsaSign,
    EddsaVerify,
    KemSecret,
    DsaVerify,
}

/// A provider that makes one mistake, from the n-th call on.
struct Faulty {
    wrong: Wrong,
    after: usize,
    calls: AtomicUsize,
}

impl Faulty {
    fn make(wrong: Wrong, after: usize) -> &'static Self {
        Box::leak(Box::new(Self { wrong, after, calls: AtomicUsize::new(0) }))
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong && self.calls.fetch_add(1, Ordering::SeqCst) >= self.after
    }

    fn mangle(&self, wrong: Wrong, bytes: &mut [u8]) {
        if self.is(wrong)
            && let Some(last) = bytes.last_mut()
        {
            *last ^= 1;
        }
    }
}

impl Provider for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }
}

struct FaultyKey(Box<dyn RsaPrivateKey>, bool);

impl RsaPrivateKey for FaultyKey {
    fn size(&self) -> usize {
        self.0.size()
    }
    fn private(&self, input: &[u8], random: &mut dyn Random) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut output = self.0.private(input, random)?;
        output[9] ^= u8::from(self.1);
        Ok(output)
    }
}

impl RsaProvider for Faulty {
    fn rsa_public(&self, modulus: &[u8], exponent: u32, input: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut output = PORTABLE.rsa_public(modulus, exponent, input)?;
        self.mangle(Wrong::RsaPublic, &mut output);
        Ok(output)
    }
    fn rsa_load(&self, key: &RsaCrt) -> Result<Box<dyn RsaPrivateKey>, CryptoError> {
        Ok(Box::new(FaultyKey(PORTABLE.rsa_load(key)?, self.is(Wrong::RsaPrivate))))
    }
    fn first_prime(
        &self,
        candidates: &[Zeroizing<Vec<u8>>],
        bases: &[Zeroizing<Vec<u8>>],
    ) -> Result<Option<usize>, CryptoError> {
        HOST.first_prime(candidates, bases)
    }
}

impl EccProvider for Faulty {
    fn ecc_base_multiply(&self, curve: TpmEccCurve, scalar: &[u8]) -> Result<EccPoint, CryptoError> {
        let mut point = PORTABLE.ecc_base_multiply(curve, scalar)?;
        self.mangle(Wrong::EccBase, &mut point.x);
        Ok(point)
    }
    fn ecc_multiply(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        point: &EccPoint,
    ) -> Result<Zeroizing<EccSecretPoint>, CryptoError> {
        let mut product = PORTABLE.ecc_multiply(curve, scalar, point)?;
        self.mangle(Wrong::EccMultiply, &mut product.x);
        Ok(product)
    }
    fn ecc_combine(&self, curve: TpmEccCurve, terms: [(&[u8], &EccPoint); 2]) -> Result<EccPoint, CryptoError> {
        PORTABLE.ecc_combine(curve, terms)
    }
    fn ecc_check_point(&self, curve: TpmEccCurve, point: &EccPoint) -> Result<(), CryptoError> {
        PORTABLE.ecc_check_point(curve, point)
    }
    fn ecdsa_sign(
        &self,
        curve: TpmEccCurve,
        scalar: &[u8],
        digest: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        let (r, mut s) = PORTABLE.ecdsa_sign(curve, scalar, digest, random)?;
        self.mangle(Wrong::EcdsaSign, &mut s);
        Ok((r, s))
    }
    fn ecdsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &EccPoint,
        digest: &[u8],
        r: &[u8],
        s: &[u8],
    ) -> Result<(), CryptoError> {
        // The dangerous mistake of a verification is to accept.
        if self.is(Wrong::EcdsaVerify) { Ok(()) } else { PORTABLE.ecdsa_verify(curve, public, digest, r, s) }
    }
}

impl EdwardsProvider for Faulty {
    fn x_multiply(&self, curve: TpmEccCurve, private: &[u8], point: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut product = PORTABLE.x_multiply(curve, private, point)?;
        self.mangle(Wrong::XMultiply, &mut product);
        Ok(product)
    }
    fn eddsa_sign(
        &self,
        curve: TpmEccCurve,
        private: &[u8],
        domain: Domain<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let mut signature = PORTABLE.eddsa_sign(curve, private, domain, message)?;
        if self.is(Wrong::EddsaSign) {
            // In S, where a fault in the challenge would show.
            let half = signature.len() / 2;
            signature[half + 3] ^= 4;
        }
        Ok(signature)
    }
    fn eddsa_verify(
        &self,
        curve: TpmEccCurve,
        public: &[u8],
        domain: Domain<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if self.is(Wrong::EddsaVerify) {
            return Ok(());
        }
        PORTABLE.eddsa_verify(curve, public, domain, message, signature)
    }
}

impl MlKemProvider for Faulty {
    fn ml_kem_load(&self, set: TpmiMlkemParms, seed: &[u8]) -> Result<Box<dyn MlKemPrivateKey>, CryptoError> {
        PORTABLE.ml_kem_load(set, seed)
    }
    fn ml_kem_check_public(&self, set: TpmiMlkemParms, public: &[u8]) -> Result<(), CryptoError> {
        PORTABLE.ml_kem_check_public(set, public)
    }
    fn ml_kem_encapsulate(
        &self,
        set: TpmiMlkemParms,
        public: &[u8],
        message: &[u8; 32],
    ) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), CryptoError> {
        let (mut secret, ciphertext) = PORTABLE.ml_kem_encapsulate(set, public, message)?;
        self.mangle(Wrong::KemSecret, &mut secret);
        Ok((secret, ciphertext))
    }
}

impl MlDsaProvider for Faulty {
    fn ml_dsa_load(&self, set: TpmiMldsaParms, seed: &[u8]) -> Result<Box<dyn MlDsaPrivateKey>, CryptoError> {
        PORTABLE.ml_dsa_load(set, seed)
    }
    fn ml_dsa_verify_mu(
        &self,
        set: TpmiMldsaParms,
        public: &[u8],
        mu: &[u8; 64],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if self.is(Wrong::DsaVerify) { Ok(()) } else { PORTABLE.ml_dsa_verify_mu(set, public, mu, signature) }
    }
}

/// Each mistake is found by the known answers of the algorithm that it is in.
#[test]
fn every_mistake_is_found_by_a_known_answer_and_named() {
    let rows: [(Wrong, &[TpmAlgId]); 11] = [
        (Wrong::RsaPrivate, &[TpmAlgId::RSA, TpmAlgId::RSASSA]),
        (Wrong::RsaPublic, &[TpmAlgId::RSA, TpmAlgId::RSASSA]),
        (Wrong::EccBase, &[TpmAlgId::ECC, TpmAlgId::ECSCHNORR, TpmAlgId::ECDAA, TpmAlgId::SM2]),
        (Wrong::EccMultiply, &[TpmAlgId::ECDH]),
        (Wrong::EcdsaSign, &[TpmAlgId::ECDSA]),
        (Wrong::EcdsaVerify, &[TpmAlgId::ECDSA]),
        (Wrong::XMultiply, &[TpmAlgId::ECDH]),
        (Wrong::EddsaSign, &[TpmAlgId::EDDSA, TpmAlgId::HASH_EDDSA]),
        (Wrong::EddsaVerify, &[TpmAlgId::EDDSA, TpmAlgId::HASH_EDDSA]),
        (Wrong::KemSecret, &[TpmAlgId::MLKEM]),
        (Wrong::DsaVerify, &[TpmAlgId::MLDSA, TpmAlgId::HASH_MLDSA]),
    ];
    for (wrong, blamed) in rows {
        let mut tpm = on(&Source::new(), Faulty::make(wrong, 0));
        let refused = tpm.run(&SelfTest { full_test: TpmiYesNo(true) });
        assert_eq!(refused.err(), Some(TpmRc::FAILURE), "{wrong:?}");
        let (data, result) = test_result(&mut tpm);
        assert_eq!(result, TpmRc::FAILURE);
        let named = TpmAlgId(u16::from_be_bytes(data.try_into().unwrap()));
        assert!(blamed.contains(&named), "{wrong:?}: {named:?}");
        answers_in_failure_mode(&mut tpm);
    }
}

/// A fault after the self-test: a deterministic signature is checked before it is released.
#[test]
fn a_faulty_signature_of_eddsa_is_not_released() {
    // Two signatures in the self-tests of Curve25519: pure and of a hash.
    let mut tpm = on(&Source::new(), Faulty::make(Wrong::EddsaSign, 2));
    let mut template = ecdsa(OWN);
    let PublicKind::Ecc(parms, _) = &mut template.kind else { panic!() };
    parms.curve_id = TpmEccCurve::Curve25519;
    parms.scheme = Some(TpmtEccScheme::Eddsa(()));
    let key = tpm.run_auth(&create_primary(OWNER, template)).unwrap().object_handle;
    let start = SignSequenceStart {
        key_handle: TpmiDhObject(key.0),
        auth: Tpm2bAuth::default(),
        context: Tpm2bSignatureCtx::default(),
    };
    let sequence = tpm.run(&start).unwrap().sequence_handle;
    let complete = SignSequenceComplete {
        sequence_handle: TpmiDhObject(sequence.0),
        key_handle: TpmiDhObject(key.0),
        buffer: Tpm2bMaxBuffer::from_slice(b"message").unwrap(),
    };
    assert_eq!(tpm.run_auth(&complete).err(), Some(TpmRc::FAILURE));
}
