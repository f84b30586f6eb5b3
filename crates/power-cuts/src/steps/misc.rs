//! The other commands that can change non-volatile state, and those that Part 3 says can.

use ironroot_wire::*;

use super::Step;
use crate::workload::Workload;

/// Commands that may be audited here: none that looks around.
const AUDITABLE: [u32; 3] = [0x0146, 0x0137, 0x0128];
/// Commands that physical presence may be asked for.
const PRESENCE: [u32; 4] = [0x0126, 0x0127, 0x0121, 0x012E];
/// Commands that nothing here needs.
const UNUSED: [u32; 4] = [0x018A, 0x0178, 0x0150, 0x015D];

fn some_of(work: &mut Workload, codes: &[u32]) -> TpmlCc {
    TpmlCc::new(codes.iter().copied().filter(|_| work.one_in(2)).map(TpmCc).collect())
}

fn platform(work: &Workload) -> Vec<u8> {
    work.view.auths.of(TpmHandle::PLATFORM).to_vec()
}

/// What is audited, by which hash, and an end of the log.
pub fn audit(work: &mut Workload) -> Step {
    if work.one_in(3) {
        let auth = work.view.auths.of(TpmHandle::ENDORSEMENT).to_vec();
        let command = GetCommandAuditDigest {
            privacy_handle: TpmiRhEndorsement(TpmHandle::ENDORSEMENT.0),
            sign_handle: None,
            qualifying_data: Tpm2bData::default(),
            in_scheme: None,
        };
        return work.with(&command, &[&auth, b""], |_| {}).map(drop);
    }
    let auth = platform(work);
    let hash = work.one_of(&[TpmiAlgHash::Sha256, TpmiAlgHash::Sha384]);
    let by_hash = work.one_in(3);
    let command = SetCommandCodeAuditStatus {
        auth: TpmiRhProvision(TpmHandle::PLATFORM.0),
        audit_alg: hash.filter(|_| by_hash),
        set_list: if by_hash { TpmlCc::default() } else { some_of(work, &AUDITABLE) },
        clear_list: if by_hash { TpmlCc::default() } else { some_of(work, &AUDITABLE) },
    };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// Which commands need physical presence.
pub fn presence(work: &mut Workload) -> Step {
    let auth = platform(work);
    let command = PpCommands {
        auth: TpmiRhPlatform(TpmHandle::PLATFORM.0),
        set_list: some_of(work, &PRESENCE),
        clear_list: some_of(work, &PRESENCE),
    };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// Switches commands off and on.
pub fn switch_commands(work: &mut Workload) -> Step {
    const DISABLED_COMMANDS: u32 = 0x8180_0000;
    let auth = platform(work);
    let list = some_of(work, &UNUSED).to_bytes();
    let data = TpmsSetCapabilityData { set_capability: DISABLED_COMMANDS, data: RestOf(list) };
    let command = SetCapability {
        auth_handle: Some(TpmiRhHierarchyAuth(TpmHandle::PLATFORM.0)),
        set_capability_data: Tpm2bSetCapabilityData(data),
    };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// There is one set of algorithms.
pub fn algorithm_set(work: &mut Workload) -> Step {
    let auth = platform(work);
    let command = SetAlgorithmSet { auth_handle: TpmiRhPlatform(TpmHandle::PLATFORM.0), algorithm_set: 0 };
    work.with(&command, &[&auth], |_| {}).map(drop)
}

/// Allocates PCR, from the next start on. SHA-256 stays.
pub fn allocate(work: &mut Workload) -> Step {
    let auth = platform(work);
    let banks = [TpmiAlgHash::Sha1, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512];
    let bank = work.one_of(&banks).unwrap_or(TpmiAlgHash::Sha1);
    let pcrs = if work.one_in(2) { [0xFF; 3] } else { [0; 3] };
    let selection = TpmsPcrSelection { hash: bank, pcr_select: TpmsPcrSelect(pcrs) };
    let command = PcrAllocate {
        auth_handle: TpmiRhPlatform(TpmHandle::PLATFORM.0),
        pcr_allocation: TpmlPcrSelection::new(vec![selection]),
    };
    work.with(&command, &[&auth], |view| {
        // A bank that is not named keeps what it has now, not what it was to have.
        view.allocation = view.seen.allocation.clone();
        view.allocation.insert(bank, pcrs);
    })
    .map(drop)
}

/// PCR: extended, reset, and their authorization.
pub fn pcrs(work: &mut Workload) -> Step {
    let digest = TpmtHa::new(TpmiAlgHash::Sha256, &work.bytes(32));
    match work.below(6) {
        0 => {
            let digests = TpmlDigestValues::new(digest.into_iter().collect());
            work.with(&PcrExtend { pcr_handle: Some(TpmiDhPcr(16)), digests }, &[b""], |_| {}).map(drop)
        }
        1 => {
            let event_data = Tpm2bEvent::from_slice(b"event").unwrap_or_default();
            work.with(&PcrEvent { pcr_handle: Some(TpmiDhPcr(1)), event_data }, &[b""], |_| {}).map(drop)
        }
        2 => work.with(&PcrReset { pcr_handle: TpmiDhPcr(16) }, &[b""], |_| {}).map(drop),
        3 => {
            let none = work.one_in(2);
            let command = PcrSetAuthPolicy {
                auth_handle: TpmiRhPlatform(TpmHandle::PLATFORM.0),
                auth_policy: Tpm2bDigest::from_slice(if none { &[] } else { &[7; 32] }).unwrap_or_default(),
                hash_alg: if none { None } else { Some(TpmiAlgHash::Sha256) },
                pcr_num: TpmiDhPcr(20),
            };
            let auth = platform(work);
            work.with(&command, &[&auth], |_| {}).map(drop)
        }
        4 => {
            let auth = Tpm2bAuth::default();
            work.with(&PcrSetAuthValue { pcr_handle: TpmiDhPcr(21), auth }, &[b""], |_| {}).map(drop)
        }
        _ => event_sequence(work),
    }
}

fn event_sequence(work: &mut Workload) -> Step {
    let start = HashSequenceStart { auth: Tpm2bAuth::default(), hash_alg: None };
    let Some(started) = work.plain(&start)? else { return Ok(()) };
    let command = EventSequenceComplete {
        pcr_handle: Some(TpmiDhPcr(16)),
        sequence_handle: started.sequence_handle,
        buffer: Tpm2bMaxBuffer::from_slice(b"event").unwrap_or_default(),
    };
    work.with(&command, &[b"", b""], |_| {}).map(drop)
}

/// Sets Clock forward, or its rate.
pub fn clock(work: &mut Workload) -> Step {
    let auth = work.view.auths.of(TpmHandle::OWNER).to_vec();
    let owner = TpmiRhProvision(TpmHandle::OWNER.0);
    if work.one_in(3) {
        let rates = [TpmClockAdjust::FineFaster, TpmClockAdjust::FineSlower];
        let rate_adjust = work.one_of(&rates).unwrap_or(TpmClockAdjust::NoChange);
        return work.with(&ClockRateAdjust { auth: owner, rate_adjust }, &[&auth], |_| {}).map(drop);
    }
    let new_time = work.view.seen.time.clock_info.clock + 1 + work.below(100_000_000);
    work.with(&ClockSet { auth: owner, new_time }, &[&auth], |view| view.clock_floor = new_time).map(drop)
}

/// Up to four hours pass: Clock is recorded, and failures are forgiven.
pub fn time_passes(work: &mut Workload) -> Step {
    work.client.now += work.below(4 * 3_600_000);
    work.plain(&ReadClock {}).map(drop)
}

/// Commands that Part 3 says may write to NV, and here do not.
pub fn random_and_tests(work: &mut Workload) -> Step {
    match work.below(3) {
        0 => {
            let in_data = Tpm2bSensitiveData::from_slice(b"stir").unwrap_or_default();
            work.plain(&StirRandom { in_data }).map(drop)
        }
        1 => work.plain(&SelfTest { full_test: TpmiYesNo(false) }).map(drop),
        _ => work.plain(&IncrementalSelfTest { to_test: TpmlAlg::new(vec![TpmAlgId::SHA256]) }).map(drop),
    }
}
