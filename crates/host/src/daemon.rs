//! The daemon: one engine, its doors, from start to orderly end.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::door::{Door, Hall, Limits, Listener, Policy};
use crate::engine::Engine;
use crate::error::DaemonError;
use crate::machine::Machine;
use crate::protocol::{TPM_RC_FAILURE, error_response};
use crate::sandbox::{Holds, Sandbox};
use crate::signal::Signal;

/// What happens to the TPM when the daemon starts. swtpm's words for these are in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtStart {
    /// It stays off until a client powers it on: INIT on swtpm's control channel, or power-on at the simulator's
    /// platform port. Until then commands get `TPM_RC_FAILURE` on swtpm's data channel and an empty response on the
    /// simulator's command port.
    #[default]
    Off,
    /// It is powered on and waits for `TPM2_Startup` (`not-need-init`).
    PowerOn,
    /// It is powered on and gets `TPM2_Startup(CLEAR)` (`startup-clear`).
    StartupClear,
    /// It is powered on and gets `TPM2_Startup(STATE)` (`startup-state`).
    StartupState,
}

/// Where a channel can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A TCP address, with the port that was really taken.
    Tcp(SocketAddr),
    /// The path of a UNIX socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => path.display().fmt(formatter),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Self::Unix(path)
    }
}

/// What was asked for.
enum Wanted {
    /// Two doors on neighbouring ports, or on neighbouring paths.
    Pair(Door, Door, Address),
    One(Door, Address),
}

/// What a daemon shall be; see [`Daemon::builder`].
#[must_use]
pub struct Builder {
    engine: Box<dyn Engine>,
    wanted: Vec<Wanted>,
    at_start: AtStart,
    auto_shutdown: bool,
    reject_locality_4: bool,
    unix_mode: u32,
    limits: Limits,
    policy: Policy,
    sandbox: Option<Sandbox>,
}

impl Builder {
    /// Opens the Microsoft simulator protocol: its command port at `address`, its platform port at the next port.
    /// With port 0 a free pair is chosen.
    pub fn mssim(mut self, address: SocketAddr) -> Self {
        self.wanted.push(Wanted::Pair(Door::MssimCommand, Door::MssimPlatform, Address::Tcp(address)));
        self
    }

    /// Opens swtpm's channels: data at `address`, control at the next port, as tpm2-tss expects them. With port 0 a
    /// free pair is chosen.
    pub fn swtpm(mut self, address: SocketAddr) -> Self {
        self.wanted.push(Wanted::Pair(Door::SwtpmData, Door::SwtpmControl, Address::Tcp(address)));
        self
    }

