//! X.509 certificates that the TPM completes (Part 3, 18.8; RFC 5280): what the caller brings, what the TPM adds, and
//! their sum.

use alloc::vec::Vec;

use der::{Decode, Encode, Header, Length, Reader, SliceReader, Tag, TagNumber};

pub mod algorithms;
pub mod extensions;

/// Elements of a TBSCertificate that a caller may bring: four, or five with the algorithm of the signature.
const ELEMENTS: core::ops::RangeInclusive<usize> = 4..=5;

/// The elements that the caller brings, each as it is encoded.
pub struct PartialCertificate<'a> {
    /// The algorithm of the signature, if the caller names it.
    pub algorithm: Option<&'a [u8]>,
    /// Issuer, validity and subject.
    pub names: [&'a [u8]; 3],
    /// The extensions, behind their context-specific tag.
    pub extensions: &'a [u8],
}

impl<'a> PartialCertificate<'a> {
    /// Reads a DER SEQUENCE.
    ///
    /// # Errors
    /// It is not one, or does not hold the right elements.
    pub fn from_der(bytes: &'a [u8]) -> der::Result<Self> {
        let mut elements = elements(bytes, Tag::Sequence)?;
        if !ELEMENTS.contains(&elements.len()) {
            return Err(der::ErrorKind::Failed.into());
        }
        let algorithm = if elements.len() == *ELEMENTS.end() { Some(elements.remove(0)) } else { None };
        let [issuer, validity, subject, extensions] = elements[..] else { return Err(der::ErrorKind::Failed.into()) };
        Ok(Self { algorithm, names: [issuer, validity, subject], extensions })
    }
}

/// The elements of one constructed value that is all there is, each as it is encoded.
fn elements(bytes: &[u8], tag: Tag) -> der::Result<Vec<&[u8]>> {
    let mut reader = SliceReader::new(bytes)?;
    let header = Header::decode(&mut reader)?;
    if header.tag() != tag || header.length() != reader.remaining_len() {
        return Err(tag.value_error().into());
    }
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes()?);
    }
    Ok(elements)
}

/// A value with this tag whose contents are these encodings, one after the other.
///
/// # Errors
/// More bytes than DER lengths can say.
pub fn value(tag: Tag, parts: &[&[u8]]) -> der::Result<Vec<u8>> {
    let length = Length::try_from(parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len())))?;
    let mut out = Header::new(tag, length).to_der()?;
    for part in parts {
        out.extend_from_slice(part);
    }
    Ok(out)
}

/// The elements that the TPM adds (Part 3, 18.8.1), each encoded.
pub struct Added {
    version: Vec<u8>,
    serial: Vec<u8>,
    /// The algorithm of the signature, unless the caller brought it.
    algorithm: Option<Vec<u8>>,
    subject_public_key_info: Vec<u8>,
}

impl Added {
    /// The TPM's elements; `serial` is a positive number of at most 20 bytes without leading zeros.
    ///
    /// # Errors
    /// None with a serial number as described.
    pub fn new(serial: &[u8], algorithm: Option<Vec<u8>>, subject_public_key_info: Vec<u8>) -> der::Result<Self> {
        let version = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
        Ok(Self {
            version: value(version, &[&value(Tag::Integer, &[&[2]])?])?,
            serial: value(Tag::Integer, &[serial])?,
            algorithm,
            subject_public_key_info,
        })
    }

    /// What `TPM2_CertifyX509` returns: the added elements in one SEQUENCE.
    ///
    /// # Errors
    /// None in practice: the sizes are small.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        let algorithm = self.algorithm.as_deref().unwrap_or_default();
        value(Tag::Sequence, &[&self.version, &self.serial, algorithm, &self.subject_public_key_info])
    }

    /// The whole TBSCertificate (RFC 5280, 4.1).
    ///
    /// # Errors
    /// None in practice: the sizes are small.
    pub fn completed(&self, partial: &PartialCertificate<'_>) -> der::Result<Vec<u8>> {
        let algorithm = self.algorithm.as_deref().or(partial.algorithm).unwrap_or_default();
        let [issuer, validity, subject] = partial.names;
        let parts = [
            &self.version,
            &self.serial,
            algorithm,
            issuer,
            validity,
            subject,
            &self.subject_public_key_info,
            partial.extensions,
        ];
        value(Tag::Sequence, &parts)
    }
}
