//! Curve25519 and Curve448.

use ironroot_crypto::{
    Provider, dhkem,
    ecc::eddsa::{self, Domain},
};
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};

use super::List;
use crate::{Numbers, memcheck};

fn marked(size: usize) -> Vec<u8> {
    let private = Numbers::new("edwards").bytes(size);
    memcheck::secret(&private);
    private
}

pub(super) fn list(all: &mut List, name: &str, provider: &'static dyn Provider) {
    let curves = [(TpmEccCurve::Curve25519, 32, TpmiAlgHash::Sha256), (TpmEccCurve::Curve448, 56, TpmiAlgHash::Sha512)];
    for (curve, x_size, hash) in curves {
        all.add(format!("{name}/{curve:?}/public keys"), move || {
            memcheck::public(&provider.x_public(curve, &marked(x_size)).expect("the size"));
            let size = eddsa::key_size(curve).expect("the curve");
            memcheck::public(&provider.eddsa_public(curve, &marked(size)).expect("the size"));
        });
        all.add(format!("{name}/{curve:?}/X agreement"), move || {
            let peer = provider.x_public(curve, &vec![9; x_size]).expect("the size");
            drop(provider.x_multiply(curve, &marked(x_size), &peer).expect("a point"));
        });
        all.add(format!("{name}/{curve:?}/EdDSA"), move || {
            let private = marked(eddsa::key_size(curve).expect("the curve"));
            memcheck::public(&provider.eddsa_sign(curve, &private, Domain::PURE, b"message").expect("the size"));
        });
        all.add(format!("{name}/{curve:?}/DHKEM decapsulate"), move || {
            let public = provider.x_public(curve, &vec![7; x_size]).expect("the size");
            let (_, sent) =
                dhkem::encapsulate(provider, (curve, hash), &public, &mut Numbers::new("kem")).expect("a key");
            let private = vec![7; x_size];
            memcheck::secret(&private);
            drop(dhkem::decapsulate(provider, (curve, hash), &private, &public, &sent).expect("what was sent"));
        });
    }
}
