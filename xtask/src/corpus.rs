//! `cargo xtask corpus`: seeds for the `command` fuzz target, from the real traffic of tpm2-tools and OpenSSL.
//!
//! tpm2-tss's pcap TCTI records what the peers' scripts send; here the commands are taken out of the records. An input
//! of the fuzz target is a chain of steps: one byte of locality, two of length, the command.

use crate::args::Args;
use crate::packages;
use crate::run::{Result, cmd, root, run, target_dir};
use std::collections::BTreeMap;
use std::path::Path;

/// How many single commands are kept for each command code.
const VARIANTS: usize = 3;
/// The length of the chains, and the bytes that a whole input may have.
const CHAIN: usize = 6;
const LONGEST: usize = 3000;
/// How many chains are kept.
const CHAINS: usize = 120;

const GET_CAPABILITY: u32 = 0x17a;

/// The task: `[--tpm swtpm|PATH]`.
pub fn corpus(mut args: Args) -> Result {
    let tpm = args.value("--tpm")?.unwrap_or_else(|| "swtpm".into());
    args.finish()?;
    packages::need(packages::PEERS)?;
    let records = target_dir().join("pcap");
    let _ = std::fs::remove_dir_all(&records);
    run(cmd("bash").args(["tests/run-peers", "--tpm", &tpm, "--protocol", "swtpm", "--record"]).arg(&records))?;

    let mut singles: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    let mut chains = Vec::new();
    for path in files(&records)? {
        let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let commands = commands(&bytes);
        for command in &commands {
            let variants = singles.entry(code(command)).or_default();
            let new = variants.iter().all(|known| known.len() != command.len());
            if new && variants.len() < VARIANTS && command.len() <= LONGEST {
                variants.push(command.clone());
            }
        }
        // The tools ask for capabilities before almost everything: leave that out of the chains.
        let telling: Vec<&Vec<u8>> = commands.iter().filter(|command| code(command) != GET_CAPABILITY).collect();
        chains.extend(telling.chunks(CHAIN).map(|chunk| chunk.iter().flat_map(|command| step(command)).collect()));
    }
    chains.retain(|chain: &Vec<u8>| chain.len() <= LONGEST);
    // Evenly from all scripts, not all from the first ones.
    let every = chains.len().div_ceil(CHAINS).max(1);
    let folder = root().join("fuzz/corpus/command");
    std::fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let mut count = 0;
    for (code, variants) in &singles {
        for (number, command) in variants.iter().enumerate() {
            write(&folder.join(format!("cc-{code:03x}-{number}")), &step(command))?;
            count += 1;
        }
    }
    for (number, chain) in chains.iter().step_by(every).enumerate() {
        write(&folder.join(format!("chain-{number:03}")), chain)?;
        count += 1;
    }
    println!("{count} inputs in {}", folder.display());
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

fn write(path: &Path, bytes: &[u8]) -> Result {
    std::fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))
}

/// A step at locality 0, for a TPM without RSA; the fuzzer tries the other one by itself.
fn step(command: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend((command.len() as u16).to_be_bytes());
    bytes.extend(command);
    bytes
}

fn code(command: &[u8]) -> u32 {
    command.get(6..10).and_then(|field| field.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// The TPM commands in a pcapng file of tpm2-tss: enhanced packet blocks that hold IP and TCP headers of 20 bytes each
/// and then the command or response.
fn commands(file: &[u8]) -> Vec<Vec<u8>> {
    const ENHANCED_PACKET: u32 = 6;
    const HEADERS: usize = 20 + 20;
    let word = |at: usize| file.get(at..at + 4).and_then(|field| field.try_into().ok()).map(u32::from_le_bytes);
    let mut found = Vec::new();
    let mut at = 0;
    while let (Some(kind), Some(length)) = (word(at), word(at + 4)) {
        if length < 12 {
            break;
        }
        if kind == ENHANCED_PACKET
            && let Some(captured) = word(at + 20)
            && let Some(packet) = file.get(at + 28..at + 28 + captured as usize)
            && packet.get(22..24) == Some(&2321_u16.to_be_bytes())
            && let Some(command) = packet.get(HEADERS..)
            && command.len() >= 10
        {
            found.push(command.to_vec());
        }
        at += length as usize;
    }
    found
}
