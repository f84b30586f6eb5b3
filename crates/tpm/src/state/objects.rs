//! Objects in memory: transient objects and sequences in their slots.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use ironroot_crypto::{MlDsaPrivateKey, MlKemPrivateKey, RsaPrivateKey, hash, hash::Hasher, hmac::Hmac};
use ironroot_wire::{
    PublicKind, TPM_GENERATED_VALUE, Tpm2bAuth, Tpm2bDigest, Tpm2bName, Tpm2bSignatureCtx, TpmHandle, TpmRc,
    TpmaObject, TpmiAlgHash, TpmtPublic, TpmtSensitive, Wire,
};

use super::hierarchy::Hierarchy;
use crate::rules::{mac::Mac, messages::Message};

/// A loaded object. It never changes while it is loaded, so a command may hold it while it changes the TPM.
pub struct Object {
    /// The public area.
    pub public: TpmtPublic,
    /// The sensitive area; `None` if only the public area is loaded.
    pub sensitive: Option<TpmtSensitive>,
    /// The name.
    pub name: Tpm2bName,
    /// The qualified name.
    pub qualified_name: Tpm2bName,
    /// The hierarchy.
    pub hierarchy: Hierarchy,
    /// Whether the object was loaded by `TPM2_LoadExternal`.
    pub external: bool,
    /// Whether the object is a primary object.
    pub primary: bool,
    /// Whether the object, or one of its ancestors, has `stClear`: contexts die with `Startup(CLEAR)`.
    pub st_clear: bool,
    /// The private key, ready for use.
    pub prepared: Prepared,
}

/// A private key that the provider has prepared when it was loaded, so that each use pays for the use alone.
pub enum Prepared {
    /// Nothing: there is only a public area, or the key is used as it is.
    None,
    /// RSA.
    Rsa(Box<dyn RsaPrivateKey>),
    /// ML-KEM.
    Mlkem(Box<dyn MlKemPrivateKey>),
    /// ML-DSA and HashML-DSA.
    Mldsa(Box<dyn MlDsaPrivateKey>),
}

impl Object {
    /// The attributes.
    #[must_use]
    pub const fn attributes(&self) -> TpmaObject {
        self.public.object_attributes
    }

    /// Whether all of these attributes are set.
    #[must_use]
    pub const fn has(&self, attributes: TpmaObject) -> bool {
        self.public.object_attributes.contains(attributes)
    }

    /// Whether the object may have children: a restricted decryption key with a sensitive area (Part 1, clause 22.2).
    #[must_use]
    pub fn is_parent(&self) -> bool {
        self.has(TpmaObject::RESTRICTED.with(TpmaObject::DECRYPT))
            && !self.has(TpmaObject::SIGN_ENCRYPT)
            && self.sensitive.is_some()
            && self.public.name_alg.is_some()
    }

    /// Whether the object is a parent of ordinary objects, rather than a derivation parent.
    #[must_use]
    pub fn is_storage_parent(&self) -> bool {
        self.is_parent() && !matches!(self.public.kind, PublicKind::Keyedhash(..))
    }

    /// The name algorithm.
    ///
    /// # Errors
    /// `TPM_RC_TYPE` if it is NULL (only external objects have none).
    pub fn name_alg(&self) -> Result<TpmiAlgHash, TpmRc> {
        self.public.name_alg.ok_or(TpmRc::TYPE)
    }

    /// The sensitive area.
    ///
    /// # Errors
    /// `TPM_RC_AUTH_UNAVAILABLE` if only the public area is loaded.
    pub fn sensitive(&self) -> Result<&TpmtSensitive, TpmRc> {
        self.sensitive.as_ref().ok_or(TpmRc::AUTH_UNAVAILABLE)
    }

    /// The RSA private key.
    ///
    /// # Errors
    /// `TPM_RC_AUTH_UNAVAILABLE` if only the public area is loaded.
    pub fn rsa(&self) -> Result<&dyn RsaPrivateKey, TpmRc> {
        if let Prepared::Rsa(key) = &self.prepared { Ok(key.as_ref()) } else { Err(TpmRc::AUTH_UNAVAILABLE) }
    }

