//! The Online Certificate Status Protocol (RFC 6960): requests read, responses signed by a responder to which the authority
//! delegates (clause 4.2.2.2), so that questions from the network never reach the CA's key.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use der::{
    Any, AnyRef, Decode as _, Encode, Enumerated, Sequence, Tag, TagNumber,
    asn1::{BitString, GeneralizedTime, Int, Null, ObjectIdentifier, OctetString},
};
use ironroot_attest::x509::issuance::{Content, extension, key_identifier, subject_key_identifier};
use ironroot_crypto::{Provider, digest};
use ironroot_wire::TpmiAlgHash;
use spki::AlgorithmIdentifierOwned;
use x509_cert::{
    ext::{
        Extension,
        pkix::{BasicConstraints, CrlReason, ExtendedKeyUsage, KeyUsage, KeyUsages},
    },
    name::Name,
};

use super::{
    Authority, AuthorityError, CertificateSigner, FileKey, Lifetime, certificate::signed, random_serial, spki_of,
};

/// Bytes of the largest request that is looked at.
pub const MAX_OCSP_REQUEST: usize = 4096;
/// Certificates that one request may ask about.
const MAX_QUESTIONS: usize = 16;
/// Bytes of the longest nonce (RFC 9654, clause 2.1).
const MAX_NONCE: usize = 128;
/// How long a responder's certificate holds, in seconds; a new one is made after half of it.
const RESPONDER_LIFETIME: u64 = 7 * 24 * 60 * 60;

const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
const OCSP_BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const OCSP_NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
const OCSP_NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

/// `OCSPRequest`.
#[derive(Sequence)]
struct OcspRequest<'a> {
    tbs: TbsRequest<'a>,
    // A signature on a request proves nothing that the answer depends on.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    signature: Option<AnyRef<'a>>,
}

/// `TBSRequest`.
#[derive(Sequence)]
struct TbsRequest<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<u8>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    requestor: Option<AnyRef<'a>>,
    questions: Vec<Question<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// `Request`.
#[derive(Sequence)]
struct Question<'a> {
    id: CertId,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<AnyRef<'a>>,
}

/// `CertID`.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct CertId {
    hash: AlgorithmIdentifierOwned,
    issuer_name_hash: OctetString,
    issuer_key_hash: OctetString,
    serial: Int,
}

/// `OCSPResponseStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub enum OcspFailure {
    /// `successful`.
    None = 0,
    /// `malformedRequest`.
    Malformed = 1,
    /// `internalError`.
    Internal = 2,
    /// `tryLater`.
    TryLater = 3,
    /// `unauthorized`: the responder knows nothing about these issuers (RFC 5019, clause 2.2.3).
    Unauthorized = 6,
}

/// `OCSPResponse`.
#[derive(Sequence)]
struct OcspResponse {
    status: OcspFailure,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    bytes: Option<ResponseBytes>,
}

/// `ResponseBytes`.
#[derive(Sequence)]
struct ResponseBytes {
    kind: ObjectIdentifier,
    response: OctetString,
}

/// `BasicOCSPResponse`.
#[derive(Sequence)]
struct BasicResponse {
    data: Any,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    certificates: Vec<Any>,
}

/// `ResponseData`, its version the default one, its responder named by key.
#[derive(Sequence)]
struct ResponseData {
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    responder: OctetString,
    produced_at: GeneralizedTime,
    responses: Vec<SingleResponse>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// `SingleResponse`.
#[derive(Sequence)]
struct SingleResponse {
    id: CertId,
    status: Any,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    next_update: GeneralizedTime,
}

/// `RevokedInfo`.
#[derive(Sequence)]
struct RevokedInfo {
    at: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    reason: Option<CrlReason>,
}

/// Where a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It was issued, and not revoked.
    Good,
    /// It was revoked.
    Revoked {
        /// When (seconds of the UNIX epoch).
        at: u64,
        /// Why.
        reason: CrlReason,
    },
    /// It was not issued here.
    Unknown,
}

