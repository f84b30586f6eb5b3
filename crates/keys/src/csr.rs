//! Certificate requests (PKCS #10, RFC 2986), signed by the key that they are for.

use std::str::FromStr;

use der::{Encode, EncodePem, asn1::BitString, pem::LineEnding};
use ironroot_client::wire::{TpmiAlgHash, TpmtSigScheme};
use x509_cert::{
    name::Name,
    request::{CertReq, CertReqInfo, Version},
};

use crate::{KeyError, TpmKey, Wanted, algorithms};

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
    let names: Vec<String> = dns_names.iter().map(|name| format!("DNS:{name}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    request(key, &Wanted { subject, names: &names, ..Wanted::default() })
}

/// Requests a certificate that says what is wanted.
///
/// # Errors
/// [`KeyError::Certificate`] for words that are not known here; otherwise as [`csr()`].
pub fn request(key: &TpmKey, wanted: &Wanted<'_>) -> Result<Csr, KeyError> {
    let scheme = scheme(key, wanted.hash)?;
    let info = CertReqInfo {
        version: Version::V1,
        subject: Name::from_str(wanted.subject).map_err(KeyError::encoding("the subject's name"))?,
        public_key: algorithms::spki(key.public())?,
        attributes: wanted.attributes()?,
    };
    let message = info.to_der().map_err(KeyError::encoding("the certificate request"))?;
    let signature = key.sign(&scheme, &message)?;
    Ok(Csr(CertReq {
        info,
        algorithm: algorithms::signature_algorithm_of(key.public(), &scheme)?,
        signature: BitString::from_bytes(&signature).map_err(KeyError::encoding("the signature"))?,
    }))
}

/// The key's best scheme, or its best with this hash.
pub(crate) fn scheme(key: &TpmKey, hash: Option<TpmiAlgHash>) -> Result<TpmtSigScheme, KeyError> {
    let schemes = key.schemes();
    match hash {
        None => schemes.first(),
        Some(hash) => schemes.iter().find(|scheme| scheme.hash() == Some(hash)),
    }
    .cloned()
    .ok_or_else(|| match hash {
        Some(hash) => KeyError::unsuitable(format!("it does not sign with {hash:?}, which does not suit its kind")),
        None => KeyError::unsuitable("it does not sign"),
    })
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
