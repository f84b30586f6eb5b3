//! The running service: configuration, start, stop.

mod checkpoints;
mod context;
mod enrolment;
mod est;
mod http;
mod issuers;
mod metrics;
mod operations;
mod page;
mod renewal;
mod server;
mod status;
mod tls;

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use ironroot_attest::x509::TrustStore;
use ironroot_crypto::{Provider, hmac};
use ironroot_wire::TpmiAlgHash;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::{
    authority::{Authorities, AuthorityError, CertificateSigner, OcspResponder},
    files::{self, FileError},
    profile::CertificateProfile,
    store::{AuditKey, Event, EventKind, Location, Store, StoreError},
    ticket::TicketKey,
    validation::Validator,
};

use context::{Context, RefusalLog};
use metrics::Metrics;
use tls::Tls;

const SECRET_SIZE: usize = 32;

/// The database in the service's folder, if it has no other.
pub(crate) const DATABASE: &str = "provision.sqlite";
/// The key that signs the end of the audit.
pub(crate) const AUDIT_KEY: &str = "audit.key";
/// The end of the audit as it was a short time ago, outside the database.
pub(crate) const CHECKPOINT: &str = "audit.checkpoint";

/// Seconds of the UNIX epoch, from whatever clock the service runs by.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a service runs with.
#[derive(Clone)]
pub struct ServiceConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder for the CA, the service's secret and the database. Made if it is not there.
    pub folder: PathBuf,
    /// The public-key primitives.
    pub provider: Arc<dyn Provider>,
    /// The roots of endorsement certificates.
    pub trust: TrustStore,
    /// The certificate profiles; the first is the default.
    pub profiles: Vec<CertificateProfile>,
    /// The identity CA's key, and perhaps others that it had before; without any, a key in the clear in the folder, which is
    /// enough for a demonstration.
    pub authority_keys: Vec<Arc<dyn CertificateSigner>>,
    /// The common name of the identity CA, when it is made.
    pub authority_name: String,
    /// Whether a device that counts in no batch is refused.
    pub batch_required: bool,
    /// TLS, at an address of its own.
    pub tls: Option<TlsConfig>,
    /// The URL under which others reach this service without TLS. Certificates then say where their revocation list is, and who
    /// answers for them (OCSP).
    pub public_url: Option<String>,
    /// How long a revocation list holds. A new one is made after half of that, and when something was revoked.
    pub crl_lifetime: Duration,
    /// How long a device may take to answer a challenge.
    pub ticket_lifetime: Duration,
    /// The database, if it is not the file `provision.sqlite` in the folder. Nodes that share a database share the
    /// folder's secret and CA, too.
    pub database: Option<Location>,
    /// The most bytes that a database file may take, if there is a limit.
    pub database_limit: Option<u64>,
    /// Connections at a time. One more, and the one that came first is closed.
    pub connections: usize,
    /// The clock.
    pub clock: Clock,
}

impl ServiceConfig {
    /// The usual configuration: loopback on a free port, the profile for TLS clients, five minutes for a ticket.
    #[must_use]
    pub fn new(folder: PathBuf, provider: Arc<dyn Provider>, trust: TrustStore) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder,
            provider,
            trust,
            profiles: vec![CertificateProfile::tls_client()],
            authority_keys: Vec::new(),
            authority_name: "Ironroot identity CA".into(),
            batch_required: false,
            tls: None,
            public_url: None,
            crl_lifetime: Duration::from_secs(24 * 60 * 60),
            ticket_lifetime: Duration::from_secs(300),
            database: None,
            database_limit: None,
            connections: 512,
            clock: Arc::new(|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())),
        }
    }
}

/// How the service does TLS.
#[derive(Debug, Clone)]
pub struct TlsConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The names and addresses of the service, for a certificate of the identity CA.
    pub names: Vec<String>,
    /// A certificate chain and its key (PEM) instead.
    pub files: Option<(PathBuf, PathBuf)>,
}

