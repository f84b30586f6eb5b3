//! Remainders of secret numbers by public small divisors, without a division instruction (its time may depend on the
//! operands): multiplication by a rounded reciprocal, and one correction.

/// A public odd divisor from 3 to 2³²-1.
#[derive(Debug, Clone, Copy)]
pub struct Divisor {
    value: u64,
    reciprocal: u64,
}

/// Bytes of a number that one step takes in: with the remainder so far, of at most 16 bits, they fit in 64 bits.
const NARROW: usize = 6;
/// The same for a divisor of up to 32 bits.
const WIDE: usize = 4;

/// Remainders of a big-endian number by several divisors below 2^16. They are computed abreast, because a step waits for
/// the one before it.
pub fn remainders<const LANES: usize>(number: &[u8], divisors: [Divisor; LANES]) -> [u64; LANES] {
    let mut rest = [0; LANES];
    for chunk in chunks(number, NARROW) {
        let (value, bits) = (join(0, chunk), chunk.len().saturating_mul(8));
        for (rest, divisor) in rest.iter_mut().zip(divisors) {
            *rest = divisor.remainder(*rest << bits | value);
        }
    }
    rest
}

/// Pieces of a number from its most significant end; only the first may be shorter than `step`.
fn chunks(number: &[u8], step: usize) -> impl Iterator<Item = &[u8]> {
    let (head, tail) = number.split_at(number.len().checked_rem(step).unwrap_or_default());
    core::iter::once(head).chain(tail.chunks(step))
}

impl Divisor {
    /// A divisor; even ones and 1 are taken for 3.
    pub fn new(value: u32) -> Self {
        let value = if value < 3 || value & 1 == 0 { 3 } else { u64::from(value) };
        // The divisor is public, so dividing by it here tells nothing. It is odd, so this is also floor(2^64 / value).
        Self { value, reciprocal: u64::MAX.checked_div(value).unwrap_or_default() }
    }

    /// `number mod self`.
    pub fn remainder(self, number: u64) -> u64 {
        self.divide(number).1
    }

    /// `number / self` and `number mod self`.
    pub fn divide(self, number: u64) -> (u64, u64) {
        let product = u128::from(number).wrapping_mul(u128::from(self.reciprocal));
        let quotient = u64::try_from(product >> 64).unwrap_or_default();
        // The quotient is right or one too small.
        let rest = number.wrapping_sub(quotient.wrapping_mul(self.value));
        let reduced = rest.wrapping_sub(self.value);
        // All ones if the subtraction borrowed.
        let borrowed = 0_u64.wrapping_sub(reduced >> 63);
        (quotient.wrapping_add(1).wrapping_add(borrowed), reduced.wrapping_add(self.value & borrowed))
    }

    /// `number mod self` of a big-endian number.
    pub fn remainder_of(self, number: &[u8]) -> u64 {
        chunks(number, WIDE).fold(0, |rest, chunk| self.remainder(join(rest, chunk)))
    }

    /// The product of two remainders, reduced.
    pub fn multiply(self, left: u64, right: u64) -> u64 {
        self.remainder(left.wrapping_mul(right))
    }

    /// The inverse of a remainder by a prime divisor: `value ^ (self - 2)`. Zero gives zero.
    pub fn invert(self, value: u64) -> u64 {
        let exponent = self.value.wrapping_sub(2);
        let mut power = 1;
        for bit in (0..32).rev() {
            power = self.multiply(power, power);
            // The exponent is public.
            if exponent >> bit & 1 == 1 {
                power = self.multiply(power, value);
            }
        }
        power
    }

    /// The divisor.
    pub const fn value(self) -> u64 {
        self.value
    }
}

/// Appends a few bytes to a number.
fn join(number: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(number, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_those_of_the_division_instruction() {
        let mut number = 0x0123_4567_89ab_cdef_u64;
        for value in [3, 5, 7, 255, 257, 65_521, 65_537, 0x7fff_ffff, 0xffff_ffff, 0xffff_fffb] {
            let divisor = Divisor::new(value);
            for edge in [0, 1, u64::from(value) - 1, u64::from(value), u64::MAX, u64::MAX - 1] {
                assert_eq!(divisor.divide(edge), (edge / u64::from(value), edge % u64::from(value)));
            }
            for _ in 0..1000 {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                assert_eq!(divisor.remainder(number), number % u64::from(value));
                assert_eq!(divisor.remainder_of(&number.to_be_bytes()), number % u64::from(value));
                if value < 65_536 {
                    assert_eq!(remainders(&number.to_be_bytes(), [divisor; 3]), [number % u64::from(value); 3]);
                }
            }
        }
    }

    #[test]
    fn a_long_number_is_reduced_from_its_most_significant_end() {
        // 2^200 mod 65537: 2^16 = -1, so 2^200 = 2^8 * (2^16)^12 = 256.
        let mut number = [0; 26];
        number[0] = 1;
        assert_eq!(Divisor::new(65_537).remainder_of(&number), 256);
        // 2^200 mod 257: 2^8 = -1, so 2^200 = -1.
        assert_eq!(remainders(&number, [Divisor::new(7), Divisor::new(257)]), [4, 256]);
        // 2^200 mod 7 = 2^(200 mod 3) = 4.
        assert_eq!(Divisor::new(7).remainder_of(&number), 4);
    }

    #[test]
    fn inverses() {
        for prime in [65_537, 0xffff_fffb, 131_071] {
            let divisor = Divisor::new(prime);
            for value in [1, 2, 3, 12_345, u64::from(prime) - 1] {
                assert_eq!(divisor.multiply(value, divisor.invert(value)), 1);
            }
            assert_eq!(divisor.invert(0), 0);
        }
    }
}
