//! Places where a branch or an address may depend on something that is marked, and why.

/// Ciphers whose implementation looks up tables: reports are expected, and their absence would be news.
pub const TABLES: &[&str] = &["Camellia", "Sm4", "Tdes"];

/// A place.
pub struct Accepted {
    /// What the table calls it.
    pub id: &'static str,
    /// Part of a frame: a function, with its file and line in a library, whose version is pinned.
    pub function: &'static str,
    /// How many frames from the innermost may be this one. One is the innermost itself: what it calls is not accepted.
    pub depth: usize,
    /// Why it tells nothing that is secret.
    pub why: &'static str,
}

const RANGE: &str = "whether a number is in its range, which it is unless the key is none; a candidate for a nonce that is \
                     not is thrown away, and the next does not follow from it";
const RESULT: &str = "whether the result is one (not zero, not infinity, the check passed): the caller is told";
const PADDING: &str = "whether the padding was right, one bit made of everything; the caller is told";
const LENGTH: &str = "the length of the message, which the caller is given";
const SIZE: &str = "the length in bits of a prime or modulus, which is that of the key";
const ASSERT: &str = "an assertion that always holds";
const PRIME: &str = "whether a candidate is a prime or has a small divisor: how many were tried shows (prime.rs), a candidate \
                     that is not the prime tells nothing about it";
const DOUBLE: &str = "whether two different points are added that happen to be equal, which cannot be made to happen; the \
                      register that was tested counts on as zero";
const MATRIX: &str = "rejection of coefficients of the public matrix: it comes from rho, which is in the public key, and is \
                      marked here because the whole seed is";
const NOISE: &str =
    "rejection of coefficients of s1 and s2: which bytes are rejected does not depend on those that are taken";
const CHALLENGE: &str = "the challenge and the hint, which are in the signature; of a signature that is thrown away, the \
                         challenge is a hash";
const ATTEMPT: &str = "whether an attempt is a signature: how many were made shows, as FIPS 204 allows";
const KEY: &str = "whether the numbers make a key: the caller is told";
const TRIMMED: &str = "the length of an auth value without its zeros at the end";

const fn leaf(id: &'static str, function: &'static str, why: &'static str) -> Accepted {
    within(1, id, function, why)
}

const fn within(depth: usize, id: &'static str, function: &'static str, why: &'static str) -> Accepted {
    Accepted { id, function, depth, why }
}

