//! The device's side: the six steps, for any TPM.
//!
//! What the TPM does stands behind [`DeviceTpm`]: five operations, which any way to a TPM 2.0 can offer. This module does
//! the talking, checks what comes back, and says what to do when something fails.

mod http;
#[cfg(feature = "tpm")]
pub mod tpm;

use std::{
    fmt,
    time::{Duration, Instant},
};

use ironroot_attest::x509::{EvidenceCertificate, PublicKey};
use zeroize::Zeroizing;

use crate::protocol::{
    CertificateRequest, CertificateResponse, ChallengeResponse, EnrolmentParameters, from_base64, to_base64,
};

pub use http::{HttpClient, HttpError};

/// What the device's TPM, and the keys in it, must do.
pub trait DeviceTpm {
    /// What can go wrong in the TPM.
    type Error: std::error::Error;

    /// The endorsement key's public area (`TPMT_PUBLIC`), the key created from the endorsement seed.
    ///
    /// # Errors
    /// The TPM's.
    fn ek_public(&mut self) -> Result<Vec<u8>, Self::Error>;

    /// The endorsement certificate, as its NV index holds it.
    ///
    /// # Errors
    /// The TPM's.
    fn ek_certificate(&mut self) -> Result<Vec<u8>, Self::Error>;

    /// The identity key's public area (`TPMT_PUBLIC`); the key is made if it is not there.
    ///
    /// # Errors
    /// The TPM's.
    fn ik_public(&mut self) -> Result<Vec<u8>, Self::Error>;

    /// A certification request (PKCS#10, DER) for this subject (RFC 4514), signed by the identity key.
    ///
    /// # Errors
    /// The TPM's.
    fn csr(&mut self, subject: &str) -> Result<Vec<u8>, Self::Error>;

    /// `TPM2_ActivateCredential` with the identity key and the endorsement key: a `TPM2B_ID_OBJECT` and a
    /// `TPM2B_ENCRYPTED_SECRET`, both with their sizes, in; the credential out.
    ///
    /// # Errors
    /// The TPM's.
    fn activate(&mut self, credential_blob: &[u8], secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Self::Error>;
}

/// The steps, as they are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Endorsement key and identity key are there.
    Keys,
    /// Public areas and endorsement certificate are read.
    Evidence,
    /// The certification request is signed.
    Request,
    /// The service answered with a credential.
    Challenge,
    /// The TPM opened the credential.
    Activation,
    /// The service issued the certificate.
    Certificate,
}

impl Step {
    /// What was done, for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Keys => "endorsement key and identity key created in the TPM",
            Self::Evidence => "public areas and endorsement certificate read",
            Self::Request => "certification request signed by the identity key",
            Self::Challenge => "request checked by the service, credential received",
            Self::Activation => "credential activated by the TPM",
            Self::Certificate => "certificate received",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// What a device asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnrolmentRequest {
    /// The subject (RFC 4514), such as `CN=pump-0007,O=Acme`.
    pub subject: String,
    /// The service's certificate profile, if not its default.
    pub profile: Option<String>,
    /// The batch in which the device counts, if it is made in one.
    pub batch: Option<String>,
    /// Certificates of the endorsement certificate's issuers (DER).
    pub ek_chain: Vec<Vec<u8>>,
}

/// What a device got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The certificate (PEM).
    pub certificate: String,
    /// The certificates of its issuers (PEM).
    pub chain: String,
    /// The serial number (hexadecimal).
    pub serial: String,
    /// The end of its validity (seconds of the UNIX epoch).
    pub not_after: u64,
    /// What was sent: a ticket for these parameters works for no others.
    pub parameters: EnrolmentParameters,
}

/// Why a device did not get its certificate.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError<E: std::error::Error> {
    /// The TPM failed in this step.
    #[error("the TPM failed before the step \"{0}\": {1}")]
    Tpm(Step, E),
    /// The service refused, or cannot be reached.
    #[error(transparent)]
    Service(#[from] HttpError),
    /// The service answered something that is not what was asked for.
    #[error("the service's answer is not usable: {0}. Check the address, and that service and agent fit together")]
    Answer(String),
}

