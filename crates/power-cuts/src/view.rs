//! What a client can see of a TPM's lasting state, and what of that it must see again after the power was cut.
//!
//! What is expected is worked out from what the TPM itself answered while it was alive and from what the specification
//! says that a loss of power changes (Part 1, 12.2 and 34.2; Part 3, 9.3), not from records.

use std::collections::BTreeMap;

use ironroot_wire::{TpmHandle, TpmNt, TpmPt, TpmSu, TpmaNv, TpmaPermanent, TpmiAlgHash, TpmsTimeInfo};

/// `TPM_PT_ORDERLY_COUNT`.
const ORDERLY_COUNT: u64 = 0xFF;
/// `TPM_PT_CLOCK_UPDATE`, milliseconds: by so much Clock may have gone back.
const CLOCK_UPDATE: u64 = 1 << 22;

/// What an NV index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nothing yet.
    Unwritten,
    /// These bytes.
    Bytes(Vec<u8>),
    /// It is locked for reading, and nobody knows.
    Hidden,
}

/// An NV index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The attributes.
    pub attributes: TpmaNv,
    /// The rest of the public area.
    pub public: Vec<u8>,
    /// The contents.
    pub data: Data,
}

/// Banks of PCR, and which PCR each has.
pub type Allocation = BTreeMap<TpmiAlgHash, [u8; 3]>;

/// What the TPM answers to questions that change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// NV indices.
    pub indices: BTreeMap<u32, Index>,
    /// Persistent objects, with their names.
    pub persistent: BTreeMap<u32, Vec<u8>>,
    /// The name of one primary key of each hierarchy: it tells the seeds apart.
    pub primaries: BTreeMap<u32, Vec<u8>>,
    /// `TPM_CAP_TPM_PROPERTIES`, the lasting ones.
    pub properties: BTreeMap<TpmPt, u32>,
    /// The commands that are audited, that need physical presence, that are switched off; the policies of the hierarchies.
    pub lists: Vec<Vec<u8>>,
    /// The allocation of PCR: the selection of each bank, by its hash.
    pub allocation: Allocation,
    /// PCR values.
    pub pcrs: Vec<u8>,
    /// Time, Clock and the counts of resets.
    pub time: TpmsTimeInfo,
}

/// The auth values that the client has set.
#[derive(Debug, Clone, Default)]
pub struct Auths {
    /// Of hierarchies, by handle; the empty one is not listed. platformAuth is, too, until the TPM starts anew.
    pub hierarchies: BTreeMap<u32, Vec<u8>>,
    /// Of NV indices, but for PINs, which cannot be tried without being counted.
    pub indices: BTreeMap<u32, Vec<u8>>,
}

impl Auths {
    /// The auth value of a hierarchy.
    #[must_use]
    pub fn of(&self, hierarchy: TpmHandle) -> &[u8] {
        self.hierarchies.get(&hierarchy.0).map(Vec::as_slice).unwrap_or_default()
    }

    /// The auth value of an index.
    #[must_use]
    pub fn of_index(&self, index: u32) -> &[u8] {
        self.indices.get(&index).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What a client knows of the TPM after a command.
#[derive(Debug, Clone)]
pub struct View {
    /// What it was told.
    pub seen: Seen,
    /// What it has set.
    pub auths: Auths,
    /// What the allocation of PCR will be after the next start.
    pub allocation: Allocation,
    /// Clock cannot be less than this: what it was set to.
    pub clock_floor: u64,
    /// The disk fails now and then, so that Clock may have been told and not recorded.
    pub failing: bool,
    /// How the TPM was shut down, if no other command has been carried out since.
    pub shutdown: Option<TpmSu>,
}

/// What a start is (Part 3, 9.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// TPM Reset.
    Reset,
    /// TPM Restart.
    Restart,
    /// TPM Resume.
    Resume,
}

/// A difference, in words.
pub type Difference = String;

impl View {
    /// What `TPM2_Startup` of this type does after the power was cut now.
    #[must_use]
    pub fn start(&self, startup: TpmSu) -> Start {
        match (self.shutdown, startup) {
            (Some(TpmSu::State), TpmSu::State) => Start::Resume,
            (Some(TpmSu::State), TpmSu::Clear) => Start::Restart,
            _ => Start::Reset,
        }
    }

    /// Whether a TPM that has come up by `start` shows what it must.
    ///
    /// # Errors
    /// The first thing that differs.
    pub fn is_kept(&self, found: &Seen, start: Start) -> Result<(), Difference> {
        let seen = &self.seen;
        same("the NV indices", &keys(&seen.indices), &keys(&found.indices))?;
        for ((handle, was), is) in seen.indices.iter().zip(found.indices.values()) {
            self.is_index_kept(was, is, start).map_err(|why| format!("NV index {handle:#x}: {why}"))?;
        }
        same("the persistent objects", &seen.persistent, &found.persistent)?;
        same("the primary keys", &seen.primaries, &found.primaries)?;
        same("the properties", &self.properties_after(found), &found.properties)?;
        same("the lists of commands and policies", &seen.lists, &found.lists)?;
        same("the allocation of PCR", &self.allocation, &found.allocation)?;
        if start == Start::Resume {
            same("the PCR", &seen.pcrs, &found.pcrs)?;
        }
        self.is_time_kept(&found.time, start)
    }

