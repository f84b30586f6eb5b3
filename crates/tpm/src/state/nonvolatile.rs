//! Non-volatile state and its atomic commits.
//!
//! A command changes nothing here directly: it stages changes, which every later look in the same command sees, and the
//! pipeline commits them in one step before the response is released, or drops them. A failed commit therefore leaves
//! the old state, in storage and in memory.
//!
//! Indices with `TPMA_NV_ORDERLY` are the exception that Part 1 (34.2.4) makes: what is written to one stays in memory
//! (`unsaved`) until `TPM2_Shutdown`, and a loss of power loses it. See [`NvIndex::outlives`].

use alloc::{boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec::Vec};

use ironroot_crypto::Provider;
use ironroot_platform::{Change, RecordKey, Records, Storage, StorageError};
use ironroot_wire::{Reader, Rules, TpmHandle, TpmRc, TpmlCc, Wire};
use zeroize::Zeroizing;

use super::{
    administration::Administration, commits::Commits, nv_index::NvIndex, objects::Object, permanent::Permanent,
    saved::SavedState, settings::Settings,
};
use crate::{profile::Profile, rules::object_record};

/// The version in front of every record but the saved state's.
const RECORD_VERSION: u8 = 1;
/// The version of the settings.
const SETTINGS_VERSION: u8 = 2;
/// The version of the saved state. Version 1 ended before [`Administration`].
const SAVED_VERSION: u8 = 3;
/// The version of the saved state before split operations.
const SAVED_BEFORE_COMMITS: u8 = 2;

const PERMANENT: RecordKey = RecordKey(1 << 32);
const SAVED_STATE: RecordKey = RecordKey(2 << 32);
const SETTINGS: RecordKey = RecordKey(5 << 32);
const PROFILE: RecordKey = RecordKey(6 << 32);

fn nv_key(handle: u32) -> RecordKey {
    RecordKey(3 << 32 | u64::from(handle))
}

fn persistent_key(handle: u32) -> RecordKey {
    RecordKey(4 << 32 | u64::from(handle))
}

/// Non-volatile state.
pub struct NonVolatile {
    storage: Box<dyn Storage>,
    profile: Profile,
    permanent: Permanent,
    /// As they are stored.
    indices: BTreeMap<u32, Arc<NvIndex>>,
    /// Orderly indices as they are, where what is stored lags behind.
    unsaved: BTreeMap<u32, Arc<NvIndex>>,
    persistent: BTreeMap<u32, Arc<Object>>,
    saved: Option<SavedState>,
    settings: Settings,
    staged: Staged,
}

#[derive(Default)]
struct Staged {
    permanent: Option<Permanent>,
    indices: BTreeMap<u32, Option<Arc<NvIndex>>>,
    persistent: BTreeMap<u32, Option<Arc<Object>>>,
    saved: Option<Option<SavedState>>,
    settings: Option<Settings>,
    /// Whether orderly indices are stored with the rest.
    orderly: bool,
}

/// Why stored state could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// There is no TPM in the store.
    Empty,
    /// The store refused.
    Storage(StorageError),
    /// A record does not make sense; the text says which and why.
    Record(String),
}

impl NonVolatile {
    /// A new TPM's state, committed to an empty store.
    ///
    /// # Errors
    /// The store is not empty, or refused.
    pub fn create(mut storage: Box<dyn Storage>, permanent: Permanent, profile: Profile) -> Result<Self, StorageError> {
        if !storage.load()?.is_empty() {
            return Err(StorageError::Refused("the store already holds a TPM".into()));
        }
        let mut this = Self::with(storage, permanent.clone());
        this.profile = profile;
        let staged = Staged { permanent: Some(permanent), ..Staged::default() };
        let mut changes = changes(&staged);
        changes.push(Change::Put(PROFILE, encode(&profile)));
        this.storage.commit(&changes)?;
        Ok(this)
    }

