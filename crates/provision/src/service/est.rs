//! Enrollment over Secure Transport (RFC 7030): the CA's certificates, and certificates for devices that show one.
//!
//! What authenticates a request is a certificate that this service gave the device, shown in TLS: it stands for the credential
//! activation by which the device enrolled. So `simpleenroll` and `simplereenroll` do the same, and neither certifies a key that
//! was not proven to be in a TPM; there are no passwords. The first certificate comes from `POST /v1/challenge`.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use der::{
    Any, Decode as _, Encode as _, Sequence,
    asn1::{ObjectIdentifier, SetOfVec},
};
use ironroot_attest::x509::oids;

use super::{
    context::{Context, Shared},
    http,
    tls::ClientCertificate,
};
use crate::{protocol::from_base64, refusal::Refusal};

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new()
        .route("/.well-known/est/cacerts", get(ca_certificates))
        .route("/.well-known/est/csrattrs", get(attributes))
        .route("/.well-known/est/simpleenroll", post(enroll))
        .route("/.well-known/est/simplereenroll", post(enroll))
}

/// `ContentInfo` (RFC 5652, clause 3).
#[derive(Sequence)]
struct ContentInfo {
    kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: SignedData,
}

/// `SignedData` without content and signers, as a carrier of certificates (RFC 5652, clause 5.2).
#[derive(Sequence)]
struct SignedData {
    version: u8,
    digests: SetOfVec<Any>,
    content: DataInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    certificates: SetOfVec<Any>,
    signers: SetOfVec<Any>,
}

/// `EncapsulatedContentInfo` without content.
#[derive(Sequence)]
struct DataInfo {
    kind: ObjectIdentifier,
}

/// A certs-only message in DER.
fn certs_only<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> der::Result<Vec<u8>> {
    let certificates = certificates.map(Any::from_der).collect::<der::Result<Vec<_>>>()?;
    let content = SignedData {
        version: 1,
        digests: SetOfVec::new(),
        content: DataInfo { kind: ID_DATA },
        certificates: SetOfVec::try_from(certificates)?,
        signers: SetOfVec::new(),
    };
    ContentInfo { kind: ID_SIGNED_DATA, content }.to_der()
}

async fn ca_certificates(State(context): Shared) -> Response {
    let now = (context.clock)();
    match certs_only(context.authorities.certificates(now).map(|certificate| certificate.der())) {
        Ok(message) => pkcs7(&message),
        Err(_) => http::refused(&Refusal::internal()),
    }
}

/// What a request should have (RFC 7030, clause 4.5.2): ECDSA with SHA-256, or another key that the profile allows.
async fn attributes() -> Response {
    let attributes = vec![oids::ECDSA_WITH_SHA256, oids::SHA256_WITH_RSA];
    match attributes.to_der() {
        Ok(message) => base64_body("application/csrattrs", &message),
        Err(_) => http::refused(&Refusal::internal()),
    }
}

async fn enroll(
    State(context): Shared,
    client: Option<Extension<ClientCertificate>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match enrolled(&context, client, body).await {
        Ok(response) => response,
        Err(refusal) => {
            context.note(&refusal).await;
            http::refused(&refusal)
        }
    }
}

async fn enrolled(
    context: &Arc<Context>,
    client: Option<Extension<ClientCertificate>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let Some(Extension(ClientCertificate(certificate))) = client else {
        return Err(Refusal::forbidden(
            "client_certificate",
            "the request did not come over TLS with a client certificate",
            "Show the device's certificate in TLS; a first certificate comes from POST /v1/challenge.",
        ));
    };
    const HINT: &str = "POST a PKCS #10 request in DER, base64, as application/pkcs10 (RFC 7030, clause 4.2.1).";
    let body = body.map_err(|_| Refusal::malformed("incomplete_body", "the body did not arrive whole", HINT))?;
    let text = std::str::from_utf8(&body)
        .map_err(|_| Refusal::malformed("malformed_base64", "the body is not base64", HINT))?;
    let request = from_base64(text).map_err(|error| Refusal::malformed("malformed_base64", error, HINT))?;
    let issued = Arc::clone(context).renew(&certificate, &request).await?;
    let (_, der) = der::pem::decode_vec(issued.certificate.as_bytes()).map_err(|_| Refusal::internal())?;
    certs_only(std::iter::once(der.as_slice())).map(|message| pkcs7(&message)).map_err(|_| Refusal::internal())
}

fn pkcs7(message: &[u8]) -> Response {
    base64_body("application/pkcs7-mime; smime-type=certs-only", message)
}

/// A body in base64, in lines of 76 characters.
fn base64_body(kind: &'static str, message: &[u8]) -> Response {
    let mut text = String::new();
    for line in STANDARD.encode(message).as_bytes().chunks(76) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push_str("\r\n");
    }
    ([(header::CONTENT_TYPE, kind), (header::HeaderName::from_static("content-transfer-encoding"), "base64")], text)
        .into_response()
}
