//! A factory, software TPMs whose private keys the test knows, and a service to enrol them with.
#![allow(dead_code)]

pub mod postgres;

use std::{
    path::Path,
    str::FromStr as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use der::{
    Any, Decode as _, Encode, Sequence,
    asn1::{BitString, UintRef},
};
use ironroot_attest::{
    EkTemplate, object_name,
    x509::{PublicKey, TrustStore, oids},
};
use ironroot_crypto::{
    CryptoError, Drbg, EccPoint, EccProvider as _, Provider, cfb_decrypt, digest, ecc, hmac, kdfa, kdfe,
    portable::Portable,
};
use ironroot_provision::{
    Service, ServiceConfig, ServiceThread,
    agent::{DeviceTpm, HttpClient},
    authority::{Authority, FileKey, Lifetime, TpmDescription, random_serial},
    protocol::{CertificateRequest, EnrolmentParameters, from_base64, to_base64},
    store::AuditKey,
};
use ironroot_wire::{
    PublicKind, Reader, Rules, Tpm2bDigest, Tpm2bEccParameter, TpmEccCurve, TpmaObject, TpmiAlgHash, TpmsEccParms,
    TpmsEccPoint, TpmtEccScheme, TpmtPublic, Wire,
};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{
    name::Name,
    request::{CertReqInfo, Version},
};
use zeroize::Zeroizing;

pub const YEAR: u64 = 365 * 24 * 60 * 60;
const CURVE: TpmEccCurve = TpmEccCurve::NistP256;

pub fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

pub fn provider() -> Arc<dyn Provider> {
    Arc::new(Portable)
}

/// A maker of TPMs.
pub struct Factory {
    pub authority: Authority,
}

impl Factory {
    pub fn new(name: &str) -> Self {
        let key = FileKey::generate(provider()).unwrap();
        let subject = Name::from_str(&format!("CN={name}")).unwrap();
        let lifetime = Lifetime::starting(now() - YEAR, 30 * YEAR);
        let serial = random_serial().unwrap();
        Self { authority: Authority::new_root(Arc::new(key), &subject, &serial, lifetime).unwrap() }
    }

    pub fn trust(&self) -> TrustStore {
        let mut trust = TrustStore::new();
        trust.add_root(self.authority.certificate().clone());
        trust
    }

    pub fn certify(&self, ek: &TpmtPublic, lifetime: Lifetime) -> Vec<u8> {
        let tpm = TpmDescription {
            manufacturer: "id:49524E00".into(),
            model: "test".into(),
            version: "id:00010000".into(),
            family: "2.0".into(),
            level: 0,
            revision: 185,
        };
        self.authority.issue_ek(ek, &tpm, b"factory", lifetime).unwrap()
    }

    pub fn make_tpm(&self, seed: u8) -> SoftwareTpm {
        let mut tpm = SoftwareTpm::new(seed);
        tpm.ek_certificate = self.certify(&tpm.ek, Lifetime::starting(now(), 10 * YEAR));
        tpm
    }
}

/// A TPM in the open: P-256 keys, activation as Part 3's TPM2_ActivateCredential describes it.
pub struct SoftwareTpm {
    ek_scalar: Zeroizing<Vec<u8>>,
    pub ek: TpmtPublic,
    ik_scalar: Zeroizing<Vec<u8>>,
    pub ik: TpmtPublic,
    pub ek_certificate: Vec<u8>,
    random: Drbg,
}

impl SoftwareTpm {
    pub fn new(seed: u8) -> Self {
        let mut random = Drbg::new(&[seed; 32], b"software", b"TPM");
        let (ek_scalar, ek_point) = ecc::generate(&Portable, CURVE, &mut random).unwrap();
        let (ik_scalar, ik_point) = ecc::generate(&Portable, CURVE, &mut random).unwrap();
        let (ek, ik) = (ek_public(&ek_point), ik_public(&ik_point));
        Self { ek_scalar, ek, ik_scalar, ik, ek_certificate: Vec::new(), random }
    }

    /// Another identity key in the same TPM.
    pub fn renew_ik(&mut self) {
        let (scalar, point) = ecc::generate(&Portable, CURVE, &mut self.random).unwrap();
        (self.ik_scalar, self.ik) = (scalar, ik_public(&point));
    }

    /// The identity key as other programs read it.
    pub fn ik_pem(&self) -> String {
        #[derive(Sequence)]
        struct EcPrivateKey<'a> {
            version: u8,
            private_key: &'a der::asn1::OctetStringRef,
            #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
            parameters: der::oid::ObjectIdentifier,
        }
        let private_key = der::asn1::OctetStringRef::new(&self.ik_scalar).unwrap();
        let key = EcPrivateKey { version: 1, private_key, parameters: oids::P256 }.to_der().unwrap();
        der::pem::encode_string("EC PRIVATE KEY", der::pem::LineEnding::LF, &key).unwrap()
    }

    /// Enrols from the first question to the certificate (PEM).
    pub fn enrol(&mut self, service: &HttpClient, subject: &str) -> String {
        let parameters = self.parameters(subject);
        let answer = self.answer(service, &parameters);
        service.certificate(&answer).unwrap().certificate
    }

    pub fn parameters(&mut self, subject: &str) -> EnrolmentParameters {
        EnrolmentParameters {
            csr: to_base64(&self.sign_request(subject)),
            ik_public: to_base64(&self.ik.to_bytes()),
            ek_public: to_base64(&self.ek.to_bytes()),
            ek_certificate: to_base64(&self.ek_certificate),
            ek_chain: Vec::new(),
            profile: None,
            batch: None,
        }
    }

    pub fn sign_request(&mut self, subject: &str) -> Vec<u8> {
        let key = PublicKey::from_public(&self.ik).unwrap().to_spki().unwrap();
        let info = CertReqInfo {
            version: Version::V1,
            subject: if subject.is_empty() { Name::default() } else { Name::from_str(subject).unwrap() },
            public_key: key,
            attributes: Default::default(),
        };
        self.sign_info(&info.to_der().unwrap())
    }

    /// A certification request around any content.
    pub fn sign_info(&mut self, info: &[u8]) -> Vec<u8> {
        #[derive(Sequence)]
        struct EcdsaSignature<'a> {
            r: UintRef<'a>,
            s: UintRef<'a>,
        }
        #[derive(Sequence)]
        struct Request {
            info: Any,
            algorithm: AlgorithmIdentifierOwned,
            signature: BitString,
        }
        let digest = digest(TpmiAlgHash::Sha256, &[info]);
        let (r, s) = Portable.ecdsa_sign(CURVE, &self.ik_scalar, &digest, &mut self.random).unwrap();
        let signature = EcdsaSignature { r: UintRef::new(&r).unwrap(), s: UintRef::new(&s).unwrap() }.to_der().unwrap();
        Request {
            info: Any::from_der(info).unwrap(),
            algorithm: AlgorithmIdentifierOwned { oid: oids::ECDSA_WITH_SHA256, parameters: None },
            signature: BitString::from_bytes(&signature).unwrap(),
        }
        .to_der()
        .unwrap()
    }

    /// Asks for a challenge and answers it.
    pub fn answer(&mut self, service: &HttpClient, parameters: &EnrolmentParameters) -> CertificateRequest {
        let challenge = service.challenge(parameters).unwrap();
        let blob = from_base64(&challenge.credential_blob).unwrap();
        let secret = from_base64(&challenge.secret).unwrap();
        let ticket = DeviceTpm::activate(self, &blob, &secret).unwrap();
        CertificateRequest {
            parameters: parameters.clone(),
            issued_at: challenge.issued_at,
            ticket: to_base64(&ticket),
        }
    }

    fn open(&self, blob: &[u8], secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let hash = TpmiAlgHash::Sha256;
        let (Some(point), Some(blob)) = (secret.get(2..), blob.get(2..)) else { return Err(CryptoError::Value) };
        let point = TpmsEccPoint::from_bytes(point).map_err(|_| CryptoError::Point)?;
        let PublicKind::Ecc(_, public) = &self.ek.kind else { return Err(CryptoError::Key) };
        let ephemeral = EccPoint { x: point.x.to_vec(), y: point.y.to_vec() };
        let shared = Portable.ecc_multiply(CURVE, &self.ek_scalar, &ephemeral)?;
        let seed = kdfe(hash, &shared.x, b"IDENTITY", &ephemeral.x, &public.x, 256);
        let mut reader = Reader::new(blob, &Rules::ALL);
        let integrity = Tpm2bDigest::unmarshal(&mut reader).map_err(|_| CryptoError::Value)?;
        let mut identity = reader.rest().to_vec();
        let name = object_name(&self.ik);
        let hmac_key = kdfa(hash, &seed, b"INTEGRITY", &[], &[], 256);
        if *hmac(hash, &hmac_key, &[&identity, &name]) != *integrity {
            return Err(CryptoError::Invalid);
        }
        cfb_decrypt(
            ironroot_wire::TpmiAlgSymObject::Aes,
            &kdfa(hash, &seed, b"STORAGE", &name, &[], 128),
            &[0; 16],
            &mut identity,
        )?;
        Ok(Tpm2bDigest::from_bytes(&identity).map_err(|_| CryptoError::Value)?.to_vec())
    }
}

