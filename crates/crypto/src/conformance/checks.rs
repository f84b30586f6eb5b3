//! Counting what passed, saying what did not.

use alloc::string::String;
use core::fmt::{self, Debug};

/// A check that failed, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Failure {}

/// The count of checks that passed.
#[derive(Debug, Default)]
pub struct Checks {
    passed: usize,
}

impl Checks {
    /// How many checks passed so far.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// Passes if the two are equal.
    ///
    /// # Errors
    /// A failure with `what` and both values, otherwise.
    pub fn equal<T: PartialEq + Debug>(
        &mut self,
        what: fmt::Arguments<'_>,
        found: T,
        expected: T,
    ) -> Result<(), Failure> {
        if found == expected {
            self.passed = self.passed.saturating_add(1);
            return Ok(());
        }
        Err(Failure(alloc::format!("{what}: found {found:02x?}, expected {expected:02x?}")))
    }

    /// Passes if it is true.
    ///
    /// # Errors
    /// A failure with `what`, otherwise.
    pub fn holds(&mut self, what: fmt::Arguments<'_>, holds: bool) -> Result<(), Failure> {
        self.equal(what, holds, true)
    }

    /// Passes if it is a value, and gives the value.
    ///
    /// # Errors
    /// A failure with `what` and the error, otherwise.
    pub fn succeeds<T, E: Debug>(&mut self, what: fmt::Arguments<'_>, result: Result<T, E>) -> Result<T, Failure> {
        let value = result.map_err(|error| Failure(alloc::format!("{what}: {error:?}")))?;
        self.passed = self.passed.saturating_add(1);
        Ok(value)
    }
}
