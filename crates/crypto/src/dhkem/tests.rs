use ironroot_wire::{TpmEccCurve as Curve, TpmiAlgHash as Hash};

use super::{encapsulate, identifier};
use crate::{CryptoError, Drbg, PORTABLE};

#[test]
fn only_the_pairs_of_the_rfc() {
    assert_eq!(identifier(Curve::NistP256, Hash::Sha384), Err(CryptoError::Unsupported));
    assert_eq!(identifier(Curve::BpP256R1, Hash::Sha256), Err(CryptoError::Unsupported));
    let pair = (Curve::Sm2P256, Hash::Sha256);
    let found = encapsulate(&PORTABLE, pair, &[4; 65], &mut Drbg::from_seed(b"dhkem", &[]));
    assert_eq!(found.err(), Some(CryptoError::Unsupported));
}
