//! `ironroot image`: images and their keys.

use std::{
    fs::{self, OpenOptions},
    io::{BufReader, BufWriter, Read, stdin},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use ironroot_image::{Description, DeviceBlob, DeviceRecord, ImageKey, Recipe, build};
use ironroot_keys::VerifyingKey;
use ironroot_package::{Manifest, Package};
use serde_json::json;

use super::{keys::read, package::bar};
use crate::{
    cli::image::{DeviceBlobs, ImageBuild, ImageCommand, ImageVerify},
    failure::{Failure, Result},
};

/// Runs a command.
///
/// # Errors
/// Its failure.
pub fn run(command: &ImageCommand) -> Result {
    match command {
        ImageCommand::Build(arguments) => make(arguments),
        ImageCommand::DeviceBlob(arguments) => blobs(arguments),
        ImageCommand::Verify(arguments) => verify(arguments),
    }
}

fn make(arguments: &ImageBuild) -> Result {
    let recipe = Recipe::parse(&read(&arguments.recipe)?);
    let recipe = recipe.map_err(|error| Failure::during(arguments.recipe.display(), error))?;
    let folder = arguments.recipe.parent().unwrap_or(Path::new("."));
    let signer = arguments.key.open()?;
    // Before the long work: an image without its key is of no use.
    let mut key_file = create(&arguments.image_key, 0o600)?;
    let made = write_image(&recipe, folder, &signer, &arguments.output).and_then(|(manifest, key)| {
        let key = ImageKey::seal(signer.tpm(), &manifest, &key)?;
        let written = serde_json::to_writer_pretty(&mut key_file, &key).map_err(std::io::Error::from);
        written
            .and_then(|()| key_file.sync_all())
            .map_err(|error| Failure::during(arguments.image_key.display(), error))?;
        Ok(manifest)
    });
    if made.is_err() {
        let _ = fs::remove_file(&arguments.image_key);
    }
    let manifest = made?;
    let description = Description::of(&manifest)?;
    if arguments.key.tpm.json {
        println!("{}", about(&manifest, &description));
    } else {
        println!("{} {} built into {}", manifest.name, manifest.version, arguments.output.display());
        println!(
            "  for {} {}, {} components, {} bytes",
            description.vendor,
            description.class,
            description.components.len(),
            description.total()
        );
        println!("  its key, sealed to this TPM: {}", arguments.image_key.display());
    }
    Ok(())
}

fn write_image(
    recipe: &Recipe,
    folder: &Path,
    signer: &ironroot_keys::TpmKey,
    path: &Path,
) -> Result<(Manifest, ironroot_package::ContentKey)> {
    let mut output = BufWriter::with_capacity(1 << 20, create(path, 0o644)?);
    let built =
        build(recipe, folder, signer, &mut output, &mut bar("built")).map_err(Failure::from).and_then(|built| {
            let file = output.into_inner().map_err(|error| Failure::during(path.display(), error.error()))?;
            file.sync_all().map_err(|error| Failure::during(path.display(), error))?;
            Ok(built)
        });
    if built.is_err() {
        // Half an image is of no use to anybody.
        let _ = fs::remove_file(path);
    }
    built
}

fn create(path: &Path, mode: u32) -> Result<fs::File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.map_err(|error| Failure::during(path.display(), error))
}

fn blobs(arguments: &DeviceBlobs) -> Result {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: String| Failure::during(path, error)
    };
    let image = ImageKey::from_json(&read(&arguments.image_key)?).map_err(failed(&arguments.image_key))?;
    let mut devices = Vec::new();
    for path in &arguments.devices {
        devices.push((path, DeviceRecord::from_json(&read(path)?).map_err(failed(path))?));
    }
    let key =
        image.open(&arguments.tpm.connect()?).map_err(|error| Failure::during(arguments.image_key.display(), error))?;
    fs::create_dir_all(&arguments.output).map_err(|error| Failure::during(arguments.output.display(), error))?;
    for (path, device) in devices {
        let blob = DeviceBlob::make(&image, &key, &device).map_err(|error| Failure::during(path.display(), error))?;
        let to = arguments.output.join(format!("{}.blob", device.device));
        let text = serde_json::to_string_pretty(&blob)?;
        fs::write(&to, text).map_err(|error| Failure::during(to.display(), error))?;
        if arguments.tpm.json {
            println!(
                "{}",
                json!({ "device": device.device, "image": image.name, "sequence": image.sequence, "blob": to })
            );
        } else {
            println!("{} {} for {}: {}", image.name, image.sequence, device.device, to.display());
        }
    }
    Ok(())
}

fn verify(arguments: &ImageVerify) -> Result {
    let signer = VerifyingKey::from_pem(&read(&arguments.signed_by)?)
        .map_err(|error| Failure::during(arguments.signed_by.display(), error))?;
    let package = Package::begin(open(&arguments.file)?, &signer)?;
    let description = Description::of(package.manifest())?;
    let manifest = package.verify(&mut bar("verified"))?;
    if arguments.json {
        println!("{}", about(&manifest, &description));
        return Ok(());
    }
    println!("{} {} verified: every byte is as it was signed", manifest.name, manifest.version);
    println!("  for {} {}", description.vendor, description.class);
    for (id, component) in &description.components {
        let version = component.version.as_deref().unwrap_or("-");
        println!("  {id}: {} {version}, {} bytes", component.kind, component.size);
    }
    Ok(())
}

/// A file, or standard input.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(stdin().lock()));
    }
    let file = fs::File::open(path).map_err(|error| Failure::during(path.display(), error))?;
    Ok(Box::new(BufReader::with_capacity(1 << 20, file)))
}

fn about(manifest: &Manifest, description: &Description) -> serde_json::Value {
    json!({ "image": manifest.name, "sequence": manifest.version, "description": description })
}