/// Why the service did not start: which thing, why, and the next step.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}. {}", listen_hint(source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// The CA.
    #[error("the identity CA: {0}")]
    Authority(#[from] AuthorityError),
    /// The database.
    #[error("the database {location}: {source}. {}", store_hint(source))]
    Store {
        /// The file or server.
        location: Location,
        /// What is wrong.
        source: StoreError,
    },
    /// There is no service to do something to.
    #[error("there is no service in {}: name the folder of one that was started before", .0.display())]
    NoService(PathBuf),
    /// TLS.
    #[error("TLS cannot be served: {0}")]
    Tls(String),
    /// Every device would be refused.
    #[error("no trusted root for endorsement certificates: give the TPM makers' root certificates")]
    NoTrustedRoots,
    /// Nothing could be issued.
    #[error("the configuration has no certificate profile")]
    NoProfiles,
    /// The service's threads cannot be started.
    #[error("cannot start the service's threads: {0}. Close other programs and try again")]
    Threads(std::io::Error),
}

fn listen_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => "Another program has the port: stop it, or choose another port",
        std::io::ErrorKind::PermissionDenied => "Ports below 1024 need privileges: choose a higher one",
        std::io::ErrorKind::AddrNotAvailable => "This machine does not have that address: choose one that it has",
        _ => "Choose another address or port",
    }
}

fn store_hint(error: &StoreError) -> &'static str {
    match error {
        StoreError::Full => "Free space on that disk, or choose a folder on another one",
        StoreError::ReadOnly => "Make the folder and the file writable for the service",
        StoreError::Busy => "Another program holds the file: stop it and try again",
        StoreError::Unreachable(_) => "Check that the server runs, its address, the user and the password",
        StoreError::Audit(_) | StoreError::Signing(_) => {
            "Run ironroot audit verify; restore the database, and audit.key, from a backup"
        }
        StoreError::Location(_) => "Give a file's path, or postgres://USER@HOST/DATABASE",
        StoreError::Other(_) => "If the file is damaged, restore it from a backup",
    }
}

/// The provisioning service.
pub struct Service;

/// A service that runs in this asynchronous runtime.
pub struct Running {
    address: SocketAddr,
    authority: String,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    tls_address: Option<SocketAddr>,
    store: Store,
}

impl Running {
    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address where it speaks TLS, if it does.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// The identity CA's certificate (PEM).
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority
    }

    /// The database, for whoever runs the service.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Takes no more requests, lets those that run come to their end (ten seconds at most), closes the database.
    pub async fn stop(self) {
        // Nobody listens if the server has ended already.
        let _ = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "the server ended badly");
            }
        }
        self.store.close().await;
    }
}

/// A service that runs on threads of its own, for programs without an asynchronous runtime. It stops when it is dropped.
pub struct ServiceThread {
    running: Option<Running>,
    runtime: Option<tokio::runtime::Runtime>,
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    authority: String,
}

impl ServiceThread {
    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address where it speaks TLS, if it does.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// The identity CA's certificate (PEM).
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority
    }

    /// As [`Running::stop`].
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for ServiceThread {
    fn drop(&mut self) {
        if let (Some(runtime), Some(running)) = (self.runtime.take(), self.running.take()) {
            // On a thread of its own: the caller may be inside another runtime, which must not be blocked.
            let stopper = thread::spawn(move || {
                runtime.block_on(running.stop());
                runtime.shutdown_timeout(Duration::from_secs(1));
            });
            if stopper.join().is_err() {
                tracing::error!("the service did not stop in order");
            }
        }
    }
}

