//! `TPM_CAP_TPM_PROPERTIES` (Part 2, 6.13): the fixed properties and the variable ones.

use alloc::vec::Vec;

use ironroot_wire::{
    Tpm2bContextData, TpmAlgId, TpmEccCurve, TpmPt, TpmaMemory, TpmaPermanent, TpmaStartupClear, TpmsTaggedProperty,
    limits::{MAX_BUFFER, MAX_CAP_BUFFER, MAX_DIGEST, MAX_NV_BUFFER, PCR_SELECT_MAX},
};

use crate::{
    commands,
    core_state::Core,
    rules::version,
    state::{clock::UPDATE_INTERVAL, commits::SPLIT_MAX, nv_index::MAX_ORDERLY_COUNT},
};

/// Bytes of the response of `TPM2_ContextSave` beside the context, and a few for the future.
const CONTEXT_OVERHEAD: usize = 64;

/// The properties of the group that `property` is in, in ascending order.
pub fn group(tpm: &Core, property: u32) -> Vec<TpmsTaggedProperty> {
    match property & !0xFF {
        0x100 => fixed(tpm),
        0x200 => variable(tpm),
        _ => Vec::new(),
    }
}

fn tagged(values: Vec<(TpmPt, u32)>) -> Vec<TpmsTaggedProperty> {
    values.into_iter().map(|(property, value)| TpmsTaggedProperty { property, value }).collect()
}

fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn fixed(tpm: &Core) -> Vec<TpmsTaggedProperty> {
    use TpmPt as P;
    let profile = &tpm.profile;
    let commands = number(commands::enabled(profile).count());
    let [v1, v2, v3, v4] = version::VENDOR_STRING;
    // What fits into a response with the rest of a TPMS_CONTEXT.
    let context = number(Tpm2bContextData::MAX.min(profile.max_command_size().saturating_sub(CONTEXT_OVERHEAD)));
    tagged(alloc::vec![
        (P::FAMILY_INDICATOR, u32::from_be_bytes(*b"2.0\0")),
        (P::LEVEL, 0),
        (P::REVISION, version::SPECIFICATION),
        (P::DAY_OF_YEAR, version::SPECIFICATION_DAY),
        (P::YEAR, version::SPECIFICATION_YEAR),
        (P::MANUFACTURER, u32::from_be_bytes(version::MANUFACTURER)),
        (P::VENDOR_STRING_1, u32::from_be_bytes(v1)),
        (P::VENDOR_STRING_2, u32::from_be_bytes(v2)),
        (P::VENDOR_STRING_3, u32::from_be_bytes(v3)),
        (P::VENDOR_STRING_4, u32::from_be_bytes(v4)),
        (P::VENDOR_TPM_TYPE, 1),
        (P::FIRMWARE_VERSION_1, version::FIRMWARE_1),
        (P::FIRMWARE_VERSION_2, version::FIRMWARE_2),
        (P::INPUT_BUFFER, number(MAX_BUFFER)),
        (P::HR_TRANSIENT_MIN, number(profile.loaded_objects)),
        (P::HR_PERSISTENT_MIN, number(profile.persistent_objects)),
        (P::HR_LOADED_MIN, number(profile.loaded_sessions)),
        (P::ACTIVE_SESSIONS_MAX, number(profile.active_sessions)),
        (P::PCR_COUNT, ironroot_wire::limits::IMPLEMENTATION_PCR),
        (P::PCR_SELECT_MIN, number(PCR_SELECT_MAX)),
        // Context numbers have 64 bits and are all remembered, so there is no gap to mind.
        (P::CONTEXT_GAP_MAX, u32::MAX),
        (P::NV_COUNTERS_MAX, 0),
        (P::NV_INDEX_MAX, u32::from(profile.nv_index_max)),
        // Objects, sessions and NV indices each have places of their own, and persistent objects are used where they are.
        (P::MEMORY, TpmaMemory::NONE.0),
        (P::CLOCK_UPDATE, number(usize::try_from(UPDATE_INTERVAL).unwrap_or(usize::MAX))),
        (P::CONTEXT_HASH, u32::from(TpmAlgId::SHA256.0)),
        (P::CONTEXT_SYM, u32::from(TpmAlgId::AES.0)),
        (P::CONTEXT_SYM_SIZE, 256),
        (P::ORDERLY_COUNT, MAX_ORDERLY_COUNT as u32),
        (P::MAX_COMMAND_SIZE, number(profile.max_command_size())),
        (P::MAX_RESPONSE_SIZE, number(profile.max_command_size())),
        (P::MAX_DIGEST, number(MAX_DIGEST)),
        (P::MAX_OBJECT_CONTEXT, context),
        (P::MAX_SESSION_CONTEXT, context),
        (P::PS_FAMILY_INDICATOR, version::PLATFORM_FAMILY),
        (P::PS_LEVEL, 0),
        (P::PS_REVISION, version::PLATFORM_REVISION),
        (P::PS_DAY_OF_YEAR, 0),
        (P::PS_YEAR, 0),
        (P::SPLIT_MAX, SPLIT_MAX),
        (P::TOTAL_COMMANDS, commands),
        (P::LIBRARY_COMMANDS, commands),
        (P::VENDOR_COMMANDS, 0),
        (P::NV_BUFFER_MAX, number(MAX_NV_BUFFER)),
        // No FIPS 140 module is behind this implementation, so no bit is set.
        (P::MODES, 0),
        (P::MAX_CAP_BUFFER, number(MAX_CAP_BUFFER)),
        (P::FIRMWARE_SVN, u32::from(tpm.firmware.svn())),
        (P::FIRMWARE_MAX_SVN, u32::from(tpm.firmware.max_svn())),
        (P::ML_PARAMETER_SETS, profile.rules.ml_parameter_sets.0),
    ])
}

