//! What a state is sealed with: the device's key, alone or together with a second one.
//!
//! The device's key is part of the state's key in every mode, so a key file or a passphrase that got into other hands
//! does not open the state elsewhere, and a passphrase cannot be guessed without the device.

use crate::header::Fields;
use crate::keys::{StateKey, hkdf};
use crate::refusal::Reason;
use argon2::{Algorithm, Argon2, Params, Version};
use core::fmt;
use zeroize::Zeroizing;

/// The size of a key file's contents.
pub const KEY_SIZE: usize = 32;

/// A second key beside the device's. Wiped when dropped, never printed.
#[derive(Clone)]
pub enum SecondKey {
    /// 32 bytes that somebody else keeps.
    Key(Zeroizing<[u8; KEY_SIZE]>),
    /// Words that somebody remembers; stretched with argon2id.
    Passphrase(Zeroizing<Vec<u8>>),
}

impl fmt::Debug for SecondKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "SecondKey::Key",
            Self::Passphrase(_) => "SecondKey::Passphrase",
        })
    }
}

/// What stretching a passphrase costs (argon2id, RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// What RFC 9106 (section 4) recommends where memory is scarce: 64 MiB, three passes, four lanes.
    pub const RECOMMENDED: Self = Self { memory: 64 << 10, passes: 3, lanes: 4 };

    /// Whether a reader pays this. More is refused, for a file could ask for all the memory there is.
    const fn is_bearable(self) -> bool {
        self.memory <= 1 << 20 && self.passes >= 1 && self.passes <= 64 && self.lanes >= 1 && self.lanes <= 16
    }
}

/// The mode of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealing {
    /// The device's key alone.
    Device,
    /// The device's key and another one.
    Key {
        /// Random, and new with each key.
        salt: [u8; 32],
    },
    /// The device's key and a passphrase.
    Passphrase {
        /// Random, and new with each passphrase.
        salt: [u8; 32],
        /// What a guess costs.
        cost: Cost,
    },
}

/// The mode's size in a header.
pub const SEALING: usize = 48;

impl Sealing {
    /// The mode for a new file with this second key.
    pub const fn new(second: Option<&SecondKey>, salt: [u8; 32], cost: Cost) -> Self {
        match second {
            None => Self::Device,
            Some(SecondKey::Key(_)) => Self::Key { salt },
            Some(SecondKey::Passphrase(_)) => Self::Passphrase { salt, cost },
        }
    }

    /// The key of the state.
    pub fn state_key(&self, device: &StateKey, second: Option<&SecondKey>) -> Result<Zeroizing<StateKey>, Reason> {
        match (self, second) {
            (Self::Device, None) => Ok(Zeroizing::new(*device)),
            (_, Some(second)) => self.combined(device, second, b"ironroot/state/v2/"),
            (_, None) => Err(Reason::KeyMissing(self.clone())),
        }
    }

    /// The key of a backup.
    pub fn backup_key(&self, device: &StateKey, second: &SecondKey) -> Result<Zeroizing<[u8; 32]>, Reason> {
        self.combined(device, second, b"ironroot/backup/v1/")
    }

    /// A key from both.
    fn combined(&self, device: &StateKey, second: &SecondKey, prefix: &[u8]) -> Result<Zeroizing<[u8; 32]>, Reason> {
        let mut both = Zeroizing::new([0; 64]);
        let (salt, label): (_, &[u8]) = match (self, second) {
            (Self::Device, _) => return Err(Reason::KeyNotExpected),
            (Self::Key { salt }, SecondKey::Key(key)) => {
                fill(&mut both, device, key);
                (salt, b"with key")
            }
            (Self::Passphrase { salt, cost }, SecondKey::Passphrase(words)) => {
                fill(&mut both, device, &*stretch(words, salt, *cost)?);
                (salt, b"with passphrase")
            }
            _ => return Err(Reason::WrongKind(self.clone())),
        };
        Ok(hkdf(salt, both.as_slice(), &[prefix, label]))
    }

    /// The salt.
    pub const fn salt(&self) -> [u8; 32] {
        match self {
            Self::Device => [0; 32],
            Self::Key { salt } | Self::Passphrase { salt, .. } => *salt,
        }
    }

    /// Its bytes in a header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (mode, cost) = match self {
            Self::Device => (0, None),
            Self::Key { .. } => (1, None),
            Self::Passphrase { cost, .. } => (2, Some(*cost)),
        };
        let Cost { memory, passes, lanes } = cost.unwrap_or(Cost { memory: 0, passes: 0, lanes: 0 });
        out.extend_from_slice(&[mode, 0, 0, 0]);
        [memory, passes, lanes].iter().for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
        out.extend_from_slice(&self.salt());
    }

    /// Reads what [`Self::write`] wrote; nothing if it is of another form.
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let mode = fields.take::<4>();
        let mut number = || u32::from_be_bytes(fields.take());
        let cost = Cost { memory: number(), passes: number(), lanes: number() };
        let salt = fields.take::<32>();
        let none = Cost { memory: 0, passes: 0, lanes: 0 };
        match mode {
            [0, 0, 0, 0] if cost == none && salt == [0; 32] => Some(Self::Device),
            [1, 0, 0, 0] if cost == none => Some(Self::Key { salt }),
            [2, 0, 0, 0] if cost.is_bearable() => Some(Self::Passphrase { salt, cost }),
            _ => None,
        }
    }
}

/// In words: "the device value and a passphrase".
impl fmt::Display for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "the device value alone",
            Self::Key { .. } => "the device value and a key",
            Self::Passphrase { .. } => "the device value and a passphrase",
        })
    }
}

fn fill(both: &mut [u8; 64], first: &[u8; 32], second: &[u8; 32]) {
    both.iter_mut().zip(first.iter().chain(second)).for_each(|(to, from)| *to = *from);
}

/// argon2id, 32 bytes.
fn stretch(words: &[u8], salt: &[u8; 32], cost: Cost) -> Result<Zeroizing<[u8; 32]>, Reason> {
    let failed = || Reason::Damaged("the cost of the passphrase is out of bounds".into());
    if !cost.is_bearable() {
        return Err(failed());
    }
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(|_| failed())?;
    let mut memory = Zeroizing::new(vec![argon2::Block::new(); params.block_count()]);
    let mut out = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(words, salt, out.as_mut_slice(), memory.as_mut_slice())
        .map_err(|_| failed())?;
    Ok(out)
}
