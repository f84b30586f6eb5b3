//! Entropy that fails or repeats, computations that go wrong: nothing is released, and the TPM says why.
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::common::{TestTpm, seeds};
use crate::faulty::{Faulty, Wrong};
use crate::templates::*;
use ironroot_crypto::Provider;
use ironroot_crypto_host::HOST;
use ironroot_platform::{
    Entropy, EntropyError,
    memory::{MemoryStorage, TestEntropy},
};
use ironroot_tpm::{OpenError, Profile, Tpm};
use ironroot_wire::*;

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
    let entropy = Box::new(source.clone());
    let mut tpm = TestTpm::made_of(Box::new(storage.clone()), storage, entropy, provider, Profile::HOST);
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

/// Each mistake is found by the known answers of the algorithm that it is in.
#[test]
fn every_mistake_is_found_by_a_known_answer_and_named() {
    let rows: [(&'static [Wrong], &[TpmAlgId]); 11] = [
        (&[Wrong::RsaPrivate], &[TpmAlgId::RSA, TpmAlgId::RSASSA]),
        (&[Wrong::RsaPublic], &[TpmAlgId::RSA, TpmAlgId::RSASSA]),
        (&[Wrong::EccBase], &[TpmAlgId::ECC, TpmAlgId::ECSCHNORR, TpmAlgId::ECDAA, TpmAlgId::SM2]),
        (&[Wrong::EccMultiply], &[TpmAlgId::ECDH]),
        (&[Wrong::EcdsaSign], &[TpmAlgId::ECDSA]),
        (&[Wrong::EcdsaVerify], &[TpmAlgId::ECDSA]),
        (&[Wrong::XMultiply], &[TpmAlgId::ECDH]),
        (&[Wrong::EddsaSign], &[TpmAlgId::EDDSA, TpmAlgId::HASH_EDDSA]),
        (&[Wrong::EddsaVerify], &[TpmAlgId::EDDSA, TpmAlgId::HASH_EDDSA]),
        (&[Wrong::KemSecret], &[TpmAlgId::MLKEM]),
        (&[Wrong::DsaVerify], &[TpmAlgId::MLDSA, TpmAlgId::HASH_MLDSA]),
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
    let mut tpm = on(&Source::new(), Faulty::make(&[Wrong::EddsaSign], 2));
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