    /// The ML-KEM private key.
    ///
    /// # Errors
    /// `TPM_RC_AUTH_UNAVAILABLE` if only the public area is loaded.
    pub fn ml_kem(&self) -> Result<&dyn MlKemPrivateKey, TpmRc> {
        if let Prepared::Mlkem(key) = &self.prepared { Ok(key.as_ref()) } else { Err(TpmRc::AUTH_UNAVAILABLE) }
    }

    /// The ML-DSA private key.
    ///
    /// # Errors
    /// `TPM_RC_AUTH_UNAVAILABLE` if only the public area is loaded.
    pub fn ml_dsa(&self) -> Result<&dyn MlDsaPrivateKey, TpmRc> {
        if let Prepared::Mldsa(key) = &self.prepared { Ok(key.as_ref()) } else { Err(TpmRc::AUTH_UNAVAILABLE) }
    }
}

/// What a sequence computes (Part 1, clause 32).
#[derive(Clone)]
// As with the slots that hold them: all are behind a pointer.
#[allow(clippy::large_enum_variant)]
pub enum SequenceState {
    /// A hash; `first_bytes` holds the start of the message until it is known not to be TPM_GENERATED_VALUE.
    Hash {
        /// The hash so far.
        hasher: Hasher,
        /// Up to four bytes from the start of the message.
        first_bytes: Vec<u8>,
    },
    /// A message authentication code.
    Mac(Mac),
    /// An event: one hash for each bank of PCR.
    Event(Vec<Hasher>),
    /// A message to be signed.
    Sign(Signing),
    /// A message whose signature is to be verified.
    Verify(Box<Verification>),
}

/// Which key a signature sequence was started with: a digest of its whole public area, as a key may have no name.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyIdentity(pub Tpm2bDigest);

impl KeyIdentity {
    /// That of a key.
    #[must_use]
    pub fn of(key: &Object) -> Self {
        let digest = hash::digest(TpmiAlgHash::Sha256, &[&key.public.to_bytes()]);
        Self(Tpm2bDigest::from_slice(&digest).unwrap_or_default())
    }

    /// Whether it is that of this key.
    #[must_use]
    pub fn is(&self, key: &Object) -> bool {
        *self == Self::of(key)
    }
}

/// A message to be signed (Part 3, 17.5).
#[derive(Clone)]
pub struct Signing {
    /// The key.
    pub key: KeyIdentity,
    /// The context of the signature.
    pub context: Tpm2bSignatureCtx,
    /// The message so far.
    pub message: Message,
    /// Up to four bytes from its start, where a structure of the TPM's own would be marked.
    pub start: Vec<u8>,
}

impl Signing {
    /// Adds a part of the message, which is not the last. Of a message that has to be signed as a whole nothing is kept: it
    /// cannot be signed any more.
    pub fn begin(&mut self, part: &[u8]) {
        match &mut self.message {
            Message::Whole(whole) => whole.begun = true,
            _ => self.update(part),
        }
    }

    /// Whether the message has to be signed as a whole, and was begun before.
    #[must_use]
    pub const fn is_begun_whole(&self) -> bool {
        matches!(&self.message, Message::Whole(whole) if whole.begun)
    }

    /// Adds the last part of the message.
    pub fn update(&mut self, part: &[u8]) {
        let missing = TPM_GENERATED_VALUE.to_be_bytes().len().saturating_sub(self.start.len());
        self.start.extend(part.iter().take(missing));
        self.message.update(part);
    }
}

/// A message whose signature is to be verified (Part 3, 17.6).
#[derive(Clone)]
pub struct Verification {
    /// The key.
    pub key: KeyIdentity,
    /// The context of the signature.
    pub context: Tpm2bSignatureCtx,
    /// The message so far.
    pub message: Message,
    /// The HMAC of the ticket so far, if there will be one.
    pub ticket: Option<Hmac>,
}

impl Verification {
    /// Adds a part of the message.
    pub fn update(&mut self, part: &[u8]) {
        self.message.update(part);
        if let Some(ticket) = &mut self.ticket {
            ticket.update(part);
        }
    }
}

/// A sequence object.
#[derive(Clone)]
pub struct Sequence {
    /// The auth value.
    pub auth: Tpm2bAuth,
    /// What it computes.
    pub state: SequenceState,
}

