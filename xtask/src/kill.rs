//! `cargo xtask kill`: SIGKILL under a writing load, again and again; what was acknowledged has to be there.
//!
//! One client writes NV indices, counts a counter and makes keys persistent, and keeps a model of what the TPM must
//! hold: the state after the last acknowledged command, and the state after the command that was under way when the
//! process died. After the restart the TPM's whole state is read and has to be one of the two.

use crate::args::Args;
use crate::packages;
use crate::run::{Result, Scratch};
use crate::tpm::Client;
use crate::tpm::bytes::{Reader, Writer, cc, command};
use crate::tpm::daemon::Program;
use crate::tpm::templates::{self as t, ALG_NULL, NULL, OWNER, Use};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

const INDICES: std::ops::Range<u32> = 0x0150_0100..0x0150_0106;
const INDEX_SIZE: u16 = 256;
const COUNTER: u32 = 0x0150_0200;
const KEYS: std::ops::Range<u32> = 0x8100_0200..0x8100_0204;

/// What the TPM holds, as a client can see it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct State {
    indices: BTreeMap<u32, Vec<u8>>,
    counter: u64,
    /// Persistent handle to the name of the key.
    keys: BTreeMap<u32, Vec<u8>>,
}

/// The task: `[--rounds N] [--tpm …] [--seed N]`.
pub fn kill(mut args: Args) -> Result {
    let rounds: u32 = args.parsed("--rounds", 200)?;
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed: u64 = args.parsed("--seed", since_epoch.as_nanos() as u64)?;
    let program = Program::from_option(&args.value("--tpm")?.unwrap_or_else(|| "ironroot".into()))?;
    args.finish()?;
    if program == Program::Swtpm {
        packages::need(packages::BENCH)?;
    }
    println!("{rounds} rounds, seed {seed}");
    let scratch = Scratch::new("kill")?;
    let (folder, socket) = (scratch.join("state"), scratch.join("tpm.sock"));
    let mut random = Random(seed | 1);

    let (mut guard, mut client) = program.start(&folder, &socket)?;
    let mut acknowledged = prepare(&mut client)?;
    let (mut writes, mut in_flight) = (0_u64, 0_u32);
    for round in 1..=rounds {
        let mut load = Load { acknowledged: acknowledged.clone(), pending: None, writes: 0, random: random.split() };
        let mut writing = client;
        let writer = std::thread::spawn(move || {
            let why = load.run(&mut writing);
            (load, why)
        });
        std::thread::sleep(Duration::from_micros(2_000 + random.below(60_000)));
        // A writer that gave up before the kill met a real error, not the kill.
        let early = writer.is_finished();
        guard.kill();
        let (load, why) = writer.join().map_err(|_| "the writer panicked".to_owned())?;
        if early {
            return Err(format!("round {round}, before the kill: {why}"));
        }
        writes += load.writes;

        (guard, client) = program.start(&folder, &socket).map_err(|e| format!("round {round}, the restart: {e}"))?;
        let found = read_state(&mut client).map_err(|e| format!("round {round}, after the restart: {e}"))?;
        if load.pending.as_ref() == Some(&found) && found != load.acknowledged {
            in_flight += 1;
        } else if found != load.acknowledged {
            return Err(format!(
                "round {round}: the state is not what was acknowledged\nfound: {found:x?}\nacknowledged: {:x?}\nunder way: {:x?}",
                load.acknowledged, load.pending
            ));
        }
        acknowledged = found;
    }
    println!(
        "{rounds} kills, {writes} acknowledged writes, none lost; {in_flight} times the command under way was carried \
         out, {} times not",
        rounds - in_flight
    );
    Ok(())
}

/// The writing client.
struct Load {
    acknowledged: State,
    /// The state if the command under way is carried out.
    pending: Option<State>,
    writes: u64,
    random: Random,
}

impl Load {
    /// Writes until the TPM is gone; returns why it stopped.
    fn run(&mut self, client: &mut Client) -> String {
        loop {
            if let Err(why) = self.step(client) {
                return why;
            }
        }
    }

    fn step(&mut self, client: &mut Client) -> Result {
        let mut next = self.acknowledged.clone();
        let dice = self.random.below(20);
        match dice {
            0..=11 => {
                let index = INDICES.start + self.random.below(u64::from(INDICES.end - INDICES.start)) as u32;
                let mut data = vec![0; usize::from(INDEX_SIZE)];
                for byte in &mut data {
                    *byte = self.random.below(256) as u8;
                }
                next.indices.insert(index, data.clone());
                self.change(client, next, cc::NV_WRITE, &t::nv_write(index, &data))
            }
            12..=16 => {
                next.counter += 1;
                self.change(client, next, cc::NV_INCREMENT, &command(cc::NV_INCREMENT, &[OWNER, COUNTER], 1, &[]))
            }
            _ => {
                let handle = KEYS.start + self.random.below(u64::from(KEYS.end - KEYS.start)) as u32;
                match next.keys.remove(&handle) {
                    Some(_) => self.change(client, next, cc::EVICT_CONTROL, &evict(handle, handle)),
                    None => self.make_key(client, next, handle),
                }
            }
        }
    }