/// A request, understood: what it asks about, to be answered one by one.
pub struct OcspQuery {
    questions: Vec<CertId>,
    nonce: Option<Extension>,
}

impl OcspQuery {
    /// Reads a request in DER.
    ///
    /// # Errors
    /// [`OcspFailure::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, OcspFailure> {
        let malformed = |_| OcspFailure::Malformed;
        if der.len() > MAX_OCSP_REQUEST {
            return Err(OcspFailure::Malformed);
        }
        let request = OcspRequest::from_der(der).map_err(malformed)?;
        let questions: Vec<CertId> = request.tbs.questions.into_iter().map(|question| question.id).collect();
        if questions.is_empty() || questions.len() > MAX_QUESTIONS || request.tbs.version.is_some_and(|v| v != 0) {
            return Err(OcspFailure::Malformed);
        }
        let mut extensions = request.tbs.extensions.unwrap_or_default().into_iter();
        let nonce = extensions.find(|extension| extension.extn_id == OCSP_NONCE);
        if nonce.as_ref().is_some_and(|nonce| nonce.extn_value.as_bytes().len() > MAX_NONCE) {
            return Err(OcspFailure::Malformed);
        }
        Ok(Self { questions, nonce })
    }

    /// The serial numbers that are asked about and of certificates that this authority issued, in hexadecimal, each with the
    /// place of its question.
    ///
    /// # Errors
    /// [`OcspFailure::Unauthorized`] if the request asks about other issuers' certificates only.
    pub fn serials_of(&self, authority: &Authority) -> Result<Vec<(usize, String)>, OcspFailure> {
        let ours: Vec<_> = self
            .questions
            .iter()
            .enumerate()
            .filter(|(_, id)| id.is_of(authority))
            .map(|(place, id)| (place, super::to_hex(id.serial.as_bytes())))
            .collect();
        if ours.is_empty() { Err(OcspFailure::Unauthorized) } else { Ok(ours) }
    }
}

impl CertId {
    fn is_of(&self, authority: &Authority) -> bool {
        let hash = match self.hash.oid {
            SHA1 => TpmiAlgHash::Sha1,
            ironroot_attest::x509::oids::SHA256 => TpmiAlgHash::Sha256,
            _ => return false,
        };
        let Ok(name) = authority.certificate.subject().to_der() else { return false };
        let key = authority.certificate.public_key_info().subject_public_key.raw_bytes();
        *digest(hash, &[&name]) == *self.issuer_name_hash.as_bytes()
            && *digest(hash, &[key]) == *self.issuer_key_hash.as_bytes()
    }
}

/// Signs responses for one authority, with a key of its own that lives as long as the process.
pub struct OcspResponder {
    provider: Arc<dyn Provider>,
    delegate: Mutex<Option<Arc<Delegate>>>,
}

/// A key to which the authority delegates.
struct Delegate {
    key: FileKey,
    certificate: Vec<u8>,
    not_after: u64,
}