fn variable(tpm: &Core) -> Vec<TpmsTaggedProperty> {
    use TpmPt as P;
    let profile = &tpm.profile;
    let permanent = tpm.nv.permanent();
    let audits = tpm.nv.settings().audit_counter;
    let persistent = tpm.nv.persistents().count();
    let counters = tpm.nv.indices().filter(|index| index.is_counter()).count();
    let indices = tpm.nv.indices().count();
    let loaded = tpm.sessions.loaded_count();
    let active = tpm.sessions.active_count();
    let free = |max: usize, used: usize| number(max.saturating_sub(used));
    tagged(alloc::vec![
        (P::PERMANENT, permanent_attributes(tpm).0),
        (P::STARTUP_CLEAR, startup_attributes(tpm).0),
        (P::HR_NV_INDEX, number(indices)),
        (P::HR_LOADED, number(loaded)),
        (P::HR_LOADED_AVAIL, free(profile.loaded_sessions, loaded)),
        (P::HR_ACTIVE, number(active)),
        (P::HR_ACTIVE_AVAIL, free(profile.active_sessions, active)),
        (P::HR_TRANSIENT_AVAIL, number(tpm.objects.free())),
        (P::HR_PERSISTENT, number(persistent)),
        (P::HR_PERSISTENT_AVAIL, free(profile.persistent_objects, persistent)),
        (P::NV_COUNTERS, number(counters)),
        (P::NV_COUNTERS_AVAIL, counters_available(tpm)),
        (P::ALGORITHM_SET, 0),
        (P::LOADED_CURVES, number(curve_count(tpm))),
        (P::LOCKOUT_COUNTER, permanent.failed_tries),
        (P::MAX_AUTH_FAIL, permanent.max_tries),
        (P::LOCKOUT_INTERVAL, permanent.recovery_time),
        (P::LOCKOUT_RECOVERY, permanent.lockout_recovery),
        (P::NV_WRITE_RECOVERY, 0),
        (P::AUDIT_COUNTER_0, (audits >> 32) as u32),
        (P::AUDIT_COUNTER_1, audits as u32),
    ])
}

fn permanent_attributes(tpm: &Core) -> TpmaPermanent {
    let permanent = tpm.nv.permanent();
    let lockout = if permanent.in_lockout() { TpmaPermanent::IN_LOCKOUT } else { TpmaPermanent::NONE };
    permanent.attributes.with(lockout)
}

fn startup_attributes(tpm: &Core) -> TpmaStartupClear {
    let hierarchies = &tpm.hierarchies;
    [
        (hierarchies.platform_enabled, TpmaStartupClear::PH_ENABLE),
        (hierarchies.owner_enabled, TpmaStartupClear::SH_ENABLE),
        (hierarchies.endorsement_enabled, TpmaStartupClear::EH_ENABLE),
        (hierarchies.platform_nv_enabled, TpmaStartupClear::PH_ENABLE_NV),
        (tpm.administration.read_only.0, TpmaStartupClear::READ_ONLY),
        (tpm.orderly_start, TpmaStartupClear::ORDERLY),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .fold(TpmaStartupClear::NONE, |all, (_, bit)| all | bit)
}

fn curve_count(tpm: &Core) -> usize {
    TpmEccCurve::EVERY.iter().filter(|curve| tpm.profile.rules.has_curve(curve.value())).count()
}

/// How many more counters the NV space holds: each takes a public area, an empty auth value and eight bytes.
fn counters_available(tpm: &Core) -> u32 {
    const COUNTER_SIZE: usize = 32;
    let used = tpm.nv.indices().map(|index| index.size()).fold(0usize, usize::saturating_add);
    number(tpm.profile.nv_space.saturating_sub(used) / COUNTER_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironroot_wire::Wire;

    #[test]
    fn the_largest_group_fits_in_one_answer() {
        assert!(
            TpmPt::FIRMWARE_MAX_SVN.0 - TpmPt::FAMILY_INDICATOR.0 < ironroot_wire::TpmlTaggedTpmProperty::MAX as u32
        );
        assert_eq!(TpmsTaggedProperty { property: TpmPt::LEVEL, value: 0 }.to_bytes().len(), 8);
    }
}
