//! Certificate requests (PKCS #10, RFC 2986), signed by the key that they are for.

use std::str::FromStr;

use der::{
    Encode, EncodePem,
    asn1::{BitString, Ia5String, OctetString, SetOfVec},
    pem::LineEnding,
};
use x509_cert::{
    attr::Attribute,
    ext::{
        Extension,
        pkix::{SubjectAltName, name::GeneralName},
    },
    name::Name,
    request::{CertReq, CertReqInfo, ExtensionReq, Version},
};

use crate::{KeyError, TpmKey, algorithms};

/// `id-ce-subjectAltName`.
const SUBJECT_ALT_NAME: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("2.5.29.17");

/// A certificate request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csr(CertReq);

impl Csr {
    /// The DER form.
    ///
    /// # Errors
    /// [`KeyError::Encoding`].
    pub fn to_der(&self) -> Result<Vec<u8>, KeyError> {
        self.0.to_der().map_err(KeyError::encoding("the certificate request"))
    }

    /// The PEM form.
    ///
    /// # Errors
    /// [`KeyError::Encoding`].
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0.to_pem(LineEnding::LF).map_err(KeyError::encoding("the certificate request"))
    }
}

/// Requests a certificate for this key: `subject` as RFC 4514 writes names ("CN=dev1,O=Example"), and DNS names.
///
/// # Errors
/// [`KeyError::Encoding`] for a name that cannot be understood; what the TPM may answer.
pub fn csr(key: &TpmKey, subject: &str, dns_names: &[&str]) -> Result<Csr, KeyError> {
    let scheme = key.schemes().into_iter().next().ok_or_else(|| KeyError::unsuitable("it does not sign"))?;
    let info = CertReqInfo {
        version: Version::V1,
        subject: Name::from_str(subject).map_err(KeyError::encoding("the subject's name"))?,
        public_key: algorithms::spki(key.public())?,
        attributes: attributes(dns_names)?,
    };
    let message = info.to_der().map_err(KeyError::encoding("the certificate request"))?;
    let signature = key.sign(&scheme, &message)?;
    Ok(Csr(CertReq {
        info,
        algorithm: algorithms::signature_algorithm_of(key.public(), &scheme)?,
        signature: BitString::from_bytes(&signature).map_err(KeyError::encoding("the signature"))?,
    }))
}

/// A subject that consists of this common name (RFC 4514, 2.4).
#[must_use]
pub fn common_name(value: &str) -> String {
    let mut out = String::from("CN=");
    for (at, character) in value.char_indices() {
        if r#",+"\<>;="#.contains(character) || (at == 0 && character == '#') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

fn attributes(dns_names: &[&str]) -> Result<SetOfVec<Attribute>, KeyError> {
    let failed = || KeyError::encoding("a DNS name");
    let mut attributes = SetOfVec::new();
    if dns_names.is_empty() {
        return Ok(attributes);
    }
    let names = dns_names
        .iter()
        .map(|name| Ia5String::new(name).map(GeneralName::DnsName))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed())?;
    let value = SubjectAltName(names).to_der().map_err(failed())?;
    let extension = Extension {
        extn_id: SUBJECT_ALT_NAME,
        critical: false,
        extn_value: OctetString::new(value).map_err(failed())?,
    };
    let attribute = Attribute::try_from(ExtensionReq(vec![extension])).map_err(failed())?;
    attributes.insert(attribute).map_err(failed())?;
    Ok(attributes)
}
