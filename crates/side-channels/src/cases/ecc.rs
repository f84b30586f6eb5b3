//! Short Weierstrass curves: keys, agreement and each scheme.

use ironroot_crypto::{
    EccPoint, Provider,
    ecc::{
        self,
        exchange::{Exchange, Parties, agree},
        schnorr, sm2,
    },
};
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};
use zeroize::Zeroizing;

use super::List;
use crate::{Numbers, Secrets, memcheck};

const HASH: TpmiAlgHash = TpmiAlgHash::Sha256;
const DIGEST: [u8; 32] = [0x33; 32];

/// A key pair of a curve: the private half marked.
fn marked(provider: &dyn Provider, curve: TpmEccCurve, name: &str) -> (Zeroizing<Vec<u8>>, EccPoint) {
    let (scalar, public) = ecc::generate(provider, curve, &mut Numbers::new(name)).expect("every curve is there");
    memcheck::secret(&scalar);
    (scalar, public)
}

fn show((r, s): (Vec<u8>, Vec<u8>)) {
    memcheck::public(&r);
    memcheck::public(&s);
}

pub(super) fn list(all: &mut List, name: &str, provider: &'static dyn Provider) {
    for &curve in TpmEccCurve::EVERY.iter().filter(|curve| ecc::is_weierstrass(**curve)) {
        all.add(format!("{name}/{curve:?}/key"), move || {
            let (_, point) = ecc::generate(provider, curve, &mut Secrets::new()).expect("every curve is there");
            memcheck::public(&point.x);
            memcheck::public(&point.y);
        });
        all.add(format!("{name}/{curve:?}/ECDSA"), move || {
            let (scalar, _) = marked(provider, curve, "ecdsa");
            show(provider.ecdsa_sign(curve, &scalar, &DIGEST, &mut Secrets::new()).expect("a key"));
        });
        all.add(format!("{name}/{curve:?}/ECDH"), move || {
            let (_, peer) = ecc::generate(provider, curve, &mut Numbers::new("peer")).expect("every curve is there");
            let (scalar, _) = marked(provider, curve, "ecdh");
            drop(provider.ecc_multiply(curve, &scalar, &peer).expect("a key"));
        });
    }
    let curve = TpmEccCurve::NistP256;
    all.add(format!("{name}/NistP256/EC Schnorr"), move || {
        let (scalar, _) = marked(provider, curve, "schnorr");
        show(schnorr::sign(provider, (curve, HASH), &scalar, &DIGEST, &mut Secrets::new()).expect("a key"));
    });
    all.add(format!("{name}/NistP256/MQV"), move || exchange(provider, curve, Exchange::Mqv));
    let sm2_curve = TpmEccCurve::Sm2P256;
    all.add(format!("{name}/Sm2P256/SM2 sign"), move || {
        let (scalar, _) = marked(provider, sm2_curve, "sm2");
        show(sm2::sign(provider, sm2_curve, &scalar, &DIGEST, &mut Secrets::new()).expect("a key"));
    });
    all.add(format!("{name}/Sm2P256/SM2 decrypt"), move || {
        let pair = (sm2_curve, HASH);
        let (scalar, public) = marked(provider, sm2_curve, "sm2");
        let sent = sm2::encrypt(provider, pair, &public, b"message", &mut Numbers::new("sent")).expect("a key");
        let message = sm2::decrypt(provider, pair, &scalar, (&sent.c1, &sent.c2, &sent.c3));
        memcheck::public(&message.expect("what was sent"));
    });
    all.add(format!("{name}/Sm2P256/SM2 exchange"), move || exchange(provider, sm2_curve, Exchange::Sm2));
    if name == "portable" {
        // Arithmetic modulo the order only: the same code on both.
        all.add("both/NistP256/ECDAA sign", move || {
            let (scalar, _) = marked(provider, curve, "ecdaa");
            let (committed, _) = marked(provider, curve, "committed");
            let random = &mut Numbers::new("ecdaa");
            show(schnorr::sign_committed((curve, HASH), &scalar, &committed, &DIGEST, random).expect("a key"));
        });
    }
}

fn exchange(provider: &dyn Provider, curve: TpmEccCurve, exchange: Exchange) {
    let (_, peer_static) = ecc::generate(provider, curve, &mut Numbers::new("peer")).expect("every curve is there");
    let (_, peer_ephemeral) =
        ecc::generate(provider, curve, &mut Numbers::new("peer 2")).expect("every curve is there");
    let (static_scalar, _) = marked(provider, curve, "static");
    let (ephemeral_scalar, ephemeral) = marked(provider, curve, "ephemeral");
    let parties = Parties {
        static_scalar: &static_scalar,
        ephemeral_scalar: &ephemeral_scalar,
        ephemeral: &ephemeral,
        peer_static: &peer_static,
        peer_ephemeral: &peer_ephemeral,
    };
    drop(agree(provider, curve, exchange, &parties).expect("points of the curve"));
}