/// All of them.
pub const ACCEPTED: &[Accepted] = &[
    // Elliptic curves, ours.
    leaf("range", "ironroot_crypto::ecc::nonce::rfc6979 (", RANGE),
    leaf("range", "from<elliptic_curve::scalar::nonzero::NonZeroScalar<", RANGE),
    leaf("range", "ironroot_crypto_host::ecc::scalar_from (", RANGE),
    // The inverse of the per-message number.
    leaf("result", "unwrap<ironroot_crypto::ecc::short::", RESULT),
    within(3, "result", "ironroot_crypto::ecc::portable::sign (portable.rs:142)", RESULT),
    leaf("result", "ironroot_crypto::ecc::portable::multiply (", RESULT),
    leaf("result", "ironroot_crypto::ecc::edwards::x_multiply (", RESULT),
    within(4, "result", "ironroot_crypto::ecc::edwards::curve448::x448 (", RESULT),
    within(4, "result", "ironroot_crypto::ecc::edwards::curve448::Point::encode (", RESULT),
    within(2, "result", "EdwardsProvider for ironroot_crypto_host::Host>::x_multiply (", RESULT),
    leaf("result", "ironroot_crypto::ecc::schnorr::sign", RESULT),
    within(4, "result", "ironroot_crypto::ecc::sm2::sign (", RESULT),
    leaf("padding", "ironroot_crypto::ecc::sm2::decrypt (", PADDING),
    leaf("result", "ironroot_crypto::ecc::exchange::agree (", RESULT),
    // RSA, ours.
    leaf("padding", "ironroot_crypto::rsa::oaep::decode (", PADDING),
    leaf("padding", "ironroot_crypto::rsa::pkcs1::decode_message (", PADDING),
    within(16, "length", "to_vec<u8", LENGTH),
    within(12, "length", "{closure#0} (rsa.rs:96)", LENGTH),
    within(2, "length", "cases::rsa::decrypt::{closure_env", LENGTH),
    leaf("result", "RsaPrivateKey>::private (portable.rs:264)", RESULT),
    within(3, "result", "blinding<32, 16> (portable.rs:", RESULT),
    within(3, "result", "invert_sized<32> (portable.rs:", RESULT),
    within(3, "key", "ironroot_crypto::rsa::portable::modulus (", KEY),
    leaf("key", "ironroot_crypto::rsa::portable::Key<_,_>::new (", KEY),
    leaf("key", "ironroot_crypto_host::rsa::Key::new (", KEY),
    leaf("key", "is_modulus (", KEY),
    leaf("key", "from_modulus<32, 16> (", KEY),
    within(3, "key", "from_modulus<32, 16> (key.rs:182)", KEY),
    within(3, "key", "ironroot_crypto::rsa::key::complete (", KEY),
    leaf("prime", "ironroot_crypto::rsa::portable::is_prime (", PRIME),
    leaf("prime", "ironroot_crypto::rsa::prime::search (", PRIME),
    within(2, "prime", "add (prime.rs:", PRIME),
    leaf("prime", "RsaProvider for ironroot_crypto_host::Host>::first_prime (", PRIME),
    leaf("prime", "ironroot_crypto_host::rsa::Candidate::new (", PRIME),
    within(4, "prime", "ironroot_crypto_host::rsa::Candidate::passes_all (", PRIME),
    // crypto-bigint: division by a prime, for the remainder theorem and for key import.
    within(14, "size", "(src/uint/ref_type/div.rs:", SIZE),
    // AWS-LC: numbers.
    leaf("assertion", "(montgomery_inv.c:26)", ASSERT),
    leaf("assertion", "(montgomery_inv.c:28)", ASSERT),
    leaf("assertion", "(montgomery_inv.c:95)", ASSERT),
    leaf("assertion", "(montgomery_inv.c:109)", ASSERT),
    leaf("assertion", "(montgomery_inv.c:146)", ASSERT),
    leaf("assertion", "(mul.c:243)", ASSERT),
    leaf("assertion", "(div.c:375)", ASSERT),
    leaf("assertion", "(exponentiation.c:834)", ASSERT),
    leaf("assertion", "(exponentiation.c:955)", ASSERT),
    leaf("assertion", "(rsa_impl.c:700)", ASSERT),
    leaf("assertion", "(rsa_impl.c:735)", ASSERT),
    leaf("assertion", "(bytes.c:186)", ASSERT),
    leaf("assertion", "(bytes.c:197)", ASSERT),
    leaf("key", "(montgomery.c:100)", KEY),
    leaf("key", "(montgomery.c:104)", KEY),
    leaf("range", "(exponentiation.c:539)", RANGE),
    leaf("range", "(exponentiation.c:844)", RANGE),
    leaf("range", "(rsa_impl.c:524)", RANGE),
    leaf("range", "(rsa_impl.c:525)", RANGE),
    leaf("result", "(rsa_impl.c:593)", RESULT),
    leaf("range", "(bytes.c:260)", RANGE),
    leaf("range", "(bn.c:371)", RANGE),
    leaf("size", "(bn.c:390)", SIZE),
    leaf("size", "(bn.c:306)", SIZE),
    leaf("size", "(exponentiation.c:886)", SIZE),
    leaf("size", "(montgomery.c:300)", SIZE),
    within(10, "size", "aws_lc_0_47_0_bn_mont_ctx_set_RR_consttime (", SIZE),
    within(10, "size", "aws_lc_0_47_0_bn_mont_ctx_cleanup (", SIZE),
    // AWS-LC: curves.
    leaf("range", "aws_lc_0_47_0_ec_bignum_to_scalar (scalar.c:18)", RANGE),
    leaf("range", "aws_lc_0_47_0_ec_scalar_from_bytes (scalar.c:63)", RANGE),
    leaf("range", "aws_lc_0_47_0_EC_KEY_set_private_key (ec_key.c:185)", RANGE),
    leaf("result", "aws_lc_0_47_0_ec_point_mul_scalar (ec.c:913)", RESULT),
    leaf("result", "aws_lc_0_47_0_ec_point_mul_scalar_base (ec.c:936)", RESULT),
    leaf("result", "(ec_montgomery.c:91)", RESULT),
    leaf("result", "(p224-64.c:855)", RESULT),
    leaf("result", "(p384.c:328)", RESULT),
    leaf("result", "(p521.c:345)", RESULT),
    leaf("result", "(p256-nistz.c:454)", RESULT),
    leaf("result", "ecdsa_sign_impl (ecdsa.c:178)", RESULT),
    leaf("result", "ecdsa_sign_impl (ecdsa.c:206)", RESULT),
    leaf("double", "(ec_montgomery.c:232)", DOUBLE),
    leaf("double", "(p224-64.c:736)", DOUBLE),
    leaf("double", "(ec_nistp.c:222)", DOUBLE),
    within(3, "double", "aws_lc_0_47_0_ec_nistp_point_add (ec_nistp.c:259)", DOUBLE),
    // ML-KEM.
    within(3, "matrix", "ml_kem::algebra::sample_ntt (", MATRIX),
    within(3, "matrix", "mlk_rej_uniform", MATRIX),
    leaf("matrix", "mlkem_poly_rej_uniform", MATRIX),
    leaf("key", "_check_sk (kem.c:112)", KEY),
    // ML-DSA.
    within(3, "matrix", "ml_dsa::sampling::rej_ntt_poly (", MATRIX),
    within(3, "matrix", "mld_rej_uniform (", MATRIX),
    leaf("matrix", "mldsa_poly_uniform", MATRIX),
    within(4, "noise", "ml_dsa::sampling::rej_bounded_poly (", NOISE),
    within(3, "noise", "mld_rej_eta", NOISE),
    leaf("noise", "_poly_uniform_eta_4x (poly_kl.c:375)", NOISE),
    within(6, "assertion", "ml_dsa::encode::", ASSERT),
    within(4, "assertion", "(src/sampling.rs:206)", ASSERT),
    leaf("challenge", "ml_dsa::sampling::sample_in_ball (", CHALLENGE),
    within(2, "challenge", "(src/hint.rs:", CHALLENGE),
    leaf("challenge", "expect<hybrid_array::Array<bool", CHALLENGE),
    leaf("challenge", "_poly_challenge (poly_kl.c:", CHALLENGE),
    leaf("challenge", "mld_make_hint", CHALLENGE),
    leaf("challenge", "_pack_sig_h (packing.c:", CHALLENGE),
    leaf("attempt", "try_raw_sign_mu", ATTEMPT),
    leaf("attempt", "mld_attempt_signature_generation", ATTEMPT),
    leaf("attempt", "mld_compute_pack_z", ATTEMPT),
    // The TPM.
    leaf("result", "ironroot_tpm::pipeline::authorization::check_password (", RESULT),
    leaf("result", "check_hmac (authorization.rs:", RESULT),
    within(2, "length", "(auth_value.rs:7)", TRIMMED),
];