impl DeviceTpm for SoftwareTpm {
    type Error = CryptoError;

    fn ek_public(&mut self) -> Result<Vec<u8>, CryptoError> {
        Ok(self.ek.to_bytes())
    }

    fn ek_certificate(&mut self) -> Result<Vec<u8>, CryptoError> {
        Ok(self.ek_certificate.clone())
    }

    fn ik_public(&mut self) -> Result<Vec<u8>, CryptoError> {
        Ok(self.ik.to_bytes())
    }

    fn csr(&mut self, subject: &str) -> Result<Vec<u8>, CryptoError> {
        Ok(self.sign_request(subject))
    }

    fn activate(&mut self, blob: &[u8], secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.open(blob, secret).map(Zeroizing::new)
    }
}

fn ecc_public(
    attributes: TpmaObject,
    policy: &[u8],
    symmetric: Option<ironroot_wire::TpmtSymDefObject>,
    scheme: Option<TpmtEccScheme>,
    point: &EccPoint,
) -> TpmtPublic {
    let coordinate = |bytes: &[u8]| Tpm2bEccParameter::from_slice(bytes).unwrap();
    TpmtPublic {
        name_alg: Some(TpmiAlgHash::Sha256),
        object_attributes: attributes,
        auth_policy: Tpm2bDigest::from_slice(policy).unwrap(),
        kind: PublicKind::Ecc(
            TpmsEccParms { symmetric, scheme, curve_id: CURVE, kdf: None },
            TpmsEccPoint { x: coordinate(&point.x), y: coordinate(&point.y) },
        ),
    }
}