    /// Opens swtpm's channels on UNIX sockets: data at `path`, control at `path` with `.ctrl` appended, as tpm2-tss
    /// expects them.
    pub fn swtpm_unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.wanted.push(Wanted::Pair(Door::SwtpmData, Door::SwtpmControl, Address::Unix(path.into())));
        self
    }

    /// Opens swtpm's data channel alone.
    pub fn swtpm_data(mut self, address: impl Into<Address>) -> Self {
        self.wanted.push(Wanted::One(Door::SwtpmData, address.into()));
        self
    }

    /// Opens swtpm's control channel alone. A client such as QEMU then passes a socket for the data channel through it.
    pub fn swtpm_control(mut self, address: impl Into<Address>) -> Self {
        self.wanted.push(Wanted::One(Door::SwtpmControl, address.into()));
        self
    }

    /// What happens to the TPM at the start. The default is [`AtStart::Off`].
    pub fn at_start(mut self, at_start: AtStart) -> Self {
        self.at_start = at_start;
        self
    }

    /// Whether `TPM2_Shutdown` is sent before power is taken at the daemon's end, at STOP, SHUTDOWN and INIT, unless
    /// it was the client's last command. Without it such an end counts as a power failure, with all that follows for
    /// dictionary-attack protection. On unless switched off.
    pub fn auto_shutdown(mut self, yes: bool) -> Self {
        self.auto_shutdown = yes;
        self
    }

    /// Whether a client may end the daemon (the simulator's STOP, swtpm's SHUTDOWN). On unless switched off.
    pub fn clients_may_stop(mut self, yes: bool) -> Self {
        self.policy.clients_may_stop = yes;
        self
    }

    /// Ends the daemon when a data-channel client disconnects (swtpm's `--terminate`).
    pub fn stop_after_data_client(mut self, yes: bool) -> Self {
        self.policy.stop_after_data_client = yes;
        self
    }

    /// Ends the daemon when a control-channel client disconnects (swtpm's `--ctrl …,terminate`).
    pub fn stop_after_control_client(mut self, yes: bool) -> Self {
        self.policy.stop_after_control_client = yes;
        self
    }

    /// Hangs up on a data-channel client after each command (swtpm's `--server …,disconnect`).
    pub fn hang_up_after_command(mut self, yes: bool) -> Self {
        self.policy.hang_up_after_command = yes;
        self
    }

    /// Refuses commands from locality 4 at every door (swtpm's `--locality reject-locality-4`).
    pub fn reject_locality_4(mut self, yes: bool) -> Self {
        self.reject_locality_4 = yes;
        self
    }

    /// Whether GET_CONFIG says that a key protects the state.
    pub fn state_is_encrypted(mut self, yes: bool) -> Self {
        self.policy.state_is_encrypted = yes;
        self
    }

    /// The permissions of UNIX sockets; 0600 unless set.
    pub fn unix_mode(mut self, mode: u32) -> Self {
        self.unix_mode = mode;
        self
    }

    /// How long a frame may take from its first byte to its last, before its client is cut off; 2 s unless set.
    pub fn frame_timeout(mut self, timeout: Duration) -> Self {
        self.limits.frame_timeout = timeout;
        self
    }

    /// How many connections there may be at once, 64 unless set. When one more comes, the one that has been idle
    /// longest is closed.
    pub fn connections(mut self, limit: usize) -> Self {
        self.limits.connections = limit.max(1);
        self
    }

    /// Enters this sandbox when the addresses are taken, before the TPM gets power and the first client is heard. The folders
    /// of UNIX sockets are added to it, so that the sockets can be removed at the end. The whole process is in it from then on.
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// Takes the addresses, enters the sandbox, powers the TPM as asked, and opens the doors.
    ///
    /// # Errors
    /// An address that cannot be had (found before the TPM is touched), a sandbox that cannot be entered, or a TPM that does
    /// not start.
    pub fn start(mut self) -> Result<Daemon, DaemonError> {
        if self.wanted.is_empty() {
            return Err(DaemonError::NoDoor);
        }
        let mut doors = Vec::new();
        for wanted in &self.wanted {
            match wanted {
                Wanted::One(door, address) => doors.push((*door, listen(*door, address, self.unix_mode)?)),
                Wanted::Pair(first, second, address) => {
                    let (one, two) = listen_pair(*first, *second, address, self.unix_mode)?;
                    doors.extend([(*first, one), (*second, two)]);
                }
            }
        }
        let addresses = self.addresses(&doors);
        let signal = Signal::new().map_err(DaemonError::Resources)?;
        let sandbox = self.sandbox.take();
        let holds = sandbox.map(|sandbox| enter(sandbox, &doors)).transpose()?;
        let machine = Machine::new(self.engine, self.auto_shutdown, self.reject_locality_4);
        power_up(&machine, self.at_start)?;
        let hall = Hall::new(machine, signal, self.limits, self.policy);
        let mut daemon = Daemon { hall, addresses, holds, threads: Vec::new() };
        for (door, listener) in doors {
            let hall = daemon.hall.clone();
            let thread = thread::Builder::new().name(format!("door {}", door.name()));
            let thread = thread.spawn(move || listener.run(door, &hall)).map_err(DaemonError::Resources)?;
            daemon.threads.push(thread);
        }
        Ok(daemon)
    }

    fn addresses(&self, doors: &[(Door, Listener)]) -> Vec<(Door, Address)> {
        let place = |(door, listener): &(Door, Listener)| {
            let address = match listener.tcp_address() {
                Some(address) => Address::Tcp(address),
                None => Address::Unix(listener.path()?.to_owned()),
            };
            Some((*door, address))
        };
        doors.iter().filter_map(place).collect()
    }
}

