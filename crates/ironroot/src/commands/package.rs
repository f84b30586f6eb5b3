//! `ironroot package`: signed and encrypted application packages.

use std::{
    fs::{self, OpenOptions},
    io::{BufReader, BufWriter, IsTerminal as _, Read, Write as _, stderr, stdin},
    path::Path,
};

use ironroot_keys::{EncryptionKey, NamedKeys, VerifyingKey};
use ironroot_package::{
    ContentKey, Description, Manifest, Package, PackageError, Readers, Sealed, VersionFloor, build,
};
use serde_json::json;

use super::keys::read;
use crate::{
    cli::package::{PackageBuild, PackageCommand, PackageFrom, PackageOpen, PackageVerify},
    failure::{Failure, Result},
    global_base,
};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub fn run(command: &PackageCommand) -> Result {
    match command {
        PackageCommand::Build(arguments) => pack(arguments),
        PackageCommand::Verify(arguments) => verify(arguments),
        PackageCommand::Open(arguments) => open(arguments),
    }
}

fn pack(arguments: &PackageBuild) -> Result {
    let devices = arguments.to_device.iter().map(|path| device(path)).collect::<Result<Vec<_>>>()?;
    let base = arguments.product_secret.as_deref().map(global_base::load).transpose()?;
    let key = arguments.key.open()?;
    let same_product = NamedKeys::new(key.tpm());
    let readers = match &base {
        Some(base) => Readers::Product(base),
        None if arguments.to_product => Readers::SameProduct(&same_product),
        None if devices.is_empty() => Readers::Everybody,
        None => Readers::Devices(&devices),
    };
    let description = Description { name: &arguments.package, version: arguments.number, readers };
    let path = &arguments.output;
    if is_inside(path, &arguments.folder) {
        let reason = "it is in the folder that is packed, and would pack itself: write it somewhere else";
        return Err(Failure::during(path.display(), reason));
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let file = file.map_err(|error| Failure::during(path.display(), error))?;
    let mut output = BufWriter::with_capacity(1 << 20, file);
    let built = build(&arguments.folder, &description, &key, &mut output, &mut bar("packed"))
        .map_err(Failure::from)
        .and_then(|manifest| {
            let file = output.into_inner().map_err(|error| Failure::during(path.display(), error.error()))?;
            file.sync_all().map_err(|error| Failure::during(path.display(), error))?;
            Ok(manifest)
        });
    if built.is_err() {
        // Half a package is of no use to anybody.
        let _ = fs::remove_file(path);
    }
    say(&built?, arguments.key.tpm.json, &format!("packed into {}", path.display()));
    Ok(())
}

/// Whether a file that is not there yet would be in a folder. What cannot be found is said when it is opened.
fn is_inside(path: &Path, folder: &Path) -> bool {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(parent), fs::canonicalize(folder)) {
        (Ok(parent), Ok(folder)) => parent.starts_with(folder),
        _ => false,
    }
}

fn verify(arguments: &PackageVerify) -> Result {
    let package = begin(&arguments.from)?;
    let manifest = package.verify(&mut bar("verified"))?;
    say(&manifest, arguments.json, "verified: every byte is as it was signed");
    Ok(())
}

fn open(arguments: &PackageOpen) -> Result {
    let package = begin(&arguments.from)?;
    let manifest = package.manifest();
    // One connection for both: some TPMs serve one at a time.
    let with_secret = arguments.product_secret.is_some();
    let needed = arguments.floor.is_some() || manifest.sealed.is_some() && !with_secret;
    let tpm = needed.then(|| arguments.tpm.connect()).transpose()?;
    let floor = tpm.as_ref().zip(arguments.floor).map(|(tpm, index)| VersionFloor::new(tpm, index));
    if let Some(floor) = &floor {
        floor.check(manifest.version)?;
    }
    let key = match (&manifest.sealed, &arguments.product_secret, &tpm) {
        (None, ..) => None,
        (Some(sealed), Some(path), _) => Some(ContentKey::from_product(sealed, &*global_base::load(path)?)?),
        (Some(sealed), None, Some(tpm)) => {
            Some(ContentKey::of_device(sealed, &NamedKeys::new(tpm), &arguments.decrypt_as)?)
        }
        (Some(_), None, None) => return Err(Failure::new("the package is sealed, and there is no TPM to open it")),
    };
    let mut raise = |manifest: &Manifest| floor.as_ref().map_or(Ok(()), |floor| floor.raise(manifest.version));
    let manifest = package.unpack(key.as_ref(), &arguments.into, &mut raise, &mut bar("opened"))?;
    say(&manifest, arguments.tpm.json, &format!("opened into {}", arguments.into.display()));
    Ok(())
}

fn begin(from: &PackageFrom) -> Result<Package<Box<dyn Read>>> {
    let signer = VerifyingKey::from_pem(&read(&from.signed_by)?)
        .map_err(|error| Failure::during(from.signed_by.display(), error))?;
    let reader: Box<dyn Read> = if from.file == Path::new("-") {
        Box::new(stdin().lock())
    } else {
        let file = fs::File::open(&from.file).map_err(|error| Failure::during(from.file.display(), error))?;
        Box::new(BufReader::with_capacity(1 << 20, file))
    };
    let package = Package::begin(reader, &signer)?;
    match &from.package {
        Some(wanted) if *wanted != package.manifest().name => {
            let reason = format!("it is {:?}, not {wanted:?}", package.manifest().name);
            Err(PackageError::Refused(reason).into())
        }
        _ => Ok(package),
    }
}

fn device(path: &Path) -> Result<EncryptionKey> {
    EncryptionKey::from_pem(&read(path)?).map_err(|error| Failure::during(path.display(), error))
}

fn say(manifest: &Manifest, json: bool, done: &str) {
    let to = match &manifest.sealed {
        None => "everybody",
        Some(Sealed::Product { .. }) => "the product's devices",
        Some(Sealed::Devices { .. }) => "single devices",
        Some(Sealed::Key { .. }) => "devices with its key",
    };
    if json {
        let (files, bytes) = (manifest.files.len(), manifest.total());
        println!(
            "{}",
            json!({ "package": manifest.name, "version": manifest.version, "files": files, "bytes": bytes, "for": to })
        );
    } else {
        println!("{} {} {done}", manifest.name, manifest.version);
        println!("  {} files, {} bytes, for {to}", manifest.files.len(), manifest.total());
    }
}

/// Progress on a terminal, at each percent.
pub(super) fn bar(what: &'static str) -> impl FnMut(u64, u64) {
    let shown = stderr().is_terminal();
    let mut last = None;
    move |done, total| {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        if shown && last.replace(percent) != Some(percent) {
            let mut out = stderr().lock();
            let _ = write!(out, "\r{percent:3} % {what}{}", if percent >= 100 { "\r\x1b[K" } else { "" });
            let _ = out.flush();
        }
    }
}