impl OcspResponder {
    /// A responder; its certificate is issued with the first answer.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider, delegate: Mutex::default() }
    }

    /// The response to a request, in DER. `statuses` has one for each place of [`OcspQuery::serials_of`]; other questions are
    /// answered by "unknown". It may be kept for `lifetime` seconds.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn answer(
        &self,
        authority: &Authority,
        query: &OcspQuery,
        statuses: &[(usize, CertificateStatus)],
        now: u64,
        lifetime: u64,
    ) -> Result<Vec<u8>, AuthorityError> {
        let delegate = self.delegate(authority, now)?;
        let status_of = |place| statuses.iter().find(|(at, _)| *at == place).map(|(_, status)| *status);
        let responses = query.questions.iter().enumerate().map(|(place, id)| {
            Ok(SingleResponse {
                id: id.clone(),
                status: status_of(place).unwrap_or(CertificateStatus::Unknown).to_any()?,
                this_update: time(now)?,
                next_update: time(now.saturating_add(lifetime))?,
            })
        });
        let key = spki_of(delegate.key.public_key())?;
        let data = ResponseData {
            // KeyHash is SHA-1 by definition (RFC 6960, clause 4.2.1); it names, and secures nothing.
            responder: OctetString::new(digest(TpmiAlgHash::Sha1, &[key.subject_public_key.raw_bytes()]).to_vec())?,
            produced_at: time(now)?,
            responses: responses.collect::<Result<_, AuthorityError>>()?,
            extensions: query.nonce.clone().map(|nonce| vec![Extension { critical: false, ..nonce }]),
        };
        let data = data.to_der()?;
        let basic = BasicResponse {
            signature: BitString::from_bytes(&delegate.key.sign(&data)?)?,
            data: Any::from_der(&data)?,
            algorithm: delegate.key.algorithm(),
            certificates: vec![Any::from_der(&delegate.certificate)?],
        };
        let bytes = ResponseBytes { kind: OCSP_BASIC, response: OctetString::new(basic.to_der()?)? };
        Ok(OcspResponse { status: OcspFailure::None, bytes: Some(bytes) }.to_der()?)
    }

    fn delegate(&self, authority: &Authority, now: u64) -> Result<Arc<Delegate>, AuthorityError> {
        let mut place = self.delegate.lock().unwrap_or_else(PoisonError::into_inner);
        match &*place {
            Some(delegate) if delegate.not_after > now.saturating_add(RESPONDER_LIFETIME / 2) => {
                Ok(Arc::clone(delegate))
            }
            _ => Ok(Arc::clone(place.insert(Arc::new(Delegate::issue(authority, &self.provider, now)?)))),
        }
    }
}

impl Delegate {
    fn issue(authority: &Authority, provider: &Arc<dyn Provider>, now: u64) -> Result<Self, AuthorityError> {
        let key = FileKey::generate(Arc::clone(provider))?;
        let public_key = spki_of(key.public_key())?;
        let lifetime = Lifetime::starting(now, RESPONDER_LIFETIME);
        let no_check =
            Extension { extn_id: OCSP_NO_CHECK, critical: false, extn_value: OctetString::new(Null.to_der()?)? };
        let extensions = vec![
            extension(true, &BasicConstraints { ca: false, path_len_constraint: None })?,
            extension(true, &KeyUsage(KeyUsages::DigitalSignature.into()))?,
            extension(false, &ExtendedKeyUsage(vec![OCSP_SIGNING]))?,
            subject_key_identifier(&key_identifier(&public_key))?,
            authority.authority_key_identifier()?,
            // It lives for days; nobody has to ask whether it was revoked (clause 4.2.2.2.1).
            no_check,
        ];
        let subject = "CN=OCSP responder".parse::<Name>()?;
        let content = Content {
            serial: &random_serial()?,
            issuer: authority.certificate.subject(),
            lifetime,
            subject: &subject,
            public_key,
            extensions,
        };
        let certificate = signed(content, &*authority.signer)?;
        Ok(Self { key, certificate, not_after: lifetime.not_after })
    }
}

impl CertificateStatus {
    /// `CertStatus`.
    fn to_any(self) -> Result<Any, AuthorityError> {
        let tag = |constructed, number| Tag::ContextSpecific { constructed, number: TagNumber(number) };
        Ok(match self {
            Self::Good => Any::new(tag(false, 0), [])?,
            Self::Unknown => Any::new(tag(false, 2), [])?,
            Self::Revoked { at, reason } => {
                let reason = Some(reason).filter(|reason| *reason != CrlReason::Unspecified);
                let info = Any::encode_from(&RevokedInfo { at: time(at)?, reason })?;
                Any::new(tag(true, 1), info.value())?
            }
        })
    }
}

/// A response that says why there is no answer, in DER.
#[must_use]
pub fn ocsp_failure(failure: OcspFailure) -> Vec<u8> {
    // Five constant bytes; encoding them does not fail.
    OcspResponse { status: failure, bytes: None }.to_der().unwrap_or_default()
}

fn time(seconds: u64) -> der::Result<GeneralizedTime> {
    GeneralizedTime::from_unix_duration(Duration::from_secs(seconds))
}
