//! Signing what `ironroot_attest::x509::issuance` builds.

use der::Encode as _;
use ironroot_attest::x509::issuance::{Content, SerialNumber, Signed};

use super::{AuthorityError, CertificateSigner};

/// A random serial number.
///
/// # Errors
/// [`AuthorityError::Entropy`].
pub fn random_serial() -> Result<SerialNumber, AuthorityError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| AuthorityError::Entropy)?;
    Ok(SerialNumber::from_bytes(&bytes))
}

/// The signed certificate, in DER.
pub(super) fn signed(content: Content<'_>, signer: &dyn CertificateSigner) -> Result<Vec<u8>, AuthorityError> {
    let content = content.to_be_signed(signer.algorithm())?;
    let signature = signer.sign(&content)?;
    Ok(Signed::new(&content, signer.algorithm(), &signature)?.to_der()?)
}
