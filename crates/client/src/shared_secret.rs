//! Secrets that only the TPM with a certain decryption key can recover (Part 1, 16.6.13 and 20.3.2.3, and the annexes on RSA, ECC
//! and ML-KEM): the salts of sessions, and the seeds that protect what is imported.

use ironroot_crypto::{
    CryptoError, EccPoint, EccProvider, EdwardsProvider, MlKemProvider, PORTABLE,
    ecc::{self, is_weierstrass},
    kdfa, kdfe,
    mlkem::MESSAGE_SIZE,
    rsa::{self, EncryptionScheme, RsaPublic},
};
use ironroot_wire::{
    PublicKind, Tpm2bEccParameter, Tpm2bEncryptedSecret, TpmEccCurve, TpmaObject, TpmiAlgHash, TpmiMlkemParms,
    TpmsEccPoint, TpmtPublic, Wire,
};
use zeroize::Zeroizing;

use crate::{ClientError, random, start::too_long};

/// What a secret is shared for. It is part of the encryption: a secret for one use cannot pass for another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretUse {
    /// The salt of a session.
    Salt,
    /// The seed of the outer wrapper of an object that is imported.
    Duplicate,
}

impl SecretUse {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Salt => b"SECRET",
            Self::Duplicate => b"DUPLICATE",
        }
    }

    /// OAEP's label has its terminating zero (Part 1, B.4).
    const fn oaep_label(self) -> &'static [u8] {
        match self {
            Self::Salt => b"SECRET\0",
            Self::Duplicate => b"DUPLICATE\0",
        }
    }

    const fn doing(self) -> &'static str {
        match self {
            Self::Salt => "encrypting a session's salt",
            Self::Duplicate => "encrypting the seed of an object to be imported",
        }
    }
}

/// A new secret, as long as a digest of the key's name algorithm; and the same encrypted to this decryption key: RSA, ECC or
/// ML-KEM. No TPM is needed.
///
/// # Errors
/// [`ClientError::Usage`] if it is no such key; [`ClientError::Crypto`] if its public area is malformed.
pub fn share_secret(
    public: &TpmtPublic,
    usage: SecretUse,
) -> Result<(Zeroizing<Vec<u8>>, Tpm2bEncryptedSecret), ClientError> {
    let (secret, encrypted) = share(public, usage).map_err(|error| match error {
        ClientError::Crypto { source, .. } => ClientError::Crypto { doing: usage.doing(), source },
        other => other,
    })?;
    Ok((secret, too_long(Tpm2bEncryptedSecret::from_slice(&encrypted))?))
}

fn share(public: &TpmtPublic, usage: SecretUse) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let unsuitable = || ClientError::usage("a secret can be shared only with a decryption key: RSA, ECC or ML-KEM");
    if !public.object_attributes.contains(TpmaObject::DECRYPT) {
        return Err(unsuitable());
    }
    let hash = public.name_alg.ok_or_else(unsuitable)?;
    match &public.kind {
        PublicKind::Rsa(parms, modulus) => {
            let e = if parms.exponent == 0 { rsa::DEFAULT_EXPONENT } else { parms.exponent };
            with_rsa(hash, RsaPublic { n: modulus, e }, usage)
        }
        PublicKind::Ecc(parms, point) if !is_weierstrass(parms.curve_id) => with_x(hash, parms.curve_id, point, usage),
        PublicKind::Ecc(parms, point) => with_ecc(hash, parms.curve_id, point, usage),
        PublicKind::Mlkem(parms, public) => with_ml_kem(hash, parms.parameter_set, public, usage),
        _ => Err(unsuitable()),
    }
}

/// OAEP with the key's name algorithm.
fn with_rsa(
    hash: TpmiAlgHash,
    public: RsaPublic<'_>,
    usage: SecretUse,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let salt = Zeroizing::new(random::bytes(hash.digest_size())?);
    let scheme = EncryptionScheme::Oaep { hash, label: usage.oaep_label() };
    let encrypted = random::with(|random| rsa::encrypt(&PORTABLE, public, scheme, &salt, random))?.map_err(failed)?;
    Ok((salt, encrypted))
}

/// One-pass ECDH with an ephemeral key, and KDFe.
fn with_ecc(
    hash: TpmiAlgHash,
    curve: TpmEccCurve,
    public: &TpmsEccPoint,
    usage: SecretUse,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let size = curve.field_size();
    let point = EccPoint { x: padded(&public.x, size)?, y: padded(&public.y, size)? };
    let (scalar, ephemeral) = random::with(|random| ecc::generate(&PORTABLE, curve, random))?.map_err(failed)?;
    let z = PORTABLE.ecc_multiply(curve, &scalar, &point).map_err(failed)?;
    let bits = u32::try_from(hash.digest_size() * 8).unwrap_or(u32::MAX);
    let salt = kdfe(hash, &z.x, usage.label(), &ephemeral.x, &point.x, bits);
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
    usage: SecretUse,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let private = Zeroizing::new(random::bytes(curve.field_size())?);
    let ephemeral = PORTABLE.x_public(curve, &private).map_err(failed)?;
    let z = PORTABLE.x_multiply(curve, &private, &public.x).map_err(failed)?;
    let bits = u32::try_from(hash.digest_size() * 8).unwrap_or(u32::MAX);
    let salt = kdfe(hash, &z, usage.label(), &ephemeral, &public.x, bits);
    let x = too_long(Tpm2bEccParameter::from_slice(&ephemeral))?;
    Ok((salt, TpmsEccPoint { x, y: Tpm2bEccParameter::default() }.to_bytes()))
}

/// An encapsulated secret, and KDFa (Part 1, 47.4).
fn with_ml_kem(
    hash: TpmiAlgHash,
    set: TpmiMlkemParms,
    public: &[u8],
    usage: SecretUse,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), ClientError> {
    let message = Zeroizing::new(random::bytes(MESSAGE_SIZE)?);
    let message = message.as_slice().try_into().map_err(|_| failed(CryptoError::Value))?;
    let (secret, ciphertext) = PORTABLE.ml_kem_encapsulate(set, public, message).map_err(failed)?;
    let bits = u32::try_from(hash.digest_size() * 8).unwrap_or(u32::MAX);
    Ok((kdfa(hash, &secret, usage.label(), &ciphertext, public, bits), ciphertext))
}

/// A coordinate as long as the field: TPMs may leave leading zeros out.
fn padded(coordinate: &[u8], size: usize) -> Result<Vec<u8>, ClientError> {
    let missing = size.checked_sub(coordinate.len()).ok_or(failed(CryptoError::Point))?;
    Ok([&vec![0; missing], coordinate].concat())
}

const fn failed(source: CryptoError) -> ClientError {
    ClientError::Crypto { doing: "sharing a secret", source }
}
