//! The comparison of `TPM2_PolicyNV` and `TPM2_PolicyCounterTimer` (Part 2, 6.9; Part 3, 23.9 and 23.10).

use core::cmp::Ordering;

use ironroot_crypto::hash::{self, Digest};
use ironroot_wire::{Tpm2bOperand, TpmEo, TpmiAlgHash, Wire};

/// Whether `a operation b` holds. Both are big-endian and of one size; signed numbers are in two's complement.
#[must_use]
pub fn holds(operation: TpmEo, a: &[u8], b: &[u8]) -> bool {
    let unsigned = a.cmp(b);
    let signed = match (is_negative(a), is_negative(b)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        // With equal signs, two's complement orders as the bytes do.
        _ => unsigned,
    };
    match operation {
        TpmEo::Eq => unsigned.is_eq(),
        TpmEo::Neq => unsigned.is_ne(),
        TpmEo::SignedGt => signed.is_gt(),
        TpmEo::UnsignedGt => unsigned.is_gt(),
        TpmEo::SignedLt => signed.is_lt(),
        TpmEo::UnsignedLt => unsigned.is_lt(),
        TpmEo::SignedGe => signed.is_ge(),
        TpmEo::UnsignedGe => unsigned.is_ge(),
        TpmEo::SignedLe => signed.is_le(),
        TpmEo::UnsignedLe => unsigned.is_le(),
        TpmEo::Bitset => pairs(a, b).all(|(a, b)| a & b == b),
        TpmEo::Bitclear => pairs(a, b).all(|(a, b)| a & b == 0),
    }
}

fn is_negative(number: &[u8]) -> bool {
    number.first().is_some_and(|first| first & 0x80 != 0)
}

fn pairs<'a>(a: &'a [u8], b: &'a [u8]) -> impl Iterator<Item = (u8, u8)> + 'a {
    a.iter().copied().zip(b.iter().copied())
}

/// args: the digest of operandB, offset and operation that goes into policyDigest.
#[must_use]
pub fn arguments(hash: TpmiAlgHash, operand_b: &Tpm2bOperand, offset: u16, operation: TpmEo) -> Digest {
    hash::digest(hash, &[operand_b, &offset.to_bytes(), &operation.to_bytes()])
}

#[cfg(test)]
mod tests {
    use super::holds;
    use ironroot_wire::TpmEo;

    #[test]
    fn every_operation_agrees_with_the_machine_s_own_comparison() {
        const VALUES: [u16; 9] = [0, 1, 2, 0x00FF, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFFFF];
        for a in VALUES {
            for b in VALUES {
                let (x, y) = (a as i16, b as i16);
                let expected = |operation| match operation {
                    TpmEo::Eq => a == b,
                    TpmEo::Neq => a != b,
                    TpmEo::SignedGt => x > y,
                    TpmEo::UnsignedGt => a > b,
                    TpmEo::SignedLt => x < y,
                    TpmEo::UnsignedLt => a < b,
                    TpmEo::SignedGe => x >= y,
                    TpmEo::UnsignedGe => a >= b,
                    TpmEo::SignedLe => x <= y,
                    TpmEo::UnsignedLe => a <= b,
                    TpmEo::Bitset => a & b == b,
                    TpmEo::Bitclear => a & b == 0,
                };
                for &operation in TpmEo::EVERY {
                    let found = holds(operation, &a.to_be_bytes(), &b.to_be_bytes());
                    assert_eq!(found, expected(operation), "{a:#x} {operation:?} {b:#x}");
                }
            }
        }
    }

    #[test]
    fn nothing_equals_nothing() {
        assert!(holds(TpmEo::Eq, &[], &[]));
        assert!(holds(TpmEo::SignedLe, &[], &[]));
        assert!(!holds(TpmEo::UnsignedLt, &[], &[]));
    }
}