pub fn ek_public(point: &EccPoint) -> TpmtPublic {
    let template = EkTemplate::L2;
    ecc_public(template.attributes(), template.policy(), Some(template.symmetric()), None, point)
}

pub fn ik_public(point: &EccPoint) -> TpmtPublic {
    let attributes = TpmaObject::FIXED_TPM
        .with(TpmaObject::FIXED_PARENT)
        .with(TpmaObject::SENSITIVE_DATA_ORIGIN)
        .with(TpmaObject::USER_WITH_AUTH)
        .with(TpmaObject::SIGN_ENCRYPT);
    ecc_public(attributes, &[], None, Some(TpmtEccScheme::Ecdsa(TpmiAlgHash::Sha256)), point)
}

/// A clock that tests turn.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(now())))
    }

    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn install(&self, config: &mut ServiceConfig) {
        let time = Arc::clone(&self.0);
        config.clock = Arc::new(move || time.load(Ordering::SeqCst));
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The audit key of a service's folder.
pub fn audit_key(folder: &Path) -> Arc<AuditKey> {
    Arc::new(AuditKey::open_or_create(&folder.join("audit.key"), provider()).unwrap())
}

pub fn config(folder: &Path, factory: &Factory) -> ServiceConfig {
    ServiceConfig::new(folder.to_owned(), provider(), factory.trust())
}

/// A running service and a client for it that tries once.
pub fn start(config: ServiceConfig) -> (ServiceThread, HttpClient) {
    let service = Service::start_thread(config).unwrap();
    let client = client(&service);
    (service, client)
}

pub fn client(service: &ServiceThread) -> HttpClient {
    HttpClient::new(&format!("http://{}", service.address())).with_retries(0)
}

/// The code with which the service refused.
pub fn code<T: std::fmt::Debug>(result: Result<T, ironroot_provision::agent::HttpError>) -> String {
    result.unwrap_err().code().expect("a refusal").to_owned()
}
