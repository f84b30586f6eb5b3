//! `cargo xtask cost`: what a command asks of the disk, ours beside swtpm's: system calls counted by strace, and the time
//! that the command takes without strace.

use crate::args::Args;
use crate::bench::Sample;
use crate::packages;
use crate::run::{Result, Scratch};
use crate::tpm::bytes::{Reader, Writer, cc, command};
use crate::tpm::daemon::Program;
use crate::tpm::templates::{self as t, ALG_SHA256, OWNER, Use};
use crate::tpm::{Client, timed};
use std::path::Path;
use std::time::Duration;

const INDEX: u32 = 0x0150_0100;
const COUNTER: u32 = 0x0150_0101;
const KEY: u32 = 0x8100_0100;
const LOCKOUT: u32 = 0x4000_000A;
const SIZE: u16 = 64;

/// A row of the table.
struct Row {
    name: &'static str,
    code: u32,
    /// Whether the command may touch the disk at all.
    writes: bool,
    command: fn(u32, u32) -> Vec<u8>,
}

/// What is sent; the arguments are a transient key and the number of the round.
const ROWS: &[Row] = &[
    Row {
        name: "NV_Write, 64 bytes",
        code: cc::NV_WRITE,
        writes: true,
        command: |_, n| t::nv_write(INDEX, &[(n as u8).wrapping_add(1); SIZE as usize]),
    },
    Row {
        name: "NV_Increment",
        code: cc::NV_INCREMENT,
        writes: true,
        command: |_, _| command(cc::NV_INCREMENT, &[OWNER, COUNTER], 1, &[]),
    },
    Row { name: "EvictControl, P-256 key", code: cc::EVICT_CONTROL, writes: true, command: evict },
    Row { name: "Clear", code: CLEAR, writes: true, command: |_, _| command(CLEAR, &[LOCKOUT], 1, &[]) },
    Row {
        name: "PCR_Extend",
        code: cc::PCR_EXTEND,
        writes: false,
        command: |_, n| {
            command(cc::PCR_EXTEND, &[10], 1, &Writer::default().u32(1).u16(ALG_SHA256).bytes(&[n as u8; 32]).0)
        },
    },
    Row {
        name: "GetRandom",
        code: cc::GET_RANDOM,
        writes: false,
        command: |_, _| command(cc::GET_RANDOM, &[], 0, &[0, 32]),
    },
    Row { name: "NV_Read", code: cc::NV_READ, writes: false, command: |_, _| t::nv_read(INDEX, SIZE) },
    Row {
        name: "ReadPublic",
        code: cc::READ_PUBLIC,
        writes: false,
        command: |key, _| command(cc::READ_PUBLIC, &[key], 0, &[]),
    },
    Row {
        name: "GetCapability",
        code: cc::GET_CAPABILITY,
        writes: false,
        command: |_, _| command(cc::GET_CAPABILITY, &[], 0, &Writer::default().u32(6).u32(0x200).u32(32).0),
    },
    Row { name: "ReadClock", code: READ_CLOCK, writes: false, command: |_, _| command(READ_CLOCK, &[], 0, &[]) },
];

const CLEAR: u32 = 0x126;
const READ_CLOCK: u32 = 0x181;

/// Makes the key persistent and deletes it again, by turns.
fn evict(key: u32, round: u32) -> Vec<u8> {
    let object = if round.is_multiple_of(2) { key } else { KEY };
    command(cc::EVICT_CONTROL, &[OWNER, object], 1, &Writer::default().u32(KEY).0)
}

/// What one command asked of the disk, on the average.
#[derive(Default)]
struct Asked {
    bytes: f64,
    writes: f64,
    flushes: f64,
    names: f64,
}

/// The task: `[--rounds N] [--tpm ironroot|PATH]`.
pub fn cost(mut args: Args) -> Result {
    let rounds: u32 = args.parsed("--rounds", 200)?;
    let ours = args.value("--tpm")?.unwrap_or_else(|| "ironroot".into());
    args.finish()?;
    packages::need(packages::COST)?;
    let programs = [Program::from_option(&ours)?, Program::Swtpm];
    let mut rows = Vec::new();
    for row in ROWS {
        let [ours, theirs] = &programs;
        let (ours, theirs) = (ask(ours, row, rounds)?, ask(theirs, row, rounds)?);
        rows.push((row, ours, theirs, time(&programs, row, rounds)?));
    }
    println!("\n{rounds} rounds; bytes written, writes, flushes and changes of names for one command; median time\n");
    println!("| command | ironroot | | | | | swtpm | | | | |");
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    println!("| | bytes | writes | flushes | names | time | bytes | writes | flushes | names | time |");
    for (row, ours, theirs, [our_time, their_time]) in &rows {
        println!("| {} | {} | {} |", row.name, cells(ours, *our_time), cells(theirs, *their_time));
    }
    let touched: Vec<_> =
        rows.iter().filter(|(row, asked, ..)| !row.writes && asked.bytes + asked.flushes > 0.0).collect();
    match touched.first() {
        Some((row, ..)) => Err(format!("{} has touched the disk", row.name)),
        None => Ok(()),
    }
}

fn cells(asked: &Asked, time: f64) -> String {
    format!("{:.0} | {:.2} | {:.2} | {:.2} | {time:.0} µs", asked.bytes, asked.writes, asked.flushes, asked.names)
}

