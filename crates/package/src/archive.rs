//! The ZIP file around a package (PKWARE APPNOTE 6.3.10): every byte follows from the members' names, sizes and checksums, so
//! that a reader can make the same bytes again and compare, rather than believe what it reads. Members are stored as they are, with
//! ZIP64's fields only where a number needs them, and the date 1980-01-01.

/// A number that does not fit says so by all ones.
const BEYOND_32: u64 = 0xffff_ffff;
const BEYOND_16: u64 = 0xffff;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1980-01-01, 00:00.
const DATE: u16 = (1 << 5) | 1;
/// Made on UNIX, by the version of the format that has ZIP64.
const MADE_BY: u16 = 3 << 8 | 45;
/// Bytes of a local header without name and extra field.
pub const LOCAL_HEADER: usize = 30;
/// Where a local header has the member's size.
pub const LOCAL_SIZE_AT: usize = 22;

/// A file in the archive.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its size as it is stored. Bytes.
    pub size: u64,
    /// CRC-32 of what is stored.
    pub crc32: u32,
    /// Whether it is a program.
    pub executable: bool,
}

impl Member<'_> {
    const fn is_large(&self) -> bool {
        self.size >= BEYOND_32
    }

    /// The header in front of the member's bytes.
    pub fn local_header(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let extra = if self.is_large() { zip64(&[self.size, self.size]) } else { Vec::new() };
        u32s(&mut out, &[0x0403_4b50]);
        u16s(&mut out, &[self.version()]);
        self.common(&mut out, &extra);
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
        out
    }

    /// The member in the directory at the end; its local header is at `offset`.
    fn directory_entry(&self, offset: u64) -> Vec<u8> {
        let mut large = if self.is_large() { vec![self.size, self.size] } else { Vec::new() };
        if offset >= BEYOND_32 {
            large.push(offset);
        }
        let extra = if large.is_empty() { Vec::new() } else { zip64(&large) };
        let mut out = Vec::new();
        u32s(&mut out, &[0x0201_4b50]);
        u16s(&mut out, &[MADE_BY, if large.is_empty() { 20 } else { 45 }]);
        self.common(&mut out, &extra);
        // No comment, the first disk, no internal attributes; a regular file's mode.
        u16s(&mut out, &[0, 0, 0]);
        let mode: u32 = if self.executable { 0o100_755 } else { 0o100_644 };
        u32s(&mut out, &[mode << 16, clamped_32(offset)]);
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
        out
    }

    const fn version(&self) -> u16 {
        if self.is_large() { 45 } else { 20 }
    }

    /// What both headers have: from the flags to the lengths of name and extra field.
    fn common(&self, out: &mut Vec<u8>, extra: &[u8]) {
        let size = clamped_32(self.size);
        u16s(out, &[FLAGS, 0, 0, DATE]);
        u32s(out, &[self.crc32, size, size]);
        u16s(out, &[length(self.name.len()), length(extra.len())]);
    }
}

/// The bytes behind the last member: the directory of all, and its end.
pub fn directory<'a>(members: impl Iterator<Item = Member<'a>>) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut offset, mut count) = (0_u64, 0_u64);
    for member in members {
        out.extend_from_slice(&member.directory_entry(offset));
        offset = offset.saturating_add(stored(&member));
        count = count.saturating_add(1);
    }
    let size = out.len() as u64;
    if count >= BEYOND_16 || size >= BEYOND_32 || offset >= BEYOND_32 {
        u32s(&mut out, &[0x0606_4b50]);
        u64s(&mut out, &[44]);
        u16s(&mut out, &[MADE_BY, 45]);
        u32s(&mut out, &[0, 0]);
        u64s(&mut out, &[count, count, size, offset]);
        u32s(&mut out, &[0x0706_4b50, 0]);
        u64s(&mut out, &[offset.saturating_add(size)]);
        u32s(&mut out, &[1]);
    }
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    u32s(&mut out, &[0x0605_4b50]);
    u16s(&mut out, &[0, 0, count, count]);
    u32s(&mut out, &[clamped_32(size), clamped_32(offset)]);
    u16s(&mut out, &[0]);
    out
}

/// Bytes of a member with its header.
pub fn stored(member: &Member<'_>) -> u64 {
    member.size.saturating_add(member.local_header().len() as u64)
}

fn zip64(numbers: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    u16s(&mut out, &[1, length(numbers.len().saturating_mul(8))]);
    u64s(&mut out, numbers);
    out
}

fn clamped_32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Names are at most 1,024 bytes, extra fields 28.
fn length(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}

fn u16s(out: &mut Vec<u8>, numbers: &[u16]) {
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

fn u32s(out: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

fn u64s(out: &mut Vec<u8>, numbers: &[u64]) {
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}