    fn with(storage: Box<dyn Storage>, permanent: Permanent) -> Self {
        Self {
            storage,
            // What a TPM had before profiles were kept.
            profile: Profile::HOST,
            permanent,
            indices: BTreeMap::new(),
            unsaved: BTreeMap::new(),
            persistent: BTreeMap::new(),
            saved: None,
            settings: Settings::default(),
            staged: Staged::default(),
        }
    }

    /// The state of the TPM in a store.
    ///
    /// # Errors
    /// [`LoadError`]; the store is left as it is.
    pub fn open(mut storage: Box<dyn Storage>, provider: &dyn Provider) -> Result<Self, LoadError> {
        let records = storage.load().map_err(LoadError::Storage)?;
        let permanent = records.get(&PERMANENT).ok_or(if records.is_empty() {
            LoadError::Empty
        } else {
            LoadError::Record("the permanent record is missing".into())
        })?;
        let mut this = Self::with(storage, decode(PERMANENT, permanent)?);
        this.take_records(&records, provider)?;
        Ok(this)
    }

    fn take_records(&mut self, records: &Records, provider: &dyn Provider) -> Result<(), LoadError> {
        for (&key, value) in records {
            let handle = u32::try_from(key.0 & u64::from(u32::MAX)).unwrap_or_default();
            match key.0 >> 32 {
                1 if key == PERMANENT => {}
                2 if key == SAVED_STATE => self.saved = Some(decode_saved(key, value)?),
                5 if key == SETTINGS => self.settings = decode_settings(key, value)?,
                6 if key == PROFILE => self.profile = decode(key, value)?,
                3 => {
                    let index: NvIndex = decode(key, value)?;
                    if index.handle().0 != handle {
                        return Err(LoadError::Record(alloc::format!("record {:#x} holds another NV index", key.0)));
                    }
                    self.indices.insert(handle, Arc::new(index));
                }
                4 => {
                    let body = versioned(key, value)?;
                    let object = object_record::restore(body, provider).map_err(|rc| bad_record(key, rc))?;
                    self.persistent.insert(handle, Arc::new(object));
                }
                _ => return Err(LoadError::Record(alloc::format!("record {:#x} is of an unknown kind", key.0))),
            }
        }
        Ok(())
    }

    /// The profile that the TPM was manufactured with.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The permanent data.
    #[must_use]
    pub fn permanent(&self) -> &Permanent {
        self.staged.permanent.as_ref().unwrap_or(&self.permanent)
    }

    /// The permanent data, to be changed.
    pub fn permanent_mut(&mut self) -> &mut Permanent {
        self.staged.permanent.get_or_insert_with(|| self.permanent.clone())
    }

    /// Whether the command has staged a change of the permanent data.
    #[must_use]
    pub const fn permanent_is_staged(&self) -> bool {
        self.staged.permanent.is_some()
    }

    /// The NV index with this handle.
    #[must_use]
    pub fn index(&self, handle: TpmHandle) -> Option<&Arc<NvIndex>> {
        match self.staged.indices.get(&handle.0) {
            Some(staged) => staged.as_ref(),
            None => self.unsaved.get(&handle.0).or_else(|| self.indices.get(&handle.0)),
        }
    }

    /// The NV index with this handle, to be changed.
    ///
    /// # Errors
    /// `TPM_RC_HANDLE` if it is not defined.
    pub fn index_mut(&mut self, handle: TpmHandle) -> Result<&mut NvIndex, TpmRc> {
        let current = self.index(handle).cloned().ok_or(TpmRc::HANDLE)?;
        let staged = self.staged.indices.entry(handle.0).or_insert(None).get_or_insert(current);
        Ok(Arc::make_mut(staged))
    }

    /// Defines or replaces an NV index.
    pub fn put_index(&mut self, index: NvIndex) {
        self.staged.indices.insert(index.handle().0, Some(Arc::new(index)));
    }