/// Counts what a TPM under strace asks for.
fn ask(program: &Program, row: &Row, rounds: u32) -> Result<Asked> {
    let scratch = Scratch::new("cost")?;
    let (state, log) = (scratch.join("state"), scratch.join("strace"));
    let (_guard, mut client) = program.start_traced(&state, &scratch.join("tpm.sock"), &log)?;
    let key = prepare(&mut client, row)?;
    // What preparation asked for is not counted: strace writes whole lines, soon.
    std::thread::sleep(Duration::from_millis(200));
    let start = std::fs::metadata(&log).map_err(|e| e.to_string())?.len() as usize;
    for round in 0..rounds {
        timed(&mut client, row.code, &(row.command)(key, round))?;
    }
    std::thread::sleep(Duration::from_millis(200));
    let all = std::fs::read_to_string(&log).map_err(|e| e.to_string())?;
    Ok(count(all.get(start..).unwrap_or_default(), &state).per(rounds))
}

/// The median times of both TPMs, in microseconds, by turns, so that what else the machine does befalls both.
fn time(programs: &[Program; 2], row: &Row, rounds: u32) -> Result<[f64; 2]> {
    let scratch = Scratch::new("cost-time")?;
    let start = |program: &Program| -> Result<_> {
        let (state, socket) = (scratch.join(program.name()), scratch.join(&format!("{}.sock", program.name())));
        let (guard, mut client) = program.start(&state, &socket)?;
        let key = prepare(&mut client, row)?;
        Ok((guard, client, key, Sample::default()))
    };
    let [ours, theirs] = programs;
    let mut both = [start(ours)?, start(theirs)?];
    for round in 0..rounds {
        for (_, client, key, times) in &mut both {
            times.add(timed(client, row.code, &(row.command)(*key, round))?);
        }
    }
    Ok(both.map(|(_, _, _, times)| times.median()))
}

/// What the row needs; returns a transient key.
fn prepare(client: &mut Client, row: &Row) -> Result<u32> {
    if row.code == CLEAR {
        return Ok(0);
    }
    client.must(cc::NV_DEFINE_SPACE, &t::nv_define(INDEX, SIZE, false), 0)?;
    client.must(cc::NV_WRITE, &t::nv_write(INDEX, &[0; SIZE as usize]), 0)?;
    client.must(cc::NV_DEFINE_SPACE, &t::nv_define(COUNTER, 8, true), 0)?;
    client.must(cc::NV_INCREMENT, &command(cc::NV_INCREMENT, &[OWNER, COUNTER], 1, &[]), 0)?;
    let made = client.must(cc::CREATE_PRIMARY, &t::create_primary(&t::ecc(Use::Sign, &[])), 1)?;
    let _ = Reader::new(&made.1);
    made.0.first().copied().ok_or_else(|| "CreatePrimary returned no handle".into())
}

/// Adds up the lines of `strace -f -y`.
fn count(log: &str, folder: &Path) -> Asked {
    let folder = folder.display().to_string();
    let mut asked = Asked::default();
    // A call that another thread interrupted stands in two lines; the first has the file.
    let mut unfinished = std::collections::BTreeMap::new();
    for line in log.lines() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if rest.ends_with("<unfinished ...>") {
            unfinished.insert(process, rest);
            continue;
        }
        let call = if rest.starts_with("<... ") { unfinished.remove(process).unwrap_or_default() } else { rest };
        let result: f64 =
            rest.rsplit_once("= ").and_then(|(_, result)| result.split(' ').next()?.parse().ok()).unwrap_or(-1.0);
        if !call.contains(&folder) || result < 0.0 {
            continue;
        }
        match call.split('(').next().unwrap_or_default() {
            "write" | "pwrite64" | "writev" | "pwritev" | "pwritev2" => {
                asked.bytes += result;
                asked.writes += 1.0;
            }
            "fsync" | "fdatasync" | "sync_file_range" | "msync" | "syncfs" => asked.flushes += 1.0,
            "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" => asked.names += 1.0,
            "openat" | "open" | "creat" if call.contains("O_CREAT") || call.contains("O_TRUNC") => asked.names += 1.0,
            _ => {}
        }
    }
    asked
}

impl Asked {
    fn per(self, rounds: u32) -> Self {
        let rounds = f64::from(rounds.max(1));
        Self {
            bytes: self.bytes / rounds,
            writes: self.writes / rounds,
            flushes: self.flushes / rounds,
            names: self.names / rounds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strace_prints() {
        let log = "12 pwrite64(7</s/state>, \"\"..., 1024, 512) = 1024\n12 fdatasync(7</s/state>) = 0\n\
                   12 write(5<UNIX:[1]>, \"\"..., 10) = 10\n13 write(7</s/a>,  <unfinished ...>\n\
                   12 rename(\"/s/a\", \"/s/b\") = 0\n13 <... write resumed>\"\"..., 6) = 6\n\
                   12 fsync(7</s/state>) = -1 EIO (Input/output error)\n";
        let asked = count(log, Path::new("/s"));
        assert_eq!((asked.bytes, asked.writes, asked.flushes, asked.names), (1030.0, 2.0, 1.0, 1.0));
    }
}
