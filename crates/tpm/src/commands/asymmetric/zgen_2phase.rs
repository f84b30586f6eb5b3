//! `TPM2_ZGen_2Phase` (Part 3, 14.7; Part 1, 44.8.4 and 45.2.3).

use ironroot_crypto::{
    CryptoError, EccPoint, EccSecretPoint,
    ecc::{
        exchange::{Exchange, Parties, agree},
        is_weierstrass,
    },
};
use ironroot_wire::{
    PublicKind, Tpm2b, TpmRc, TpmaObject, TpmiEccKeyExchange, TpmsEccPoint, TpmtEccScheme, TpmuSensitiveComposite,
    ZGen2Phase, ZGen2PhaseResponse,
};
use zeroize::Zeroizing;

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        schemes,
        secret_sharing::{received_point, wire_secret_point},
    },
};

impl Action for ZGen2Phase {
    fn run(self, tpm: &mut Core) -> Result<ZGen2PhaseResponse, TpmRc> {
        let key = tpm.object(self.key_a).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Ecc(parms, _) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        if key.has(TpmaObject::RESTRICTED) || !key.has(TpmaObject::DECRYPT) {
            return Err(TpmRc::ATTRIBUTES.handle(1));
        }
        // The points of Curve25519 and Curve448 cannot be added, so nothing has two phases there.
        if !is_weierstrass(parms.curve_id) || !allows(parms.scheme.as_ref(), self.in_scheme) {
            return Err(TpmRc::SCHEME.parameter(3));
        }
        let TpmuSensitiveComposite::Ecc(scalar) = &key.sensitive()?.sensitive else {
            return Err(TpmRc::KEY.handle(1));
        };
        let curve = parms.curve_id;
        let peer_static = received_point(tpm, parms, &self.in_qs_b.0).map_err(|rc| rc.parameter(1))?;
        let peer_ephemeral = received_point(tpm, parms, &self.in_qe_b.0).map_err(|rc| rc.parameter(2))?;
        let r = tpm.commits.pending(schemes::ephemeral_purpose(curve), self.counter).map_err(|rc| rc.parameter(4))?;

        let (z1, z2) = if self.in_scheme == TpmiEccKeyExchange::Ecdh {
            let product = |scalar: &[u8], point: &EccPoint| tpm.provider.ecc_multiply(curve, scalar, point);
            (product(scalar, &peer_static).map(Some), product(&r, &peer_ephemeral).map(Some))
        } else {
            let ephemeral = tpm.provider.ecc_base_multiply(curve, &r).map_err(|_| TpmRc::FAILURE)?;
            let parties = Parties {
                static_scalar: scalar,
                ephemeral_scalar: &r,
                ephemeral: &ephemeral,
                peer_static: &peer_static,
                peer_ephemeral: &peer_ephemeral,
            };
            (agree(tpm.provider, curve, exchange(self.in_scheme), &parties), Ok(None))
        };
        let response = ZGen2PhaseResponse { out_z1: out_point(z1)?, out_z2: out_point(z2)? };
        tpm.commits.end(self.counter);
        Ok(response)
    }
}

/// Whether a key may be used with a scheme: its own if it has one.
const fn allows(own: Option<&TpmtEccScheme>, requested: TpmiEccKeyExchange) -> bool {
    matches!(
        (own, requested),
        (None, _)
            | (Some(TpmtEccScheme::Ecdh(_)), TpmiEccKeyExchange::Ecdh)
            | (Some(TpmtEccScheme::Sm2(_)), TpmiEccKeyExchange::Sm2)
            | (Some(TpmtEccScheme::Ecmqv(_)), TpmiEccKeyExchange::Ecmqv)
    )
}

const fn exchange(scheme: TpmiEccKeyExchange) -> Exchange {
    match scheme {
        TpmiEccKeyExchange::Sm2 => Exchange::Sm2,
        TpmiEccKeyExchange::Ecdh | TpmiEccKeyExchange::Ecmqv => Exchange::Mqv,
    }
}

/// A shared point as the response has it: infinity, and one that the scheme does not have, are Empty Points.
fn out_point(point: Result<Option<Zeroizing<EccSecretPoint>>, CryptoError>) -> Result<Tpm2b<TpmsEccPoint>, TpmRc> {
    match point {
        Ok(None) | Err(CryptoError::Point) => Ok(Tpm2b(TpmsEccPoint::empty())),
        Ok(Some(point)) => Ok(Tpm2b(wire_secret_point(&point)?)),
        Err(_) => Err(TpmRc::FAILURE),
    }
}
