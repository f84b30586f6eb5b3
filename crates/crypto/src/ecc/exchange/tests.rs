use alloc::{vec, vec::Vec};

use ironroot_wire::{
    TpmEccCurve::{self, BnP638, BpP384R1, NistP192, NistP256, NistP521, Sm2P256},
    TpmiAlgHash::Sm3_256,
};
use zeroize::Zeroizing;

use super::{Exchange, Parties, agree, associated_value};
use crate::{
    CryptoError, EccPoint, EccProvider, PORTABLE, Random,
    ecc::{field_size, generate, sm2::identity_digest},
    kdf::kdf2,
    vectors::hex,
};

type Pair = (Zeroizing<Vec<u8>>, EccPoint);

struct Byte(u8);

impl Random for Byte {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

fn shared(curve: TpmEccCurve, exchange: Exchange, own: [&Pair; 2], peer: [&EccPoint; 2]) -> Vec<u8> {
    let [of_static, of_ephemeral] = own;
    let [peer_static, peer_ephemeral] = peer;
    let parties = Parties {
        static_scalar: &of_static.0,
        ephemeral_scalar: &of_ephemeral.0,
        ephemeral: &of_ephemeral.1,
        peer_static,
        peer_ephemeral,
    };
    let point = agree(&PORTABLE, curve, exchange, &parties).unwrap().unwrap();
    [point.x.as_slice(), point.y.as_slice()].concat()
}

fn pair(scalar: &str) -> Pair {
    let scalar = Zeroizing::new(hex(scalar));
    let point = PORTABLE.ecc_base_multiply(Sm2P256, &scalar).unwrap();
    (scalar, point)
}

/// GB/T 32918.5, annex B: both sides get the key that is printed there.
#[test]
fn the_published_exchange_of_sm2() {
    let a = pair("81eb26e941bb5af16df116495f90695272ae2cd63d6c4ae1678418be48230029");
    let b = pair("785129917d45a9ea5437a59356b82338eaadda6ceb199088f14ae10defa229b5");
    let ephemeral_a = pair("d4de15474db74d06491c440d305e012400990f3e390c7e87153c12db2ea60bb3");
    let ephemeral_b = pair("7e07124814b309489125eaed101113164ebf0f3458c5bd88335c1f9d596243d6");
    let one = shared(Sm2P256, Exchange::Sm2, [&a, &ephemeral_a], [&b.1, &ephemeral_b.1]);
    let other = shared(Sm2P256, Exchange::Sm2, [&b, &ephemeral_b], [&a.1, &ephemeral_a.1]);
    assert_eq!(one, other);
    let z = [&a, &b].map(|(_, public)| identity_digest((Sm2P256, Sm3_256), b"1234567812345678", public).unwrap());
    let key = kdf2(Sm3_256, &[&one, &*z[0], &*z[1]].concat(), &[], 16);
    assert_eq!(key[..], hex("6c89347354de2484c60b4ab1fde4c6e5"));
}

#[test]
fn both_sides_get_the_same_point() {
    for curve in [NistP192, NistP256, NistP521, BnP638, BpP384R1, Sm2P256] {
        for exchange in [Exchange::Mqv, Exchange::Sm2] {
            let [a, ephemeral_a, b, ephemeral_b] =
                [1, 2, 3, 4].map(|byte| generate(&PORTABLE, curve, &mut Byte(byte)).unwrap());
            let one = shared(curve, exchange, [&a, &ephemeral_a], [&b.1, &ephemeral_b.1]);
            let other = shared(curve, exchange, [&b, &ephemeral_b], [&a.1, &ephemeral_a.1]);
            assert_eq!(one, other, "{curve:?} {exchange:?}");
            let third = shared(curve, exchange, [&b, &ephemeral_a], [&a.1, &ephemeral_a.1]);
            assert_ne!(one, third);
        }
    }
}

/// SP 800-56A, 5.7.2.2: for P-256, f is 128; for P-521, 261. SM2's is 127.
#[test]
fn associated_values() {
    let all_ones = |curve| EccPoint { x: vec![0xff; field_size(curve)], y: vec![0; field_size(curve)] };
    let value = |curve, exchange| associated_value(curve, exchange, &all_ones(curve)).unwrap();
    assert_eq!(value(NistP256, Exchange::Mqv), [&[0; 15][..], &[1], &[0xff; 16]].concat());
    assert_eq!(value(Sm2P256, Exchange::Sm2), [&[0; 16][..], &[0xff; 16]].concat());
    assert_eq!(value(NistP521, Exchange::Mqv), [&[0; 33][..], &[0x3f], &[0xff; 32]].concat());
    let zero = EccPoint { x: vec![0; 32], y: vec![0; 32] };
    let alone = associated_value(NistP256, Exchange::Mqv, &zero).unwrap();
    assert_eq!(alone, [&[0; 15][..], &[1], &[0; 16]].concat());
}

/// The other side's ephemeral key is the negative of what it would take: the sum is infinity.
#[test]
fn infinity() {
    let curve = NistP256;
    let [a, ephemeral] = [1, 2].map(|byte| generate(&PORTABLE, curve, &mut Byte(byte)).unwrap());
    // Q_e = -avf(Q_e) Q_s: from Q_e, Q_s = -(avf^-1) Q_e.
    let order = crate::ecc::scalar::Order::of(curve);
    let avf = order.number(&associated_value(curve, Exchange::Mqv, &ephemeral.1).unwrap());
    let factor = -&avf.invert().unwrap();
    let peer_static = PORTABLE.ecc_multiply(curve, &factor.to_bytes(), &ephemeral.1).unwrap();
    let peer_static = EccPoint { x: peer_static.x.clone(), y: peer_static.y.clone() };
    let parties = Parties {
        static_scalar: &a.0,
        ephemeral_scalar: &ephemeral.0,
        ephemeral: &ephemeral.1,
        peer_static: &peer_static,
        peer_ephemeral: &ephemeral.1,
    };
    assert!(agree(&PORTABLE, curve, Exchange::Mqv, &parties).unwrap().is_none());
    let nowhere = EccPoint { x: vec![1; 32], y: vec![1; 32] };
    let parties = Parties { peer_static: &nowhere, ..parties };
    assert_eq!(agree(&PORTABLE, curve, Exchange::Mqv, &parties).err(), Some(CryptoError::Point));
}