    /// Deletes an NV index.
    pub fn remove_index(&mut self, handle: TpmHandle) {
        self.staged.indices.insert(handle.0, None);
    }

    /// Every NV index in ascending order of handle.
    pub fn indices(&self) -> impl Iterator<Item = &Arc<NvIndex>> + '_ {
        let staged = self.staged.indices.values().flatten();
        let mut all: Vec<&Arc<NvIndex>> = self
            .indices
            .iter()
            .filter(|(handle, _)| !self.staged.indices.contains_key(handle))
            .map(|(handle, stored)| self.unsaved.get(handle).unwrap_or(stored))
            .collect();
        all.extend(staged);
        all.sort_unstable_by_key(|index| index.handle());
        all.into_iter()
    }

    /// Has this command's commit store every orderly index as it is, as `TPM2_Shutdown` and `TPM2_Startup` want it.
    pub const fn save_orderly(&mut self) {
        self.staged.orderly = true;
    }

    /// The orderly indices that are not stored as they are.
    pub fn unsaved(&self) -> impl Iterator<Item = &Arc<NvIndex>> + '_ {
        self.unsaved.values()
    }

    /// Takes over orderly indices of a TPM that has moved here, as they were there.
    ///
    /// # Errors
    /// `TPM_RC_NV_UNINITIALIZED` if what is stored are other indices.
    pub fn set_unsaved(&mut self, indices: Vec<NvIndex>) -> Result<(), TpmRc> {
        let mut unsaved = BTreeMap::new();
        for index in indices {
            let stored = self.indices.get(&index.handle().0).filter(|stored| index.is_later_than(stored));
            let auth = stored.ok_or(TpmRc::NV_UNINITIALIZED)?.auth.clone();
            unsaved.insert(index.handle().0, Arc::new(NvIndex { auth, ..index }));
        }
        self.unsaved = unsaved;
        Ok(())
    }

    /// Power is gone, and with it what is staged and what orderly indices held only in memory.
    pub fn lose_power(&mut self) {
        self.rollback();
        self.unsaved.clear();
    }

    /// The power goes in order.
    pub fn rest(&mut self) {
        self.storage.rest();
    }

    /// The persistent object with this handle.
    #[must_use]
    pub fn persistent(&self, handle: TpmHandle) -> Option<&Arc<Object>> {
        match self.staged.persistent.get(&handle.0) {
            Some(staged) => staged.as_ref(),
            None => self.persistent.get(&handle.0),
        }
    }

    /// Makes an object persistent.
    pub fn put_persistent(&mut self, handle: TpmHandle, object: Arc<Object>) {
        self.staged.persistent.insert(handle.0, Some(object));
    }

    /// Deletes a persistent object.
    pub fn remove_persistent(&mut self, handle: TpmHandle) {
        self.staged.persistent.insert(handle.0, None);
    }

    /// Every persistent object in ascending order of handle.
    pub fn persistents(&self) -> impl Iterator<Item = (TpmHandle, &Arc<Object>)> + '_ {
        let mut all: Vec<(TpmHandle, &Arc<Object>)> = self
            .persistent
            .iter()
            .filter(|(handle, _)| !self.staged.persistent.contains_key(handle))
            .chain(self.staged.persistent.iter().filter_map(|(handle, object)| Some((handle, object.as_ref()?))))
            .map(|(&handle, object)| (TpmHandle(handle), object))
            .collect();
        all.sort_unstable_by_key(|(handle, _)| *handle);
        all.into_iter()
    }

    /// What `TPM2_Shutdown(TPM_SU_STATE)` saved.
    #[must_use]
    pub fn saved_state(&self) -> Option<&SavedState> {
        match &self.staged.saved {
            Some(staged) => staged.as_ref(),
            None => self.saved.as_ref(),
        }
    }

    /// Replaces what `TPM2_Shutdown(TPM_SU_STATE)` saved.
    pub fn set_saved_state(&mut self, saved: Option<SavedState>) {
        self.staged.saved = Some(saved);
    }

    /// What administrators have settled.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.staged.settings.as_ref().unwrap_or(&self.settings)
    }

    /// What administrators have settled, to be changed.
    pub fn settings_mut(&mut self) -> &mut Settings {
        self.staged.settings.get_or_insert_with(|| self.settings.clone())
    }

    /// Whether the command has staged a change.
    #[must_use]
    pub fn has_staged(&self) -> bool {
        self.staged.permanent.is_some()
            || self.staged.saved.is_some()
            || self.staged.settings.is_some()
            || self.staged.orderly
            || !self.staged.indices.is_empty()
            || !self.staged.persistent.is_empty()
    }

    /// Drops what is staged.
    pub fn rollback(&mut self) {
        self.staged = Staged::default();
    }

    /// Makes what is staged durable, in one atomic step, and then current.
    ///
    /// # Errors
    /// The store failed; what was staged is dropped and the state before the command stays.
    pub fn commit(&mut self) -> Result<(), StorageError> {
        if !self.has_staged() {
            return Ok(());
        }
        let mut staged = core::mem::take(&mut self.staged);
        let deferred = if staged.orderly { self.stage_unsaved(&mut staged) } else { self.take_deferred(&mut staged) };
        let changes = changes(&staged);
        if !changes.is_empty() {
            self.storage.commit(&changes)?;
        }
        self.apply(staged);
        self.unsaved.extend(deferred);
        Ok(())
    }

    /// Stages every orderly index that is not stored as it is. Nothing is put off.
    fn stage_unsaved(&self, staged: &mut Staged) -> BTreeMap<u32, Arc<NvIndex>> {
        for (&handle, index) in &self.unsaved {
            staged.indices.entry(handle).or_insert_with(|| Some(Arc::clone(index)));
        }
        BTreeMap::new()
    }

    /// Takes the changes of orderly indices that need not be stored yet out of what is staged.
    fn take_deferred(&self, staged: &mut Staged) -> BTreeMap<u32, Arc<NvIndex>> {
        let permanent = staged.permanent.as_ref().unwrap_or(&self.permanent);
        if permanent.shutdown.is_orderly() {
            // The TPM has been shut down in order and stays so: what is stored has to be right.
            return BTreeMap::new();
        }
        let waits = |handle: &u32, index: &Option<Arc<NvIndex>>| match (self.indices.get(handle), index) {
            (Some(stored), Some(index)) => !index.outlives(stored),
            _ => false,
        };
        let (deferred, indices) = core::mem::take(&mut staged.indices).into_iter().partition(|(h, i)| waits(h, i));
        staged.indices = indices;
        let deferred: BTreeMap<u32, Option<Arc<NvIndex>>> = deferred;
        deferred.into_iter().filter_map(|(handle, index)| Some((handle, index?))).collect()
    }

    fn apply(&mut self, staged: Staged) {
        if let Some(permanent) = staged.permanent {
            self.permanent = permanent;
        }
        if let Some(saved) = staged.saved {
            self.saved = saved;
        }
        if let Some(settings) = staged.settings {
            self.settings = settings;
        }
        for (handle, index) in staged.indices {
            self.unsaved.remove(&handle);
            match index {
                Some(index) => self.indices.insert(handle, index),
                None => self.indices.remove(&handle),
            };
        }
        for (handle, object) in staged.persistent {
            match object {
                Some(object) => self.persistent.insert(handle, object),
                None => self.persistent.remove(&handle),
            };
        }
    }
}

