//! Step 3: the device agent enrols an identity key.

use std::sync::Arc;

use ironroot_client::templates::KeyType;
use ironroot_keys::{SharedTpm, TpmKey};
use ironroot_provision::{
    agent::{
        EnrolmentRequest, HttpClient, enroll,
        tpm::{EndorsementKey, TpmDevice, persistent_identity_key},
    },
    protocol::EnrolmentParameters,
};
use ironroot_wire::TpmHandle;

use super::timeline::Timeline;
use crate::failure::Result;

/// Where the identity key is kept in the TPM.
const IDENTITY_KEY: TpmHandle = TpmHandle(0x8100_0100);
/// The device's name.
pub const SUBJECT: &str = "CN=pump-0007,O=Ironroot demonstration";

/// A device with its certificate.
pub struct Identity {
    /// The identity key, in the TPM.
    pub key: Arc<TpmKey>,
    /// The device's side of the protocol.
    pub device: std::cell::RefCell<TpmDevice>,
    /// The service.
    pub service: HttpClient,
    /// What was sent to the service.
    pub parameters: EnrolmentParameters,
    /// The certificate (PEM).
    pub certificate: String,
    /// Its issuers (PEM).
    pub chain: String,
}

/// Makes the key and gets its certificate.
///
/// # Errors
/// The TPM's or the service's.
pub fn enrol(tpm: &SharedTpm, service: &str, timeline: &mut Timeline) -> Result<Identity> {
    let started = std::time::Instant::now();
    let key = Arc::new(persistent_identity_key(tpm, IDENTITY_KEY, KeyType::P256)?);
    let mut device = TpmDevice::new(tpm, EndorsementKey::P256, Arc::clone(&key))?;
    let keys_made = started.elapsed();
    let service = HttpClient::new(service);
    let request = EnrolmentRequest { subject: SUBJECT.into(), ..EnrolmentRequest::default() };
    let mut first = Some(keys_made);
    let enrolled = enroll(&mut device, &service, &request, &mut |step, taken| {
        let taken = taken.saturating_add(first.take().unwrap_or_default());
        timeline.timed(step.text(), taken);
    })?;
    timeline.note(format!("certificate {} for {SUBJECT}", enrolled.serial));
    Ok(Identity {
        key,
        device: std::cell::RefCell::new(device),
        service,
        parameters: enrolled.parameters,
        certificate: enrolled.certificate,
        chain: enrolled.chain,
    })
}
