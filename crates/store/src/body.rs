//! The contents of a frame: changes, one after the other, then zeros up to the end.

use ironroot_platform::{Change, RecordKey, Records};
use zeroize::Zeroizing;

const END: u8 = 0;
const PUT: u8 = 1;
const DELETE: u8 = 2;
const OWN: u8 = 3;

/// The bytes that a record takes, beside its value.
pub const PUT_OVERHEAD: usize = 13;

/// The length of `changes`, or nothing if it is beyond counting.
pub fn length(changes: &[Change]) -> Option<usize> {
    changes.iter().try_fold(0_usize, |sum, change| {
        sum.checked_add(match change {
            Change::Put(_, value) => value.len().checked_add(PUT_OVERHEAD)?,
            Change::Delete(_) => 9,
        })
    })
}

/// Appends a change.
pub fn write(change: &Change, out: &mut Vec<u8>) {
    match change {
        Change::Put(key, value) => write_put(*key, value, out),
        Change::Delete(key) => {
            out.push(DELETE);
            out.extend_from_slice(&key.0.to_be_bytes());
        }
    }
}

/// Appends a record.
pub fn write_put(key: RecordKey, value: &[u8], out: &mut Vec<u8>) {
    write_record(PUT, key, value, out);
}

/// Appends a record that is the store's own and none of the TPM's.
pub fn write_own(key: RecordKey, value: &[u8], out: &mut Vec<u8>) {
    write_record(OWN, key, value, out);
}

/// Frames are bounded far below 4 GiB, so the length fits.
fn write_record(kind: u8, key: RecordKey, value: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&key.0.to_be_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

/// Makes the changes of a frame's contents happen in `records`, and the store's own in `own` where there may be any.
/// False if the contents are not well formed.
#[must_use]
pub fn apply(mut rest: &[u8], records: &mut Records, mut own: Option<&mut Records>) -> bool {
    while let Some((kind, after)) = rest.split_first() {
        if *kind == END {
            return crate::header::is_zero(after);
        }
        let Some((key, after)) = after.split_first_chunk() else {
            return false;
        };
        let key = RecordKey(u64::from_be_bytes(*key));
        rest = match *kind {
            PUT | OWN => {
                let Some((value, after)) = split_value(after) else {
                    return false;
                };
                let to = if *kind == PUT { Some(&mut *records) } else { own.as_deref_mut() };
                let Some(to) = to else {
                    return false;
                };
                to.insert(key, Zeroizing::new(value.to_vec()));
                after
            }
            DELETE => {
                records.remove(&key);
                after
            }
            _ => return false,
        };
    }
    true
}

fn split_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = bytes.split_first_chunk()?;
    after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
