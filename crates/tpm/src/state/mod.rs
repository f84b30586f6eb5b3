//! What the TPM remembers. [`nonvolatile`] survives power cycles and changes in atomic commits; the rest lives in
//! memory, part of it saved by `TPM2_Shutdown(TPM_SU_STATE)`.

pub mod administration;
pub mod clock;
pub mod commits;
pub mod generator;
pub mod hierarchy;
pub mod lockout;
pub mod nonvolatile;
pub mod nv_index;
pub mod objects;
pub mod pcr;
pub mod permanent;
pub mod saved;
pub mod sessions;
pub mod settings;
pub mod timers;
pub mod volatile;
