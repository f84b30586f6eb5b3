//! Derived objects (Part 1, clause 25): the same derivation parent, label and context give the same key on every TPM.

use alloc::vec::Vec;

use ironroot_crypto::{Random, kdfa};
use ironroot_wire::{
    PublicKind, Reader, Tpm2bLabel, TpmRc, TpmaObject, TpmiAlgHash, TpmiAlgPublic, TpmsSensitiveCreate,
    TpmtKeyedhashScheme, TpmtPublic, TpmuSensitiveComposite, Wire,
};
use zeroize::Zeroizing;

use super::{
    attributes::{self, Parent},
    creation::{self, New},
    self_test,
};
use crate::{core_state::Core, state::objects::Object};

/// Bits of the derivation stream.
const STREAM_BITS: u32 = 8192;

/// Whether an object is a derivation parent.
#[must_use]
pub fn is_derivation_parent(object: &Object) -> bool {
    object.is_parent() && matches!(object.public.kind, PublicKind::Keyedhash(..))
}

/// Label and context (`TPMS_DERIVE`, Part 2, 11.1.11).
#[derive(Default)]
struct Derive {
    label: Tpm2bLabel,
    context: Tpm2bLabel,
}

impl Derive {
    fn unmarshal(reader: &mut Reader<'_>) -> Result<Self, TpmRc> {
        Ok(Self { label: Wire::unmarshal(reader)?, context: Wire::unmarshal(reader)? })
    }

    /// What the template gives comes before what the sensitive data gives.
    fn or(self, other: Self) -> Self {
        let pick = |own: Tpm2bLabel, other| if own.is_empty() { other } else { own };
        Self { label: pick(self.label, other.label), context: pick(self.context, other.context) }
    }
}

/// A template that has label and context in the place of the unique value, whatever the type.
fn template(tpm: &Core, bytes: &[u8]) -> Result<(TpmtPublic, Derive), TpmRc> {
    let mut reader = Reader::new(bytes, &tpm.profile.rules);
    let reader = &mut reader;
    let alg = TpmiAlgPublic::unmarshal(reader)?;
    let name_alg = Some(TpmiAlgHash::unmarshal(reader)?);
    let object_attributes = Wire::unmarshal(reader)?;
    let auth_policy = Wire::unmarshal(reader)?;
    let kind = match alg {
        TpmiAlgPublic::Rsa => PublicKind::Rsa(Wire::unmarshal(reader)?, Default::default()),
        TpmiAlgPublic::Keyedhash => PublicKind::Keyedhash(Wire::unmarshal(reader)?, Default::default()),
        TpmiAlgPublic::Symcipher => PublicKind::Symcipher(Wire::unmarshal(reader)?, Default::default()),
        TpmiAlgPublic::Ecc => PublicKind::Ecc(
            Wire::unmarshal(reader)?,
            ironroot_wire::TpmsEccPoint { x: Default::default(), y: Default::default() },
        ),
        TpmiAlgPublic::Mlkem => PublicKind::Mlkem(Wire::unmarshal(reader)?, Default::default()),
        TpmiAlgPublic::Mldsa => PublicKind::Mldsa(Wire::unmarshal(reader)?, Default::default()),
        TpmiAlgPublic::HashMldsa => PublicKind::HashMldsa(Wire::unmarshal(reader)?, Default::default()),
    };
    let derive = Derive::unmarshal(reader)?;
    if !reader.is_empty() {
        return Err(TpmRc::SIZE);
    }
    Ok((TpmtPublic { name_alg, object_attributes, auth_policy, kind }, derive))
}

/// Derives an object from a derivation parent.
///
/// # Errors
/// `TPM_RC_TYPE` for an RSA key, which no TPM derives; `TPM_RC_ATTRIBUTES` if sensitiveDataOrigin is set; `TPM_RC_SIZE`
/// (parameter 1) if the auth value is too long; as [`attributes::check_public`] (parameter 2); what is wrong with the
/// label and context.
pub fn create(
    tpm: &mut Core,
    parent: &Object,
    in_public: &[u8],
    sensitive: &TpmsSensitiveCreate,
) -> Result<New, TpmRc> {
    let (public, derive) = template(tpm, in_public).map_err(|rc| rc.parameter(2))?;
    let auth = creation::auth(&sensitive.user_auth, public.name_alg).map_err(|rc| rc.parameter(1))?;
    if public.alg() == TpmiAlgPublic::Rsa {
        return Err(TpmRc::TYPE.parameter(2));
    }
    if public.object_attributes.contains(TpmaObject::SENSITIVE_DATA_ORIGIN) {
        return Err(TpmRc::ATTRIBUTES);
    }
    attributes::check_public(Parent::Object(parent), &public).map_err(|rc| rc.parameter(2))?;
    let derive = match sensitive.data.as_slice() {
        [] => derive,
        data => derive.or(Derive::unmarshal(&mut Reader::new(data, &tpm.profile.rules))?),
    };
    let mut stream = Stream::new(parent, &derive)?;
    self_test::before_key(tpm, &public)?;
    let secret = creation::secret(tpm.provider, &public, None, &mut stream, &*tpm.cancellation)?;
    let new = creation::complete(public, secret, auth, &mut stream)?;
    if stream.exhausted { Err(TpmRc::NO_RESULT) } else { Ok(new) }
}

/// The derivation stream: its bytes are used in order, with none skipped.
struct Stream {
    bytes: Zeroizing<Vec<u8>>,
    used: usize,
    exhausted: bool,
}

impl Stream {
    fn new(parent: &Object, derive: &Derive) -> Result<Self, TpmRc> {
        let (PublicKind::Keyedhash(parms, _), TpmuSensitiveComposite::Bits(key)) =
            (&parent.public.kind, &parent.sensitive()?.sensitive)
        else {
            return Err(TpmRc::TYPE.handle(1));
        };
        let Some(TpmtKeyedhashScheme::Xor(scheme)) = &parms.scheme else {
            return Err(TpmRc::TYPE.handle(1));
        };
        let bytes = kdfa(scheme.hash_alg, key, &derive.label, &derive.context, &[], STREAM_BITS);
        Ok(Self { bytes, used: 0, exhausted: false })
    }
}

impl Random for Stream {
    fn fill(&mut self, out: &mut [u8]) {
        let end = self.used.saturating_add(out.len());
        match self.bytes.get(self.used..end) {
            Some(bytes) => out.copy_from_slice(bytes),
            None => self.exhausted = true,
        }
        self.used = end;
    }
}
