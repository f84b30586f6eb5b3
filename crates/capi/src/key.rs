//! A key's functions.

use std::ffi::c_char;

use ironroot_application::{Certificate, JwtOptions, JwtRules, Key, SignOptions, jwt_verify};

use crate::{
    call::{bytes, free, give_bytes, handle, optional, text, texts},
    ironroot_buffer, ironroot_code,
};

/// A key in a TPM.
#[allow(non_camel_case_types)]
pub struct ironroot_key(pub(crate) Key);

/// Gives a key up. The key itself stays what it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_free(key: *mut ironroot_key) {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { free(key) }
}

/// The public key as a PEM PUBLIC KEY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_public_pem(key: *const ironroot_key, pem: *mut ironroot_buffer) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(pem, || handle(key, "key")?.0.public_pem()) }
}

/// SHA-256 of the public key's DER form, in hexadecimal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_fingerprint(
    key: *const ironroot_key,
    fingerprint: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(fingerprint, || handle(key, "key")?.0.fingerprint()) }
}

/// The public key in the form of RFC 7517 (JSON).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_jwk(key: *const ironroot_key, jwk: *mut ironroot_buffer) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(jwk, || handle(key, "key")?.0.jwk()) }
}

/// How the key can sign, best first, with commas between: "ecdsa-sha256", "rsassa-sha256", "rsapss-sha256", "eddsa", "ml-dsa", ...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_schemes(
    key: *const ironroot_key,
    schemes: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(schemes, || Ok(handle(key, "key")?.0.schemes().join(","))) }
}

/// Signs a message with one of the key's schemes, or with its first (NULL). The signature has the form that X.509 and TLS use: DER for
/// ECDSA.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_sign(
    key: *const ironroot_key,
    scheme: *const c_char,
    message: *const u8,
    length: usize,
    signature: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(signature, || {
            let options = SignOptions { scheme: optional(scheme, "scheme")? };
            handle(key, "key")?.0.sign(bytes(message, length, "message")?, &options)
        })
    }
}

/// A certificate request (PEM). The subject is written as in RFC 4514, "CN=dev1,O=Example"; NULL is the key's name. The DNS names end
/// with a NULL; none if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_csr(
    key: *const ironroot_key,
    subject: *const c_char,
    dns: *const *const c_char,
    pem: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(pem, || handle(key, "key")?.0.csr(optional(subject, "subject")?, &texts(dns, "a DNS name")?)) }
}

/// A certificate for this key by this key (PEM); subject and DNS names as for ironroot_key_csr. The usage is "both", "client",
/// "server" or "ca"; NULL is "both".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_self_signed(
    key: *const ironroot_key,
    subject: *const c_char,
    dns: *const *const c_char,
    usage: *const c_char,
    days: u32,
    pem: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(pem, || {
            let (subject, dns) = (optional(subject, "subject")?, texts(dns, "a DNS name")?);
            let usage = optional(usage, "usage")?.unwrap_or("both");
            handle(key, "key")?.0.self_signed(&Certificate { subject, dns: &dns, usage, days })
        })
    }
}

/// A certificate (PEM) for a request (PEM) by this key, which is the CA's whose certificate (PEM) is given. Subject and names are the
/// request's, whose signature is verified. The usage is "both", "client" or "server"; NULL is "both".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_issue(
    key: *const ironroot_key,
    ca_certificate: *const c_char,
    csr: *const c_char,
    usage: *const c_char,
    days: u32,
    pem: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(pem, || {
            let usage = optional(usage, "usage")?.unwrap_or("both");
            let (ca, csr) = (text(ca_certificate, "ca_certificate")?, text(csr, "csr")?);
            handle(key, "key")?.0.issue(ca, csr, usage, days)
        })
    }
}

/// A JSON Web Token with these claims, a JSON object. "iat" is added, and "exp" so many seconds from now (0: no end), unless the claims
/// have them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_jwt_sign(
    key: *const ironroot_key,
    claims: *const c_char,
    expires_in: u64,
    token: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { ironroot_jwt_sign_with(key, claims, expires_in, std::ptr::null(), std::ptr::null(), token) }
}

/// As ironroot_jwt_sign, with an algorithm ("ES256", "RS256", "PS256", "EdDSA", ...; NULL: the key's first) and a key id for the
/// header (NULL: none).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_jwt_sign_with(
    key: *const ironroot_key,
    claims: *const c_char,
    expires_in: u64,
    algorithm: *const c_char,
    key_id: *const c_char,
    token: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(token, || {
            let options = JwtOptions {
                algorithm: optional(algorithm, "algorithm")?,
                key_id: optional(key_id, "key_id")?,
                expires_in: (expires_in > 0).then_some(expires_in),
            };
            handle(key, "key")?.0.jwt_sign(text(claims, "claims")?, &options)
        })
    }
}

/// Verifies a token with a PEM public key or certificate, without a TPM, and gives its claims (JSON). A token that says for whom it is
/// has to be for the audience; an issuer, if not NULL, has to be its; clocks may differ by the leeway in seconds; a token without an end
/// is refused unless endless is true.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_jwt_verify(
    token: *const c_char,
    public_key: *const c_char,
    audience: *const c_char,
    issuer: *const c_char,
    leeway: u64,
    endless: bool,
    claims: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(claims, || {
            let (audience, issuer) = (optional(audience, "audience")?, optional(issuer, "issuer")?);
            let rules = JwtRules { audience, issuer, leeway, endless };
            jwt_verify(text(token, "token")?, text(public_key, "public_key")?, &rules)
        })
    }
}
