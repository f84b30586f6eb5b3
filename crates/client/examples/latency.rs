//! How long a command takes over a transport: `latency [TCTI] [ROUNDS]`, the TCTI from the environment if none is given.

use std::{error::Error, time::Instant};

use ironroot_client::{Tcti, Tpm, wire::TpmSu};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let tcti = arguments.next().map_or_else(Tcti::from_env_or_default, |string| Tcti::parse(&string))?;
    let rounds: usize = arguments.next().map_or(Ok(1000), |string| string.parse())?;
    let mut tpm = Tpm::connect(&tcti)?;
    tpm.startup(TpmSu::Clear)?;
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        tpm.get_random(16)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!("{tcti}: TPM2_GetRandom(16), {rounds} rounds: median {:?}, 99th percentile {:?}", at(50), at(99));
    Ok(())
}
