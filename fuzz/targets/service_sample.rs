//! A factory, a device whose TPM it certified, and a running service that trusts it: what the edited enrolments are made of.

use ironroot_attest::{object_name, x509::TrustStore};
use ironroot_client::{InProcess, Tpm as Client, templates::KeyType};
use ironroot_crypto_host::Host;
use ironroot_keys::SharedTpm;
use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_provision::{
    Service, ServiceConfig, ServiceThread,
    agent::{
        DeviceTpm,
        tpm::{EndorsementKey, TpmDevice, persistent_identity_key, store_ek_certificate},
    },
    authority::{Authority, Lifetime, TpmDescription},
    profile::CertificateProfile,
    protocol::{EnrolmentParameters, to_base64},
    validation::Validator,
};
use ironroot_tpm::{Profile, Tpm};
use ironroot_wire::{TpmHandle, TpmSu};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use crate::prelude::seeds;

/// 2026-01-01, seconds of the UNIX epoch.
pub const NOW: u64 = 1_767_225_600;
const YEAR: u64 = 365 * 86_400;

/// What is made once for all inputs.
pub struct Sample {
    /// The service, with its HTTP port.
    pub service: ServiceThread,
    /// The same checks as the service's.
    pub validator: Validator,
    /// The honest enrolment's binary fields: request, identity key, endorsement key, its certificate.
    pub fields: [Vec<u8>; 4],
    /// Who the device is.
    pub ek_name: Vec<u8>,
}

/// The sample.
pub static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("ironroot-fuzz-service-{}", std::process::id()));
    let factory = Authority::open_or_create(&new_folder(&folder, "factory").join("ca"), "factory", Arc::new(Host), NOW)
        .expect("a new factory");
    let trust = || {
        let mut trust = TrustStore::new();
        trust.add_root(factory.certificate().clone());
        trust
    };
    let mut config = ServiceConfig::new(new_folder(&folder, "service"), Arc::new(Host), trust());
    config.clock = Arc::new(|| NOW);
    config.database_limit = Some(64 << 20);
    let service = Service::start_thread(config).expect("a service on a free port");
    let validator = Validator::new(Arc::new(Host), trust(), vec![CertificateProfile::tls_client()]);
    let mut device = device(&factory);
    let fields = [device.csr("CN=pump-0001"), device.ik_public(), device.ek_public(), device.ek_certificate()]
        .map(|field| field.expect("the device has everything"));
    let ek_name = object_name(&device.endorsement_key().public);
    Sample { service, validator, fields, ek_name }
});

fn new_folder(folder: &std::path::Path, name: &str) -> PathBuf {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder
}

/// A TPM with an endorsement certificate and an identity key.
fn device(factory: &Authority) -> TpmDevice {
    let storage = Box::new(MemoryStorage::new());
    let tpm =
        Tpm::manufacture(storage, Box::new(TestEntropy::new(7)), &ironroot_crypto_host::HOST, Profile::HOST, seeds())
            .expect("an empty store takes a TPM");
    let tpm = Mutex::new(tpm);
    let mut client = Client::new(InProcess(move |command: &[u8]| {
        tpm.lock().unwrap_or_else(std::sync::PoisonError::into_inner).execute(0, 0, command)
    }));
    client.startup(TpmSu::Clear).expect("it starts");
    let kind = EndorsementKey::P256;
    let ek = client.create_primary(TpmHandle::ENDORSEMENT, &kind.template(), b"").expect("an endorsement key");
    let description = TpmDescription {
        manufacturer: "id:49525254".into(),
        model: "fuzzed".into(),
        version: "id:00000001".into(),
        family: "2.0".into(),
        level: 0,
        revision: 185,
    };
    let certificate = factory
        .issue_ek(&ek.public, &description, b"serial", Lifetime::starting(NOW - YEAR, 20 * YEAR))
        .expect("a certificate");
    client.flush(ek.handle).expect("it is loaded");
    store_ek_certificate(&mut client, kind, &certificate).expect("room for a certificate");
    let tpm = SharedTpm::new(client);
    let key = persistent_identity_key(&tpm, TpmHandle(0x8100_0100), KeyType::P256).expect("an identity key");
    TpmDevice::new(&tpm, kind, Arc::new(key)).expect("a device")
}

/// An enrolment with these fields.
pub fn parameters(fields: &[Vec<u8>; 4]) -> EnrolmentParameters {
    let [csr, ik_public, ek_public, ek_certificate] = fields.each_ref().map(|field| to_base64(field));
    EnrolmentParameters { csr, ik_public, ek_public, ek_certificate, ek_chain: Vec::new(), profile: None, batch: None }
}
