//! How long a command takes through each door when the TPM itself takes no time: what the doors cost.
//!
//! Pin it to one core, or wake-ups between cores are measured instead:
//! `taskset -c 0 cargo run --release -p ironroot-host --example roundtrip`
//! With `--serve PATH` it only serves a UNIX socket, to be looked at with strace.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use ironroot_host::{AtStart, Daemon, Engine, EngineError};

/// Answers everything with the same eight bytes of "randomness", at once.
struct Trivial;

impl Engine for Trivial {
    fn power_on(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
    fn power_off(&mut self) {}
    fn execute(&mut self, _locality: u8, _command: &[u8], response: &mut Vec<u8>) {
        response.extend_from_slice(&[0x80, 1, 0, 0, 0, 20, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

const GET_RANDOM: [u8; 12] = [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 8];
const ROUNDS: usize = 100_000;

/// Median and 99th percentile of a command's time, in microseconds.
fn measure(mut stream: impl Read + Write, pieces: &[&[u8]], answer: usize) -> Result<(f64, f64), Box<dyn Error>> {
    let mut buffer = vec![0; answer];
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for piece in pieces {
            stream.write_all(piece)?;
        }
        stream.read_exact(&mut buffer)?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times.get(ROUNDS * share / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6);
    Ok((at(50), at(99)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, option, path] = arguments.as_slice()
        && option == "--serve"
    {
        let daemon = Daemon::builder(Trivial).swtpm_unix(path).at_start(AtStart::PowerOn).start()?;
        return Ok(daemon.wait()?);
    }
    let path = std::env::temp_dir().join(format!("ironroot-roundtrip-{}", std::process::id()));
    let any = "127.0.0.1:0".parse()?;
    let daemon = Daemon::builder(Trivial).swtpm_unix(&path).swtpm(any).mssim(any).at_start(AtStart::PowerOn);
    let daemon = daemon.start()?;
    let lines = daemon.tcti_lines();
    let port = |scheme: &str| -> Result<String, Box<dyn Error>> {
        let line = lines.iter().find(|line| line.starts_with(scheme)).ok_or("no such door")?;
        Ok(format!("127.0.0.1:{}", line.rsplit('=').next().unwrap_or_default()))
    };
    let tcp = |scheme: &str| -> Result<TcpStream, Box<dyn Error>> {
        let stream = TcpStream::connect(port(scheme)?)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let envelope = [0, 0, 0, 8, 0, 0, 0, 0, 12];
    let framed = [&envelope[..], &GET_RANDOM].concat();
    let report = |door: &str, (median, late): (f64, f64)| println!("{door:<44} {median:7.1} us  {late:7.1} us");
    println!("{:<44} {:>10}  {:>10}", "door", "median", "99 %");
    report("swtpm data, UNIX", measure(UnixStream::connect(&path)?, &[&GET_RANDOM], 20)?);
    report("swtpm data, TCP", measure(tcp("swtpm:host")?, &[&GET_RANDOM], 20)?);
    report("simulator, TCP, one write", measure(tcp("mssim")?, &[&framed], 28)?);
    let nagle = tcp("mssim")?;
    nagle.set_nodelay(false)?;
    report("simulator, TCP, two writes, Nagle (tpm2-tss)", measure(nagle, &[&envelope, &GET_RANDOM], 28)?);
    daemon.stop()?;
    Ok(())
}
