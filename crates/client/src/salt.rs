//! Salts: secrets that only the TPM with a certain decryption key can recover (Part 1, 16.6.13, and the annexes on RSA, ECC
//! and ML-KEM).

use ironroot_crypto::{
    CryptoError, EccPoint, EccProvider, EdwardsProvider, MlKemProvider, PORTABLE,
    ecc::{self, is_weierstrass},
    kdfa, kdfe,
    mlkem::MESSAGE_SIZE,
    rsa::{self, EncryptionScheme, RsaPublic},
};
use ironroot_wire::{
    PublicKind, Tpm2bEccParameter, TpmEccCurve, TpmaObject, TpmiAlgHash, TpmiMlkemParms, TpmsEccPoint, TpmtPublic, Wire,
};
use zeroize::Zeroizing;

use crate::{ClientError, random, start::too_long};

/// A new salt, and the same encrypted to `public`.
pub(crate) fn encrypt(public: &TpmtPublic) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let unsuitable = || ClientError::usage("a session can be salted only with a decryption key: RSA, ECC or ML-KEM");
    if !public.object_attributes.contains(TpmaObject::DECRYPT) {
        return Err(unsuitable());
    }
    let hash = public.name_alg.ok_or_else(unsuitable)?;
    match &public.kind {
        PublicKind::Rsa(parms, modulus) => {
            let e = if parms.exponent == 0 { rsa::DEFAULT_EXPONENT } else { parms.exponent };
            with_rsa(hash, RsaPublic { n: modulus, e })
        }
        PublicKind::Ecc(parms, point) if !is_weierstrass(parms.curve_id) => with_x(hash, parms.curve_id, point),
        PublicKind::Ecc(parms, point) => with_ecc(hash, parms.curve_id, point),
        PublicKind::Mlkem(parms, public) => with_ml_kem(hash, parms.parameter_set, public),
        _ => Err(unsuitable()),
    }
}

/// OAEP with the key's name algorithm and the label "SECRET".
fn with_rsa(hash: TpmiAlgHash, public: RsaPublic<'_>) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let salt = Zeroizing::new(random::bytes(hash.digest_size())?);
    let scheme = EncryptionScheme::Oaep { hash, label: b"SECRET\0" };
    let encrypted = random::with(|random| rsa::encrypt(&PORTABLE, public, scheme, &salt, random))?.map_err(failed)?;
    Ok((salt, encrypted))
}

/// One-pass ECDH with an ephemeral key, and KDFe with the label "SECRET".
fn with_ecc(
    hash: TpmiAlgHash,
    curve: TpmEccCurve,
    public: &TpmsEccPoint,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let size = curve.field_size();
    let point = EccPoint { x: padded(&public.x, size)?, y: padded(&public.y, size)? };
    let (scalar, ephemeral) = random::with(|random| ecc::generate(&PORTABLE, curve, random))?.map_err(failed)?;
    let z = PORTABLE.ecc_multiply(curve, &scalar, &point).map_err(failed)?;
    let bits = u32::try_from(hash.digest_size() * 8).unwrap_or(u32::MAX);
    let salt = kdfe(hash, &z.x, b"SECRET", &ephemeral.x, &point.x, bits);
    let sent = TpmsEccPoint {
        x: too_long(Tpm2bEccParameter::from_slice(&ephemeral.x))?,
        y: too_long(Tpm2bEccParameter::from_slice(&ephemeral.y))?,
    };
    Ok((salt, sent.to_bytes()))
}

/// The same with X25519 or X448, whose points are one little-endian coordinate (Part 1, 44.5.1).
fn with_x(
    hash: TpmiAlgHash,
    curve: TpmEccCurve,
    public: &TpmsEccPoint,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let private = Zeroizing::new(random::bytes(curve.field_size())?);
    let ephemeral = PORTABLE.x_public(curve, &private).map_err(failed)?;
    let z = PORTABLE.x_multiply(curve, &private, &public.x).map_err(failed)?;
    let bits = u32::try_from(hash.digest_size() * 8).unwrap_or(u32::MAX);
    let salt = kdfe(hash, &z, b"SECRET", &ephemeral, &public.x, bits);
    let x = too_long(Tpm2bEccParameter::from_slice(&ephemeral))?;
    Ok((salt, TpmsEccPoint { x, y: Tpm2bEccParameter::default() }.to_bytes()))
}

/// An encapsulated secret, and KDFa with the label "SECRET" (Part 1, 47.4).
fn with_ml_kem(
    hash: TpmiAlgHash,
    set: TpmiMlkemParms,
    public: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let message = Zeroizing::new(random::bytes(MESSAGE_SIZE)?);
    let message = message.as_slice().try_into().map_err(|_| failed(CryptoError::Value))?;
    let (secret, ciphertext) = PORTABLE.ml_kem_encapsulate(set, public, message).map_err(failed)?;
    let bits = u32::try_from(hash.digest_size() * 8).unwrap_or(u32::MAX);
    Ok((kdfa(hash, &secret, b"SECRET", &ciphertext, public, bits), ciphertext))
}

/// A coordinate as long as the field: TPMs may leave leading zeros out.
fn padded(coordinate: &[u8], size: usize) -> Result<Vec<u8>, ClientError> {
    let missing = size.checked_sub(coordinate.len()).ok_or(failed(CryptoError::Point))?;
    Ok([&vec![0; missing], coordinate].concat())
}

const fn failed(source: CryptoError) -> ClientError {
    ClientError::Crypto { doing: "encrypting a session's salt", source }
}
