//! Everything that must hold before a device is challenged, and again before its certificate is issued. Each check has
//! its own code; the order goes from the shape of the request to what it claims, from cheap to dear.

use der::{Decode as _, oid::AssociatedOid as _};
use ironroot_attest::{
    EkTemplate, EkVerdict, object_name, parse_public,
    x509::{CertificationRequest, EvidenceCertificate, PublicKey, TrustStore},
};
use ironroot_crypto::{Provider, digest};
use ironroot_wire::{TpmiAlgHash, TpmtPublic, Wire as _};
use x509_cert::{ext::pkix::SubjectAltName, name::Name, request::ExtensionReq};

use crate::{
    authority::to_hex,
    profile::CertificateProfile,
    protocol::{self, EnrolmentParameters},
    refusal::Refusal,
    ticket::TicketParameters,
};

/// Certificates of EK issuers that one request may bring.
const MAX_CHAIN: usize = 6;

/// What requests are checked against.
pub struct Validator {
    provider: std::sync::Arc<dyn Provider>,
    trust: TrustStore,
    profiles: Vec<CertificateProfile>,
}

/// A request whose every claim but one has been checked: that the TPM has the identity key, which the ticket proves.
pub struct Enrolment<'a> {
    /// The profile of the certificate.
    pub profile: &'a CertificateProfile,
    /// The identity key.
    pub key: PublicKey,
    /// The name of the identity key.
    pub ik_name: Vec<u8>,
    /// The endorsement key's public area.
    pub ek: TpmtPublic,
    /// The name of the endorsement key: who the device is.
    pub ek_name: Vec<u8>,
    /// What its certificate says.
    pub verdict: EkVerdict,
    /// The subject that the device asks for.
    pub subject: Name,
    /// What a ticket for this request covers.
    pub ticket: TicketParameters,
    /// Who asks for what, in hexadecimal: the same for every retry, even if the request was signed anew.
    pub enrolment: String,
}

/// The request, decoded.
struct Decoded {
    csr_der: Vec<u8>,
    csr: CertificationRequest,
    ik: TpmtPublic,
    ek: TpmtPublic,
    ek_certificate: Vec<u8>,
    ek_chain: Vec<Vec<u8>>,
}

impl Validator {
    /// Checks against these roots of endorsement certificates, and these profiles, of which the first is the default.
    #[must_use]
    pub fn new(provider: std::sync::Arc<dyn Provider>, trust: TrustStore, profiles: Vec<CertificateProfile>) -> Self {
        Self { provider, trust, profiles }
    }

    /// Checks a request at `now` (seconds of the UNIX epoch).
    ///
    /// # Errors
    /// [`Refusal`]: the first check that failed.
    pub fn validate(&self, parameters: &EnrolmentParameters, now: u64) -> Result<Enrolment<'_>, Refusal> {
        let decoded = decode(parameters)?;
        let profile = self.profile(parameters.profile.as_deref())?;
        profile.key.check(&decoded.ik)?;
        let key = self.check_csr(&decoded)?;
        check_requested_extensions(&decoded.csr)?;
        profile.subject.check(decoded.csr.subject())?;
        EkTemplate::of(&decoded.ek)?;
        let verdict = self.check_ek_certificate(&decoded, now)?;

        let (ik_name, ek_name) = (object_name(&decoded.ik), object_name(&decoded.ek));
        let enrolment = enrolment_digest(&[&ek_name, &ik_name, decoded.csr.info_der(), profile.name.as_bytes()]);
        let ticket = ticket_parameters(&decoded, &profile.name, parameters.batch.as_deref());
        let subject = decoded.csr.subject().clone();
        Ok(Enrolment { profile, key, ik_name, ek: decoded.ek, ek_name, verdict, subject, ticket, enrolment })
    }

    /// The profile of this name; without a name, the default one.
    pub(crate) fn profile(&self, name: Option<&str>) -> Result<&CertificateProfile, Refusal> {
        let profile = match name {
            None => self.profiles.first(),
            Some(name) => self.profiles.iter().find(|profile| profile.name == name),
        };
        profile.ok_or_else(|| {
            let message = "the service has no certificate profile of that name";
            Refusal::malformed("unknown_profile", message, "Leave the profile out, or ask the operator for its name.")
        })
    }

    /// Checks that the certification request is for the identity key, and signed by it.
    fn check_csr(&self, decoded: &Decoded) -> Result<PublicKey, Refusal> {
        let key = PublicKey::from_public(&decoded.ik)
            .map_err(|error| Refusal::malformed("malformed_ik_public", error.to_string(), PUBLIC_HINT))?;
        if *decoded.csr.key() != key {
            return Err(Refusal::forbidden(
                "csr_other_key",
                "the certification request is for another key than the identity key's public area",
                "Make the request for the identity key that is in the TPM.",
            ));
        }
        decoded.csr.verify(&*self.provider)?;
        Ok(key)
    }

    fn check_ek_certificate(&self, decoded: &Decoded, now: u64) -> Result<EkVerdict, Refusal> {
        let chain = decoded.ek_chain.iter().map(|der| EvidenceCertificate::from_der(der));
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| {
            let message = format!("a certificate in ek_chain is malformed: {error}");
            Refusal::malformed("malformed_ek_chain", message, "Send each certificate in DER, base64.")
        })?;
        Ok(ironroot_attest::verify_ek_certificate(
            &*self.provider,
            &decoded.ek_certificate,
            &decoded.ek,
            &self.trust,
            &chain,
            now,
        )?)
    }
}

