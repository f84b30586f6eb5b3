//! The other TPM of a world: libtpms, or what repeats Ironroot's answers.

use crate::response;
#[cfg(feature = "libtpms")]
use crate::theirs::Theirs;

/// The TPM beside ours.
pub enum Peer {
    /// libtpms.
    #[cfg(feature = "libtpms")]
    Libtpms(Theirs),
    /// Nobody: everything is as Ironroot has it.
    Mirror,
}

impl Peer {
    /// Whether what is sent to Ironroot is what it is sent.
    pub fn is_mirror(&self) -> bool {
        matches!(self, Self::Mirror)
    }

    /// The power goes off and on.
    ///
    /// # Errors
    /// What libtpms says.
    #[cfg_attr(not(feature = "libtpms"), allow(unused_variables))]
    pub fn power_cycle(&mut self, now: u64) -> Result<(), String> {
        match self {
            #[cfg(feature = "libtpms")]
            Self::Libtpms(theirs) => theirs.power_cycle(now),
            Self::Mirror => Ok(()),
        }
    }

    /// One command, which Ironroot has answered.
    ///
    /// # Errors
    /// What libtpms says, if it does not answer; what is wrong with the answer of Ironroot, if it is alone.
    #[cfg_attr(not(feature = "libtpms"), allow(unused_variables))]
    pub fn execute(&mut self, locality: u8, now: u64, command: &[u8], ours: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            #[cfg(feature = "libtpms")]
            Self::Libtpms(theirs) => theirs.execute(locality, now, command),
            Self::Mirror => response::well_formed(command, ours).map(|()| ours.to_vec()),
        }
    }
}
