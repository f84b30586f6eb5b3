//! Post-quantum keys.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use ironroot_crypto::{MlDsaProvider as _, MlKemProvider as _, PORTABLE, mldsa::Mu};
use ironroot_wire::*;

use super::*;

pub const KEM_SETS: [TpmiMlkemParms; 3] =
    [TpmiMlkemParms::MlKem512, TpmiMlkemParms::MlKem768, TpmiMlkemParms::MlKem1024];
pub const DSA_SETS: [TpmiMldsaParms; 3] = [TpmiMldsaParms::MlDsa44, TpmiMldsaParms::MlDsa65, TpmiMldsaParms::MlDsa87];

pub fn mlkem(attributes: A, set: TpmiMlkemParms, symmetric: Option<TpmtSymDefObject>) -> TpmtPublic {
    let parms = TpmsMlkemParms { symmetric, parameter_set: set };
    public(attributes, PublicKind::Mlkem(parms, Tpm2bPublicKeyMlkem::default()))
}

/// A storage key, as an endorsement key is one.
pub fn mlkem_storage(set: TpmiMlkemParms) -> TpmtPublic {
    mlkem(OWN | STORAGE, set, aes128())
}

/// A key for `TPM2_Encapsulate` and `TPM2_Decapsulate`.
pub fn mlkem_plain(set: TpmiMlkemParms) -> TpmtPublic {
    mlkem(OWN | A::DECRYPT, set, None)
}

pub fn mldsa(attributes: A, set: TpmiMldsaParms, external_mu: bool) -> TpmtPublic {
    let parms = TpmsMldsaParms { parameter_set: set, allow_external_mu: AllowExternalMu(external_mu) };
    public(attributes | SIGN, PublicKind::Mldsa(parms, Tpm2bPublicKeyMldsa::default()))
}

pub fn hash_mldsa(attributes: A, set: TpmiMldsaParms, hash_alg: TpmiAlgHash) -> TpmtPublic {
    let parms = TpmsHashMldsaParms { parameter_set: set, hash_alg };
    public(attributes | SIGN, PublicKind::HashMldsa(parms, Tpm2bPublicKeyMldsa::default()))
}

/// The public area and the seed of a key that was made outside of the TPM, by the other library.
pub fn outside_mlkem(attributes: A, set: TpmiMlkemParms, seed: &[u8; 64]) -> (TpmtPublic, TpmtSensitive) {
    let key = PORTABLE.ml_kem_load(set, seed).unwrap();
    let mut public = mlkem(attributes, set, None);
    if let PublicKind::Mlkem(_, unique) = &mut public.kind {
        *unique = key.public().try_into().unwrap();
    }
    let seed = Tpm2bPrivateKeyMlkem::from_slice(seed).unwrap();
    (public, keys::sensitive(TpmuSensitiveComposite::Mlkem(seed)))
}

/// The same for ML-DSA.
pub fn outside_mldsa(attributes: A, set: TpmiMldsaParms, seed: &[u8; 32]) -> (TpmtPublic, TpmtSensitive) {
    let key = PORTABLE.ml_dsa_load(set, seed).unwrap();
    let mut public = mldsa(attributes, set, true);
    if let PublicKind::Mldsa(_, unique) = &mut public.kind {
        *unique = key.public().try_into().unwrap();
    }
    let seed = Tpm2bPrivateKeyMldsa::from_slice(seed).unwrap();
    (public, keys::sensitive(TpmuSensitiveComposite::Mldsa(seed)))
}

pub fn mu(public: &TpmtPublic, context: &[u8], message: &[u8]) -> [u8; 64] {
    let PublicKind::Mldsa(_, unique) = &public.kind else { panic!("{public:?}") };
    let mut mu = Mu::new(unique, context).unwrap();
    mu.update(message);
    mu.finish()
}

/// Whether the other library takes a signature of a message.
pub fn other_library_verifies(public: &TpmtPublic, context: &[u8], message: &[u8], signature: &TpmtSignature) -> bool {
    let (set, key, mu, signature) = match (&public.kind, signature) {
        (PublicKind::Mldsa(parms, key), TpmtSignature::Mldsa(signature)) => {
            (parms.parameter_set, key, mu(public, context, message), signature)
        }
        (PublicKind::HashMldsa(parms, key), TpmtSignature::HashMldsa(signature)) => {
            assert_eq!(signature.hash, parms.hash_alg);
            let digest = ironroot_crypto::digest(parms.hash_alg, &[message]);
            let mu = ironroot_crypto::mldsa::pre_hashed(key, context, parms.hash_alg, &digest).unwrap();
            (parms.parameter_set, key, mu, &signature.signature)
        }
        _ => panic!("{public:?} {signature:?}"),
    };
    PORTABLE.ml_dsa_verify_mu(set, key, &mu, signature).is_ok()
}

/// What the other library makes for the holder of an ML-KEM key: the secret and the ciphertext.
pub fn other_library_encapsulates(public: &TpmtPublic, message: &[u8; 32]) -> (Vec<u8>, Vec<u8>) {
    let PublicKind::Mlkem(parms, unique) = &public.kind else { panic!("{public:?}") };
    let (secret, ciphertext) = PORTABLE.ml_kem_encapsulate(parms.parameter_set, unique, message).unwrap();
    (secret.to_vec(), ciphertext)
}