/// The contents of a slot.
#[derive(Clone)]
// A sequence is larger than the reference to an object; slots hold either behind a pointer, so an empty one is small.
#[allow(clippy::large_enum_variant)]
pub enum Slot {
    /// An object.
    Object(Arc<Object>),
    /// A sequence.
    Sequence(Sequence),
}

/// The slots.
#[derive(Clone, Default)]
pub struct Objects {
    slots: Vec<Option<Box<Slot>>>,
}

impl Objects {
    /// As many empty slots as the profile has.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| None).collect() }
    }

    /// Whether a slot is free.
    ///
    /// # Errors
    /// `TPM_RC_OBJECT_MEMORY` if none is.
    pub fn require_free(&self) -> Result<(), TpmRc> {
        if self.slots.iter().any(Option::is_none) { Ok(()) } else { Err(TpmRc::OBJECT_MEMORY) }
    }

    /// Puts something into the first free slot.
    ///
    /// # Errors
    /// `TPM_RC_OBJECT_MEMORY` if none is free.
    pub fn insert(&mut self, slot: Slot) -> Result<TpmHandle, TpmRc> {
        let index = self.slots.iter().position(Option::is_none).ok_or(TpmRc::OBJECT_MEMORY)?;
        let free = self.slots.get_mut(index).ok_or(TpmRc::OBJECT_MEMORY)?;
        *free = Some(Box::new(slot));
        let offset = u32::try_from(index).map_err(|_| TpmRc::OBJECT_MEMORY)?;
        Ok(TpmHandle(TpmHandle::TRANSIENT_FIRST.0.saturating_add(offset)))
    }

    /// Puts something back into the slot that it had.
    ///
    /// # Errors
    /// `TPM_RC_HANDLE` if there is no such slot, or if it is in use.
    pub fn insert_at(&mut self, handle: TpmHandle, slot: Slot) -> Result<(), TpmRc> {
        match Self::index(handle).and_then(|index| self.slots.get_mut(index)) {
            Some(free @ None) => {
                *free = Some(Box::new(slot));
                Ok(())
            }
            _ => Err(TpmRc::HANDLE),
        }
    }

    /// Puts an object into the first free slot.
    ///
    /// # Errors
    /// `TPM_RC_OBJECT_MEMORY` if none is free.
    pub fn load(&mut self, object: Object) -> Result<TpmHandle, TpmRc> {
        self.insert(Slot::Object(Arc::new(object)))
    }

    fn index(handle: TpmHandle) -> Option<usize> {
        usize::try_from(handle.0.checked_sub(TpmHandle::TRANSIENT_FIRST.0)?).ok()
    }

    /// What is in the slot with this transient handle.
    #[must_use]
    pub fn get(&self, handle: TpmHandle) -> Option<&Slot> {
        self.slots.get(Self::index(handle)?)?.as_deref()
    }

    /// The sequence with this handle.
    ///
    /// # Errors
    /// `TPM_RC_MODE` if the handle is not a sequence's.
    pub fn sequence_mut(&mut self, handle: TpmHandle) -> Result<&mut Sequence, TpmRc> {
        match Self::index(handle).and_then(|index| self.slots.get_mut(index)) {
            Some(Some(slot)) => match slot.as_mut() {
                Slot::Sequence(sequence) => Ok(sequence),
                Slot::Object(_) => Err(TpmRc::MODE),
            },
            _ => Err(TpmRc::MODE),
        }
    }

    /// Empties a slot and returns what was in it.
    pub fn remove(&mut self, handle: TpmHandle) -> Option<Slot> {
        self.slots.get_mut(Self::index(handle)?)?.take().map(|slot| *slot)
    }

    /// Empties every slot for which `condition` holds.
    pub fn flush_if(&mut self, condition: impl Fn(&Slot) -> bool) {
        for slot in &mut self.slots {
            if slot.as_deref().is_some_and(&condition) {
                *slot = None;
            }
        }
    }

    /// The handles of the slots in use, in ascending order.
    pub fn handles(&self) -> impl Iterator<Item = TpmHandle> + '_ {
        (TpmHandle::TRANSIENT_FIRST.0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.is_some())
            .map(|(handle, _)| TpmHandle(handle))
    }

    /// The number of free slots.
    #[must_use]
    pub fn free(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_none()).count()
    }
}
