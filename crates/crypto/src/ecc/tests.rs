use alloc::vec;
use ironroot_wire::TpmEccCurve::{self, NistP256, NistP384, NistP521};

use super::{
    digest_to_integer, fixed_size, generate, generate_scalar,
    nonce::{nonce, rfc6979},
    order_bits, order_size, parameters,
};
use crate::{CryptoError, EccProvider, PORTABLE, Random, vectors::hex};

/// Gives the same byte for ever, or the bytes 1, 8, 15, ….
enum Fixed {
    Byte(u8),
    Steps,
}

impl Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        for (at, byte) in out.iter_mut().enumerate() {
            *byte = match self {
                Self::Byte(value) => *value,
                Self::Steps => (at * 7 + 1) as u8,
            };
        }
    }
}

/// Computed with Python's integers. Primary keys depend on it: a change here changes every device's identity.
#[test]
fn key_generation_never_changes() {
    for (curve, ones, steps) in [
        (
            NistP256,
            "fffffffe00000001431905529c0166cd22159165b6faae71f756a572fc632550",
            "566472803730292271bdb5484ddf19c38d14a11babe755c2906bd7a7c0ed6c93",
        ),
        (
            NistP384,
            "00000000000000000000000000000000389cb27e0bc8d220a7e5f24db74f58851313e695333ad68e0000000000000000",
            "3940474e555c636a71787f868d949ba2a9eb1cacea2774481ccd7e620c3fa4ae14ab6069748f3ae7d2d018ed92f43d3f",
        ),
        (
            NistP521,
            "0000000000000000000000000000000000000000000000000005ae79787c40d069948033feb708f65a2fc44a36477663b851\
             449048e16ec79bf80000000000000000",
            "0140474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1ebde187a8524ef5fd3be858b5cd9415edb196769aeb2bfcd1a\
             2faa5abe0a4fbd68ab3baea591574021",
        ),
    ] {
        assert_eq!(generate_scalar(curve, &mut Fixed::Byte(0xff))[..], hex(ones)[..]);
        assert_eq!(generate_scalar(curve, &mut Fixed::Steps)[..], hex(steps)[..]);
        // Zero is not a key: the smallest is one.
        let (scalar, public) = generate(&PORTABLE, curve, &mut Fixed::Byte(0)).unwrap();
        assert_eq!(scalar.last(), Some(&1));
        assert_eq!(public.x, parameters(curve).gx);
        assert_eq!(public.y, parameters(curve).gy);
    }
}

/// RFC 6979, A.2.5 to A.2.7, with the hash that matches the curve.
#[test]
fn deterministic_nonces_are_those_of_the_rfc() {
    use ironroot_wire::TpmiAlgHash::{Sha256, Sha384, Sha512};
    for (curve, hash, scalar, sample, test) in [
        (
            NistP256,
            Sha256,
            "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
            "A6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60",
            "D16B6AE827F17175E040871A1C7EC3500192C4C92677336EC2537ACAEE0008E0",
        ),
        (
            NistP384,
            Sha384,
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
            "94ED910D1A099DAD3254E9242AE85ABDE4BA15168EAF0CA87A555FD56D10FBCA2907E3E83BA95368623B8C4686915CF9",
            "015EE46A5BF88773ED9123A5AB0807962D193719503C527B031B4C2D225092ADA71F4A459BC0DA98ADB95837DB8312EA",
        ),
        (
            NistP521,
            Sha512,
            "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466\
             F6D8FBEC67DB89EC0C08B0E996B83538",
            "01DAE2EA071F8110DC26882D4D5EAE0621A3256FC8847FB9022E2B7D28E6F10198B1574FDD03A9053C08A1854A168AA5A574\
             70EC97DD5CE090124EF52A2F7ECBFFD3",
            "016200813020EC986863BEDFC1B121F605C1215645018AEA1A7B215A564DE9EB1B38A67AA1128B80CE391C4FB71187654AAA\
             3431027BFC7F395766CA988C964DC56D",
        ),
    ] {
        for (message, expected) in [("sample", sample), ("test", test)] {
            let digest = crate::digest(hash, &[message.as_bytes()]);
            assert_eq!(rfc6979(curve, &hex(scalar), &digest, &[]).unwrap()[..], hex(expected)[..], "{curve:?}");
        }
    }
}

