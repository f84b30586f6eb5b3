//! What was revoked, the lists that say so, and devices that are done.

use sqlx::{AnyConnection, Row as _, any::AnyRow};

use super::{Store, StoreError, Write};

/// Which certificates are meant. Every condition that is given has to hold; with none, none is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The serial number (hexadecimal).
    pub serial: Option<String>,
    /// The device: the hexadecimal name of its endorsement key.
    pub ek_name: Option<String>,
    /// The device's subject (RFC 4514).
    pub subject: Option<String>,
    /// The batch in which the device counts.
    pub batch: Option<String>,
    /// Issued at this moment or later (seconds of the UNIX epoch).
    pub issued_from: Option<i64>,
    /// Issued before this moment.
    pub issued_before: Option<i64>,
}

/// A certificate, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRecord {
    /// The serial number (hexadecimal).
    pub serial: String,
    /// Who asked for what, the same for all its renewals.
    pub enrolment: String,
    /// The device: the hexadecimal name of its endorsement key.
    pub ek_name: String,
    /// The hexadecimal name of the certified key.
    pub ik_name: String,
    /// The profile.
    pub profile: String,
    /// The subject (RFC 4514).
    pub subject: String,
    /// The first moment (seconds of the UNIX epoch).
    pub not_before: i64,
    /// The last moment.
    pub not_after: i64,
    /// The certificate (PEM).
    pub certificate: String,
    /// When it was revoked, if it was, and why (RFC 5280's number of the reason).
    pub revoked: Option<(i64, i64)>,
}

/// A revocation, as a list of them says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The serial number (hexadecimal).
    pub serial: String,
    /// The key identifier (hexadecimal) of the CA key that signed the certificate.
    pub issuer: String,
    /// RFC 5280's number of the reason.
    pub reason: i64,
    /// When (seconds of the UNIX epoch).
    pub revoked_at: i64,
    /// When the certificate expires.
    pub not_after: i64,
}

/// A signed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCrl {
    /// Its number.
    pub number: i64,
    /// How many certificates its issuer had revoked when it was signed.
    pub revocations: i64,
    /// When it was made (seconds of the UNIX epoch).
    pub this_update: i64,
    /// By when there is a newer one.
    pub next_update: i64,
    /// The list (PEM).
    pub crl: String,
}

const RECORD: &str = "SELECT c.serial, c.enrolment, c.ek_name, c.ik_name, c.profile, c.subject, c.not_before, c.not_after, c.certificate, \
                      COALESCE(r.revoked_at, -1) AS revoked_at, COALESCE(r.reason, -1) AS reason \
                      FROM certificates c LEFT JOIN revocations r ON r.serial = c.serial";

impl Store {
    /// The certificates that are meant, in the order of their issue.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificates(&self, selection: &Selection) -> Result<Vec<CertificateRecord>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        certificates(&mut connection, selection).await
    }

    /// The certificate with this serial number (hexadecimal).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificate(&self, serial: &str) -> Result<Option<CertificateRecord>, StoreError> {
        let selection = Selection { serial: Some(serial.into()), ..Selection::default() };
        Ok(self.certificates(&selection).await?.pop())
    }

    /// How many certificates the issuer has revoked, ever.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revocation_count(&self, issuer: &str) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) AS count FROM revocations WHERE issuer = $1")
            .bind(issuer)
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get("count")?)
    }

    /// The issuer's revocations of certificates that had not expired at this moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revocations(&self, issuer: &str, valid_at: i64) -> Result<Vec<Revocation>, StoreError> {
        let rows = sqlx::query(
            "SELECT serial, issuer, reason, revoked_at, not_after FROM revocations \
             WHERE issuer = $1 AND not_after >= $2 ORDER BY revoked_at, serial",
        )
        .bind(issuer)
        .bind(valid_at)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Revocation {
                    serial: row.try_get("serial")?,
                    issuer: row.try_get("issuer")?,
                    reason: row.try_get("reason")?,
                    revoked_at: row.try_get("revoked_at")?,
                    not_after: row.try_get("not_after")?,
                })
            })
            .collect()
    }

    /// The issuer's newest list.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_crl(&self, issuer: &str) -> Result<Option<StoredCrl>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        newest_crl(&mut connection, issuer).await
    }

    /// The device that a person means by its subject or by its endorsement key's name: the key's name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_device(&self, subject_or_name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT ek_name FROM devices WHERE ek_name = $1 OR subject = $1")
            .bind(subject_or_name)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get("ek_name")).transpose()?)
    }

    /// When the device was decommissioned, if it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decommissioned(&self, ek_name: &str) -> Result<Option<i64>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        decommissioned(&mut connection, ek_name).await
    }
}