    fn make_key(&mut self, client: &mut Client, mut next: State, handle: u32) -> Result {
        let unique: Vec<u8> = (0..32).map(|_| self.random.below(256) as u8).collect();
        let primary = t::create_primary(&t::ecc(Use::Sign, &unique));
        let (handles, _) = client.must(cc::CREATE_PRIMARY, &primary, 1)?;
        let transient = handles.first().copied().unwrap_or(NULL);
        next.keys.insert(handle, name(client, transient)?);
        self.change(client, next, cc::EVICT_CONTROL, &evict(transient, handle))?;
        client.flush(transient)
    }

    /// One command that changes the state to `next`.
    fn change(&mut self, client: &mut Client, next: State, code: u32, bytes: &[u8]) -> Result {
        self.pending = Some(next);
        client.must(code, bytes, 0)?;
        if let Some(done) = self.pending.take() {
            self.acknowledged = done;
        }
        self.writes += 1;
        Ok(())
    }
}

fn evict(object: u32, handle: u32) -> Vec<u8> {
    command(cc::EVICT_CONTROL, &[OWNER, object], 1, &Writer::default().u32(handle).0)
}

/// Defines and fills the indices.
fn prepare(client: &mut Client) -> Result<State> {
    for index in INDICES {
        client.must(cc::NV_DEFINE_SPACE, &t::nv_define(index, INDEX_SIZE, false), 0)?;
        client.must(cc::NV_WRITE, &t::nv_write(index, &[0; INDEX_SIZE as usize]), 0)?;
    }
    client.must(cc::NV_DEFINE_SPACE, &t::nv_define(COUNTER, 8, true), 0)?;
    client.must(cc::NV_INCREMENT, &command(cc::NV_INCREMENT, &[OWNER, COUNTER], 1, &[]), 0)?;
    read_state(client)
}

fn read_state(client: &mut Client) -> Result<State> {
    let mut state = State::default();
    for index in INDICES {
        state.indices.insert(index, nv(client, index, INDEX_SIZE)?);
    }
    state.counter = Reader::new(&nv(client, COUNTER, 8)?).u64()?;
    for handle in persistent(client)? {
        state.keys.insert(handle, name(client, handle)?);
        use_key(client, handle).map_err(|e| format!("key {handle:#x}: {e}"))?;
    }
    Ok(state)
}

fn nv(client: &mut Client, index: u32, size: u16) -> Result<Vec<u8>> {
    let (_, parameters) = client.must(cc::NV_READ, &t::nv_read(index, size), 0)?;
    Ok(Reader::new(&parameters).sized()?.to_vec())
}

/// The persistent handles in our range.
fn persistent(client: &mut Client) -> Result<Vec<u32>> {
    let ask = command(cc::GET_CAPABILITY, &[], 0, &Writer::default().u32(1).u32(KEYS.start).u32(64).0);
    let (_, parameters) = client.must(cc::GET_CAPABILITY, &ask, 0)?;
    let mut reader = Reader::new(&parameters);
    reader.take(1 + 4)?;
    let count = reader.u32()?;
    let handles = (0..count).map(|_| reader.u32()).collect::<Result<Vec<_>>>()?;
    Ok(handles.into_iter().filter(|handle| KEYS.contains(handle)).collect())
}

fn name(client: &mut Client, handle: u32) -> Result<Vec<u8>> {
    let (_, parameters) = client.must(cc::READ_PUBLIC, &command(cc::READ_PUBLIC, &[handle], 0, &[]), 0)?;
    let mut reader = Reader::new(&parameters);
    reader.sized()?;
    Ok(reader.sized()?.to_vec())
}

/// Signs with a key and verifies: its private part is there, and belongs to its public part.
fn use_key(client: &mut Client, handle: u32) -> Result {
    let digest = [0x11; 32];
    let parameters = Writer::default().sized(&digest).u16(ALG_NULL).u16(0x8024).u32(NULL).sized(&[]);
    let (_, signature) = client.must(cc::SIGN, &command(cc::SIGN, &[handle], 1, &parameters.0), 0)?;
    let parameters = Writer::default().sized(&digest).bytes(&signature);
    client.must(cc::VERIFY_SIGNATURE, &command(cc::VERIFY_SIGNATURE, &[handle], 0, &parameters.0), 0).map(drop)
}

/// xorshift: repeatable, and good enough to choose what to write and when to kill.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }
}
