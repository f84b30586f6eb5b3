//! `ironroot whitebox generate`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use ironroot_platform::host::OsEntropy;
use ironroot_whitebox::{External, Tables, generate, source};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    cli::{ExternalEncodings, TableFormat, WhiteboxGenerate},
    failure::{Failure, Result},
};

/// Makes tables and writes them. Never overwrites a file.
///
/// # Errors
/// What failed, on which file, and the next step.
pub fn run(arguments: &WhiteboxGenerate) -> Result {
    let secret = secret(&arguments.product_secret)?;
    let external = match arguments.external {
        ExternalEncodings::Affine => External::Affine,
        ExternalEncodings::None => External::None,
    };
    let file = generate(&secret, external, &mut OsEntropy)
        .map_err(|error| Failure::during(arguments.product_secret.display(), error))?;
    drop(secret);
    let tables = Tables::new(&file)?;
    let contents = match arguments.format {
        TableFormat::Data => file.clone(),
        TableFormat::Rust => source::rust(&file).into_bytes(),
        TableFormat::C => source::c(&file).into_bytes(),
    };
    write_new(&arguments.output, &contents).map_err(|error| {
        Failure::new(format!("{}: {error}; name a file that is not there yet", arguments.output.display()))
    })?;
    let check: String = tables.product_check().iter().map(|byte| format!("{byte:02x}")).collect();
    if arguments.json {
        println!(
            "{}",
            json!({ "output": arguments.output.display().to_string(), "bytes": contents.len(), "product_check": check })
        );
        return Ok(());
    }
    println!("{}: {} bytes, product check {check}", arguments.output.display(), contents.len());
    println!(
        "Devices of this product get the identities of its white-box derivation: use these tables, or others of the same\n\
         secret, for all of them. Tables hide a secret from a casual reader, and do not keep it from an attacker:\n\
         `ironroot whitebox assess` shows the cost of breaking them."
    );
    Ok(())
}

/// The secret, with a word if others can get at it.
fn secret(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let failed = |why: String| {
        Failure::new(format!(
            "product secret {}: {why}; it has 32 bytes, as `head -c 32 /dev/urandom` gives them",
            path.display()
        ))
    };
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        let mode = file.metadata().map_err(|error| failed(error.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!("{}: others than its owner can get at the secret; run chmod 600 on it", path.display());
        }
        Box::new(file)
    };
    // Reserved whole, so that no copy stays behind when the vector grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    input.take(33).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    let mut secret = Zeroizing::new([0; 32]);
    if bytes.len() != secret.len() {
        return Err(failed(match bytes.len() {
            33 => "it holds more than 32 bytes".into(),
            fewer => format!("it holds {fewer} bytes"),
        }));
    }
    secret.copy_from_slice(&bytes);
    Ok(secret)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file is worse than none.
        let _ = fs::remove_file(path);
    }
    written
}
