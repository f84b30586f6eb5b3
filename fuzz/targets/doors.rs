//! The daemon's doors: what arrives on a socket (the simulator's command and platform ports, swtpm's data and control
//! channels, with its state blobs), in whatever order and however broken, is answered or ends the connection, at once;
//! and after it the TPM still answers an honest client.
//!
//! An input is a chain of connections: a door, a length of two bytes, what is sent. Each one is closed for writing after its
//! bytes, so that the daemon, having answered, closes it too.
#![no_main]

use ironroot_crypto_host::HOST;
use ironroot_host::{Address, AtStart, Daemon, Engine, EngineError, Features};
use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::{Profile, Tpm};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;
use zeroize::Zeroizing;

mod prelude;

use prelude::{seeds, visit::visit};

/// More connections than this in one input only make it slow.
const CONNECTIONS: usize = 8;

/// A TPM whose time stands still, so that an input always does the same.
struct Still(Tpm);

impl Engine for Still {
    fn features(&self) -> Features {
        Features { hashing: true, volatile_state: true, ..Features::default() }
    }

    fn power_on(&mut self) -> Result<(), EngineError> {
        self.0.power_on(0);
        Ok(())
    }

    fn power_off(&mut self) {
        self.0.power_on(0);
    }

    fn execute(&mut self, locality: u8, command: &[u8], response: &mut Vec<u8>) {
        response.extend_from_slice(&self.0.execute(locality, 0, command));
    }

    fn hash_start(&mut self) {
        self.0.hash_start();
    }

    fn hash_data(&mut self, data: &[u8]) {
        self.0.hash_data(data);
    }

    fn hash_end(&mut self) {
        self.0.hash_end();
    }

    fn save_volatile(&mut self) -> Result<Zeroizing<Vec<u8>>, EngineError> {
        Ok(self.0.save_volatile())
    }

    fn load_volatile(&mut self, state: Option<&[u8]>) -> Result<(), EngineError> {
        match state {
            None => Ok(()),
            Some(state) => self.0.restore_volatile(0, state).map_err(|error| EngineError::Failed(error.to_string())),
        }
    }
}

struct Doors {
    _daemon: Daemon,
    /// In the order in which they were asked for: command, platform, data, control.
    addresses: Vec<SocketAddr>,
}

static DOORS: LazyLock<Doors> = LazyLock::new(|| {
    let storage = Box::new(MemoryStorage::new());
    let tpm = Tpm::manufacture(storage, Box::new(TestEntropy::new(7)), &HOST, Profile::HOST, seeds())
        .expect("an empty store takes a TPM");
    let any = || SocketAddr::from(([127, 0, 0, 1], 0));
    let daemon = Daemon::builder(Box::new(Still(tpm)))
        .mssim(any())
        .swtpm(any())
        .at_start(AtStart::StartupClear)
        .clients_may_stop(false)
        .frame_timeout(Duration::from_millis(300))
        .start()
        .expect("loopback has free ports");
    let tcp = |(_, address): (_, &Address)| match address {
        Address::Tcp(address) => *address,
        Address::Unix(path) => panic!("nobody asked for {}", path.display()),
    };
    let addresses: Vec<SocketAddr> = daemon.addresses().map(tcp).collect();
    Doors { addresses, _daemon: daemon }
});

fuzz_target!(|input: &[u8]| {
    let doors = &*DOORS;
    let mut rest = input;
    for _ in 0..CONNECTIONS {
        let Some(([door, high, low], after)) = rest.split_first_chunk::<3>() else { break };
        let (bytes, after) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(after.len()));
        rest = after;
        visit(doors.addresses[usize::from(*door) % doors.addresses.len()], bytes);
    }
    // GET_CAPABILITY of the control channel, whatever the TPM's power is.
    let answer = visit(doors.addresses[3], &[0, 0, 0, 1]);
    assert!(answer.len() == 8 && answer[..4] == [0; 4], "the control channel answers {answer:02x?}");
});
