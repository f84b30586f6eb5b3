//! A backup: the records of a state in one sealed file of its own, for the same device.
//!
//! The device's key is part of the backup's key, as it is of the state's: a TPM does not move to another device, for its
//! identity comes from the device. docs/state-format.md has the bytes.

use crate::access::{Access, NewCounter};
use crate::body;
use crate::file_store::{FileStore, Options};
use crate::header::Fields;
use crate::keys::{StateKey, finish, hkdf, keyed};
use crate::medium::Folder;
use crate::refusal::Reason;
use crate::sealing::{Cost, SEALING, Sealing, SecondKey};
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use ironroot_platform::{Entropy, RecordKey, Records, Storage, StorageError, host::OsEntropy};
use sha2::{Digest, Sha256};
use std::path::Path;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

const MAGIC: &[u8; 8] = b"IRBACKUP";
const VERSION: u16 = 1;
/// What the device check covers, and where it stands.
const CHECKED: usize = 96;
/// The header's size; the label follows.
const HEADER: usize = 128;
const TAG: usize = 16;
/// The checksum at the end. It has no secret: it only tells damage apart from another key.
const SUM: usize = 32;
/// Contents are filled up to a multiple of this.
const UNIT: usize = 512;
/// No backup is larger.
const MAX_BACKUP: usize = 32 << 20;

/// The own record that holds the state's sequence number.
const SEQUENCE: RecordKey = RecordKey(4);
/// The one that holds the name of the instance.
const INSTANCE: RecordKey = RecordKey(5);

/// What a backup was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// The state's sequence number.
    pub sequence: u64,
    /// How many records there are.
    pub records: usize,
}

impl FileStore<Folder> {
    /// The records of the state in a folder as a backup, sealed under this device's key and a second one. The label
    /// stands in the backup for everybody to read, but not to change.
    ///
    /// # Errors
    /// As [`FileStore::open`].
    pub fn export(
        folder: &Path,
        access: impl Into<Access>,
        second: &SecondKey,
        cost: Cost,
        label: &str,
    ) -> Result<(Vec<u8>, BackupReport), StorageError> {
        let mut store = Self::open(folder, access, Options::default())?;
        let records = store.load()?;
        let mut own = store.shape.own.clone();
        own.retain(|key, _| *key == crate::checkpoint::HISTORY);
        own.insert(SEQUENCE, Zeroizing::new(store.sequence().to_be_bytes().to_vec()));
        own.insert(INSTANCE, Zeroizing::new(store.shape.instance.clone().into_bytes()));
        let report = BackupReport { sequence: store.sequence(), records: records.len() };
        let device = store.access.device();
        let backup = seal(&records, &own, device, second, cost, label, &mut OsEntropy);
        Ok((backup.map_err(|reason| refused("the backup", reason))?, report))
    }

    /// Makes a state in a folder from a backup of this device. Never overwrites a state. With a counter, if one is given: a
    /// backup's state has none.
    ///
    /// # Errors
    /// [`StorageError::Refused`] if the backup is damaged, another device's or another instance's, or the key is wrong;
    /// otherwise as [`FileStore::create`].
    pub fn import(
        folder: &Path,
        access: Access,
        backup: &[u8],
        second: &SecondKey,
        counter: Option<NewCounter>,
    ) -> Result<BackupReport, StorageError> {
        let wrong = |reason| refused("the backup", reason);
        let (records, own) = open(backup, access.device(), second).map_err(wrong)?;
        let found = own.get(&INSTANCE).map_or_else(String::new, |name| String::from_utf8_lossy(name).into_owned());
        if found != access.instance() {
            return Err(wrong(Reason::WrongInstance { found, wanted: access.instance().into() }));
        }
        let sequence = own.get(&SEQUENCE).and_then(|number| number.first_chunk()).map(|n| u64::from_be_bytes(*n));
        let sequence = sequence.ok_or_else(|| wrong(Reason::Damaged("it has no sequence number".into())))?;
        let event = format!("imported from a backup of sequence number {sequence}");
        let history = own.get(&crate::checkpoint::HISTORY).cloned();
        let first =
            crate::open::First { records: &records, sequence: sequence.wrapping_add(1), history, event: &event };
        let medium = Folder::create(folder)?;
        drop(Self::create_with(medium, access, Options::default(), Box::new(OsEntropy), counter, Some(first))?);
        Ok(BackupReport { sequence, records: records.len() })
    }
}

/// The label of a backup. Not to be believed before the backup has been opened.
///
/// # Errors
/// [`StorageError::Refused`] if it is no backup, or of a later release.
pub fn label(backup: &[u8]) -> Result<String, StorageError> {
    Ok(Parts::of(backup).map_err(|reason| refused("the backup", reason))?.label)
}

fn refused(what: &str, reason: Reason) -> StorageError {
    let text = match &reason {
        Reason::NotAState => format!("{what}: this is not a backup of an Ironroot state; name the right file"),
        Reason::Newer(version) => format!(
            "{what}: it has format version {version}, and this program knows none above {VERSION}; use the release that \
             wrote it, or a later one"
        ),
        Reason::WrongDevice => format!(
            "{what}: it was made on another device, with another product secret, or for another instance; a TPM's identity \
             comes from its device, so it cannot move: import it where it was made"
        ),
        Reason::WrongSecond(_) => format!("{what}: the key or passphrase is not the one that it was sealed under"),
        Reason::WrongKind(sealing) | Reason::KeyMissing(sealing) => {
            format!("{what}: it is sealed under {sealing}, and something else was given")
        }
        Reason::Damaged(words) => format!("{what}: it is damaged: {words}; use another copy"),
        other => format!("{what}: {other}"),
    };
    StorageError::Refused(text)
}

