//! The error conditions that Part 3 names for the commands of clauses 9, 10, 22, 24, 28, 29 and 30 (error_rows.txt).

use crate::common::{self, TestTpm, encode, rc, rows};
use crate::outside::load_external;
use crate::policies::pcrs;
use crate::templates::{keys::*, *};
use ironroot_wire::*;

/// A command whose last byte is another one.
fn changed<C: Command>(command: &C, last: u8) -> Vec<u8> {
    let sessions = vec![common::password(b""); C::INFO.authorized_handles()];
    let mut bytes = encode(command, &sessions);
    *bytes.last_mut().unwrap() = last;
    bytes
}

#[test]
fn startup() {
    let mut tpm = TestTpm::started();
    let clear = Startup { startup_type: TpmSu::Clear };
    tpm.row("the TPM is started already", &clear, TpmRc::INITIALIZE);
    tpm.reopen();
    tpm.row("TPM_SU_STATE, but no state was saved", &Startup { startup_type: TpmSu::State }, TpmRc::VALUE.parameter(1));
    let got = rc(&tpm.raw(&changed(&clear, 7)));
    let code = Startup::INFO.code.0;
    rows::holds(code, "a start-up type that does not exist", TpmRc::VALUE.parameter(1), Some(got));
    // Started from one locality, resumed from another.
    tpm.run(&clear).unwrap();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    tpm.reopen();
    tpm.locality = 3;
    let resume = Startup { startup_type: TpmSu::State };
    tpm.row("a resume whose H-CRTM start differs from the one before", &resume, TpmRc::LOCALITY);
}

#[test]
fn pcr() {
    let mut tpm = TestTpm::started();
    let digest = TpmtHa::new(TpmiAlgHash::Sha1, &[1; 20]).unwrap();
    let extend = PcrExtend { pcr_handle: Some(TpmiDhPcr(16)), digests: TpmlDigestValues::new(vec![digest]) };
    let mut bytes = encode(&extend, &[common::password(b"")]);
    let at = bytes.len() - 22;
    bytes[at..at + 2].copy_from_slice(&[0, 0x10]);
    let got = rc(&tpm.raw(&bytes));
    let condition = "a digest of a hash that is not implemented";
    rows::holds(PcrExtend::INFO.code.0, condition, TpmRc::HASH.parameter(1), Some(got));
    let none = TpmlPcrSelection::new(
        [TpmiAlgHash::Sha1, TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512]
            .map(|hash| TpmsPcrSelection { hash, pcr_select: TpmsPcrSelect::of(&[0]) })
            .to_vec(),
    );
    let allocate = PcrAllocate { auth_handle: TpmiRhPlatform(PLATFORM), pcr_allocation: none };
    tpm.row("no bank with a D-RTM PCR is left", &allocate, TpmRc::PCR);
    let reset = PcrReset { pcr_handle: TpmiDhPcr(0) };
    tpm.row("a PCR that cannot be reset from here", &reset, TpmRc::LOCALITY);
    tpm.row("a PCR that does not exist", &PcrReset { pcr_handle: TpmiDhPcr(24) }, TpmRc::VALUE.handle(1));
    tpm.run(&PcrRead { pcr_selection_in: pcrs(TpmiAlgHash::Sha256, &[0]) }).unwrap();
}

#[test]
fn hierarchies() {
    let mut tpm = TestTpm::started();
    let policy = |size: usize, hash_alg| SetPrimaryPolicy {
        auth_handle: TpmiRhHierarchyPolicy(OWNER),
        auth_policy: Tpm2bDigest::from_slice(&[1; 64][..size]).unwrap(),
        hash_alg,
    };
    let sha256 = Some(TpmiAlgHash::Sha256);
    let wrong = "the policy is not as long as the digest of its hash";
    tpm.row(wrong, &policy(20, sha256), TpmRc::SIZE.parameter(1));
    tpm.row(wrong, &policy(32, None), TpmRc::SIZE.parameter(1));
    let control = |auth, enable, state| HierarchyControl {
        auth_handle: TpmiRhBaseHierarchy(auth),
        enable: TpmiRhEnables(enable),
        state: TpmiYesNo(state),
    };
    tpm.run_auth(&control(OWNER, OWNER, false)).unwrap();
    // What is disabled cannot enable itself.
    assert!(tpm.run_auth(&control(OWNER, OWNER, true)).is_err());
    tpm.row("the hierarchy is disabled", &policy(32, sha256), TpmRc::HIERARCHY.handle(1));
    let disable = ClearControl { auth: TpmiRhClear(PLATFORM), disable: TpmiYesNo(true) };
    tpm.run_auth(&disable).unwrap();
    let clear = Clear { auth_handle: TpmiRhClear(TpmHandle::LOCKOUT.0) };
    tpm.row("TPM2_ClearControl has disabled it", &clear, TpmRc::DISABLED);
}

#[test]
fn contexts() {
    let mut tpm = TestTpm::started();
    let key = tpm.run_auth(&create_primary(OWNER, ecc_srk())).unwrap().object_handle.0;
    let context = tpm.run(&ContextSave { save_handle: TpmiDhContext(key) }).unwrap().context;
    let mut damaged = context.clone();
    let mut blob = damaged.context_blob.to_vec();
    *blob.last_mut().unwrap() ^= 1;
    damaged.context_blob = Tpm2bContextData::from_slice(&blob).unwrap();
    tpm.row("the context is damaged", &ContextLoad { context: damaged }, TpmRc::INTEGRITY.parameter(1));
    let control = HierarchyControl {
        auth_handle: TpmiRhBaseHierarchy(PLATFORM),
        enable: TpmiRhEnables(OWNER),
        state: TpmiYesNo(false),
    };
    tpm.run_auth(&control).unwrap();
    tpm.row("the context's hierarchy is disabled", &ContextLoad { context }, TpmRc::HIERARCHY.parameter(1));
    let flush = |handle| FlushContext { flush_handle: TpmiDhContext(handle) };
    tpm.row("a transient object that is not loaded", &flush(key), TpmRc::HANDLE.parameter(1));
    tpm.row("a session that is not active", &flush(0x0300_0000), TpmRc::HANDLE.parameter(1));
}

