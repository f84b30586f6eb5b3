//! The derivation of primary objects (Part 1, 24.6.3). It is a promise for ever: the same seed, template and data give the
//! same key on every provider and in every release. docs/derivations.md has the definition; vectors pin it below.

use ironroot_crypto::{Drbg, Provider, hash};
use ironroot_platform::Cancellation;
use ironroot_wire::{TpmRc, TpmiAlgHash, TpmsSensitiveCreate, TpmtPublic, Wire};

use super::creation::{self, New};
use crate::{
    core_state::Core,
    state::hierarchy::{Base, Hierarchy},
};

/// The label of the generator that makes the private value.
const KEY_LABEL: &[u8] = b"PRIMARY v1";
/// The label of the generator that makes the seedValue.
const PROTECTION_LABEL: &[u8] = b"PRIMARY PROTECTION v1";

/// Creates the primary object of a template, which has passed [`super::attributes::check_creation`].
///
/// # Errors
/// As [`derive()`].
pub fn create(
    tpm: &Core,
    hierarchy: Hierarchy,
    template: TpmtPublic,
    sensitive: &TpmsSensitiveCreate,
) -> Result<New, TpmRc> {
    let clear_value = match hierarchy.base {
        Base::Endorsement => tpm.base_proof(Base::Owner),
        _ => &[],
    };
    let seed = tpm.primary_seed(hierarchy)?;
    derive(tpm.provider, &seed, clear_value, template, sensitive, &*tpm.cancellation)
}

/// Derives a primary object from its seed.
///
/// The generator of the private value depends on the seed, the whole template (its unique value, too) and the data. The
/// generator of the seedValue also depends on `clear_value`: shProof in the endorsement hierarchy, so that after
/// `TPM2_Clear` the key is the same but its former children cannot be loaded (Part 1, 24.7.4); empty otherwise.
///
/// # Errors
/// As [`creation::secret`]; `TPM_RC_SIZE` (parameter 1) if the auth value is too long.
fn derive(
    provider: &dyn Provider,
    seed: &[u8],
    clear_value: &[u8],
    template: TpmtPublic,
    sensitive: &TpmsSensitiveCreate,
    cancellation: &dyn Cancellation,
) -> Result<New, TpmRc> {
    let auth = creation::auth(&sensitive.user_auth, template.name_alg).map_err(|rc| rc.parameter(1))?;
    let digest = hash::digest(TpmiAlgHash::Sha512, &[&template.to_bytes()]);
    let data = sensitive.data.as_slice();
    let mut key_bits = Drbg::from_seed(seed, &[KEY_LABEL, &digest, data]);
    let mut protection_bits = Drbg::from_seed(seed, &[PROTECTION_LABEL, &digest, data, clear_value]);
    let secret = creation::secret(provider, &template, provided(&template, data), &mut key_bits, cancellation)?;
    creation::complete(template, secret, auth, &mut protection_bits)
}

/// The data where it is the private value, rather than one more input of the derivation.
fn provided<'a>(template: &TpmtPublic, data: &'a [u8]) -> Option<&'a [u8]> {
    creation::is_provided(template).then_some(data)
}

#[cfg(test)]
mod tests;
