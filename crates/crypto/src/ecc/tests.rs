use alloc::vec;
use crypto_bigint::{
    Odd, U768,
    modular::{FixedMontyForm, FixedMontyParams},
};
use ironroot_wire::TpmEccCurve::{
    self, BnP256, BnP638, BpP256R1, BpP384R1, BpP512R1, NistP192, NistP224, NistP256, NistP384, NistP521, Sm2P256,
};

use super::{
    digest_to_integer, field_size, fixed_size, generate, generate_scalar, is_weierstrass,
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

/// As above for the other curves, with the public point's x coordinate of the second.
#[test]
fn key_generation_never_changes_on_the_other_curves() {
    for (curve, ones, steps, x) in [
        (
            NistP192,
            "00000000662107c9eb94364e4b2dd7d00000000000000000",
            "3940474e55c5bb7f3b9f1c48f314bf0bc75ef96f1140ea7b",
            "d09f899099a50a1cf40b0b089c15de907a7a501a7d13552a",
        ),
        (
            NistP224,
            "000000000000e95d1f470fc1ec22d6baa3a3d5c40000000000000000",
            "3940474e555c645b27415e352c9b8248aa48aa17312f8ae4a0609c3f",
            "7082ca315f0c2e166aa22d68b46526828c375d9b2d1bbac51db04b23",
        ),
        (
            BnP256,
            "b91a0daa6da37770c9e9e82cc4b4ddb06adbd3a5d715afbb48fbe15d91f5a9a8",
            "13b6ca8842688a647351280e1087e72d7ce7bb8131e0be0cf4f6cb74d8f7bedb",
            "44a241748a566134216b19121d42d3f40d8c6eeaac4e63c876d83480008da050",
        ),
        (
            BnP638,
            "1800017e7ffff5c9000027cafffe91240005bb31dff1aa6980635459ff4209fa016e9a0ff5e0226e3ba7048dda8200e40147\
             185d619c0bb5552f248653db9fe6aaacb5555569b31555554aaaaaaa4040",
            "208c6848478fd80252ed888699540a81fc46a27b6dc4b4ca53242c9262147a31a8d3ec2d6e8e17a27602ba3f49844f02b310\
             9fc1670a71aec32c4eafbd75a711c0b35905065d4ca771100421ea5d79e3",
            "22e0bf9bfdefa56e32df3b1724794c3c5127c7a28bbfc14c2737e7ca13bc79726dfc6c66c223c3ac4ae042c530975bc75301\
             678089223d796843886c68b7f1b699c1e5ef95467bd4eaa732d4aea84a77",
        ),
        (
            Sm2P256,
            "00000001000000008dfc20956c361b6a187a276050a8c5a9726ecad4c62abede",
            "576c8196555c636a720af3e6316960b7ed9c43dd92b5fcb21730b10f3a700583",
            "bbc56a666384b29518be1c14e79e716fac9be0064d23ebf4540657ed1ff1684d",
        ),
        (
            BpP256R1,
            "7c77671078e3be32ef1eb4b986f3910565290994ebcb0ac14b07eb03bfda584c",
            "04819d0dbfaa5e66d9f3308202d25e73676410b71792d445eae51d4edabf5243",
            "194735d8b7502db1b021c32b5ffddca115036f76d32993fb658939cd274a1712",
        ),
        (
            BpP384R1,
            "8c411bc9d770ff441c959a14f5397a62dbddfd1e9e782eab85d0816fe833a4b180553a48c19d96aa7284dfef4cf3c820",
            "1d5c7409e265082a1ff9b2fd03f6c25cfddee8fd7d4cdd0f5f5818242411733cc825eca8644fd13b921006f2782a0beb",
            "738bb423b4f495fd3e5b74ee9a6b0ed344cfff0f8b155dcbe08112568d8b5766698326b3f72530933ef7afc856e6d07d",
        ),
        (
            BpP512R1,
            "0e92f4a257e37a20a2fb93f3a339141b36cf5e509308f63b090de57b2a66d2e19da0600d96652b67b2e40e271d3a86916d3d\
             726abda6c95cef9691d720f64ff0",
            "06d539c2f9ed6bd680dad03a158f9e2342b8755fcc57e5037bca5437e53edfa73cf46c02f15db4f85222e449fe82a365cd33\
             6f5237c1a5613ee7d443a47eb2e3",
            "85e43ae7a8ea5d46b7b0b637d16923b16f3f819b22e8c821e49be5a9aea1cafcb51f5eb698e995cf6624ce2b17c6e34adefa\
             1d89c4caa4dfb2b8eb50da17a971",
        ),
    ] {
        assert_eq!(generate_scalar(curve, &mut Fixed::Byte(0xff))[..], hex(ones)[..]);
        let (scalar, public) = generate(&PORTABLE, curve, &mut Fixed::Steps).unwrap();
        assert_eq!((&scalar[..], &public.x[..]), (&hex(steps)[..], &hex(x)[..]), "{curve:?}");
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
    for &curve in TpmEccCurve::EVERY {
        let numbers = parameters(curve);
        let sizes = [numbers.a, numbers.b, numbers.gx, numbers.gy, numbers.n].map(<[u8]>::len);
        assert_eq!(sizes, [numbers.p.len(); 5]);
        assert_eq!((field_size(curve), order_size(curve)), (numbers.p.len(), numbers.n.len()));
        let bits = |number: &[u8]| wide(number).bits();
        assert_eq!((bits(numbers.p), bits(numbers.n)), (u32::from(curve.bits()), order_bits(curve)), "{curve:?}");
        assert!(is_prime(&wide(numbers.p)) && is_prime(&wide(numbers.n)), "{curve:?}");
        if is_weierstrass(curve) {
            // The base point is on the curve; that n is where its multiples end is among the suite's edges.
            let base = crate::EccPoint { x: numbers.gx.to_vec(), y: numbers.gy.to_vec() };
            assert_eq!(PORTABLE.ecc_check_point(curve, &base), Ok(()));
            assert_eq!(PORTABLE.ecc_base_multiply(curve, numbers.n), Err(CryptoError::Value));
            assert_eq!(numbers.h, [1]);
        }
    }
}

fn wide(number: &[u8]) -> U768 {
    let mut padded = [0; 96];
    padded[96 - number.len()..].copy_from_slice(number);
    U768::from_be_slice(&padded)
}

/// Miller and Rabin's test with the first primes.
fn is_prime(number: &U768) -> bool {
    let params = FixedMontyParams::new_vartime(Odd::new(*number).unwrap());
    let less_one = number.wrapping_sub(&U768::ONE);
    let twos = less_one.trailing_zeros();
    let odd = less_one.shr_vartime(twos);
    let one = FixedMontyForm::one(&params);
    [2_u64, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53].iter().all(|base| {
        let mut power = FixedMontyForm::new(&U768::from_u64(*base), &params).pow_vartime(&odd);
        (0..twos).any(|at| {
            let passes = power == -one || (at == 0 && power == one);
            power = power.square();
            passes
        })
    })
}