/// A TPM behind its doors. Dropping it ends it as [`Daemon::stop`] does.
pub struct Daemon {
    hall: Arc<Hall>,
    addresses: Vec<(Door, Address)>,
    holds: Option<Holds>,
    threads: Vec<JoinHandle<()>>,
}

/// Ends a daemon from anywhere, a signal handler's thread for instance.
#[derive(Clone)]
pub struct Stopper(Arc<Hall>);

impl Stopper {
    /// Asks the daemon to end; [`Daemon::wait`] then ends it in order and returns.
    pub fn stop(&self) {
        self.0.signal.raise();
    }
}

/// The TPM without any socket: for whoever lives in the daemon's process.
#[derive(Clone)]
pub struct Local(Arc<Hall>);

impl Local {
    /// Runs one command from `locality`, in turn with those that come through the doors, and appends its response to
    /// `response`. A TPM that is powered off answers `TPM_RC_FAILURE`.
    pub fn execute(&self, locality: u8, command: &[u8], response: &mut Vec<u8>) {
        if !self.0.machine.execute(locality, command, response) {
            response.extend_from_slice(&error_response(TPM_RC_FAILURE));
        }
    }
}

impl Daemon {
    /// A daemon around `engine`, without any door yet.
    pub fn builder(engine: impl Engine + 'static) -> Builder {
        Builder {
            engine: Box::new(engine),
            wanted: Vec::new(),
            at_start: AtStart::default(),
            auto_shutdown: true,
            reject_locality_4: false,
            unix_mode: 0o600,
            limits: Limits {
                frame_timeout: Duration::from_secs(2),
                write_timeout: Duration::from_secs(10),
                connections: 64,
            },
            policy: Policy {
                clients_may_stop: true,
                hang_up_after_command: false,
                stop_after_data_client: false,
                stop_after_control_client: false,
                state_is_encrypted: false,
            },
            sandbox: None,
        }
    }

    /// Every channel's name and address, in the order in which they were asked for.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, &Address)> {
        self.addresses.iter().map(|(door, address)| (door.name(), address))
    }

    /// What the sandbox holds back, if there is one.
    pub fn sandbox(&self) -> Option<Holds> {
        self.holds
    }

    /// What to set `TPM2TOOLS_TCTI` and its like to: one line for each door that tpm2-tss can open.
    pub fn tcti_lines(&self) -> Vec<String> {
        let line = |(door, address): &(Door, Address)| match (door, address) {
            (Door::MssimCommand, Address::Tcp(tcp)) => Some(format!("mssim:{}", host_and_port(tcp))),
            (Door::SwtpmData, Address::Tcp(tcp)) => {
                let next = tcp.port().checked_add(1)?;
                let control = Address::Tcp(SocketAddr::new(tcp.ip(), next));
                self.has_control(&control).then(|| format!("swtpm:{}", host_and_port(tcp)))
            }
            (Door::SwtpmData, Address::Unix(path)) => {
                let control = Address::Unix(control_path(path));
                self.has_control(&control).then(|| format!("swtpm:path={}", path.display()))
            }
            _ => None,
        };
        self.addresses.iter().filter_map(line).collect()
    }

    fn has_control(&self, address: &Address) -> bool {
        self.addresses.iter().any(|(door, place)| *door == Door::SwtpmControl && place == address)
    }

    /// A handle to end the daemon with.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.hall.clone())
    }

    /// The TPM without any socket.
    pub fn local(&self) -> Local {
        Local(self.hall.clone())
    }

    /// Waits until somebody asks for the end (a [`Stopper`], or a client that may), then ends in order.
    ///
    /// # Errors
    /// None today; an end that fails to keep the TPM's state will be one.
    pub fn wait(self) -> Result<(), DaemonError> {
        self.hall.signal.wait();
        self.stop()
    }

    /// Ends in order: no new clients, commands in progress finish and are answered, `TPM2_Shutdown` unless switched
    /// off, power off; UNIX sockets disappear.
    ///
    /// # Errors
    /// None today; an end that fails to keep the TPM's state will be one.
    pub fn stop(mut self) -> Result<(), DaemonError> {
        self.end();
        Ok(())
    }

    fn end(&mut self) {
        self.hall.signal.raise();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.hall.empty(Duration::from_secs(5));
        self.hall.machine.stop();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}

