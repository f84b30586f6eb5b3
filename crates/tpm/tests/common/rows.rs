//! Rows of `error_rows.txt`: the error conditions that Part 3 names for a command, each shown by a test.

use ironroot_wire::{Command, TpmRc, TpmsAuthCommand};

use super::{TestTpm, decode, encode, password, trace};

/// The error conditions.
pub const TABLE: &str = include_str!("../error_rows.txt");

/// A condition of the table that a test shows. What cannot occur has no test.
fn listed(code: u32, rc: TpmRc, condition: &str) -> bool {
    let name = rc.describe().map(|(name, _)| name.trim_start_matches("TPM_RC_")).unwrap_or_default();
    let head = format!("[{code:#05x} ");
    let wanted = format!("{name}: {condition}");
    TABLE
        .lines()
        .skip_while(|line| !line.starts_with(&head))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .any(|line| line == wanted)
}

/// The row holds: this condition was refused with this code.
#[track_caller]
pub fn holds(code: u32, condition: &str, wanted: TpmRc, got: Option<TpmRc>) {
    assert_eq!(got, Some(wanted), "{condition}");
    assert!(listed(code, wanted, condition), "not in error_rows.txt for {code:#05x}: {wanted:?}: {condition}");
    trace::row(code, wanted, condition);
}

impl TestTpm {
    /// A row of the table: the command, with these sessions, must be refused with this code.
    #[track_caller]
    pub fn row_with<C: Command>(&mut self, condition: &str, command: &C, sessions: &[TpmsAuthCommand], rc: TpmRc) {
        let response = self.raw(&encode(command, sessions));
        holds(C::INFO.code.0, condition, rc, decode::<C>(&response).err());
    }

    /// The same with an empty password for each handle that needs authorization.
    #[track_caller]
    pub fn row<C: Command>(&mut self, condition: &str, command: &C, rc: TpmRc) {
        self.row_with(condition, command, &vec![password(b""); C::INFO.authorized_handles()], rc);
    }
}