/// Computed with Python's hmac module and integers; digests shorter, longer and much longer than the order.
#[test]
fn hedged_nonces_agree_with_another_implementation() {
    for (curve, size, fill, expected) in [
        (NistP256, 20, 0xff, "b1199ba4b948b75b32b21ad766103c04fb0c23bf5ce5ada9658272d038432583"),
        (NistP256, 64, 0xff, "fde1ad14faefb7470a453b3ab654b56a96750dfc274b301fb6bfc543ecb4ee8f"),
        (NistP256, 70, 0xfe, "f449604e02cb7d0c0c960c8dbf7dc1e185390d35c15c55a3dc5867517c20405a"),
        (
            NistP384,
            64,
            0xff,
            "7923253f0d63e73fecfd0bfd8804b79a83bc87edc2677730913685df7d8ba2db03c5f26af7cdbdbd75f30897a9f50bb8",
        ),
        (
            NistP521,
            20,
            0xff,
            "01f6ae85bb8d9d20e1f66dba802f4ec99fc726838fe508928721e48a5a7a2be05c38507756a8f6acb6d4d8a6c58b4ab14c49\
             3ee2ed6a12c1cc4dc1017f834832aead",
        ),
        (
            NistP521,
            70,
            0xfe,
            "000ac022d797d36863a58ccaa4ea3f7de018004178d682d057469694b8d9b8149d728438e2ac19d81f734758dc821d178dd2\
             d7cc28f2bcd35db996d3637b0c83a5d5",
        ),
    ] {
        let mut scalar = vec![0x11; order_size(curve)];
        scalar[0] = 0;
        let found = nonce(curve, &scalar, &vec![fill; size], &mut Fixed::Byte(0x5c)).unwrap();
        assert_eq!(found[..], hex(expected)[..], "{curve:?} {size}");
    }
}

#[test]
fn nonces_want_a_scalar() {
    for &curve in TpmEccCurve::EVERY {
        let n = parameters(curve).n;
        for scalar in [&vec![0; n.len()][..], n, &vec![0xff; n.len()], &[]] {
            assert_eq!(nonce(curve, scalar, &[1], &mut Fixed::Byte(1)).err(), Some(CryptoError::Value));
        }
    }
}

#[test]
fn digests_become_integers_by_their_leftmost_bits() {
    assert_eq!(digest_to_integer(NistP256, &[]), [0; 32]);
    assert_eq!(digest_to_integer(NistP256, &[0xab; 20]), [vec![0; 12], vec![0xab; 20]].concat());
    assert_eq!(digest_to_integer(NistP256, &[0xab; 32]), [0xab; 32]);
    assert_eq!(digest_to_integer(NistP256, &[0xab; 64]), [0xab; 32]);
    assert_eq!(digest_to_integer(NistP521, &[0xff; 65]), [vec![0], vec![0xff; 65]].concat());
    assert_eq!(digest_to_integer(NistP521, &[0xff; 66]), [vec![1], vec![0xff; 65]].concat());
    assert_eq!(digest_to_integer(NistP521, &[0xff; 100]), [vec![1], vec![0xff; 65]].concat());
    let mut one = [0; 66];
    one[0] = 0x80;
    one[65] = 0x80;
    let shifted = digest_to_integer(NistP521, &one);
    assert_eq!((shifted[0], shifted[65]), (1, 1));
}

#[test]
fn numbers_are_resized_without_loss() {
    assert_eq!(fixed_size(&[0, 0, 1, 2], 2).unwrap()[..], [1, 2]);
    assert_eq!(fixed_size(&[1, 2], 4).unwrap()[..], [0, 0, 1, 2]);
    assert_eq!(fixed_size(&[], 2).unwrap()[..], [0, 0]);
    assert_eq!(fixed_size(&[1, 0, 0], 2).err(), Some(CryptoError::Value));
}

#[test]
fn the_parameters_belong_together() {
    for curve in [NistP256, NistP384, NistP521] {
        let numbers = parameters(curve);
        let sizes = [numbers.a, numbers.b, numbers.gx, numbers.gy, numbers.n].map(<[u8]>::len);
        assert_eq!(sizes, [numbers.p.len(); 5]);
        assert_eq!(order_bits(curve).div_ceil(8) as usize, order_size(curve));
        let base = crate::EccPoint { x: numbers.gx.to_vec(), y: numbers.gy.to_vec() };
        assert_eq!(PORTABLE.ecc_check_point(curve, &base), Ok(()));
        // a = p - 3, and n is where the multiples end (the portable provider has its own numbers).
        assert_eq!(numbers.a[..numbers.a.len() - 1], numbers.p[..numbers.p.len() - 1]);
        assert_eq!(numbers.p.last().unwrap() - numbers.a.last().unwrap(), 3);
        assert_eq!(PORTABLE.ecc_base_multiply(curve, numbers.n), Err(CryptoError::Value));
    }
}
