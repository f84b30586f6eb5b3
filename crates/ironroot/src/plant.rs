//! A whole plant in one folder: the product's secret, the factory that makes TPMs and certifies their endorsement keys,
//! one device, and the provisioning service.
//!
//! ```text
//! FOLDER/product/secret    the product secret
//! FOLDER/factory/          the manufacturing CA
//! FOLDER/device/tpm/       the TPM's folder: sealed state
//! FOLDER/service/          the provisioning service: identity CA, database
//! ```

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use ironroot_anchor::machine::Source;
use ironroot_attest::x509::TrustStore;
use ironroot_client::{InProcess, Tpm as Client};
use ironroot_crypto::Provider;
use ironroot_host::{
    AtStart, Daemon,
    sandbox::{Memory, Sandbox, Seccomp, Work},
};
use ironroot_keys::{NamedKeys, SharedTpm};
use ironroot_platform::{Clock as _, Durability, host::SystemClock};
use ironroot_provision::{
    agent::tpm::{EndorsementKey, store_ek_certificate},
    authority::{Authority, Lifetime, TpmDescription},
    service::{Service, ServiceConfig, ServiceThread},
};
use ironroot_store::Options;
use ironroot_tpm::Tpm;
use ironroot_wire::{TpmHandle, TpmSu};

use crate::{
    cli::Endpoint,
    counter::Asker,
    device::{Grade, Place, create_folder},
    engine::HostEngine,
    failure::{Failure, Result},
    global_base,
};

/// 20 years, in seconds.
const CA_LIFETIME: u64 = 20 * 365 * 86_400;
/// Stores of a host keep what they acknowledged over a power cut.
const DURABLE: Options = Options { durability: Durability::Power };

/// The folder of a plant.
pub struct Plant {
    folder: PathBuf,
    source: Option<Source>,
}

/// A TPM that is ready to be started.
pub struct Device {
    /// The TPM.
    pub tpm: Tpm,
    /// What its device value is worth.
    pub grade: Grade,
}

/// Where to listen.
pub struct Addresses {
    /// The simulator protocol.
    pub mssim: Option<SocketAddr>,
    /// swtpm's channels.
    pub swtpm: Option<Endpoint>,
    /// The provisioning service.
    pub service: SocketAddr,
}

/// A plant that runs.
pub struct Started {
    /// The TPM.
    pub daemon: Daemon,
    /// The service.
    pub service: ServiceThread,
}

impl Started {
    /// The service's address.
    pub fn service_url(&self) -> String {
        format!("http://{}", self.service.address())
    }

    /// Waits for the end, and ends both in order.
    ///
    /// # Errors
    /// The TPM did not end in order.
    pub fn wait(self) -> Result {
        let ended = self.daemon.wait();
        self.service.stop();
        Ok(ended?)
    }

    /// Ends both in order.
    ///
    /// # Errors
    /// The TPM did not end in order.
    pub fn stop(self) -> Result {
        let ended = self.daemon.stop();
        self.service.stop();
        Ok(ended?)
    }
}

/// Seconds of the UNIX epoch.
pub fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}

impl Plant {
    /// The plant in a folder.
    pub fn at(folder: &Path, source: Option<Source>) -> Self {
        Self { folder: folder.into(), source }
    }

    /// Where the device's parts are.
    pub fn place(&self) -> Place {
        let secret = self.folder.join("product").join("secret");
        Place { asker: Asker::Daemon, ..Place::new(self.device_folder(), Some(secret), self.source.clone()) }
    }

    /// The TPM's folder.
    pub fn device_folder(&self) -> PathBuf {
        self.folder.join("device").join("tpm")
    }

    /// The device's TPM, and whether it was made now.
    ///
    /// # Errors
    /// What failed, on which file, and the next step.
    pub fn device(&self) -> Result<(Device, bool)> {
        let place = self.place();
        if place.is_manufactured() {
            let (tpm, grade) = place.open(DURABLE)?;
            return Ok((Device { tpm, grade }, false));
        }
        create_folder(&self.folder.join("product"))?;
        create_folder(&self.folder.join("device"))?;
        let (tpm, grade) = place.manufacture(DURABLE)?;
        let tpm = self.finish(tpm)?;
        Ok((Device { tpm, grade }, true))
    }

