//! An endless stream of bytes from a key: HMAC512(key, u64(0)) ‖ HMAC512(key, u64(1)) ‖ …
//!
//! Part of the derivation (docs/derivations.md, "White-box products"); the randomness of the tables comes out of it, too.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

/// HMAC with SHA-512 of the parts, joined.
pub fn hmac512(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    let mut out = Zeroizing::new([0; 64]);
    // HMAC takes keys of every length.
    if let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(key) {
        parts.iter().for_each(|part| mac.update(part));
        let mut code = mac.finalize().into_bytes();
        out.copy_from_slice(&code);
        code.as_mut_slice().zeroize();
    }
    out
}

pub struct Stream {
    key: Zeroizing<[u8; 64]>,
    block: Zeroizing<[u8; 64]>,
    number: u64,
    used: usize,
}

impl Stream {
    pub fn new(key: Zeroizing<[u8; 64]>) -> Self {
        Self { key, block: Zeroizing::new([0; 64]), number: 0, used: 64 }
    }

    pub fn byte(&mut self) -> u8 {
        if self.used == 64 {
            self.block = hmac512(self.key.as_slice(), &[&self.number.to_be_bytes()]);
            self.number += 1;
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    pub fn block(&mut self) -> [u8; 16] {
        core::array::from_fn(|_| self.byte())
    }

    /// A number below `bound`, each as likely as the others.
    pub fn below(&mut self, bound: u8) -> u8 {
        let limit = 256 - 256 % u16::from(bound);
        loop {
            let byte = self.byte();
            if u16::from(byte) < limit {
                return byte % bound;
            }
        }
    }
}
