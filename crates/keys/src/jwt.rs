//! JSON Web Tokens (RFC 7519) signed by a key in a TPM, and their verification, as RFC 8725 asks for it: the key decides which
//! algorithms count, never the token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ironroot_client::wire::{TpmEccCurve, TpmiAlgHash, TpmtSigScheme, TpmtSignature};
use serde_json::{Map, Value, json};

use crate::{
    KeyError, TpmKey,
    verify::{Kind, PublicNumbers, SignedWith, VerifyingKey, raw_ecdsa},
};

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// No token that is verified is longer.
const LONGEST: usize = 64 << 10;

/// An algorithm of JOSE (RFC 7518, 3.1; RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// Ed25519.
    EdDsa,
}

impl JwtAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 6] = [Self::Es256, Self::Es384, Self::Es512, Self::Rs256, Self::Ps256, Self::EdDsa];

    /// Its name in a token's header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether a key can have made a signature with it.
    fn suits(self, key: &VerifyingKey) -> bool {
        match self {
            Self::Es256 => key.curve() == Some(TpmEccCurve::NistP256),
            Self::Es384 => key.curve() == Some(TpmEccCurve::NistP384),
            Self::Es512 => key.curve() == Some(TpmEccCurve::NistP521),
            Self::Rs256 | Self::Ps256 => key.is_rsa(),
            Self::EdDsa => key.is_ed25519(),
        }
    }

    const fn scheme(self) -> TpmtSigScheme {
        match self {
            Self::Es256 => TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha256),
            Self::Es384 => TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha384),
            Self::Es512 => TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha512),
            Self::Rs256 => TpmtSigScheme::Rsassa(TpmiAlgHash::Sha256),
            Self::Ps256 => TpmtSigScheme::Rsapss(TpmiAlgHash::Sha256),
            Self::EdDsa => TpmtSigScheme::Eddsa(()),
        }
    }

    const fn signed_with(self) -> SignedWith {
        match self {
            Self::Es256 => SignedWith::Ecdsa(TpmiAlgHash::Sha256),
            Self::Es384 => SignedWith::Ecdsa(TpmiAlgHash::Sha384),
            Self::Es512 => SignedWith::Ecdsa(TpmiAlgHash::Sha512),
            Self::Rs256 => SignedWith::Pkcs1(TpmiAlgHash::Sha256),
            Self::Ps256 => SignedWith::Pss(TpmiAlgHash::Sha256),
            Self::EdDsa => SignedWith::Ed25519,
        }
    }
}

impl std::str::FromStr for JwtAlgorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|known| known.name() == text).ok_or_else(|| {
            format!("\"{text}\" is no algorithm here; expected one of {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token is refused: {0}")]
pub struct Refused(String);

fn refused<T>(reason: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(reason.into()))
}

/// Signs claims. Without an algorithm the key's first is taken: ES256, ES384, ES512, RS256 or EdDSA.
///
/// # Errors
/// [`KeyError::Unsuitable`] for a key that JOSE has no algorithm for, or not this one; what the TPM may answer.
pub fn sign_jwt(
    key: &TpmKey,
    algorithm: Option<JwtAlgorithm>,
    key_id: Option<&str>,
    claims: &Claims,
) -> Result<String, KeyError> {
    let mut header = Claims::new();
    header.insert("typ".into(), "JWT".into());
    if let Some(id) = key_id {
        header.insert("kid".into(), id.into());
    }
    Ok(sign_jws(key, algorithm, header, Value::from(claims.clone()).to_string().as_bytes())?.compact())
}

/// A JSON Web Signature (RFC 7515) with one signature: each part in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jws {
    /// The protected header.
    pub protected: String,
    /// The payload.
    pub payload: String,
    /// The signature.
    pub signature: String,
}

impl Jws {
    /// The compact form: the parts with dots between them.
    #[must_use]
    pub fn compact(&self) -> String {
        format!("{}.{}.{}", self.protected, self.payload, self.signature)
    }
}

