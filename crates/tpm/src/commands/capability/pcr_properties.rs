//! `TPM_CAP_PCR_PROPERTIES` (Part 2, 6.14).

use alloc::vec::Vec;

use ironroot_wire::{TpmsPcrSelect, TpmsTaggedPcrSelect, limits::IMPLEMENTATION_PCR};

use crate::state::pcr;

const SAVE: u32 = 0x00;
const EXTEND_L0: u32 = 0x01;
const RESET_L0: u32 = 0x02;
const NO_INCREMENT: u32 = 0x11;
const DRTM_RESET: u32 = 0x12;
const POLICY: u32 = 0x13;
const AUTH: u32 = 0x14;

/// Every property, in ascending order.
pub fn all() -> Vec<TpmsTaggedPcrSelect> {
    let mut all = Vec::new();
    all.push(property(SAVE, pcr::is_state_saved));
    for locality in 0..5u32 {
        let offset = locality.saturating_mul(2);
        all.push(property(EXTEND_L0.saturating_add(offset), |pcr| pcr::extend_localities(pcr) >> locality & 1 == 1));
        all.push(property(RESET_L0.saturating_add(offset), |pcr| pcr::reset_localities(pcr) >> locality & 1 == 1));
    }
    all.push(property(NO_INCREMENT, pcr::is_no_increment));
    all.push(property(DRTM_RESET, pcr::is_drtm_reset));
    all.push(property(POLICY, pcr::has_authorization));
    all.push(property(AUTH, pcr::has_authorization));
    all
}

fn property(tag: u32, has: impl Fn(u32) -> bool) -> TpmsTaggedPcrSelect {
    let mut pcr_select = TpmsPcrSelect::default();
    for pcr in (0..IMPLEMENTATION_PCR).filter(|&pcr| has(pcr)) {
        pcr_select.set(pcr, true);
    }
    TpmsTaggedPcrSelect { tag, pcr_select }
}
