//! Templates of objects, right and almost right.

use super::Generator;
use crate::{
    bytes::Bytes,
    public::{self, Public, attributes::*, *},
};

/// What a TPM generates for itself.
const OWN: u32 = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH;

impl Generator {
    /// A template; for a child of this parent, if there is one.
    pub fn template(&mut self, parent: Option<&Public>) -> Public {
        let mut base = OWN;
        if self.dice.one_in(3) {
            base &= !(FIXED_TPM | FIXED_PARENT);
            if self.dice.one_in(3) {
                base |= FIXED_PARENT;
            }
            if self.dice.one_in(6) {
                base |= ENCRYPTED_DUPLICATION;
            }
        }
        if let Some(parent) = parent {
            if !parent.has(FIXED_TPM) && !self.dice.one_in(10) {
                base &= !FIXED_TPM;
            }
            if parent.has(ENCRYPTED_DUPLICATION) {
                base |= ENCRYPTED_DUPLICATION;
            }
        }
        if !self.dice.one_in(3) {
            base |= NO_DA;
        }
        if self.dice.one_in(20) {
            base |= ST_CLEAR;
        }
        let mut public = self.kind_of_template(base);
        if self.dice.one_in(5) {
            public.name_alg = self.dice.pick(&HASHES);
        }
        // A parent in a hierarchy that is not to be duplicated has its parent's algorithms.
        match self.dice.below(4) {
            0 => {
                let alg = public.name_alg;
                public.policy = self.policy_digest(alg);
                if self.dice.flag() && !public.policy.is_empty() {
                    public.attributes |= ADMIN_WITH_POLICY;
                    if self.dice.flag() {
                        public.attributes &= !USER_WITH_AUTH;
                    }
                }
            }
            1 if self.dice.one_in(20) => public.policy = self.dice.bytes(16),
            _ => {}
        }
        if self.dice.one_in(10) {
            public.attributes ^= 1 << self.dice.below(20);
        }
        if self.dice.one_in(30) {
            public.name_alg = NULL;
        }
        public
    }

    fn kind_of_template(&mut self, base: u32) -> Public {
        let hash = self.hash();
        let restricted = if self.dice.one_in(3) { RESTRICTED } else { 0 };
        let curve = match self.dice.below(5) {
            0..=1 => 3,
            2..=3 => self.known_curve() as u16 + 3,
            _ => self.dice.pick(&self.curves),
        };
        if self.algorithms.contains(&MLDSA) && self.dice.one_in(5) {
            return self.lattice_template(base);
        }
        match self.dice.below(16) {
            0..=3 => {
                public::ecc(base | RESTRICTED | DECRYPT, Some(self.dice.pick(&[128, 128, 256])), NULL, SHA256, curve)
            }
            4..=6 => {
                let scheme = self.algorithm(&[ECDSA, ECDSA, ECDSA, NULL, NULL, ECSCHNORR, ECDAA, SM2]);
                let restricted = if scheme == NULL && !self.dice.one_in(10) { 0 } else { restricted };
                public::ecc(base | SIGN | restricted, None, scheme, hash, curve)
            }
            7 => public::ecc(base | DECRYPT, None, self.dice.pick(&[NULL, ECDH]), hash, curve),
            8 => public::ecc(base | SIGN | DECRYPT, None, NULL, hash, curve),
            9..=10 => public::keyedhash(base | SIGN | restricted, HMAC, hash),
            11..=12 => public::keyedhash(base & !SENSITIVE_DATA_ORIGIN, NULL, hash),
            13 => public::keyedhash(base | DECRYPT | RESTRICTED, XOR, hash),
            14 => {
                let uses = self.dice.pick(&[SIGN, DECRYPT, SIGN | DECRYPT]);
                public::symcipher(
                    base | uses,
                    AES,
                    self.dice.pick(&[128, 256]),
                    self.dice.pick(&[CFB, CTR, NULL, 0x42, 0x44]),
                )
            }
            _ => public::symcipher(base | DECRYPT | RESTRICTED, AES, 128, CFB),
        }
    }

    /// A template of a key that outlives quantum computers.
    fn lattice_template(&mut self, base: u32) -> Public {
        let restricted = if self.dice.one_in(3) { RESTRICTED } else { 0 };
        let hash = self.hash();
        match self.dice.below(5) {
            0 => public::mlkem(base | DECRYPT, None, self.parameter_set()),
            1 => public::mlkem(base | DECRYPT | RESTRICTED, Some(128), self.parameter_set()),
            2 => public::hash_mldsa(base | SIGN | restricted, self.parameter_set(), hash),
            _ => public::mldsa(base | SIGN | restricted, self.parameter_set(), self.dice.one_in(3)),
        }
    }

    /// The smallest parameter set, mostly.
    fn parameter_set(&mut self) -> u16 {
        if self.dice.one_in(8) { self.dice.below(5) as u16 } else { 1 }
    }

    /// Data for the sensitive area of a template.
    pub fn data_for(&mut self, public: &Public) -> Vec<u8> {
        let size = if self.dice.one_in(20) {
            self.dice.pick(&[1, 16, 128, 129])
        } else if public.is_sealed() {
            self.dice.pick(&[1, 8, 32, 128])
        } else if !public.has(SENSITIVE_DATA_ORIGIN) && matches!(public.alg, KEYEDHASH | SYMCIPHER) {
            32
        } else {
            0
        };
        let size = if public.alg == SYMCIPHER && size == 32 { self.dice.pick(&[16, 32]) } else { size };
        self.sensitive_create(size)
    }

    /// The template of a storage key that both TPMs make without much ado.
    pub fn storage_template() -> Public {
        public::ecc(OWN | NO_DA | RESTRICTED | DECRYPT, Some(128), NULL, SHA256, 3)
    }

    /// `TPM2B_TEMPLATE` for a derived object: label and context in place of the unique value.
    pub fn derived(&mut self, mut public: Public) -> Vec<u8> {
        let (label, context) = (self.dice.below(20), self.dice.below(20));
        public.unique = Bytes::new().sized(&self.dice.bytes(label)).sized(&self.dice.bytes(context)).0;
        public.bytes()
    }
}
