//! `TPM2_Commit` (Part 3, 19.2; Part 1, 44.2.3).

use ironroot_crypto::{CryptoError, EccPoint, ecc, hash};
use ironroot_wire::{
    Commit, CommitResponse, PublicKind, Tpm2b, TpmEccCurve, TpmRc, TpmsEccParms, TpmsEccPoint, TpmtEccScheme,
    TpmuSensitiveComposite,
};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        schemes,
        secret_sharing::{received_point, wire_point, wire_secret_point},
    },
};

impl Action for Commit {
    fn run(self, tpm: &mut Core) -> Result<CommitResponse, TpmRc> {
        let key = tpm.object(self.sign_handle).map_err(|_| TpmRc::KEY.handle(1))?;
        let PublicKind::Ecc(parms, _) = &key.public.kind else { return Err(TpmRc::KEY.handle(1)) };
        if !matches!(parms.scheme, Some(TpmtEccScheme::Ecdaa(_))) {
            return Err(TpmRc::SCHEME.handle(1));
        }
        let TpmuSensitiveComposite::Ecc(scalar) = &key.sensitive()?.sensitive else {
            return Err(TpmRc::KEY.handle(1));
        };
        let curve = parms.curve_id;
        // An external key without one has no numbers to commit to (equation 60).
        let name_alg = key.public.name_alg.ok_or(TpmRc::KEY.handle(1))?;
        let base = base(tpm, &self, curve, name_alg)?;
        let p1 = received(tpm, parms, &self.p1.0)?;

        let purpose = schemes::commit_purpose(&key, curve)?;
        tpm.commits.renew(&mut tpm.random)?;
        let r = tpm.commits.next(purpose);
        let multiple = |scalar: &[u8], point: &EccPoint| multiple(tpm, curve, scalar, point);
        let (k, l) = match &base {
            Some(base) => (multiple(scalar, base)?, multiple(&r, base)?),
            None => (TpmsEccPoint::empty(), TpmsEccPoint::empty()),
        };
        let e = match (&p1, &base) {
            (Some(p1), _) => multiple(&r, p1)?,
            (None, None) => wire_point(&tpm.provider.ecc_base_multiply(curve, &r).map_err(|_| TpmRc::NO_RESULT)?)?,
            (None, Some(_)) => TpmsEccPoint::empty(),
        };
        let counter = tpm.commits.begin();
        Ok(CommitResponse { k: Tpm2b(k), l: Tpm2b(l), e: Tpm2b(e), counter })
    }
}

/// The point whose x coordinate is the hash of `s2`; nothing if there is no `s2`.
fn base(
    tpm: &Core,
    command: &Commit,
    curve: TpmEccCurve,
    name_alg: ironroot_wire::TpmiAlgHash,
) -> Result<Option<EccPoint>, TpmRc> {
    let (s2, y2) = (&command.s2, &command.y2);
    if s2.is_empty() != y2.is_empty() {
        return Err(TpmRc::SIZE.parameter(3));
    }
    if s2.is_empty() {
        return Ok(None);
    }
    let x = ecc::to_field(curve, &hash::digest(name_alg, &[s2]));
    let point = EccPoint { x, y: y2.to_vec() };
    tpm.provider.ecc_check_point(curve, &point).map_err(|_| TpmRc::ECC_POINT.parameter(2))?;
    Ok(Some(point))
}

/// The point that came with the command; nothing if its coordinates are empty.
fn received(tpm: &Core, parms: &TpmsEccParms, point: &TpmsEccPoint) -> Result<Option<EccPoint>, TpmRc> {
    if point.x.is_empty() && point.y.is_empty() {
        return Ok(None);
    }
    received_point(tpm, parms, point).map(Some).map_err(|rc| rc.parameter(1))
}

fn multiple(tpm: &Core, curve: TpmEccCurve, scalar: &[u8], point: &EccPoint) -> Result<TpmsEccPoint, TpmRc> {
    let product = tpm.provider.ecc_multiply(curve, scalar, point).map_err(|error| match error {
        CryptoError::Internal => TpmRc::FAILURE,
        _ => TpmRc::NO_RESULT,
    })?;
    wire_secret_point(&product)
}