const PERSISTENT: u32 = 0x8100_0001;
const PLATFORMS: u32 = 0x8180_0001;

#[test]
fn evict_control() {
    let mut tpm = TestTpm::started();
    let evict = |auth, object, persistent| EvictControl {
        auth: TpmiRhProvision(auth),
        object_handle: TpmiDhObject(object),
        persistent_handle: TpmiDhPersistent(persistent),
    };
    let primary = |tpm: &mut TestTpm, hierarchy, public| {
        tpm.run_auth(&create_primary(hierarchy, public)).unwrap().object_handle.0
    };
    let key = primary(&mut tpm, OWNER, ecc_srk());
    let passing = primary(&mut tpm, OWNER, ecc(OWN | STORAGE | A::ST_CLEAR, aes128(), None));
    let attributes = TpmRc::ATTRIBUTES.handle(2);
    tpm.row("an object with stClear", &evict(OWNER, passing, PERSISTENT), attributes);
    let nobodys = tpm.run(&load_external(ec_public(), None, NULL)).unwrap().object_handle.0;
    tpm.row("an object of the NULL hierarchy", &evict(OWNER, nobodys, PERSISTENT), attributes);
    tpm.row("an object of another hierarchy", &evict(PLATFORM, key, PLATFORMS), TpmRc::HIERARCHY.handle(2));
    tpm.row("a handle that is not the authority's", &evict(OWNER, key, PLATFORMS), TpmRc::RANGE.parameter(1));
    tpm.run_auth(&evict(OWNER, key, PERSISTENT)).unwrap();
    tpm.row("the handle is in use", &evict(OWNER, key, PERSISTENT), TpmRc::NV_DEFINED);
    let other = evict(OWNER, PERSISTENT, PERSISTENT + 1);
    tpm.row("a persistent object, and another handle", &other, TpmRc::HANDLE.handle(2));
    let platforms = primary(&mut tpm, PLATFORM, ecc_srk());
    tpm.run_auth(&evict(PLATFORM, platforms, PLATFORMS)).unwrap();
    tpm.row("the owner evicts an object of the platform", &evict(OWNER, PLATFORMS, PLATFORMS), TpmRc::RANGE.handle(2));
    let mut handle = PERSISTENT + 1;
    while tpm.run_auth(&evict(OWNER, key, handle)).is_ok() {
        handle += 1;
    }
    tpm.row("no space is left", &evict(OWNER, key, handle), TpmRc::NV_SPACE);
}

#[test]
fn clock_and_capabilities() {
    let mut tpm = TestTpm::started();
    tpm.now += 10_000;
    let set = |new_time| ClockSet { auth: TpmiRhProvision(OWNER), new_time };
    tpm.row("a time before now", &set(1), TpmRc::VALUE.parameter(1));
    tpm.row("a time too far ahead", &set(0xFFFF_0000_0000_0001), TpmRc::VALUE.parameter(1));
    for capability in [TpmCap::AuthPolicies, TpmCap::Act] {
        let command = GetCapability { capability, property: 0x8000_0000, property_count: 1 };
        tpm.row("policies or timers of a handle that is not permanent", &command, TpmRc::VALUE.parameter(2));
    }
    let mut bytes = encode(&TestParms { parameters: rsa_srk().parms() }, &[]);
    // The size of the RSA key is between scheme and exponent.
    let at = bytes.len() - 6;
    bytes[at..at + 2].copy_from_slice(&[0, 77]);
    let got = rc(&tpm.raw(&bytes));
    let code = TestParms::INFO.code.0;
    rows::holds(code, "parameters that are not supported", TpmRc::VALUE.parameter(1), Some(got));
}

/// Storage is trusted to give back what was stored; if it does not, the TPM must say that it is broken.
#[test]
fn a_saved_state_that_does_not_fit_is_a_failure() {
    let mut tpm = TestTpm::started();
    let before = tpm.storage.records();
    tpm.run(&Shutdown { shutdown_type: TpmSu::State }).unwrap();
    let records = tpm.storage.records();
    let (key, saved) = records.iter().find(|(key, _)| !before.contains_key(*key)).unwrap();
    let refused = (0..saved.len()).find_map(|at| {
        let mut damaged = records.clone();
        damaged.get_mut(key).unwrap()[at] ^= 0xFF;
        tpm.storage.replace(damaged);
        let storage = Box::new(tpm.storage.clone());
        let entropy = Box::new(ironroot_platform::memory::TestEntropy::new(1));
        let host = &ironroot_crypto_host::HOST;
        tpm.tpm = ironroot_tpm::Tpm::open(storage, entropy, host, ironroot_tpm::Profile::HOST, common::seeds()).ok()?;
        tpm.startup(TpmSu::State).err().filter(|rc| *rc == TpmRc::FAILURE)
    });
    let code = Startup::INFO.code.0;
    rows::holds(code, "the saved state cannot be restored", TpmRc::FAILURE, refused);
}
