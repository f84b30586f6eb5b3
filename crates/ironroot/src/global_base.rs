//! The base of a product's global secrets (docs/derivations.md, "Named secrets").

use std::path::Path;

use ironroot_anchor::product_file;
use ironroot_keys::GLOBAL_BASE_SIZE;
use zeroize::Zeroizing;

use crate::failure::Result;

/// The base, from the file with the product secret or its white-box tables.
///
/// # Errors
/// The file is not there or not what it should be.
pub fn load(path: &Path) -> Result<Zeroizing<[u8; GLOBAL_BASE_SIZE]>> {
    let (product, warning) = product_file::load_product(path)?;
    if let Some(warning) = warning {
        tracing::warn!("{warning}");
    }
    Ok(product.global()?.secrets_base()?)
}