impl Write<'_> {
    /// As [`Store::certificates`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificates(&mut self, selection: &Selection) -> Result<Vec<CertificateRecord>, StoreError> {
        certificates(&mut self.transaction, selection).await
    }

    /// Notes a revocation of a certificate that was not revoked before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_revocation(&mut self, revocation: &Revocation) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO revocations (serial, issuer, reason, revoked_at, not_after) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&revocation.serial)
        .bind(&revocation.issuer)
        .bind(revocation.reason)
        .bind(revocation.revoked_at)
        .bind(revocation.not_after)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// As [`Store::newest_crl`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_crl(&mut self, issuer: &str) -> Result<Option<StoredCrl>, StoreError> {
        newest_crl(&mut self.transaction, issuer).await
    }

    /// Keeps a list in place of the issuer's last one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_crl(&mut self, issuer: &str, crl: &StoredCrl) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO crls (issuer, number, revocations, this_update, next_update, crl) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (issuer) DO UPDATE SET number = excluded.number, revocations = excluded.revocations, \
             this_update = excluded.this_update, next_update = excluded.next_update, crl = excluded.crl",
        )
        .bind(issuer)
        .bind(crl.number)
        .bind(crl.revocations)
        .bind(crl.this_update)
        .bind(crl.next_update)
        .bind(&crl.crl)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Notes that the device gets no certificate any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_decommission(&mut self, ek_name: &str, at: i64) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO decommissions (ek_name, at) VALUES ($1, $2) ON CONFLICT (ek_name) DO NOTHING")
            .bind(ek_name)
            .bind(at)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// As [`Store::decommissioned`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decommissioned(&mut self, ek_name: &str) -> Result<Option<i64>, StoreError> {
        decommissioned(&mut self.transaction, ek_name).await
    }

    /// The reasons for which certificates of this key of the device were revoked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revocation_reasons(&mut self, ek_name: &str, ik_name: &str) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.serial, r.reason FROM certificates c JOIN revocations r ON r.serial = c.serial \
             WHERE c.ek_name = $1 AND c.ik_name = $2",
        )
        .bind(ek_name)
        .bind(ik_name)
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(|row| Ok((row.try_get("serial")?, row.try_get("reason")?))).collect()
    }
}

async fn certificates(
    connection: &mut AnyConnection,
    selection: &Selection,
) -> Result<Vec<CertificateRecord>, StoreError> {
    let texts = [
        ("c.serial =", "", &selection.serial),
        ("c.ek_name =", "", &selection.ek_name),
        ("c.subject =", "", &selection.subject),
        ("c.ek_name IN (SELECT ek_name FROM units WHERE batch =", ")", &selection.batch),
    ];
    let moments = [("c.not_before >=", selection.issued_from), ("c.not_before <", selection.issued_before)];
    let mut conditions = Vec::new();
    let mut number = 0usize;
    let mut place = || {
        number = number.saturating_add(1);
        number
    };
    for (before, after, value) in texts {
        if value.is_some() {
            conditions.push(format!("{before} ${}{after}", place()));
        }
    }
    for (comparison, value) in moments {
        if value.is_some() {
            conditions.push(format!("{comparison} ${}", place()));
        }
    }
    if conditions.is_empty() {
        return Ok(Vec::new());
    }
    // Made of constants and numbers; values are bound.
    let statement = format!("{RECORD} WHERE {} ORDER BY c.not_before, c.serial", conditions.join(" AND "));
    let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
    for (_, _, value) in texts {
        if let Some(value) = value {
            query = query.bind(value);
        }
    }
    for (_, value) in moments {
        if let Some(value) = value {
            query = query.bind(value);
        }
    }
    query.fetch_all(connection).await?.iter().map(record).collect()
}

fn record(row: &AnyRow) -> Result<CertificateRecord, StoreError> {
    let (revoked_at, reason): (i64, i64) = (row.try_get("revoked_at")?, row.try_get("reason")?);
    Ok(CertificateRecord {
        serial: row.try_get("serial")?,
        enrolment: row.try_get("enrolment")?,
        ek_name: row.try_get("ek_name")?,
        ik_name: row.try_get("ik_name")?,
        profile: row.try_get("profile")?,
        subject: row.try_get("subject")?,
        not_before: row.try_get("not_before")?,
        not_after: row.try_get("not_after")?,
        certificate: row.try_get("certificate")?,
        revoked: Some((revoked_at, reason)).filter(|(at, _)| *at >= 0),
    })
}

async fn newest_crl(connection: &mut AnyConnection, issuer: &str) -> Result<Option<StoredCrl>, StoreError> {
    let row = sqlx::query("SELECT number, revocations, this_update, next_update, crl FROM crls WHERE issuer = $1")
        .bind(issuer)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(StoredCrl {
            number: row.try_get("number")?,
            revocations: row.try_get("revocations")?,
            this_update: row.try_get("this_update")?,
            next_update: row.try_get("next_update")?,
            crl: row.try_get("crl")?,
        })
    })
    .transpose()
}

async fn decommissioned(connection: &mut AnyConnection, ek_name: &str) -> Result<Option<i64>, StoreError> {
    let row =
        sqlx::query("SELECT at FROM decommissions WHERE ek_name = $1").bind(ek_name).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get("at")).transpose()?)
}