fn changes(staged: &Staged) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(permanent) = &staged.permanent {
        changes.push(Change::Put(PERMANENT, encode(permanent)));
    }
    if let Some(saved) = &staged.saved {
        changes.push(match saved {
            Some(saved) => Change::Put(SAVED_STATE, encode_as(SAVED_VERSION, saved)),
            None => Change::Delete(SAVED_STATE),
        });
    }
    if let Some(settings) = &staged.settings {
        changes.push(Change::Put(SETTINGS, encode_as(SETTINGS_VERSION, settings)));
    }
    for (&handle, index) in &staged.indices {
        changes.push(match index {
            Some(index) => Change::Put(nv_key(handle), encode_in(index.size(), RECORD_VERSION, index.as_ref())),
            None => Change::Delete(nv_key(handle)),
        });
    }
    for (&handle, object) in &staged.persistent {
        changes.push(match object {
            Some(object) => {
                let mut value = Zeroizing::new(Vec::with_capacity(2048));
                value.push(RECORD_VERSION);
                object_record::save(object, &mut value);
                Change::Put(persistent_key(handle), value)
            }
            None => Change::Delete(persistent_key(handle)),
        });
    }
    changes
}

fn encode<T: Wire>(value: &T) -> Zeroizing<Vec<u8>> {
    encode_as(RECORD_VERSION, value)
}

