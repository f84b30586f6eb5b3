//! `ironroot secret`: secrets by name, unique to the device or common to the product.

use ironroot_keys::global_secret_from;
use serde_json::json;
use zeroize::Zeroizing;

use super::give_secret;
use crate::{
    cli::keys::{GlobalSecret, KeptBy, Output, ProvisionSecrets, Secret, SecretCommand},
    failure::{Failure, Result},
    global_base,
};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub fn run(command: &SecretCommand) -> Result {
    match command {
        SecretCommand::Unique(arguments) => {
            give(arguments, &arguments.tpm.keys()?.unique_secret(&arguments.name, arguments.length)?)
        }
        SecretCommand::Global(arguments) => global(arguments),
        SecretCommand::Provision(arguments) => provision(arguments),
    }
}

fn global(arguments: &GlobalSecret) -> Result {
    let Secret { name, length, tpm, .. } = &arguments.secret;
    let secret = match &arguments.product_secret {
        Some(path) => global_secret_from(&*global_base::load(path)?, name, *length)?,
        None => tpm.keys()?.global_secret(name, *length)?,
    };
    give(&arguments.secret, &secret)
}

fn provision(arguments: &ProvisionSecrets) -> Result {
    let base = global_base::load(&arguments.product_secret)?;
    let platform = arguments.hierarchy == KeptBy::Platform;
    let handle = arguments.tpm.keys()?.provision_global(&base, platform)?;
    let handle = format!("{:#010x}", handle.0);
    if arguments.tpm.json {
        println!("{}", json!({ "handle": handle, "survives_clear": platform }));
        return Ok(());
    }
    println!("The TPM has the product's base of global secrets, at {handle}.");
    println!(
        "TPM2_Clear {}. Whoever may talk to the TPM can ask for global secrets; the base itself does not come out again.",
        if platform { "leaves it alone" } else { "removes it: provision again after that" }
    );
    Ok(())
}

fn give(arguments: &Secret, secret: &[u8]) -> Result {
    if arguments.raw {
        return give_secret(&Output::default(), secret, None);
    }
    let mut hex = Zeroizing::new(String::with_capacity(2 * secret.len()));
    for byte in secret {
        use std::fmt::Write as _;
        write!(hex, "{byte:02x}").map_err(|_| Failure::new("the secret cannot be printed"))?;
    }
    if arguments.tpm.json {
        println!("{}", json!({ "name": arguments.name, "length": arguments.length, "secret": hex.as_str() }));
    } else {
        println!("{}", hex.as_str());
    }
    Ok(())
}
