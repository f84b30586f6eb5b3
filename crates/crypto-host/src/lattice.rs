//! The functions of AWS-LC for ML-KEM and ML-DSA that take their randomness from the caller.
//!
//! The library exports them (`OPENSSL_EXPORT` in its `ml_kem.h` and `ml_dsa.h`), but the generated bindings have only the
//! `EVP` interface, which draws from the library's own generator. They are declared here by hand; the version of the
//! bindings is exact (`Cargo.toml`), and its number is part of every symbol, so another version fails to link instead of
//! being called wrongly. The tests compare every function with the portable provider and published vectors.

use std::ffi::c_int;

use ironroot_wire::{TpmiMldsaParms, TpmiMlkemParms};

/// What `ml_kem.h` calls success. Its `ml_dsa.h` says 1, as [`crate::number::done`] expects.
pub const ML_KEM_SUCCESS: c_int = 0;

/// `ml_kem_*_keypair_deterministic`: out, size in and out, out, size in and out, 64 bytes in.
type KemKeyPair = unsafe extern "C" fn(*mut u8, *mut usize, *mut u8, *mut usize, *const u8) -> c_int;
/// `ml_kem_*_encapsulate_deterministic`: ciphertext out, size in and out, secret out, size in and out, public key, 32 bytes.
type KemEncapsulate = unsafe extern "C" fn(*mut u8, *mut usize, *mut u8, *mut usize, *const u8, *const u8) -> c_int;
/// `ml_kem_*_decapsulate`: secret out, size in and out, ciphertext, secret key.
type KemDecapsulate = unsafe extern "C" fn(*mut u8, *mut usize, *const u8, *const u8) -> c_int;
/// `ml_kem_*_check_pk`: public key and its size.
type KemCheck = unsafe extern "C" fn(*const u8, usize) -> c_int;
/// `ml_dsa_*_keypair_internal`: public key out, private key out, 32 bytes.
type DsaKeyPair = unsafe extern "C" fn(*mut u8, *mut u8, *const u8) -> c_int;
/// `ml_dsa_extmu_*_sign_internal`: private key, signature out, its size out, mu and its size, nothing and its size (they are
/// not used when the message is a mu), 32 bytes of randomness.
type DsaSign =
    unsafe extern "C" fn(*const u8, *mut u8, *mut usize, *const u8, usize, *const u8, usize, *const u8) -> c_int;
/// `ml_dsa_extmu_*_verify`: public key, signature and its size, mu and its size.
type DsaVerify = unsafe extern "C" fn(*const u8, *const u8, usize, *const u8, usize) -> c_int;

/// The functions and sizes of one parameter set of ML-KEM.
pub struct MlKem {
    pub public_size: usize,
    pub secret_size: usize,
    pub ciphertext_size: usize,
    pub key_pair: KemKeyPair,
    pub encapsulate: KemEncapsulate,
    pub decapsulate: KemDecapsulate,
    pub check: KemCheck,
}

/// The functions and sizes of one parameter set of ML-DSA.
pub struct MlDsa {
    pub public_size: usize,
    pub private_size: usize,
    pub signature_size: usize,
    pub key_pair: DsaKeyPair,
    pub sign: DsaSign,
    pub verify: DsaVerify,
}

/// Declares the functions of one parameter set of ML-KEM and collects them.
macro_rules! ml_kem {
    ($name:ident: $number:literal, $public_size:literal, $secret_size:literal, $ciphertext_size:literal) => {
        static $name: MlKem = {
            unsafe extern "C" {
                #[link_name = concat!("aws_lc_0_47_0_ml_kem_", $number, "_keypair_deterministic")]
                fn key_pair(_: *mut u8, _: *mut usize, _: *mut u8, _: *mut usize, _: *const u8) -> c_int;
                #[link_name = concat!("aws_lc_0_47_0_ml_kem_", $number, "_encapsulate_deterministic")]
                fn encapsulate(
                    _: *mut u8,
                    _: *mut usize,
                    _: *mut u8,
                    _: *mut usize,
                    _: *const u8,
                    _: *const u8,
                ) -> c_int;
                #[link_name = concat!("aws_lc_0_47_0_ml_kem_", $number, "_decapsulate")]
                fn decapsulate(_: *mut u8, _: *mut usize, _: *const u8, _: *const u8) -> c_int;
                #[link_name = concat!("aws_lc_0_47_0_ml_kem_", $number, "_check_pk")]
                fn check(_: *const u8, _: usize) -> c_int;
            }
            MlKem {
                public_size: $public_size,
                secret_size: $secret_size,
                ciphertext_size: $ciphertext_size,
                key_pair,
                encapsulate,
                decapsulate,
                check,
            }
        };
    };
}

/// Declares the functions of one parameter set of ML-DSA and collects them.
macro_rules! ml_dsa {
    ($name:ident: $number:literal, $public_size:literal, $private_size:literal, $signature_size:literal) => {
        static $name: MlDsa = {
            unsafe extern "C" {
                #[link_name = concat!("aws_lc_0_47_0_ml_dsa_", $number, "_keypair_internal")]
                fn key_pair(_: *mut u8, _: *mut u8, _: *const u8) -> c_int;
                #[link_name = concat!("aws_lc_0_47_0_ml_dsa_extmu_", $number, "_sign_internal")]
                fn sign(
                    _: *const u8,
                    _: *mut u8,
                    _: *mut usize,
                    _: *const u8,
                    _: usize,
                    _: *const u8,
                    _: usize,
                    _: *const u8,
                ) -> c_int;
                #[link_name = concat!("aws_lc_0_47_0_ml_dsa_extmu_", $number, "_verify")]
                fn verify(_: *const u8, _: *const u8, _: usize, _: *const u8, _: usize) -> c_int;
            }
            MlDsa {
                public_size: $public_size,
                private_size: $private_size,
                signature_size: $signature_size,
                key_pair,
                sign,
                verify,
            }
        };
    };
}

// The sizes are those of the headers (`MLKEM512_PUBLIC_KEY_BYTES` and so on).
ml_kem!(ML_KEM_512: "512", 800, 1632, 768);
ml_kem!(ML_KEM_768: "768", 1184, 2400, 1088);
ml_kem!(ML_KEM_1024: "1024", 1568, 3168, 1568);
ml_dsa!(ML_DSA_44: "44", 1312, 2560, 2420);
ml_dsa!(ML_DSA_65: "65", 1952, 4032, 3309);
ml_dsa!(ML_DSA_87: "87", 2592, 4896, 4627);

pub fn ml_kem(set: TpmiMlkemParms) -> &'static MlKem {
    match set {
        TpmiMlkemParms::MlKem512 => &ML_KEM_512,
        TpmiMlkemParms::MlKem768 => &ML_KEM_768,
        TpmiMlkemParms::MlKem1024 => &ML_KEM_1024,
    }
}

pub fn ml_dsa(set: TpmiMldsaParms) -> &'static MlDsa {
    match set {
        TpmiMldsaParms::MlDsa44 => &ML_DSA_44,
        TpmiMldsaParms::MlDsa65 => &ML_DSA_65,
        TpmiMldsaParms::MlDsa87 => &ML_DSA_87,
    }
}
