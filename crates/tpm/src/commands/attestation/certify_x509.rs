//! `TPM2_CertifyX509` (Part 3, 18.8).

use ironroot_crypto::hash;
use ironroot_wire::{CertifyX509, CertifyX509Response, PublicKind, Tpm2bDigest, Tpm2bMaxBuffer, TpmRc};

use crate::{
    commands::Action,
    core_state::Core,
    rules::{
        schemes, signatures,
        x509::{Added, PartialCertificate, algorithms, extensions},
    },
};

/// Bytes of a serial number (RFC 5280, 4.1.2.2, allows 20).
const SERIAL: usize = 16;

impl Action for CertifyX509 {
    fn run(self, tpm: &mut Core) -> Result<CertifyX509Response, TpmRc> {
        if !self.reserved.is_empty() {
            return Err(TpmRc::SIZE.parameter(1));
        }
        let key = tpm.object(self.sign_handle).map_err(|_| TpmRc::KEY.handle(2))?;
        if !schemes::is_signing_key(&key) {
            return Err(TpmRc::KEY.handle(2));
        }
        let scheme = schemes::signing(&key, self.in_scheme).map_err(|rc| rc.parameter(2))?;
        // What is signed is a digest of the certificate.
        let hash = scheme.hash().ok_or(TpmRc::SCHEME.parameter(2))?;
        let object = tpm.object(self.object_handle).map_err(|rc| rc.handle(1))?;
        let key_info = algorithms::subject_public_key_info(&object.public).ok_or(TpmRc::ASYMMETRIC.handle(1))?;
        let partial = PartialCertificate::from_der(&self.partial_certificate).map_err(|_| TpmRc::VALUE.parameter(3))?;
        extensions::check(partial.extensions, object.public.object_attributes)?;
        let algorithm = match partial.algorithm {
            Some(_) => None,
            None => Some(
                algorithms::signature_algorithm(&scheme, modulus_size(&key.public.kind))
                    .ok_or(TpmRc::SCHEME.parameter(2))?,
            ),
        };
        let added = Added::new(&serial(tpm), algorithm, key_info).map_err(|_| TpmRc::SIZE)?;
        let added_to_certificate = Tpm2bMaxBuffer::from_slice(&added.to_der().map_err(|_| TpmRc::SIZE)?)?;
        let certificate = added.completed(&partial).map_err(|_| TpmRc::SIZE)?;
        let digest = hash::digest(hash, &[&certificate]);
        let signature = signatures::sign(tpm, &key, scheme, &[], &digest)?;
        Ok(CertifyX509Response { added_to_certificate, tbs_digest: Tpm2bDigest::from_slice(&digest)?, signature })
    }
}

/// A random positive number of constant size.
fn serial(tpm: &mut Core) -> [u8; SERIAL] {
    let mut serial = [0; SERIAL];
    serial.copy_from_slice(&tpm.random.bytes(SERIAL));
    if let Some(top) = serial.first_mut() {
        *top = *top & 0x3F | 0x40;
    }
    serial
}

/// Bytes of an RSA modulus.
const fn modulus_size(kind: &PublicKind) -> usize {
    match kind {
        PublicKind::Rsa(parms, _) => parms.key_bits.bytes(),
        _ => 0,
    }
}
