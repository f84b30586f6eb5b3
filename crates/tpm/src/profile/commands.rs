//! Which commands a profile enables.

use ironroot_wire::TpmCc;

use super::{ProfileError, error};

/// Commands, by `TPM_CC`: the 256 codes from the first one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandSet([u128; 2]);

impl CommandSet {
    /// No command.
    pub const NONE: Self = Self([0; 2]);
    /// Every command of the table.
    pub const ALL: Self =
        Self([u128::MAX, u128::MAX >> 255u32.saturating_sub(TpmCc::LAST.0.saturating_sub(TpmCc::FIRST.0))]);

    /// The bits of both words that stand for a command; none for a code outside of the table.
    const fn bits(code: u32) -> [u128; 2] {
        match code.checked_sub(TpmCc::FIRST.0) {
            Some(bit @ 0..128) => [1 << bit, 0],
            Some(bit @ 128..256) => [0, 1 << (bit & 127)],
            _ => [0, 0],
        }
    }

    /// Whether the set holds a command.
    #[must_use]
    pub const fn contains(&self, code: TpmCc) -> bool {
        let [low, high] = Self::bits(code.0);
        self.0[0] & low != 0 || self.0[1] & high != 0
    }

    /// The set with a command added.
    #[must_use]
    pub const fn with(self, code: TpmCc) -> Self {
        let [low, high] = Self::bits(code.0);
        Self([self.0[0] | low, self.0[1] | high])
    }

    /// The set with a command taken out.
    #[must_use]
    pub const fn without(self, code: TpmCc) -> Self {
        let [low, high] = Self::bits(code.0);
        Self([self.0[0] & !low, self.0[1] & !high])
    }

    /// The set with these commands taken out.
    #[must_use]
    pub const fn without_all(self, codes: &[u32]) -> Self {
        let (mut set, mut rest) = (self, codes);
        while let [first, tail @ ..] = rest {
            set = set.without(TpmCc(*first));
            rest = tail;
        }
        set
    }

    /// The commands of the table that are in the set, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = TpmCc> {
        (TpmCc::FIRST.0..=TpmCc::LAST.0).map(TpmCc).filter(move |&code| self.contains(code))
    }

    /// The words, for a record.
    pub(super) const fn words(self) -> [u128; 2] {
        self.0
    }

    /// The set with these words.
    pub(super) const fn from_words(words: [u128; 2]) -> Self {
        Self(words)
    }
}

/// Commands that no TPM is without (Part 3, clause 9 to 11 and 30), for without them it cannot be started, stopped,
/// tested or asked what it is.
const NEEDED: &[(u32, &str)] = &[
    (0x0143, "TPM2_SelfTest"),
    (0x0144, "TPM2_Startup"),
    (0x0145, "TPM2_Shutdown"),
    (0x017A, "TPM2_GetCapability"),
    (0x017C, "TPM2_GetTestResult"),
];

/// Checks that the commands that every TPM needs are there.
///
/// # Errors
/// Which one is missing.
pub(super) fn check(commands: &CommandSet) -> Result<(), ProfileError> {
    match NEEDED.iter().find(|(code, _)| !commands.contains(TpmCc(*code))) {
        Some((code, name)) => Err(error("Commands", alloc::format!("{name} ({code:#x}) cannot be left out"))),
        None => Ok(()),
    }
}