/// Signs a payload as it is, with this protected header; its `alg` is the algorithm's.
///
/// # Errors
/// As [`sign_jwt`]; [`KeyError::Unsuitable`], too, for a header whose `alg` says something else.
pub fn sign_jws(
    key: &TpmKey,
    algorithm: Option<JwtAlgorithm>,
    mut header: Claims,
    payload: &[u8],
) -> Result<Jws, KeyError> {
    let algorithm = algorithm_for(key, algorithm)?;
    let said = header.insert("alg".into(), algorithm.name().into());
    if let Some(said) = said.filter(|said| said.as_str() != Some(algorithm.name())) {
        return Err(KeyError::unsuitable(format!("the header says {said}, and {} would sign", algorithm.name())));
    }
    let protected = BASE64.encode(Value::from(header).to_string());
    let payload = BASE64.encode(payload);
    let message = format!("{protected}.{payload}");
    let signature = match key.signature(&algorithm.scheme(), message.as_bytes())? {
        TpmtSignature::Ecdsa(ecc) => raw_ecdsa(key.public(), &ecc.signature_r, &ecc.signature_s)?,
        TpmtSignature::Rsassa(rsa) | TpmtSignature::Rsapss(rsa) => rsa.sig.to_vec(),
        TpmtSignature::Eddsa(signature) => signature.to_vec(),
        _ => return Err(KeyError::unsuitable("the TPM made a signature that JOSE does not know")),
    };
    Ok(Jws { protected, payload, signature: BASE64.encode(signature) })
}

/// The algorithm that is wanted, if the key has it; otherwise the key's first.
fn algorithm_for(key: &TpmKey, wanted: Option<JwtAlgorithm>) -> Result<JwtAlgorithm, KeyError> {
    let public = VerifyingKey::from_public(key.public())?;
    let schemes = key.schemes();
    let possible = |algorithm: &JwtAlgorithm| algorithm.suits(&public) && schemes.contains(&algorithm.scheme());
    match wanted {
        Some(wanted) if possible(&wanted) => Ok(wanted),
        Some(wanted) => {
            let names: Vec<_> = JwtAlgorithm::ALL.into_iter().filter(possible).map(JwtAlgorithm::name).collect();
            let reason = format!("it does not sign with {}, but with {}", wanted.name(), names.join(", "));
            Err(KeyError::unsuitable(reason))
        }
        None => {
            let first = JwtAlgorithm::ALL.into_iter().find(possible);
            first.ok_or_else(|| KeyError::unsuitable("JSON Web Tokens have no algorithm for it here"))
        }
    }
}

/// What a token has to fulfil beside its signature.
#[derive(Debug, Clone, Default)]
pub struct JwtRules<'a> {
    /// The time, in seconds of the UNIX epoch.
    pub now: u64,
    /// How many seconds the clocks may differ.
    pub leeway: u64,
    /// The algorithms that are accepted, of those that suit the key; all of these if empty.
    pub algorithms: &'a [JwtAlgorithm],
    /// Who we are: a token that says for whom it is (`aud`) has to say this.
    pub audience: Option<&'a str>,
    /// Who has to have issued it (`iss`).
    pub issuer: Option<&'a str>,
    /// Whether a token without an end (`exp`) is accepted.
    pub endless: bool,
}

