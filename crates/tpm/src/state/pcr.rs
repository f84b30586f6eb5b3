//! Platform configuration registers (Part 1, clause 14), with the attributes that the PC Client profile gives them.

use alloc::{collections::BTreeMap, vec::Vec};

use ironroot_crypto::hash;
use ironroot_wire::{
    Reader, TpmRc, TpmiAlgHash, TpmlPcrSelection, TpmsPcrSelect, TpmsPcrSelection, Wire, limits::IMPLEMENTATION_PCR,
};

/// The PCR that an H-CRTM sequence measures into before `TPM2_Startup`.
pub const HCRTM_PCR: u32 = 0;
/// The PCR that a D-RTM sequence (after `TPM2_Startup`) measures into.
pub const DRTM_PCR: u32 = 17;
/// The PCR for debugging.
const DEBUG_PCR: u32 = 16;
/// The PCR for applications.
const APPLICATION_PCR: u32 = 23;

/// Localities that may reset a PCR, one bit each (PC Client Platform TPM Profile, table of PCR attributes).
#[must_use]
pub const fn reset_localities(pcr: u32) -> u8 {
    match pcr {
        DEBUG_PCR | APPLICATION_PCR => 0b1_1111,
        17..=19 => 0b1_0000,
        20 => 0b1_0100,
        21 | 22 => 0b0_0100,
        _ => 0,
    }
}

/// Localities that may extend a PCR, one bit each.
#[must_use]
pub const fn extend_localities(pcr: u32) -> u8 {
    match pcr {
        17 | 18 => 0b1_1100,
        19 => 0b0_1100,
        20 => 0b0_1110,
        21 | 22 => 0b0_0100,
        _ => 0b1_1111,
    }
}

/// Whether the value survives `TPM2_Shutdown(TPM_SU_STATE)` and TPM Resume.
#[must_use]
pub const fn is_state_saved(pcr: u32) -> bool {
    pcr < DEBUG_PCR
}

/// Whether a change leaves the update counter alone (`TPM_PT_PCR_NO_INCREMENT`).
#[must_use]
pub const fn is_no_increment(pcr: u32) -> bool {
    matches!(pcr, DEBUG_PCR | 21 | 22 | APPLICATION_PCR)
}

/// Whether a PCR may have a policy and an auth value: PCR 20 to 22 share one of each, as the reference implementation and
/// libtpms have it (`TPM_PT_PCR_POLICY`, `TPM_PT_PCR_AUTH`).
#[must_use]
pub const fn has_authorization(pcr: u32) -> bool {
    matches!(pcr, 20..=22)
}

/// Whether a D-RTM sequence resets the PCR (`TPM_PT_PCR_DRTM_RESET`).
#[must_use]
pub const fn is_drtm_reset(pcr: u32) -> bool {
    matches!(pcr, 17..=22)
}

/// The value after a TPM Reset or Restart: ones for the PCR of dynamic measurement, until a D-RTM sequence.
const fn reset_byte(pcr: u32) -> u8 {
    if is_drtm_reset(pcr) { 0xFF } else { 0x00 }
}

#[derive(Clone)]
struct Bank {
    select: TpmsPcrSelect,
    values: Vec<Vec<u8>>,
}

/// The PCR.
#[derive(Clone, Default)]
pub struct Pcrs {
    banks: BTreeMap<TpmiAlgHash, Bank>,
    /// How often a PCR has changed since the last TPM Reset.
    pub update_counter: u32,
}

impl Pcrs {
    /// The PCR of an allocation, with their values after a TPM Reset.
    #[must_use]
    pub fn new(allocation: &TpmlPcrSelection) -> Self {
        let mut pcrs = Self::default();
        for selection in allocation.iter().filter(|selection| !selection.pcr_select.is_empty()) {
            let size = selection.hash.digest_size();
            let values = (0..IMPLEMENTATION_PCR).map(|pcr| alloc::vec![reset_byte(pcr); size]).collect();
            pcrs.banks.insert(selection.hash, Bank { select: selection.pcr_select, values });
        }
        pcrs
    }

    /// What is allocated of these banks, until the next `_TPM_Init`.
    #[must_use]
    pub fn allocation(&self, banks: impl Iterator<Item = TpmiAlgHash>) -> TpmlPcrSelection {
        let select = |hash| self.banks.get(&hash).map_or(TpmsPcrSelect::default(), |bank| bank.select);
        TpmlPcrSelection::new(banks.map(|hash| TpmsPcrSelection { hash, pcr_select: select(hash) }).collect())
    }