/// A backup's parts.
struct Parts<'a> {
    sealing: Sealing,
    nonce: [u8; 24],
    /// Everything before the contents: what the tag covers beside them.
    head: &'a [u8],
    label: String,
    contents: &'a [u8],
    tag: [u8; TAG],
}

impl<'a> Parts<'a> {
    fn of(backup: &'a [u8]) -> Result<Self, Reason> {
        let damaged = |what: &str| Reason::Damaged(what.into());
        let mut fields = Fields(backup);
        if backup.len() < HEADER || fields.take::<8>() != *MAGIC {
            return Err(Reason::NotAState);
        }
        let short = || damaged("it is cut short or longer than it was");
        let (summed, sum) = backup.split_last_chunk::<SUM>().ok_or_else(short)?;
        if *Sha256::digest(summed) != *sum {
            return Err(damaged("its checksum is wrong"));
        }
        let version = u16::from_be_bytes(fields.take());
        if version > VERSION {
            return Err(Reason::Newer(version));
        }
        let unused = fields.take::<4>();
        let label_length = usize::from(u16::from_be_bytes(fields.take()));
        let sealing = Sealing::read(&mut fields).filter(|sealing| *sealing != Sealing::Device);
        let sealing = sealing.filter(|_| unused == [0; 4] && version == VERSION);
        let sealing = sealing.ok_or_else(|| damaged("its header has unknown fields"))?;
        let nonce = fields.take::<24>();
        let length = usize::try_from(u64::from_be_bytes(fields.take())).unwrap_or(usize::MAX);
        let (head, rest) = summed.split_at_checked(HEADER.saturating_add(label_length)).ok_or_else(short)?;
        let label = String::from_utf8_lossy(head.get(HEADER..).unwrap_or_default()).into_owned();
        let (contents, tag) = rest.split_last_chunk::<TAG>().ok_or_else(short)?;
        if contents.len() != length || length > MAX_BACKUP {
            return Err(short());
        }
        Ok(Self { sealing, nonce, head, label, contents, tag: *tag })
    }
}

fn device_check(device: &StateKey, salt: &[u8; 32], head: &[u8]) -> [u8; 32] {
    finish(keyed(&hkdf(salt, device, &[b"ironroot/backup/v1/device check"])), &[head])
}

fn seal(
    records: &Records,
    own: &Records,
    device: &StateKey,
    second: &SecondKey,
    cost: Cost,
    label: &str,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, Reason> {
    let failed = |what: &str| Reason::Damaged(what.into());
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    let filled = entropy.fill(&mut salt).and_then(|()| entropy.fill(&mut nonce));
    filled.map_err(|_| failed("there is no randomness"))?;
    let sealing = Sealing::new(Some(second), salt, cost);
    let key = sealing.backup_key(device, second)?;

    let size = crate::checkpoint::size(records).saturating_add(crate::checkpoint::size(own)).next_multiple_of(UNIT);
    // Reserved whole, so that no copy of the contents stays behind when the vector grows.
    let mut contents = Zeroizing::new(Vec::with_capacity(size));
    own.iter().for_each(|(key, value)| body::write_own(*key, value, &mut contents));
    records.iter().for_each(|(key, value)| body::write_put(*key, value, &mut contents));
    contents.resize(size, 0);

    let mut backup =
        Vec::with_capacity(size.saturating_add(HEADER).saturating_add(label.len()).saturating_add(TAG + SUM));
    backup.extend_from_slice(MAGIC);
    backup.extend_from_slice(&VERSION.to_be_bytes());
    backup.extend_from_slice(&[0; 4]);
    let label_length = u16::try_from(label.len()).map_err(|_| failed("the label is too long"))?;
    backup.extend_from_slice(&label_length.to_be_bytes());
    sealing.write(&mut backup);
    backup.extend_from_slice(&nonce);
    backup.extend_from_slice(&(size as u64).to_be_bytes());
    let check = device_check(device, &salt, &backup);
    backup.extend_from_slice(&check);
    backup.extend_from_slice(label.as_bytes());
    let cipher = XChaCha20Poly1305::new((&*key).into());
    let plain: &mut [u8] = &mut contents;
    let tag = cipher.encrypt_inout_detached((&nonce).into(), &backup, plain.into());
    let tag = tag.map_err(|_| failed("it is too large"))?;
    backup.extend_from_slice(&contents);
    backup.extend_from_slice(&tag);
    let sum = Sha256::digest(&backup);
    backup.extend_from_slice(&sum);
    Ok(backup)
}

/// The records, and the store's own.
fn open(backup: &[u8], device: &StateKey, second: &SecondKey) -> Result<(Records, Records), Reason> {
    let parts = Parts::of(backup)?;
    let (checked, check) = parts.head.split_at_checked(CHECKED).unwrap_or_default();
    let salt = parts.sealing.salt();
    if !bool::from(device_check(device, &salt, checked).ct_eq(&Fields(check).take::<32>())) {
        return Err(Reason::WrongDevice);
    }
    let key = parts.sealing.backup_key(device, second)?;
    let cipher = XChaCha20Poly1305::new((&*key).into());
    let mut contents = Zeroizing::new(parts.contents.to_vec());
    let plain: &mut [u8] = &mut contents;
    if cipher.decrypt_inout_detached((&parts.nonce).into(), parts.head, plain.into(), (&parts.tag).into()).is_err() {
        contents.zeroize();
        return Err(Reason::WrongSecond(parts.sealing));
    }
    let (mut records, mut own) = (Records::new(), Records::new());
    if !body::apply(&contents, &mut records, Some(&mut own)) {
        return Err(Reason::Damaged("its contents are of an unknown form".into()));
    }
    Ok((records, own))
}

const _: () = assert!(16 + SEALING + 24 + 8 == CHECKED);
