//! JSON Web Tokens.

use std::time::SystemTime;

use ironroot_keys::{Claims, Jws, JwtAlgorithm, VerifyingKey, sign_jws, sign_jwt, verify_jwt};
use serde_json::Value;

use crate::{Error, Key, Result};

/// How a token is made.
#[derive(Debug, Clone, Copy)]
pub struct JwtOptions<'a> {
    /// `ES256`, `RS256`, `PS256`, `EdDSA`, …; the key's first if `None`.
    pub algorithm: Option<&'a str>,
    /// The header's `kid`.
    pub key_id: Option<&'a str>,
    /// `exp` is set to so many seconds from now, unless the claims have one; `None` for a token without an end.
    pub expires_in: Option<u64>,
}

impl Default for JwtOptions<'_> {
    fn default() -> Self {
        Self { algorithm: None, key_id: None, expires_in: Some(3600) }
    }
}

/// What a token has to fulfil beside its signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct JwtRules<'a> {
    /// Who we are: a token that says for whom it is has to say this.
    pub audience: Option<&'a str>,
    /// Who has to have issued it.
    pub issuer: Option<&'a str>,
    /// How many seconds the clocks may differ.
    pub leeway: u64,
    /// Whether a token without an end is accepted.
    pub endless: bool,
}

impl Key {
    /// Signs claims, a JSON object; `iat` is added unless they have it.
    ///
    /// # Errors
    /// Kind `Argument` for claims that are no JSON object or an algorithm that is not known, `Key` for a key that cannot do it.
    pub fn jwt_sign(&self, claims: &str, options: &JwtOptions<'_>) -> Result<String> {
        let mut claims: Claims = match serde_json::from_str(claims) {
            Ok(Value::Object(claims)) => claims,
            Ok(_) => return Err(Error::argument("claims are a JSON object")),
            Err(error) => return Err(Error::argument(format!("the claims are not JSON: {error}"))),
        };
        let algorithm =
            options.algorithm.map(str::parse).transpose().map_err(|error: String| Error::argument(error))?;
        let now = now();
        claims.entry("iat").or_insert_with(|| now.into());
        if let Some(seconds) = options.expires_in {
            claims.entry("exp").or_insert_with(|| now.saturating_add(seconds).into());
        }
        Ok(sign_jwt(self.inner(), algorithm, options.key_id, &claims)?)
    }

    /// Signs a payload as it is (RFC 7515), with this header, a JSON object; its `alg` chooses the algorithm.
    ///
    /// # Errors
    /// As [`Key::jwt_sign`].
    pub fn jws_sign(&self, payload: &[u8], header: &str) -> Result<Jws> {
        let header: Claims = serde_json::from_str(header)
            .map_err(|error| Error::argument(format!("the header is no JSON object: {error}")))?;
        let algorithm = match header.get("alg") {
            None => None,
            Some(Value::String(name)) => Some(name.parse().map_err(|error: String| Error::argument(error))?),
            Some(_) => return Err(Error::argument("the header's alg is no string")),
        };
        Ok(sign_jws(self.inner(), algorithm, header, payload)?)
    }
}

/// Verifies a token with a PEM public key or certificate, and gives its claims as JSON. No TPM is needed.
///
/// # Errors
/// Kind `Refused` with the reason; `Key` for a public key that cannot be used.
pub fn jwt_verify(token: &str, public_key: &str, rules: &JwtRules<'_>) -> Result<String> {
    let key = VerifyingKey::from_pem(public_key)?;
    let rules = ironroot_keys::JwtRules {
        now: now(),
        leeway: rules.leeway,
        algorithms: &[] as &[JwtAlgorithm],
        audience: rules.audience,
        issuer: rules.issuer,
        endless: rules.endless,
    };
    Ok(Value::from(verify_jwt(token.trim(), &key, &rules)?).to_string())
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}