    /// The allocated banks, in ascending order of algorithm.
    pub fn banks(&self) -> impl Iterator<Item = TpmiAlgHash> + '_ {
        self.banks.keys().copied()
    }

    /// The value of a PCR; `None` if it is not allocated.
    #[must_use]
    pub fn value(&self, bank: TpmiAlgHash, pcr: u32) -> Option<&[u8]> {
        let bank = self.banks.get(&bank)?;
        if !bank.select.contains(pcr) {
            return None;
        }
        bank.values.get(usize::try_from(pcr).ok()?).map(Vec::as_slice)
    }

    fn value_mut(&mut self, bank: TpmiAlgHash, pcr: u32) -> Option<&mut Vec<u8>> {
        let bank = self.banks.get_mut(&bank)?;
        if !bank.select.contains(pcr) {
            return None;
        }
        bank.values.get_mut(usize::try_from(pcr).ok()?)
    }

    /// Extends a PCR with a digest; one that is not allocated is passed over. The caller counts the update.
    pub fn extend(&mut self, bank: TpmiAlgHash, pcr: u32, digest: &[u8]) {
        if let Some(value) = self.value_mut(bank, pcr) {
            let extended = hash::digest(bank, &[value, digest]);
            value.copy_from_slice(&extended);
        }
    }

    /// Extends a PCR with a digest and counts that: once for each bank in which it changes (Part 3, 22.1).
    pub fn extend_and_count(&mut self, bank: TpmiAlgHash, pcr: u32, digest: &[u8]) {
        if self.value(bank, pcr).is_some() {
            self.extend(bank, pcr, digest);
            self.count_update(pcr);
        }
    }

    /// Counts a change of a PCR.
    pub fn count_update(&mut self, pcr: u32) {
        if !is_no_increment(pcr) {
            self.update_counter = self.update_counter.wrapping_add(1);
        }
    }

    /// Sets a PCR to zeros in every bank.
    pub fn reset(&mut self, pcr: u32) {
        self.fill(pcr, 0x00);
    }

    fn fill(&mut self, pcr: u32, byte: u8) {
        let banks: Vec<TpmiAlgHash> = self.banks().collect();
        for bank in banks {
            if let Some(value) = self.value_mut(bank, pcr) {
                value.fill(byte);
            }
        }
    }

    /// Sets the last byte of a PCR in every bank: the start-up locality in PCR 0 (Part 3, clause 9.3).
    pub fn set_last_byte(&mut self, pcr: u32, byte: u8) {
        let banks: Vec<TpmiAlgHash> = self.banks().collect();
        for bank in banks {
            if let Some(last) = self.value_mut(bank, pcr).and_then(|value| value.last_mut()) {
                *last = byte;
            }
        }
    }

    /// The digest, with `hash`, of the selected PCRs in ascending order, bank after bank; and the selection without what is
    /// not allocated (Part 1, clause 14.5).
    #[must_use]
    pub fn composite(&self, hash: TpmiAlgHash, selection: &TpmlPcrSelection) -> (hash::Digest, TpmlPcrSelection) {
        let selection = self.allocated(selection);
        let values: Vec<&[u8]> = selection
            .iter()
            .flat_map(|bank| bank.pcr_select.iter().filter_map(|pcr| self.value(bank.hash, pcr)))
            .collect();
        (hash::digest(hash, &values), selection)
    }

    /// The selection without the PCRs that are not allocated.
    #[must_use]
    pub fn allocated(&self, selection: &TpmlPcrSelection) -> TpmlPcrSelection {
        let banks = selection.iter().map(|bank| {
            let mut select = bank.pcr_select;
            for pcr in bank.pcr_select.iter().filter(|&pcr| self.value(bank.hash, pcr).is_none()) {
                select.set(pcr, false);
            }
            TpmsPcrSelection { hash: bank.hash, pcr_select: select }
        });
        TpmlPcrSelection::new(banks.collect())
    }

    /// The values that survive TPM Resume.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (hash, bank) in &self.banks {
            hash.marshal(&mut out);
            for (pcr, value) in (0u32..).zip(&bank.values) {
                if is_state_saved(pcr) {
                    out.extend_from_slice(value);
                }
            }
        }
        out
    }

    /// Takes over what [`Pcrs::save`] wrote, for banks that are still allocated.
    ///
    /// # Errors
    /// The bytes are not such a list.
    pub fn restore(&mut self, saved: &[u8]) -> Result<(), TpmRc> {
        let mut reader = Reader::new(saved, &ironroot_wire::Rules::ALL);
        while !reader.is_empty() {
            let hash = TpmiAlgHash::unmarshal(&mut reader)?;
            for pcr in (0..IMPLEMENTATION_PCR).filter(|&pcr| is_state_saved(pcr)) {
                let value = reader.take(hash.digest_size())?;
                if let Some(current) = self.value_mut(hash, pcr) {
                    current.copy_from_slice(value);
                }
            }
        }
        Ok(())
    }
}

/// Every PCR of every bank, as a running TPM has them.
impl Wire for Pcrs {
    fn marshal(&self, out: &mut Vec<u8>) {
        self.update_counter.marshal(out);
        u8::try_from(self.banks.len()).unwrap_or(u8::MAX).marshal(out);
        for (hash, bank) in &self.banks {
            TpmsPcrSelection { hash: *hash, pcr_select: bank.select }.marshal(out);
            for value in &bank.values {
                out.extend_from_slice(value);
            }
        }
    }

    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        let mut pcrs = Self { update_counter: Wire::unmarshal(reader)?, ..Self::default() };
        for _ in 0..u8::unmarshal(reader)? {
            let TpmsPcrSelection { hash, pcr_select: select } = Wire::unmarshal(reader)?;
            let mut values = Vec::new();
            for _ in 0..IMPLEMENTATION_PCR {
                values.push(reader.take(hash.digest_size())?.to_vec());
            }
            if pcrs.banks.insert(hash, Bank { select, values }).is_some() {
                return Err(TpmRc::VALUE);
            }
        }
        Ok(pcrs)
    }
}
