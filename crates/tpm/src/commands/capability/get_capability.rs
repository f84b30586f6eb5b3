//! `TPM2_GetCapability` (Part 3, 30.2).

use alloc::vec::Vec;

use ironroot_wire::{
    GetCapability, GetCapabilityResponse, TpmAlgId, TpmCap, TpmCc, TpmEccCurve, TpmHandle, TpmRc, TpmiAlgHash,
    TpmiYesNo, TpmlActData, TpmlAlgProperty, TpmlCc, TpmlCca, TpmlEccCurve, TpmlHandle, TpmlSpdmSessionInfo,
    TpmlTaggedPcrProperty, TpmlTaggedPolicy, TpmlTaggedTpmProperty, TpmlVendorProperty, TpmsAlgProperty,
    TpmsCapabilityData, TpmsTaggedPolicy, TpmtHa, interface::algorithm_attributes,
};

use super::{handles, pcr_properties, properties};
use crate::{
    commands::{self, Action},
    core_state::{Core, Mode},
    state::hierarchy::AuthPolicy,
};

/// Implemented algorithms have ids below this.
const ALGORITHMS_END: u16 = 0x100;

impl Action for GetCapability {
    fn run(self, tpm: &mut Core) -> Result<GetCapabilityResponse, TpmRc> {
        let GetCapability { capability, property, property_count } = self;
        let window = Window { first: property, count: usize::try_from(property_count).unwrap_or(usize::MAX) };
        if tpm.mode == Mode::Failure && capability != TpmCap::TpmProperties {
            return Ok(empty(TpmsCapabilityData::TpmProperties(TpmlTaggedTpmProperty::default())));
        }
        let (more, capability_data) = match capability {
            TpmCap::Algs => window.list(
                algorithms(tpm),
                |entry| u32::from(entry.alg.0),
                TpmlAlgProperty::MAX,
                |list| TpmsCapabilityData::Algorithms(TpmlAlgProperty::new(list)),
            ),
            TpmCap::Handles => {
                let range = handles::of_kind(tpm, TpmHandle(property))?;
                window.list(
                    range,
                    // Saved sessions are asked for by one kind of handle and named by another.
                    |handle| handle.0 & 0x00FF_FFFF | property & 0xFF00_0000,
                    TpmlHandle::MAX,
                    |list| TpmsCapabilityData::Handles(TpmlHandle::new(list)),
                )
            }
            TpmCap::Commands => {
                let all = commands::enabled(&tpm.profile).map(|info| (info.code, info.tpma_cc())).collect();
                window.list(
                    all,
                    |(code, _): &(TpmCc, _)| code.0,
                    TpmlCca::MAX,
                    |list| TpmsCapabilityData::Commands(TpmlCca::new(list.into_iter().map(|(_, cca)| cca).collect())),
                )
            }
            TpmCap::PpCommands => window.list(
                tpm.nv.settings().presence.to_vec(),
                |code| code.0,
                TpmlCc::MAX,
                |list| TpmsCapabilityData::PpCommands(TpmlCc::new(list)),
            ),
            TpmCap::AuditCommands => window.list(
                tpm.nv.settings().audited.to_vec(),
                |code| code.0,
                TpmlCc::MAX,
                |list| TpmsCapabilityData::AuditCommands(TpmlCc::new(list)),
            ),
            TpmCap::Pcrs if property != 0 => return Err(TpmRc::VALUE.parameter(2)),
            TpmCap::Pcrs => (false, TpmsCapabilityData::AssignedPcr(tpm.pcrs.allocation(tpm.profile.banks()))),
            TpmCap::TpmProperties => {
                let group = properties::group(tpm, property);
                window.list(
                    group,
                    |entry| entry.property.0,
                    TpmlTaggedTpmProperty::MAX,
                    |list| TpmsCapabilityData::TpmProperties(TpmlTaggedTpmProperty::new(list)),
                )
            }
            TpmCap::PcrProperties => window.list(
                pcr_properties::all(),
                |entry| entry.tag,
                TpmlTaggedPcrProperty::MAX,
                |list| TpmsCapabilityData::PcrProperties(TpmlTaggedPcrProperty::new(list)),
            ),
            TpmCap::EccCurves => window.list(
                curves(tpm),
                |curve| u32::from(curve.value()),
                TpmlEccCurve::MAX,
                |list| TpmsCapabilityData::EccCurves(TpmlEccCurve::new(list)),
            ),
            TpmCap::AuthPolicies => {
                if property >> 24 != 0x40 {
                    return Err(TpmRc::VALUE.parameter(2));
                }
                window.list(
                    policies(tpm),
                    |entry| entry.handle.0,
                    TpmlTaggedPolicy::MAX,
                    |list| TpmsCapabilityData::AuthPolicies(TpmlTaggedPolicy::new(list)),
                )
            }
            TpmCap::Act => {
                if property >> 24 != 0x40 {
                    return Err(TpmRc::VALUE.parameter(2));
                }
                window.list(
                    tpm.administration.timers.data(tpm.clock.time()),
                    |timer| timer.handle.0,
                    TpmlActData::MAX,
                    |list| TpmsCapabilityData::ActData(TpmlActData::new(list)),
                )
            }
            // No secure channel, so no keys for one (Part 2, 6.16).
            TpmCap::PubKeys => return Err(TpmRc::VALUE.parameter(2)),
            TpmCap::SpdmSessionInfo => (false, TpmsCapabilityData::SpdmSessionInfo(TpmlSpdmSessionInfo::default())),
            TpmCap::DisabledCommands => window.list(
                tpm.nv.settings().disabled.to_vec(),
                |code| code.0,
                TpmlCc::MAX,
                |list| TpmsCapabilityData::DisabledCommands(TpmlCc::new(list)),
            ),
            TpmCap::VendorProperty => (false, TpmsCapabilityData::VendorProperty(TpmlVendorProperty::default())),
        };
        Ok(GetCapabilityResponse { more_data: TpmiYesNo(more), capability_data })
    }
}

