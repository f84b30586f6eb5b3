//! Renewal by the device itself: whoever shows a certificate of this CA in TLS, and a request that the same key signed, gets the
//! next certificate for that key. Nothing new is certified: that the key is in the device's TPM was proven when it enrolled, and
//! another key would have to be proven anew (`POST /v1/challenge`).

use std::sync::Arc;

use ironroot_attest::x509::{CertificationRequest, EvidenceCertificate};
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

use super::context::{Context, internal, signed};
use crate::{
    authority::{self, Lifetime, SerialNumber, to_hex},
    profile::CertificateProfile,
    refusal::Refusal,
    store::{CertificateRecord, Device, Event, EventKind, IssuedCertificate},
    validation::check_requested_extensions,
};

impl Context {
    /// The next certificate of the device that holds `presented` (DER; the TLS handshake has proven that) for the same key, asked
    /// for by a PKCS #10 request (DER). Before it is time, the newest one again.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn renew(self: Arc<Self>, presented: &[u8], request: &[u8]) -> Result<IssuedCertificate, Refusal> {
        let presented = EvidenceCertificate::from_der(presented)
            .map_err(|error| Refusal::malformed("malformed_certificate", error.to_string(), RENEW_HINT))?;
        let request = CertificationRequest::from_der(request)?;
        let serial = to_hex(presented.tbs().serial_number().as_bytes());
        let record = self.store.certificate(&serial).await?.filter(|record| is_same(record, &presented));
        let record = record.ok_or_else(|| {
            let message = "the certificate that was shown is not one that this service gave a device";
            Refusal::forbidden("not_a_device", message, RENEW_HINT)
        })?;
        self.check(&presented, &request)?;
        let profile = self.validator.profile(Some(&record.profile))?.clone();
        self.next_certificate(&record, &presented, &request, &profile).await
    }

    /// Same subject, same key, signed by it, nothing besides.
    fn check(&self, presented: &EvidenceCertificate, request: &CertificationRequest) -> Result<(), Refusal> {
        request.verify(&*self.provider)?;
        let certified = ironroot_attest::x509::PublicKey::from_spki(presented.public_key_info());
        if certified.as_ref() != Ok(request.key()) {
            return Err(Refusal::forbidden(
                "new_key",
                "the request is for another key than the certificate's, and nothing proves that it is in the device's TPM",
                "Renew the key that the device has, or enrol the new one: POST /v1/challenge.",
            ));
        }
        // As text: OpenSSL and others choose string types of their own.
        if request.subject().to_string() != presented.subject().to_string() {
            return Err(Refusal::forbidden(
                "subject_changed",
                format!("the certificate is for \"{}\"", presented.subject()),
                "Ask for the subject that the device has (RFC 7030, clause 4.2.2).",
            ));
        }
        check_requested_extensions(request)
    }

    async fn next_certificate(
        &self,
        record: &CertificateRecord,
        presented: &EvidenceCertificate,
        request: &CertificationRequest,
        profile: &CertificateProfile,
    ) -> Result<IssuedCertificate, Refusal> {
        let now = (self.clock)();
        let newest = self.store.newest_certificate(&record.enrolment).await?;
        let generation = newest.as_ref().map_or(0, |newest| newest.generation.saturating_add(1));
        // Signed before the right to write is taken: a key in a token takes its time.
        let next = self.sign_next((record, generation), presented, request, profile, now)?;
        let mut write = self.store.begin().await?;
        let revoked = self.check_standing(&mut write, &record.ek_name, &record.ik_name).await?;
        if revoked.contains(&record.serial) {
            let message = "the certificate that was shown has been revoked";
            return Err(Refusal::forbidden("certificate_revoked", message, "Enrol again: POST /v1/challenge."));
        }
        let last = write.newest_certificate(&record.enrolment).await?;
        let (issued, kind) = match last {
            Some(last)
                if !revoked.contains(&last.serial)
                    && (self.is_usable(&last, profile.renewal, now) || last.generation >= generation) =>
            {
                (last, EventKind::Repeated)
            }
            _ => {
                let device =
                    Device { ek_name: record.ek_name.clone(), subject: record.subject.clone(), ..Device::default() };
                write.put_certificate(&record.enrolment, &device, &record.ik_name, &record.profile, &next).await?;
                (next, EventKind::Issued)
            }
        };
        let detail = format!("serial {}, subject {}, renewed by the device", issued.serial, record.subject);
        write.record(Event { at: signed(now), kind, device: Some(&record.ek_name), detail: &detail }).await?;
        write.commit().await?;
        tracing::info!(kind = kind.word(), %detail, "certificate");
        Ok(issued)
    }

    /// Whether a certificate still serves: not near its end, and from the present CA key.
    pub(super) fn is_usable(&self, issued: &IssuedCertificate, renewal: u64, now: u64) -> bool {
        issued.not_after > signed(now.saturating_add(renewal)) && self.is_by_present_key(&issued.certificate)
    }

    fn is_by_present_key(&self, pem: &str) -> bool {
        let issuer = EvidenceCertificate::from_pem(pem).ok().and_then(|certificates| {
            let (_, issuer) = certificates.first()?.extension::<AuthorityKeyIdentifier>().ok()??;
            Some(to_hex(issuer.key_identifier?.as_bytes()))
        });
        issuer == Some(self.authorities.current().key_identifier_hex())
    }

    fn sign_next(
        &self,
        (record, generation): (&CertificateRecord, i64),
        presented: &EvidenceCertificate,
        request: &CertificationRequest,
        profile: &CertificateProfile,
        now: u64,
    ) -> Result<IssuedCertificate, Refusal> {
        let serial = SerialNumber::derive(&self.serials, &[record.enrolment.as_bytes(), &generation.to_be_bytes()]);
        let lifetime = Lifetime::starting(now, profile.validity);
        let purposes = profile.extended_key_usage.clone();
        let certificate = self
            .authorities
            .current()
            .issue(request.key(), presented.subject(), Vec::new(), purposes, &serial, lifetime)
            .and_then(|der| authority::to_pem(&der))
            .map_err(|error| internal(&error))?;
        Ok(IssuedCertificate {
            serial: serial.to_hex(),
            generation,
            not_before: signed(lifetime.not_before),
            not_after: signed(lifetime.not_after),
            certificate,
        })
    }
}

const RENEW_HINT: &str = "Show the certificate that the service gave the device as the client's in TLS.";

/// Whether the certificate in the database is this one, to the byte.
fn is_same(record: &CertificateRecord, presented: &EvidenceCertificate) -> bool {
    der::pem::decode_vec(record.certificate.as_bytes()).is_ok_and(|(_, der)| der == presented.der())
}
