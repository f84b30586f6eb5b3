//! Whatever the bytes: a parser never panics, asks for more than it has, and takes no more than it was given.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use ironroot_host::protocol::mssim::{CommandPort, parse_command_port, parse_platform_port};
use ironroot_host::protocol::swtpm::{Data, parse_control, parse_data};
use ironroot_host::protocol::{Parse, code, word};

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Bytes that often begin as a frame does and often carry a length near the edges.
    fn frame(&mut self) -> Vec<u8> {
        let length = self.next() % 48;
        let mut bytes: Vec<u8> = (0..length).map(|_| self.next() as u8).collect();
        let size = [0, 1, 9, 10, 11, 12, 39, 40, 41, 4096, u32::MAX - 9, u32::MAX][self.next() as usize % 12];
        let (at, begin): (usize, &[u8]) = match self.next() % 5 {
            0 => (2, &[0x80, 1]),
            1 => (5, &[0, 0, 0, 8, 0]),
            2 => (4, &[0, 0, 0, 6]),
            3 => (12, &[0, 0, 0, 13]),
            _ => return bytes,
        };
        if let Some(place) = bytes.get_mut(..begin.len()) {
            place.copy_from_slice(begin);
        }
        if let Some(place) = bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&size.to_be_bytes());
        }
        bytes
    }
}

fn check<T: std::fmt::Debug>(bytes: &[u8], parsed: &Parse<T>) -> Option<usize> {
    match parsed {
        Parse::Incomplete { need } => {
            assert!(*need > bytes.len(), "{bytes:?}: {parsed:?}");
            None
        }
        Parse::Complete { length, .. } => {
            assert!(*length > 0 && *length <= bytes.len(), "{bytes:?}: {parsed:?}");
            Some(*length)
        }
    }
}

#[test]
fn a_million_frames() {
    const MAXIMUM: usize = 40;
    let mut noise = Noise(0x5eed_0f12_3456_78ab);
    let mut seen = [0u32; 8];
    for _ in 0..1_000_000 {
        let bytes = noise.frame();
        let data = parse_data(&bytes, MAXIMUM);
        if let (Some(length), Parse::Complete { frame, .. }) = (check(&bytes, &data), &data) {
            match frame {
                Data::Command(command) => {
                    assert_eq!((command.len(), word(command, 2)), (length, u32::try_from(length).ok()));
                    assert!(command.len() <= MAXIMUM && code(command).is_some());
                    seen[0] += 1;
                }
                Data::Enveloped { command, .. } => {
                    assert!(command.len() <= MAXIMUM);
                    seen[1] += 1;
                }
                Data::TooShort => seen[2] += 1,
                Data::TooLong { .. } => seen[3] += 1,
            }
        }
        let command = parse_command_port(&bytes, MAXIMUM);
        if let (Some(_), Parse::Complete { frame, .. }) = (check(&bytes, &command), &command) {
            match frame {
                CommandPort::Send { command, .. } => {
                    assert!(command.len() <= MAXIMUM);
                    seen[4] += 1;
                }
                CommandPort::SendTooLong { .. } => seen[5] += 1,
                _ => seen[6] += 1,
            }
        }
        check(&bytes, &parse_platform_port(&bytes));
        seen[7] += u32::from(check(&bytes, &parse_control(&bytes)).is_some());
    }
    assert!(seen.iter().all(|count| *count > 1000), "the noise misses a kind of frame: {seen:?}");
}

#[test]
fn what_is_needed_is_what_completes_a_frame() {
    // Feeding exactly what a parser asks for, again and again, ends in a frame after a few steps.
    let mut noise = Noise(77);
    for _ in 0..50_000 {
        let bytes = noise.frame();
        let mut given = 0;
        for _ in 0..6 {
            match parse_command_port(&bytes[..given], 40) {
                Parse::Incomplete { need } if need > bytes.len() => break,
                Parse::Incomplete { need } => given = need,
                Parse::Complete { length, .. } => {
                    assert_eq!(length, given, "a parser never asks for bytes of the next frame: {bytes:?}");
                    break;
                }
            }
        }
    }
}
