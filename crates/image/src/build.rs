//! How an image is made: a recipe in TOML names the components, the builder's key signs, and a new content key seals.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Write},
    path::{Path, PathBuf},
};

use ironroot_crypto::Hasher;
use ironroot_keys::TpmKey;
use ironroot_package::{ContentKey, Description as PackageDescription, Manifest, Readers, Source, build_from};
use ironroot_wire::TpmiAlgHash;
use serde::Deserialize;

use crate::{Component, Description, Install, error::ImageError};

/// What an image is made of: the file that an engineer writes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the image is called.
    pub name: String,
    /// Its number: they count up from 1, and a device never goes back.
    pub sequence: u64,
    /// Whose devices it is for: a DNS name.
    pub vendor: String,
    /// Which of them.
    pub class: String,
    /// What people call this version.
    pub version: Option<String>,
    /// The components.
    pub components: BTreeMap<String, RecipeComponent>,
}

/// A component of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeComponent {
    /// Where it is, seen from the recipe's folder.
    pub file: PathBuf,
    /// What it is.
    pub kind: String,
    /// What people call its version.
    pub version: Option<String>,
    /// How it gets into its slot.
    #[serde(default)]
    pub install: Install,
}

impl Recipe {
    /// Understands a recipe.
    ///
    /// # Errors
    /// Where it cannot be understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let this: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if this.sequence == 0 {
            return Err("sequence = 0: the numbers of images count up from 1".into());
        }
        Ok(this)
    }
}

/// Makes an image. Gives its manifest, and the key to which it is sealed. `folder` is the recipe's.
///
/// # Errors
/// [`ImageError`]; what has been written by then is no image.
pub fn build(
    recipe: &Recipe,
    folder: &Path,
    signer: &TpmKey,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Manifest, ContentKey), ImageError> {
    let (mut files, mut components) = (BTreeMap::new(), BTreeMap::new());
    for (id, component) in &recipe.components {
        let path = folder.join(&component.file);
        let (size, sha256) = measure(&path)?;
        let RecipeComponent { kind, version, install, .. } = component.clone();
        components.insert(id.clone(), Component { kind, version, size, sha256, install });
        files.insert(id.clone(), path);
    }
    let description = Description::new(&recipe.vendor, &recipe.class, recipe.version.clone(), components)?;
    let key = ContentKey::generate()?;
    let package = PackageDescription { name: &recipe.name, version: recipe.sequence, readers: Readers::Key(&key) };
    let source = Source { files, details: Some(description.details()?) };
    let manifest = build_from(source, &package, signer, output, progress)?;
    // A component that changed meanwhile would make an image that no device takes.
    Description::of(&manifest)?;
    Ok((manifest, key))
}

fn measure(path: &Path) -> Result<(u64, String), ImageError> {
    let mut file = File::open(path).map_err(ImageError::file(path))?;
    let mut hasher = Hasher::new(TpmiAlgHash::Sha256);
    let (mut buffer, mut size) = (vec![0; 1 << 20], 0_u64);
    loop {
        match file.read(&mut buffer).map_err(ImageError::file(path))? {
            0 => break,
            read => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                size = size.saturating_add(read as u64);
            }
        }
    }
    Ok((size, hasher.finish().iter().map(|byte| format!("{byte:02x}")).collect()))
}
