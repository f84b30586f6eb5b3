//! The derivation of primary objects (Part 1, 24.6.3). It is a promise for ever: the same seed, template and data give the
//! same key on every provider and in every release. docs/derivations.md has the definition; vectors pin it below.

use alloc::vec::Vec;

use ironroot_crypto::{Drbg, hash};
use ironroot_wire::{TpmRc, TpmiAlgHash, TpmsSensitiveCreate, TpmtPublic, Wire};

use super::creation::{self, New};
use crate::{core_state::Core, state::hierarchy::Hierarchy};

/// The label of the generator that makes the private value.
const KEY_LABEL: &[u8] = b"PRIMARY v1";
/// The label of the generator that makes the seedValue.
const PROTECTION_LABEL: &[u8] = b"PRIMARY PROTECTION v1";

/// Creates the primary object of a template, which has passed [`super::attributes::check_creation`].
///
/// The generator of the private value depends on the seed, the whole template (its unique value, too) and the data. The
/// generator of the seedValue also depends on shProof if the hierarchy is the endorsement hierarchy, so that after
/// `TPM2_Clear` the key is the same but its former children cannot be loaded (Part 1, 24.7.4).
///
/// # Errors
/// As [`creation::secret`]; `TPM_RC_SIZE` (parameter 1) if the auth value is too long.
pub fn create(
    tpm: &Core,
    hierarchy: Hierarchy,
    template: TpmtPublic,
    sensitive: &TpmsSensitiveCreate,
) -> Result<New, TpmRc> {
    let auth = creation::auth(&sensitive.user_auth, template.name_alg).map_err(|rc| rc.parameter(1))?;
    let seed = tpm.primary_seed(hierarchy);
    let digest = hash::digest(TpmiAlgHash::Sha512, &[&template.to_bytes()]);
    let data = sensitive.data.as_slice();
    let clear_value: Vec<u8> = match hierarchy {
        Hierarchy::Endorsement => tpm.proof(Hierarchy::Owner).to_vec(),
        _ => Vec::new(),
    };
    let mut key_bits = Drbg::from_seed(&seed, &[KEY_LABEL, &digest, data]);
    let mut protection_bits = Drbg::from_seed(&seed, &[PROTECTION_LABEL, &digest, data, &clear_value]);
    let secret = creation::secret(tpm.provider, &template, provided(&template, data), &mut key_bits)?;
    creation::complete(template, secret, auth, &mut protection_bits)
}

/// The data where it is the private value, rather than one more input of the derivation.
fn provided<'a>(template: &TpmtPublic, data: &'a [u8]) -> Option<&'a [u8]> {
    creation::is_provided(template).then_some(data)
}