const fn empty(capability_data: TpmsCapabilityData) -> GetCapabilityResponse {
    GetCapabilityResponse { more_data: TpmiYesNo(false), capability_data }
}

/// What the caller wants to see: from which value on, and how many.
struct Window {
    first: u32,
    count: usize,
}

impl Window {
    /// The wanted part of a list in ascending order, and whether there is more behind it.
    fn list<T>(
        &self,
        all: Vec<T>,
        key: impl Fn(&T) -> u32,
        max: usize,
        build: impl Fn(Vec<T>) -> TpmsCapabilityData,
    ) -> (bool, TpmsCapabilityData) {
        let mut rest = all.into_iter().filter(|entry| key(entry) >= self.first);
        let wanted: Vec<T> = rest.by_ref().take(self.count.min(max)).collect();
        (rest.next().is_some(), build(wanted))
    }
}

fn algorithms(tpm: &Core) -> Vec<TpmsAlgProperty> {
    (0..ALGORITHMS_END)
        .filter(|&id| tpm.profile.rules.algorithms.contains(id))
        .map(|id| TpmsAlgProperty { alg: TpmAlgId(id), alg_properties: algorithm_attributes(id) })
        .collect()
}

fn curves(tpm: &Core) -> Vec<TpmEccCurve> {
    TpmEccCurve::EVERY.iter().copied().filter(|curve| tpm.profile.rules.has_curve(curve.value())).collect()
}

/// The policies of the permanent handles that can have one (Part 2, 10.7.4).
fn policies(tpm: &Core) -> Vec<TpmsTaggedPolicy> {
    let permanent = tpm.nv.permanent();
    [
        (TpmHandle::OWNER, &permanent.owner_policy),
        (TpmHandle::LOCKOUT, &permanent.lockout_policy),
        (TpmHandle::ENDORSEMENT, &permanent.endorsement_policy),
        (TpmHandle::PLATFORM, &tpm.hierarchies.platform_policy),
    ]
    .into_iter()
    .chain(tpm.administration.timers.iter().map(|(handle, timer)| (handle, &timer.policy)))
    .map(|(handle, policy)| TpmsTaggedPolicy { handle, policy_hash: tagged(policy) })
    .collect()
}

fn tagged(policy: &AuthPolicy) -> Option<TpmtHa> {
    let alg: TpmiAlgHash = policy.alg?;
    TpmtHa::new(alg, &policy.digest).ok()
}
