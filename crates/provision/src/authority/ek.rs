//! Endorsement certificates (TCG EK Credential Profile for TPM Family 2.0, clause 3): the manufacturing CA.

use der::{
    Sequence,
    asn1::{Any, SetOfVec, Utf8StringRef},
};
use ironroot_attest::{
    EkTemplate, object_name,
    x509::{PublicKey, oids},
};
use ironroot_wire::TpmtPublic;
use x509_cert::{
    attr::{Attribute, AttributeTypeAndValue},
    ext::pkix::{
        BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, SubjectDirectoryAttributes,
        name::GeneralName,
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

use super::{Authority, AuthorityError, Lifetime, SerialNumber, extension, spki_of};

/// What an endorsement certificate says about the TPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmDescription {
    /// `tcg-at-tpmManufacturer`: "id:" and the manufacturer's number in the TCG registry, eight hexadecimal digits.
    pub manufacturer: String,
    /// `tcg-at-tpmModel`.
    pub model: String,
    /// `tcg-at-tpmVersion`: "id:" and the firmware's version, eight hexadecimal digits.
    pub version: String,
    /// The family of the TPM specification.
    pub family: String,
    /// Its level.
    pub level: u32,
    /// Its revision, times 100 (185 is 1.85).
    pub revision: u32,
}

/// `TPMSpecification` (the profile's clause 3.1.3).
#[derive(Sequence)]
struct TpmSpecification<'a> {
    family: Utf8StringRef<'a>,
    level: u32,
    revision: u32,
}

impl Authority {
    /// Issues the endorsement certificate of a TPM that this manufacturer made. Returns the DER for its NV index.
    ///
    /// # Errors
    /// [`AuthorityError`]; a public area that is not an endorsement key's is [`AuthorityError::Damaged`].
    pub fn issue_ek(
        &self,
        ek: &TpmtPublic,
        tpm: &TpmDescription,
        serial_key: &[u8],
        lifetime: Lifetime,
    ) -> Result<Vec<u8>, AuthorityError> {
        let refuse = |why: String| AuthorityError::Damaged { what: "the endorsement key".into(), why };
        EkTemplate::of(ek).map_err(|error| refuse(error.to_string()))?;
        let key = PublicKey::from_public(ek).map_err(|error| refuse(error.to_string()))?;
        let usage = match key {
            PublicKey::Rsa { .. } => KeyUsages::KeyEncipherment,
            PublicKey::Ecc { .. } => KeyUsages::KeyAgreement,
        };
        let extensions = vec![
            // The subject is empty, so the alternative name is critical (RFC 5280, clause 4.2.1.6).
            extension(true, &SubjectAltName(vec![GeneralName::DirectoryName(tpm.to_name()?)]))?,
            extension(true, &BasicConstraints { ca: false, path_len_constraint: None })?,
            extension(true, &KeyUsage(usage.into()))?,
            extension(false, &ExtendedKeyUsage(vec![oids::TCG_KP_EK_CERTIFICATE]))?,
            extension(false, &SubjectDirectoryAttributes(vec![tpm.to_specification()?]))?,
            self.authority_key_identifier()?,
        ];
        // One serial number for a key: the certificate may be asked for again.
        let serial = SerialNumber::derive(serial_key, &[b"endorsement", &object_name(ek)]);
        self.sign(&serial, lifetime, &Name::default(), spki_of(&key)?, extensions)
    }
}

impl TpmDescription {
    fn to_name(&self) -> Result<Name, AuthorityError> {
        let mut name = RdnSequence::default();
        for (oid, text) in [
            (oids::TCG_AT_TPM_MANUFACTURER, &self.manufacturer),
            (oids::TCG_AT_TPM_MODEL, &self.model),
            (oids::TCG_AT_TPM_VERSION, &self.version),
        ] {
            let value = Any::encode_from(&Utf8StringRef::new(text)?)?;
            name.push(RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid, value }])?);
        }
        Ok(Name::hazmat_from_rdn_sequence(name))
    }

    fn to_specification(&self) -> Result<Attribute, AuthorityError> {
        let specification =
            TpmSpecification { family: Utf8StringRef::new(&self.family)?, level: self.level, revision: self.revision };
        let value = Any::encode_from(&specification)?;
        Ok(Attribute { oid: oids::TCG_AT_TPM_SPECIFICATION, values: SetOfVec::try_from(vec![value])? })
    }
}