/// Bytes that are enough for every record but an NV index's.
const CAPACITY: usize = 8192;

fn encode_as<T: Wire>(version: u8, value: &T) -> Zeroizing<Vec<u8>> {
    encode_in(CAPACITY, version, value)
}

/// The record of a value that takes so many bytes at most: no copy of a secret is left behind by a growing vector.
fn encode_in<T: Wire>(size: usize, version: u8, value: &T) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
    out.push(version);
    value.marshal(&mut out);
    out
}

fn versioned(key: RecordKey, value: &[u8]) -> Result<&[u8], LoadError> {
    match value.split_first() {
        Some((&RECORD_VERSION, body)) => Ok(body),
        Some((version, _)) => Err(LoadError::Record(alloc::format!(
            "record {:#x} has version {version}; this release reads version {RECORD_VERSION}",
            key.0
        ))),
        None => Err(LoadError::Record(alloc::format!("record {:#x} is empty", key.0))),
    }
}

fn bad_record(key: RecordKey, rc: TpmRc) -> LoadError {
    LoadError::Record(alloc::format!("record {:#x} is not valid: {rc}", key.0))
}

fn decode<T: Wire>(key: RecordKey, value: &[u8]) -> Result<T, LoadError> {
    decode_body(key, versioned(key, value)?)
}

fn decode_body<T: Wire>(key: RecordKey, body: &[u8]) -> Result<T, LoadError> {
    let mut reader = Reader::new(body, &Rules::ALL);
    let decoded = T::unmarshal(&mut reader).map_err(|rc| bad_record(key, rc))?;
    if reader.is_empty() { Ok(decoded) } else { Err(bad_record(key, TpmRc::SIZE)) }
}

/// Settings of this version or of the one before, which knew of no commands that are switched off.
fn decode_settings(key: RecordKey, value: &[u8]) -> Result<Settings, LoadError> {
    if let Some((&SETTINGS_VERSION, body)) = value.split_first() {
        return decode_body(key, body);
    }
    let mut body = versioned(key, value)?.to_vec();
    TpmlCc::default().marshal(&mut body);
    decode_body(key, &body)
}

/// A saved state of this version or of an earlier one: the first knew of no administration, the second of no split
/// operations, which are as after a TPM Reset.
fn decode_saved(key: RecordKey, value: &[u8]) -> Result<SavedState, LoadError> {
    let mut body = Zeroizing::new(Vec::with_capacity(value.len().saturating_add(512)));
    match value.split_first() {
        Some((&SAVED_VERSION, whole)) => return decode_body(key, whole),
        Some((&SAVED_BEFORE_COMMITS, most)) => body.extend_from_slice(most),
        _ => {
            body.extend_from_slice(versioned(key, value)?);
            Administration::reset(0).marshal(&mut body);
        }
    }
    Commits::none().marshal(&mut body);
    decode_body(key, &body)
}