impl Service {
    /// Starts the service on threads of its own.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start_thread(config: ServiceConfig) -> Result<ServiceThread, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("provision")
            .enable_all()
            .build()
            .map_err(StartError::Threads)?;
        let running = runtime.block_on(Self::start(config))?;
        let (address, tls_address, authority) = (running.address, running.tls_address, running.authority.clone());
        Ok(ServiceThread { running: Some(running), runtime: Some(runtime), address, tls_address, authority })
    }

    /// Starts the service in this runtime. When it returns, the service answers.
    ///
    /// # Errors
    /// [`StartError`]; a taken port is found before anything is written.
    pub async fn start(config: ServiceConfig) -> Result<Running, StartError> {
        if config.trust.roots() == 0 {
            return Err(StartError::NoTrustedRoots);
        }
        if config.profiles.is_empty() {
            return Err(StartError::NoProfiles);
        }
        let (listener, address) = listen(config.listen)?;
        let tls_listener = config.tls.as_ref().map(|tls| listen(tls.listen)).transpose()?;

        files::ensure_folder(&config.folder)?;
        let secret = open_secret(&config)?;
        let authorities = Arc::new(open_authorities(&config)?);
        let authority_pem = authorities.current().certificate_pem()?;
        let tls = match &config.tls {
            Some(tls) => Some(Tls::new(tls, &authorities, &config.provider, &config.clock)?),
            None => None,
        };
        let store = open_store(&config).await?;

        let context = Arc::new(Context {
            validator: Validator::new(Arc::clone(&config.provider), config.trust, config.profiles),
            provider: Arc::clone(&config.provider),
            tickets: TicketKey::new(derive(&secret, "tickets")),
            serials: derive(&secret, "serial numbers"),
            responders: authorities
                .all()
                .map(|authority| (authority.key_identifier_hex(), OcspResponder::new(Arc::clone(&config.provider))))
                .collect(),
            authorities,
            crl_lifetime: config.crl_lifetime,
            store: store.clone(),
            lifetime: config.ticket_lifetime,
            batch_required: config.batch_required,
            clock: config.clock,
            refusals: RefusalLog::default(),
            metrics: Metrics::default(),
        });
        let (stop, stopped) = watch::channel(false);
        let router = http::router(Arc::clone(&context));
        let mut tasks = vec![
            tokio::spawn(checkpoints::keep(store.clone(), config.folder.join(CHECKPOINT), stopped.clone())),
            tokio::spawn(status::keep_lists_fresh(context, stopped.clone())),
            tokio::spawn(server::serve(listener, None, router.clone(), config.connections, stopped.clone())),
        ];
        let tls_address = tls_listener.as_ref().map(|(_, address)| *address);
        if let Some((listener, _)) = tls_listener {
            tasks.push(tokio::spawn(server::serve(listener, tls, router, config.connections, stopped)));
        }
        tracing::info!(%address, ?tls_address, "the provisioning service listens");
        Ok(Running { address, tls_address, authority: authority_pem, stop, tasks, store })
    }
}

fn listen(address: SocketAddr) -> Result<(tokio::net::TcpListener, SocketAddr), StartError> {
    let listen_error = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(listen_error)?;
    listener.set_nonblocking(true).map_err(listen_error)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    Ok((listener, address))
}

fn open_authorities(config: &ServiceConfig) -> Result<Authorities, AuthorityError> {
    let (keys, name, now) = (&config.authority_keys, &config.authority_name, (config.clock)());
    let authorities = Authorities::open_or_create(&config.folder, keys, name, &config.provider, now)?;
    Ok(authorities.with_status_url(config.public_url.as_deref()))
}

/// The service's secret, made at the first start. Nodes that share it can finish what another began.
fn open_secret(config: &ServiceConfig) -> Result<Zeroizing<Vec<u8>>, StartError> {
    let path = config.folder.join("service.secret");
    loop {
        if let Some(secret) = files::read_secret(&path)? {
            if secret.len() == SECRET_SIZE {
                return Ok(secret);
            }
            let why = format!("it has {} bytes, not {SECRET_SIZE}", secret.len());
            return Err(AuthorityError::Damaged { what: path.display().to_string(), why }.into());
        }
        let mut secret = Zeroizing::new(vec![0; SECRET_SIZE]);
        getrandom::fill(&mut secret).map_err(|_| AuthorityError::Entropy)?;
        if files::create_secret(&path, &secret)? {
            return Ok(secret);
        }
    }
}

/// A key for one purpose.
fn derive(secret: &[u8], purpose: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(hmac(TpmiAlgHash::Sha256, secret, &[b"ironroot provisioning: ", purpose.as_bytes()]).to_vec())
}

async fn open_store(config: &ServiceConfig) -> Result<Store, StartError> {
    let location = config.database.clone().unwrap_or_else(|| Location::File(config.folder.join(DATABASE)));
    let store_error = |source| StartError::Store { location: location.clone(), source };
    let audit = AuditKey::open_or_create(&config.folder.join(AUDIT_KEY), Arc::clone(&config.provider))?;
    let store = Store::open(&location, Arc::new(audit), config.database_limit).await.map_err(store_error)?;
    let at = i64::try_from((config.clock)()).unwrap_or(i64::MAX);
    let started = Event { at, kind: EventKind::Started, device: None, detail: env!("CARGO_PKG_VERSION") };
    store.record(started).await.map_err(store_error)?;
    Ok(store)
}