/// Verifies a token, and returns its claims.
///
/// # Errors
/// [`Refused`] with the reason.
pub fn verify_jwt(token: &str, key: &VerifyingKey, rules: &JwtRules<'_>) -> Result<Claims, Refused> {
    if token.len() > LONGEST {
        return refused(format!("it is longer than {LONGEST} bytes"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return refused("it does not have three parts with dots between them");
    };
    let object = |what: &str, text: &str| -> Result<Claims, Refused> {
        let bytes = BASE64.decode(text).map_err(|error| Refused(format!("its {what} is not base64url: {error}")))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => refused(format!("its {what} is no JSON object")),
            Err(error) => refused(format!("its {what} is not JSON: {error}")),
        }
    };
    let head = object("header", header)?;
    if head.contains_key("crit") {
        return refused("its header demands extensions (crit), and none is known here");
    }
    let algorithm = match head.get("alg").and_then(Value::as_str) {
        Some(name) => JwtAlgorithm::ALL.into_iter().find(|known| known.name() == name),
        None => return refused("its header names no algorithm"),
    };
    let allowed = |known: &JwtAlgorithm| rules.algorithms.is_empty() || rules.algorithms.contains(known);
    let Some(algorithm) = algorithm.filter(|known| known.suits(key) && allowed(known)) else {
        let named = head.get("alg").and_then(Value::as_str).unwrap_or_default();
        return refused(format!("its algorithm \"{named}\" is not one that this key is for"));
    };
    let signature =
        BASE64.decode(signature).map_err(|error| Refused(format!("its signature is not base64url: {error}")))?;
    let signed = token.get(..header.len() + 1 + claims.len()).unwrap_or_default();
    if !key.verifies(algorithm.signed_with(), signed.as_bytes(), &signature) {
        return refused("its signature is not this key's, or what was signed has been changed");
    }
    let claims = object("payload", claims)?;
    check_times(&claims, rules)?;
    check_parties(&claims, rules)?;
    Ok(claims)
}

fn check_times(claims: &Claims, rules: &JwtRules<'_>) -> Result<(), Refused> {
    let time = |name: &str| match claims.get(name).map(|value| (value.as_f64(), value)) {
        None => Ok(None),
        Some((Some(seconds), _)) => Ok(Some(seconds)),
        Some((None, value)) => refused(format!("its {name} is no time: {value}")),
    };
    let (now, leeway) = (rules.now as f64, rules.leeway as f64);
    match time("exp")? {
        Some(end) if end + leeway <= now => return refused(format!("it expired {} seconds ago", (now - end).ceil())),
        None if !rules.endless => return refused("it has no end (exp)"),
        _ => {}
    }
    match time("nbf")? {
        Some(start) if start > now + leeway => {
            refused(format!("it is valid only in {} seconds (nbf)", (start - now).ceil()))
        }
        _ => Ok(()),
    }
}

fn check_parties(claims: &Claims, rules: &JwtRules<'_>) -> Result<(), Refused> {
    let audiences: Option<Vec<&str>> = claims.get("aud").map(|value| match value {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    });
    match (audiences, rules.audience) {
        (None, None) => {}
        (Some(named), Some(we)) if named.contains(&we) => {}
        (Some(named), Some(we)) => return refused(format!("it is for {named:?}, not for \"{we}\"")),
        (Some(named), None) => return refused(format!("it is for {named:?}: say who you are (--audience)")),
        (None, Some(we)) => return refused(format!("it does not say that it is for \"{we}\" (aud)")),
    }
    match (claims.get("iss").and_then(Value::as_str), rules.issuer) {
        (_, None) => Ok(()),
        (Some(issuer), Some(wanted)) if issuer == wanted => Ok(()),
        (issuer, Some(wanted)) => refused(format!("its issuer is {issuer:?}, not \"{wanted}\"")),
    }
}

/// A key in the form of RFC 7517, for those who verify.
#[must_use]
pub fn jwk(key: &VerifyingKey) -> Value {
    match (&key.kind, key.numbers()) {
        (Kind::Rsa { .. }, Some(PublicNumbers { first: n, second: e })) => {
            json!({ "kty": "RSA", "n": BASE64.encode(n), "e": BASE64.encode(e) })
        }
        (Kind::Ecdsa { curve, .. }, Some(PublicNumbers { first: x, second: y })) => {
            let name = match curve {
                TpmEccCurve::NistP384 => "P-384",
                TpmEccCurve::NistP521 => "P-521",
                _ => "P-256",
            };
            json!({ "kty": "EC", "crv": name, "x": BASE64.encode(x), "y": BASE64.encode(y) })
        }
        (Kind::Ed25519(public), _) => json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(public) }),
        // Both kinds above have numbers.
        (Kind::Rsa { .. } | Kind::Ecdsa { .. }, None) => Value::Null,
    }
}
