//! Random numbers that are the same in each run.

use ironroot_crypto::{Drbg, Random};

use crate::memcheck;

/// Repeatable numbers that are no secret.
pub struct Numbers(Drbg);

impl Numbers {
    /// Numbers of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Drbg::from_seed(&[0x5a; 32], &[name.as_bytes()]))
    }

    /// So many bytes.
    pub fn bytes(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        self.0.fill(&mut bytes);
        bytes
    }
}

impl Random for Numbers {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}

/// Repeatable numbers that are marked as secret, but for the first few requests.
pub struct Secrets {
    numbers: Numbers,
    public: usize,
}

impl Secrets {
    /// All are secret.
    #[must_use]
    pub fn new() -> Self {
        Self::after(0)
    }

    /// What the first `public` requests get is no secret: a salt, for example, that the result shows.
    #[must_use]
    pub fn after(public: usize) -> Self {
        Self { numbers: Numbers::new("secrets"), public }
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for Secrets {
    fn fill(&mut self, out: &mut [u8]) {
        self.numbers.fill(out);
        match self.public.checked_sub(1) {
            Some(left) => self.public = left,
            None => memcheck::secret(out),
        }
    }
}