    /// The manufacturing CA, which is made if there is none.
    ///
    /// # Errors
    /// A file, named.
    pub fn factory(&self) -> Result<Authority> {
        let folder = self.folder.join("factory");
        create_folder(&folder)?;
        Ok(Authority::open_or_create(&folder.join("ca"), "Ironroot demonstration factory", shared_provider(), now())?)
    }

    /// What the factory does last: start the TPM, have its endorsement keys certified, store the certificates and the base of
    /// the product's global secrets, shut down.
    fn finish(&self, tpm: Tpm) -> Result<Tpm> {
        let factory = self.factory()?;
        let shared = Arc::new(std::sync::Mutex::new(tpm));
        let mut client = in_process(&shared);
        client.startup(TpmSu::Clear)?;
        for kind in [EndorsementKey::P256, EndorsementKey::Rsa2048] {
            let ek = client.create_primary(TpmHandle::ENDORSEMENT, &kind.template(), b"")?;
            let serial_key = factory.certificate().der().to_vec();
            let certificate =
                factory.issue_ek(&ek.public, &description(), &serial_key, Lifetime::starting(now(), CA_LIFETIME))?;
            client.flush(ek.handle)?;
            store_ek_certificate(&mut client, kind, &certificate)?;
        }
        let keys = NamedKeys::new(&SharedTpm::new(client));
        keys.provision_global(&*global_base::load(&self.place().product_secret)?, true)?;
        keys.tpm().lock()?.shutdown(TpmSu::Clear)?;
        drop(keys);
        let tpm = Arc::into_inner(shared).ok_or_else(|| Failure::new("the TPM is still in use"))?;
        Ok(tpm.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Starts the TPM behind its doors and the service beside it, in a sandbox that fits both if one is asked for. (It holds
    /// for the whole process, so whoever wants to do something else in it does without.)
    ///
    /// # Errors
    /// Which address or file, and why.
    pub fn start(&self, tpm: Tpm, addresses: &Addresses, sandboxed: Option<(Seccomp, Memory)>) -> Result<Started> {
        let mut trust = TrustStore::new();
        trust.add_root(self.factory()?.certificate().clone());
        let mut config = ServiceConfig::new(self.folder.join("service"), shared_provider(), trust);
        config.listen = addresses.service;

        let mut builder =
            Daemon::builder(HostEngine::new(tpm)).at_start(AtStart::StartupClear).state_is_encrypted(true);
        if let Some(address) = addresses.mssim {
            builder = builder.mssim(address);
        }
        builder = match &addresses.swtpm {
            Some(Endpoint::Tcp(address)) => builder.swtpm(*address),
            Some(Endpoint::Unix(path)) => builder.swtpm_unix(path),
            None => builder,
        };
        if let Some((seccomp, memory)) = sandboxed {
            builder = builder.sandbox(Sandbox {
                work: Work::TpmAndService,
                seccomp,
                writable: vec![self.folder.clone()],
                memory: Some(memory),
                ports: vec![addresses.service.port()],
                ..Sandbox::default()
            });
        }
        // The daemon first: its sandbox holds for the threads that come after it.
        let daemon = builder.start()?;
        let service = Service::start_thread(config)?;
        Ok(Started { daemon, service })
    }
}

/// What the endorsement certificates say about these TPMs.
pub fn description() -> TpmDescription {
    TpmDescription {
        manufacturer: "id:49525254".into(),
        model: "Ironroot software TPM".into(),
        version: "id:00000001".into(),
        family: "2.0".into(),
        level: 0,
        revision: 185,
    }
}

/// A client of a TPM in this process that nobody else uses yet.
fn in_process(tpm: &Arc<std::sync::Mutex<Tpm>>) -> Client {
    let tpm = Arc::clone(tpm);
    let clock = SystemClock::new();
    Client::new(InProcess(move |command: &[u8]| {
        let mut tpm = tpm.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tpm.execute(0, clock.now(), command)
    }))
}

/// The provider as the service holds it.
pub fn shared_provider() -> Arc<dyn Provider> {
    #[cfg(feature = "host-crypto")]
    return Arc::new(ironroot_crypto_host::Host);
    #[cfg(not(feature = "host-crypto"))]
    return Arc::new(ironroot_crypto::Portable);
}
