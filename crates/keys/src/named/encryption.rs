//! Encryption to a device: HPKE (RFC 9180) in base mode with DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! Whoever has the public key encrypts, without any TPM; only the TPM that makes the named key again decrypts: its part is
//! `TPM2_ECDH_ZGen`. The result is the encapsulated key (65 bytes) and the ciphertext, one behind the other, as other programs have it.

use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, aead::Aead as _};
use ironroot_client::wire::{
    EcdhZGen, Tpm2b, Tpm2bDigest, Tpm2bEccParameter, TpmEccCurve, TpmHandle, TpmaObject, TpmiAlgHash, TpmiDhObject,
    TpmsEccPoint, TpmtPublic,
};
use ironroot_crypto::{PORTABLE, Random, dhkem, digest, hkdf_expand, hkdf_extract};
use spki::SubjectPublicKeyInfoOwned;
use zeroize::Zeroizing;

use super::{
    NamedKeys, explained, hex,
    template::{ATTRIBUTES, Use, ecc, name_digest},
};
use crate::{
    KeyError, VerifyingKey,
    key::create_primary,
    private_channel::in_private,
    verify::{Kind, padded},
};

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
const P256: TpmEccCurve = TpmEccCurve::NistP256;
/// `info` of HPKE: what is encrypted here is nothing else's.
const INFO: &[u8] = b"ironroot/encrypt/v1";
/// The serialized public key, and the encapsulated key.
const POINT: usize = 65;
const KEM: &[u8] = b"KEM\x00\x10";
/// "HPKE", and the identifiers of the three algorithms.
const SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x03";

type Bytes = Zeroizing<Vec<u8>>;

/// A public key to encrypt to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    point: Vec<u8>,
    pem: String,
    fingerprint: String,
}

impl EncryptionKey {
    /// A PEM `PUBLIC KEY` on P-256.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for anything else.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::of(VerifyingKey::from_pem(pem)?.spki)
    }

    fn of(spki: SubjectPublicKeyInfoOwned) -> Result<Self, KeyError> {
        use der::{Encode as _, EncodePem as _, pem::LineEnding};
        let failed = || KeyError::encoding("the public key");
        let pem = spki.to_pem(LineEnding::LF).map_err(failed())?;
        let fingerprint = hex(&digest(SHA256, &[&spki.to_der().map_err(failed())?]));
        match VerifyingKey::from_spki(spki)?.kind {
            Kind::Ecdsa { curve: P256, point } => Ok(Self { point: dhkem::serialize(P256, &point), pem, fingerprint }),
            _ => Err(KeyError::unsuitable(
                "encryption is to keys on P-256; show one with ironroot key show NAME --encryption",
            )),
        }
    }

    /// The PEM form.
    #[must_use]
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// SHA-256 of the DER form, in hexadecimal, as [`crate::fingerprint`] gives it of signing keys.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Encrypts.
    ///
    /// # Errors
    /// [`KeyError::Random`] if the operating system gives no random bytes; [`KeyError::Unsuitable`] for more than 256 GiB.
    pub fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut random = System { failed: false };
        let (shared, mut out) = dhkem::encapsulate(&PORTABLE, (P256, SHA256), &self.point, &mut random)
            .map_err(|error| KeyError::unsuitable(error.to_string()))?;
        if random.failed {
            return Err(KeyError::Random);
        }
        let (key, nonce) = schedule(&shared)?;
        let cipher = ChaCha20Poly1305::new_from_slice(&key).map_err(|_| KeyError::Decryption)?;
        let nonce: [u8; 12] = nonce.as_slice().try_into().map_err(|_| KeyError::Decryption)?;
        let sealed = cipher
            .encrypt(&nonce.into(), plaintext)
            .map_err(|_| KeyError::unsuitable("there is more to encrypt than the cipher takes at once"))?;
        out.extend_from_slice(&sealed);
        Ok(out)
    }
}

impl NamedKeys {
    /// The public key to which others encrypt for this device and name.
    ///
    /// # Errors
    /// As [`NamedKeys::key`].
    pub fn encryption_key(&self, name: &str) -> Result<EncryptionKey, KeyError> {
        let mut tpm = self.tpm().lock()?;
        let made = create_primary(&mut tpm, TpmHandle::ENDORSEMENT, &template(name)?, b"")
            .map_err(|error| explained(error.into(), name, "ecc-p256"))?;
        tpm.flush(made.handle)?;
        EncryptionKey::of(crate::algorithms::spki(&made.public)?)
    }