/// Runs the six steps. `report` hears of each step and how long it took. A retry after any failure is safe: the service
/// gives the same certificate.
///
/// # Errors
/// [`EnrolError`].
pub fn enroll<T: DeviceTpm>(
    tpm: &mut T,
    service: &HttpClient,
    request: &EnrolmentRequest,
    report: &mut dyn FnMut(Step, Duration),
) -> Result<Enrolled, EnrolError<T::Error>> {
    let mut clock = Stopwatch { report, since: Instant::now() };
    let ek_public = tpm.ek_public().map_err(|error| EnrolError::Tpm(Step::Keys, error))?;
    let ik_public = tpm.ik_public().map_err(|error| EnrolError::Tpm(Step::Keys, error))?;
    clock.done(Step::Keys);
    let ek_certificate = tpm.ek_certificate().map_err(|error| EnrolError::Tpm(Step::Evidence, error))?;
    clock.done(Step::Evidence);
    let csr = tpm.csr(&request.subject).map_err(|error| EnrolError::Tpm(Step::Request, error))?;
    clock.done(Step::Request);

    let parameters = EnrolmentParameters {
        csr: to_base64(&csr),
        ik_public: to_base64(&ik_public),
        ek_public: to_base64(&ek_public),
        ek_certificate: to_base64(&ek_certificate),
        ek_chain: request.ek_chain.iter().map(|certificate| to_base64(certificate)).collect(),
        profile: request.profile.clone(),
        batch: request.batch.clone(),
    };
    let challenge = service.challenge(&parameters)?;
    clock.done(Step::Challenge);
    let ticket = activate(tpm, &challenge)?;
    clock.done(Step::Activation);
    let answer = CertificateRequest {
        parameters: parameters.clone(),
        issued_at: challenge.issued_at,
        ticket: to_base64(&ticket),
    };
    let response = service.certificate(&answer)?;
    check_certificate(&response, &ik_public).map_err(EnrolError::Answer)?;
    clock.done(Step::Certificate);
    let CertificateResponse { certificate, chain, serial, not_after } = response;
    Ok(Enrolled { certificate, chain, serial, not_after, parameters })
}

fn activate<T: DeviceTpm>(
    tpm: &mut T,
    challenge: &ChallengeResponse,
) -> Result<Zeroizing<Vec<u8>>, EnrolError<T::Error>> {
    let decode = |field, text| from_base64(text).map_err(|error| EnrolError::Answer(format!("{field}: {error}")));
    let blob = decode("credential_blob", &challenge.credential_blob)?;
    let secret = decode("secret", &challenge.secret)?;
    tpm.activate(&blob, &secret).map_err(|error| EnrolError::Tpm(Step::Activation, error))
}

/// The certificate must be for the key that is in the TPM.
fn check_certificate(response: &CertificateResponse, ik_public: &[u8]) -> Result<(), String> {
    let certificates = EvidenceCertificate::from_pem(&response.certificate).map_err(|error| error.to_string())?;
    let [certificate] = certificates.as_slice() else { return Err("not exactly one certificate".into()) };
    let certified = PublicKey::from_spki(certificate.public_key_info()).map_err(|error| error.to_string())?;
    let public = ironroot_attest::parse_public(ik_public).map_err(|error| error.to_string())?;
    let key = PublicKey::from_public(&public).map_err(|error| error.to_string())?;
    if certified == key { Ok(()) } else { Err("the certificate is for another key".into()) }
}

struct Stopwatch<'a> {
    report: &'a mut dyn FnMut(Step, Duration),
    since: Instant,
}

impl Stopwatch<'_> {
    fn done(&mut self, step: Step) {
        (self.report)(step, self.since.elapsed());
        self.since = Instant::now();
    }
}
