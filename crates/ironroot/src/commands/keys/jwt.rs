//! `ironroot jwt`: JSON Web Tokens signed by named keys, and their verification.

use std::{
    io::{Read as _, stdin},
    path::Path,
    time::SystemTime,
};

use ironroot_keys::{Claims, JwtRules, VerifyingKey, sign_jwt, verify_jwt};
use serde_json::{Value, json};

use super::cert::read;
use crate::{
    cli::keys::{JwtCommand, JwtSign, JwtVerify, Used},
    failure::{Failure, Result},
};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub fn run(command: &JwtCommand) -> Result {
    match command {
        JwtCommand::Sign(arguments) => sign(arguments),
        JwtCommand::Verify(arguments) => verify(arguments),
    }
}

fn sign(arguments: &JwtSign) -> Result {
    let claims = claims(arguments)?;
    let key = arguments.key.open()?;
    let token = sign_jwt(&key, arguments.alg, arguments.key_id.as_deref(), &claims)?;
    if arguments.key.tpm.json {
        println!("{}", json!({ "token": token, "claims": claims }));
    } else {
        println!("{token}");
    }
    Ok(())
}

fn claims(arguments: &JwtSign) -> Result<Claims> {
    let mut claims = match &arguments.claims {
        None => Claims::new(),
        Some(path) => {
            let text = if path == Path::new("-") { from_standard_input()? } else { read(path)? };
            match serde_json::from_str(&text) {
                Ok(Value::Object(claims)) => claims,
                Ok(_) => return Err(Failure::new(format!("{}: claims are a JSON object", path.display()))),
                Err(error) => return Err(Failure::during(path.display(), error)),
            }
        }
    };
    for claim in &arguments.claim {
        let Some((name, value)) = claim.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Failure::new(format!("--claim {claim}: write NAME=VALUE")));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        claims.insert(name.into(), value);
    }
    for (name, value) in [("iss", &arguments.issuer), ("sub", &arguments.subject), ("aud", &arguments.audience)] {
        if let Some(value) = value {
            claims.insert(name.into(), value.as_str().into());
        }
    }
    let now = now();
    claims.entry("iat").or_insert_with(|| now.into());
    if !arguments.endless {
        claims.entry("exp").or_insert_with(|| now.saturating_add(arguments.expires_in).into());
    }
    Ok(claims)
}

fn verify(arguments: &JwtVerify) -> Result {
    let token = if arguments.token == "-" { from_standard_input()? } else { arguments.token.clone() };
    let key = match (&arguments.public_key, &arguments.key) {
        (Some(path), _) => {
            VerifyingKey::from_pem(&read(path)?).map_err(|error| Failure::during(path.display(), error))?
        }
        (None, Some(reference)) => {
            let used = Used {
                reference: reference.clone(),
                kind: arguments.kind.clone(),
                key_auth: arguments.key_auth.clone(),
                tpm: arguments.tpm.clone(),
            };
            VerifyingKey::from_public(used.open()?.public())?
        }
        (None, None) => return Err(Failure::new("name the key that has to have signed it: --key or --public-key")),
    };
    let rules = JwtRules {
        now: now(),
        leeway: arguments.leeway,
        algorithms: &arguments.alg,
        audience: arguments.audience.as_deref(),
        issuer: arguments.issuer.as_deref(),
        endless: arguments.endless,
    };
    let claims = Value::from(verify_jwt(token.trim(), &key, &rules)?);
    if arguments.tpm.json {
        println!("{claims}");
    } else {
        println!("{claims:#}");
    }
    Ok(())
}

fn from_standard_input() -> Result<String> {
    let mut text = String::new();
    stdin().take(1 << 20).read_to_string(&mut text).map_err(|error| Failure::during("standard input", error))?;
    Ok(text)
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}