    /// The properties, with one authorization failure more if the power went out of order and that is what was found: a power
    /// cycle in which a protected auth value was used counts as a failure (Part 1, 16.8.6).
    fn properties_after(&self, found: &Seen) -> BTreeMap<TpmPt, u32> {
        let mut properties = self.seen.properties.clone();
        let most = properties.get(&TpmPt::MAX_AUTH_FAIL).copied().unwrap_or_default();
        if let Some(failures) = properties.get_mut(&TpmPt::LOCKOUT_COUNTER) {
            let counted = failures.saturating_add(1).min(most);
            if self.shutdown.is_none() && found.properties.get(&TpmPt::LOCKOUT_COUNTER) == Some(&counted) {
                *failures = counted;
            }
        }
        properties
    }

    fn is_index_kept(&self, was: &Index, is: &Index, start: Start) -> Result<(), Difference> {
        let orderly_start = self.shutdown.is_some();
        let counter = was.attributes.nt() == Ok(TpmNt::Counter);
        let orderly = was.attributes.contains(TpmaNv::ORDERLY);
        let stclear = was.attributes.contains(TpmaNv::CLEAR_STCLEAR);
        let emptied = match start {
            Start::Reset => stclear || orderly && !counter,
            Start::Restart => stclear,
            Start::Resume => false,
        };
        let mut attributes = was.attributes;
        if emptied {
            attributes = attributes.without(TpmaNv::WRITTEN);
        }
        if start != Start::Resume {
            attributes = attributes.without(TpmaNv::READLOCKED);
            if !attributes.contains(TpmaNv::WRITEDEFINE | TpmaNv::WRITTEN) {
                attributes = attributes.without(TpmaNv::WRITELOCKED);
            }
        }
        same("public area", &was.public, &is.public)?;
        same("attributes", &attributes, &is.attributes)?;
        match (&was.data, &is.data) {
            (Data::Hidden, _) | (_, Data::Hidden) => Ok(()),
            (_, Data::Unwritten) if emptied => Ok(()),
            (Data::Bytes(was), Data::Bytes(is)) if orderly && counter && !orderly_start => counted(was, is),
            (was, is) => same("contents", was, is),
        }
    }

    fn is_time_kept(&self, found: &TpmsTimeInfo, start: Start) -> Result<(), Difference> {
        let (was, is) = (&self.seen.time.clock_info, &found.clock_info);
        let counts = match start {
            Start::Reset => (was.reset_count.wrapping_add(1), 0),
            Start::Restart | Start::Resume => (was.reset_count, was.restart_count.wrapping_add(1)),
        };
        same("resetCount and restartCount", &counts, &(is.reset_count, is.restart_count))?;
        let recorded = match (self.shutdown, self.failing) {
            (Some(_), _) => was.clock,
            (None, false) => was.clock.saturating_sub(CLOCK_UPDATE),
            (None, true) => 0,
        };
        let least = recorded.max(self.clock_floor);
        if is.clock < least {
            return Err(format!(
                "Clock went back to {}: it was {}, and set to {}",
                is.clock, was.clock, self.clock_floor
            ));
        }
        Ok(())
    }

    /// The same while the command was not answered yet: nobody knows of the time that has passed since `before`.
    #[must_use]
    pub fn unanswered(&self, before: &Self) -> Self {
        let mut view = self.clone();
        view.seen.time.clock_info.clock = before.seen.time.clock_info.clock;
        view
    }

    /// The same while a PIN is looked at: that of any PIN Fail index, whose mistake counts before it is one, or whose count has
    /// been cleared.
    #[must_use]
    pub fn with_a_pin_tried(&self) -> Vec<Self> {
        let mut views = Vec::new();
        for (handle, index) in &self.seen.indices {
            let Data::Bytes(bytes) = &index.data else { continue };
            let Ok(bytes) = <[u8; 8]>::try_from(bytes.as_slice()) else { continue };
            let number = u64::from_be_bytes(bytes);
            let (count, limit) = (number >> 32, number & 0xFFFF_FFFF);
            if index.attributes.nt() != Ok(TpmNt::PinFail) || count >= limit {
                continue;
            }
            for count in [count + 1, 0] {
                let mut view = self.clone();
                if let Some(index) = view.seen.indices.get_mut(handle) {
                    index.data = Data::Bytes((count << 32 | limit).to_be_bytes().to_vec());
                }
                views.push(view);
            }
        }
        views
    }

    /// The same with a shutdown undone: what stands between a shutdown and a command that ends it.
    #[must_use]
    pub fn not_shut_down(&self) -> Self {
        Self { shutdown: None, ..self.clone() }
    }
}

/// An orderly counter after a loss of power: no number comes twice, and none is passed over but those that may have been
/// in use (Part 1, 34.2.4.3).
fn counted(was: &[u8], is: &[u8]) -> Result<(), Difference> {
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let (was, is) = (number(was), number(is));
    if (was..=was | ORDERLY_COUNT).contains(&is) { Ok(()) } else { Err(format!("it counted to {was}, and now {is}")) }
}

fn keys(indices: &BTreeMap<u32, Index>) -> Vec<u32> {
    indices.keys().copied().collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, was: &T, is: &T) -> Result<(), Difference> {
    if was == is { Ok(()) } else { Err(format!("{what}: expected {was:02x?}, found {is:02x?}")) }
}

/// `TPMA_PERMANENT` without what is computed from other properties.
#[must_use]
pub const fn lasting(permanent: u32) -> u32 {
    permanent & !TpmaPermanent::IN_LOCKOUT.0
}