/// Restricts the process to its state and the removal of its own sockets.
fn enter(mut sandbox: Sandbox, doors: &[(Door, Listener)]) -> Result<Holds, DaemonError> {
    for folder in doors.iter().filter_map(|(_, listener)| listener.path()?.parent()) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        sandbox.removable.push(folder.to_owned());
    }
    Ok(sandbox.enter()?)
}

fn power_up(machine: &Machine, at_start: AtStart) -> Result<(), DaemonError> {
    if at_start == AtStart::Off {
        return Ok(());
    }
    machine.power_on().map_err(DaemonError::PowerOn)?;
    match at_start {
        AtStart::StartupClear => machine.startup(false),
        AtStart::StartupState => machine.startup(true),
        AtStart::Off | AtStart::PowerOn => Ok(()),
    }
    .map_err(|rc| {
        machine.power_off();
        DaemonError::Startup(rc)
    })
}

fn listen(door: Door, address: &Address, mode: u32) -> Result<Listener, DaemonError> {
    match address {
        Address::Tcp(address) => Listener::tcp(door, *address),
        Address::Unix(path) => Listener::unix(door, path, mode),
    }
}

fn listen_pair(first: Door, second: Door, address: &Address, mode: u32) -> Result<(Listener, Listener), DaemonError> {
    match address {
        Address::Unix(path) => {
            let one = Listener::unix(first, path, mode)?;
            Ok((one, Listener::unix(second, &control_path(path), mode)?))
        }
        Address::Tcp(address) if address.port() == 0 => free_pair(first, second, *address),
        Address::Tcp(address) => {
            let next = address.port().checked_add(1).ok_or(DaemonError::NoNextPort { door: first.name() })?;
            let one = Listener::tcp(first, *address)?;
            Ok((one, Listener::tcp(second, SocketAddr::new(address.ip(), next))?))
        }
    }
}

/// Two free neighbouring ports from below the range that systems take outgoing connections' ports from: there, a
/// neighbour is rarely free on a busy machine, and either could be taken from us between two starts.
fn free_pair(first: Door, second: Door, any: SocketAddr) -> Result<(Listener, Listener), DaemonError> {
    const LOWEST: u16 = 16_000;
    const PAIRS: u64 = 8_000;
    let start = RandomState::new().hash_one(any) % PAIRS;
    for step in 0..PAIRS {
        let pair = start.wrapping_add(step) % PAIRS;
        let port = u16::try_from(pair.saturating_mul(2)).map_or(LOWEST, |above| LOWEST.saturating_add(above));
        let one = match Listener::tcp(first, SocketAddr::new(any.ip(), port)) {
            Ok(listener) => listener,
            Err(error) if error.is_in_use() => continue,
            Err(error) => return Err(error),
        };
        match Listener::tcp(second, SocketAddr::new(any.ip(), port.saturating_add(1))) {
            Ok(two) => return Ok((one, two)),
            Err(error) if error.is_in_use() => {}
            Err(error) => return Err(error),
        }
    }
    Err(DaemonError::NoPortPair { door: first.name(), host: any.ip().to_string() })
}

/// Where tpm2-tss looks for the control channel of a UNIX data socket.
fn control_path(data: &Path) -> PathBuf {
    let mut path = data.as_os_str().to_owned();
    path.push(".ctrl");
    path.into()
}

/// A listening address as a client gives it: one that listens everywhere is reached on this machine's own.
fn host_and_port(address: &SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("host={host},port={}", address.port())
}