    /// Decrypts what was encrypted to this device and name.
    ///
    /// # Errors
    /// [`KeyError::Decryption`] if it was encrypted to another key or changed; as [`NamedKeys::key`].
    pub fn decrypt(&self, name: &str, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (encapsulated, sealed) = ciphertext.split_at_checked(POINT).ok_or(KeyError::Decryption)?;
        let in_point = Tpm2b(point(encapsulated).ok_or(KeyError::Decryption)?);
        let mut tpm = self.tpm().lock()?;
        let made = create_primary(&mut tpm, TpmHandle::ENDORSEMENT, &template(name)?, b"")
            .map_err(|error| explained(error.into(), name, "ecc-p256"))?;
        let result = in_private(&mut tpm, |tpm| {
            let command = EcdhZGen { key_handle: TpmiDhObject(made.handle.0), in_point };
            match tpm.run(&command) {
                Ok(response) => Ok(Zeroizing::new(response.out_point.0.x.to_vec())),
                // Not a point of the curve.
                Err(error) if error.tpm_rc().is_some() => Err(KeyError::Decryption),
                Err(error) => Err(error.into()),
            }
        });
        let flushed = tpm.flush(made.handle);
        let z = Zeroizing::new(padded(&result?, 32).ok_or(KeyError::Decryption)?);
        flushed?;
        drop(tpm);
        let public = EncryptionKey::of(crate::algorithms::spki(&made.public)?)?.point;
        let (key, nonce) = schedule(&kem_secret(&z, encapsulated, &public)?)?;
        let cipher = ChaCha20Poly1305::new_from_slice(&key).map_err(|_| KeyError::Decryption)?;
        let nonce: [u8; 12] = nonce.as_slice().try_into().map_err(|_| KeyError::Decryption)?;
        cipher.decrypt(&nonce.into(), sealed).map(Zeroizing::new).map_err(|_| KeyError::Decryption)
    }
}

fn template(name: &str) -> Result<TpmtPublic, KeyError> {
    Ok(TpmtPublic {
        name_alg: Some(SHA256),
        object_attributes: ATTRIBUTES.with(TpmaObject::DECRYPT),
        auth_policy: Tpm2bDigest::default(),
        kind: ecc(P256, None, &name_digest(Use::Decrypt, name)?),
    })
}

fn point(serialized: &[u8]) -> Option<TpmsEccPoint> {
    let (x, y) = serialized.strip_prefix(&[4])?.split_at_checked(32)?;
    Some(TpmsEccPoint { x: Tpm2bEccParameter::from_slice(x).ok()?, y: Tpm2bEccParameter::from_slice(y).ok()? })
}

/// `ExtractAndExpand` of the KEM (RFC 9180, 4.1).
fn kem_secret(z: &[u8], encapsulated: &[u8], public: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = hkdf_extract(SHA256, &[], &[b"HPKE-v1", KEM, b"eae_prk", z]);
    let info: [&[u8]; 6] = [&[0, 32], b"HPKE-v1", KEM, b"shared_secret", encapsulated, public];
    hkdf_expand(SHA256, &key, &info, 32).map_err(|_| KeyError::Decryption)
}

/// Key and nonce of the first message in base mode (RFC 9180, 5.1).
fn schedule(shared: &[u8]) -> Result<(Bytes, Bytes), KeyError> {
    let extract = |salt: &[u8], label: &[u8], ikm: &[u8]| hkdf_extract(SHA256, salt, &[b"HPKE-v1", SUITE, label, ikm]);
    let psk = extract(&[], b"psk_id_hash", &[]);
    let info = extract(&[], b"info_hash", INFO);
    let secret = extract(shared, b"secret", &[]);
    let expand = |label: &[u8], size: u8| {
        let parts: [&[u8]; 7] = [&[0, size], b"HPKE-v1", SUITE, label, &[0], &psk, &info];
        hkdf_expand(SHA256, &secret, &parts, size.into()).map_err(|_| KeyError::Decryption)
    };
    Ok((expand(b"key", 32)?, expand(b"base_nonce", 12)?))
}

/// The operating system's generator.
struct System {
    failed: bool,
}

impl Random for System {
    fn fill(&mut self, out: &mut [u8]) {
        self.failed |= getrandom::fill(out).is_err();
    }
}
