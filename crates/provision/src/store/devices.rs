//! Devices and their certificates.

use sqlx::{AnyConnection, Row as _};

use super::{Store, StoreError, Write};

/// A device that is to get a certificate.
#[derive(Debug, Clone, Default)]
pub struct Device {
    /// The hexadecimal name of its endorsement key.
    pub ek_name: String,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its endorsement certificate (PEM).
    pub ek_certificate: String,
    /// `tcg-at-tpmManufacturer`.
    pub manufacturer: Option<String>,
    /// `tcg-at-tpmModel`.
    pub model: Option<String>,
    /// `tcg-at-tpmVersion`.
    pub version: Option<String>,
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The serial number (hexadecimal).
    pub serial: String,
    /// How often the same enrolment got a certificate before.
    pub generation: i64,
    /// The first moment (seconds of the UNIX epoch).
    pub not_before: i64,
    /// The last moment.
    pub not_after: i64,
    /// The certificate (PEM).
    pub certificate: String,
}

/// Whether a subject is free for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectClaim {
    /// The device is new, and nobody has the subject.
    New,
    /// The device has this subject already.
    Same,
    /// The device has another subject.
    DeviceHas(String),
    /// Another device has the subject.
    Taken,
}

impl Store {
    /// Whether the subject is free for the device. Another request may claim it a moment later: what counts is the same
    /// question inside [`Store::begin`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn subject_claim(&self, ek_name: &str, subject: &str) -> Result<SubjectClaim, StoreError> {
        let mut connection = self.pool.acquire().await?;
        subject_claim(&mut connection, ek_name, subject).await
    }

    /// The newest certificate of an enrolment, as it is now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_certificate(&self, enrolment: &str) -> Result<Option<IssuedCertificate>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        newest_certificate(&mut connection, enrolment).await
    }
}

impl Store {
    /// The serial numbers of all certificates, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn serials(&self) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT serial FROM certificates ORDER BY serial").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("serial")?)).collect()
    }
}

impl Write<'_> {
    /// Whether the subject is free for the device.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn subject_claim(&mut self, ek_name: &str, subject: &str) -> Result<SubjectClaim, StoreError> {
        subject_claim(&mut self.transaction, ek_name, subject).await
    }

    /// The newest certificate of an enrolment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_certificate(&mut self, enrolment: &str) -> Result<Option<IssuedCertificate>, StoreError> {
        newest_certificate(&mut self.transaction, enrolment).await
    }

    /// Notes a device: new, or seen again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_device(&mut self, device: &Device, now: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO devices (ek_name, subject, ek_certificate, manufacturer, model, version, first_seen, last_seen) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
             ON CONFLICT (ek_name) DO UPDATE SET ek_certificate = excluded.ek_certificate, \
             last_seen = excluded.last_seen",
        )
        .bind(&device.ek_name)
        .bind(&device.subject)
        .bind(&device.ek_certificate)
        .bind(&device.manufacturer)
        .bind(&device.model)
        .bind(&device.version)
        .bind(now)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Notes a certificate of a device that is noted already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_certificate(
        &mut self,
        enrolment: &str,
        device: &Device,
        ik_name: &str,
        profile: &str,
        issued: &IssuedCertificate,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO certificates (serial, enrolment, generation, ek_name, ik_name, profile, subject, not_before, \
             not_after, certificate) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&issued.serial)
        .bind(enrolment)
        .bind(issued.generation)
        .bind(&device.ek_name)
        .bind(ik_name)
        .bind(profile)
        .bind(&device.subject)
        .bind(issued.not_before)
        .bind(issued.not_after)
        .bind(&issued.certificate)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

async fn newest_certificate(
    connection: &mut AnyConnection,
    enrolment: &str,
) -> Result<Option<IssuedCertificate>, StoreError> {
    let row = sqlx::query(
        "SELECT serial, generation, not_before, not_after, certificate FROM certificates \
         WHERE enrolment = $1 ORDER BY generation DESC LIMIT 1",
    )
    .bind(enrolment)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(IssuedCertificate {
            serial: row.try_get("serial")?,
            generation: row.try_get("generation")?,
            not_before: row.try_get("not_before")?,
            not_after: row.try_get("not_after")?,
            certificate: row.try_get("certificate")?,
        })
    })
    .transpose()
}

async fn subject_claim(
    connection: &mut AnyConnection,
    ek_name: &str,
    subject: &str,
) -> Result<SubjectClaim, StoreError> {
    let rows = sqlx::query("SELECT ek_name, subject FROM devices WHERE ek_name = $1 OR subject = $2")
        .bind(ek_name)
        .bind(subject)
        .fetch_all(connection)
        .await?;
    let mut claim = SubjectClaim::New;
    for row in rows {
        let (owner, owned): (String, String) = (row.try_get("ek_name")?, row.try_get("subject")?);
        if owner != ek_name {
            return Ok(SubjectClaim::Taken);
        }
        claim = if owned == subject { SubjectClaim::Same } else { SubjectClaim::DeviceHas(owned) };
    }
    Ok(claim)
}