const PUBLIC_HINT: &str = "Send a TPMT_PUBLIC or TPM2B_PUBLIC structure, base64.";

fn decode(parameters: &EnrolmentParameters) -> Result<Decoded, Refusal> {
    let csr_der = bytes("csr", &parameters.csr)?;
    let public = |field: &'static str, code, text| {
        let bytes = bytes(field, text)?;
        parse_public(&bytes)
            .map_err(|rc| Refusal::malformed(code, format!("{field} is not a public area: {rc}"), PUBLIC_HINT))
    };
    let ik = public("ik_public", "malformed_ik_public", &parameters.ik_public)?;
    let ek = public("ek_public", "malformed_ek_public", &parameters.ek_public)?;
    let ek_certificate = bytes("ek_certificate", &parameters.ek_certificate)?;
    if parameters.ek_chain.len() > MAX_CHAIN {
        let message = format!("ek_chain has more than {MAX_CHAIN} certificates");
        return Err(Refusal::malformed("malformed_ek_chain", message, "Send the intermediates only."));
    }
    let ek_chain = parameters.ek_chain.iter().map(|text| bytes("ek_chain", text)).collect::<Result<_, _>>()?;
    let csr = CertificationRequest::from_der(&csr_der)?;
    Ok(Decoded { csr_der, csr, ik, ek, ek_certificate, ek_chain })
}

fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, Refusal> {
    let hint = "Encode binary values in standard base64.";
    let malformed = |message| Err(Refusal::malformed("malformed_base64", message, hint));
    match protocol::from_base64(text) {
        Ok(bytes) if bytes.is_empty() => malformed(format!("{field} is empty")),
        Ok(bytes) => Ok(bytes),
        Err(error) => malformed(format!("{field} is not base64: {error}")),
    }
}

/// What the request asks of extensions: the profile decides them all, and an alternative name that would be left out
/// silently is refused aloud.
pub(crate) fn check_requested_extensions(csr: &CertificationRequest) -> Result<(), Refusal> {
    for attribute in csr.info().attributes.iter().filter(|attribute| attribute.oid == ExtensionReq::OID) {
        for value in attribute.values.iter() {
            let requested =
                der::Encode::to_der(value).and_then(|der| ExtensionReq::from_der(&der)).map_err(|error| {
                    let message = format!("the extension request does not decode: {error}");
                    Refusal::malformed("malformed_csr", message, "Send a PKCS#10 certification request in DER, base64.")
                })?;
            if requested.0.iter().any(|extension| extension.extn_id == SubjectAltName::OID) {
                let message = "the request asks for a subject alternative name, which the profile does not give";
                let hint = "Make the request without a subjectAltName extension.";
                return Err(Refusal::forbidden("subject_alternative_name", message, hint));
            }
        }
    }
    Ok(())
}

fn ticket_parameters(decoded: &Decoded, profile: &str, batch: Option<&str>) -> TicketParameters {
    let parameters = TicketParameters::new("ironroot enrolment ticket, version 1")
        .with(&decoded.csr_der)
        .with(&decoded.ik.to_bytes())
        .with(&decoded.ek.to_bytes())
        .with(&decoded.ek_certificate)
        .with(profile.as_bytes())
        .with(batch.unwrap_or_default().as_bytes());
    decoded.ek_chain.iter().fold(parameters, |parameters, certificate| parameters.with(certificate))
}

fn enrolment_digest(fields: &[&[u8]]) -> String {
    let mut bytes = Vec::new();
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field);
    }
    to_hex(&digest(TpmiAlgHash::Sha256, &[&bytes]))
}
