//! `cargo xtask bench`: our daemon beside Debian's swtpm, in one interleaved run.
//!
//! Both TPMs run on loopback UNIX sockets, pinned with this client to one core, and every operation is measured round
//! robin: one request here, one there. So a neighbour's load falls on both, and only ratios are judged; an absolute
//! number from another day would judge the machine. The timed span runs from the first byte of the command written to
//! the last byte of the response read, at the client.

mod ops;
mod stats;
mod thresholds;

use crate::args::Args;
use crate::run::{Guard, Result, Scratch, cmd, output};
use crate::tpm::daemon::Program;
use crate::tpm::{Client, explain, timed};
use ops::{OPS, Op, Prepared};
pub use stats::Sample;
use thresholds::{By, THRESHOLDS};

const WARM_UP: u32 = 5;

/// One operation's times on both sides.
struct Row {
    op: &'static Op,
    peer: Sample,
    ours: Sample,
}

impl Row {
    fn ratio(&self, by: By) -> f64 {
        match by {
            By::Median => self.peer.median() / self.ours.median(),
            By::Mean => self.peer.mean() / self.ours.mean(),
        }
    }
}

/// The task.
pub fn bench(mut args: Args) -> Result {
    let peer = Program::from_option(&args.value("--peer")?.unwrap_or_else(|| "swtpm".into()))?;
    let ours = Program::from_option(&args.value("--tpm")?.unwrap_or_else(|| "ironroot".into()))?;
    let (check, json) = (args.flag("--check"), args.flag("--json"));
    let divide: u32 = if args.flag("--quick") { 10 } else { 1 };
    let core: u32 = args.parsed("--core", 0)?;
    let only = args.value("--only")?;
    args.finish()?;

    pin(core)?;
    let scratch = Scratch::new("bench")?;
    let (_peer_guard, mut peer_client) = start(&peer, &scratch, "peer")?;
    let (_our_guard, mut our_client) = start(&ours, &scratch, "ours")?;
    let wanted =
        |op: &&'static Op| only.as_ref().is_none_or(|part| op.name.to_lowercase().contains(&part.to_lowercase()));
    let mut rows = Vec::new();
    for op in OPS.iter().filter(wanted) {
        let rounds = (op.rounds / divide).max(3);
        let row = measure(op, rounds, &mut peer_client, &mut our_client).map_err(|e| format!("{}: {e}", op.name))?;
        rows.push(row);
    }
    if json {
        print_json(&rows, &peer, &ours)
    } else {
        print_table(&rows, &peer, &ours)
    }
    if !check {
        return Ok(());
    }
    for row in &mut rows {
        again_if_missed(row, divide, &mut peer_client, &mut our_client)?;
    }
    judge(&rows)
}

/// A neighbour that was busy during one operation may cost it its limit: measure such an operation once more, and say so.
fn again_if_missed(row: &mut Row, divide: u32, peer: &mut Client, ours: &mut Client) -> Result {
    let Some((name, by, least)) = THRESHOLDS.iter().find(|(name, ..)| *name == row.op.name) else { return Ok(()) };
    let first = row.ratio(*by);
    if first < *least {
        *row = measure(row.op, (row.op.rounds / divide).max(3), peer, ours)?;
        println!("{name}: {first:.2} times, measured once more: {:.2} times", row.ratio(*by));
    }
    Ok(())
}

/// Pins this process, and so every child that it starts from now on.
fn pin(core: u32) -> Result {
    let pid = std::process::id().to_string();
    output(cmd("taskset").args(["--all-tasks", "--pid", "--cpu-list", &core.to_string(), &pid])).map(drop)
}

fn start(program: &Program, scratch: &Scratch, name: &str) -> Result<(Guard, Client)> {
    program.start(&scratch.join(name), &scratch.join(&format!("{name}.sock")))
}

fn measure(op: &'static Op, rounds: u32, peer: &mut Client, ours: &mut Client) -> Result<Row> {
    let peer_prepared = (op.prepare)(peer).map_err(|e| format!("the peer: {e}"))?;
    let our_prepared = (op.prepare)(ours).map_err(|e| format!("ours: {e}"))?;
    let mut row = Row { op, peer: Sample::default(), ours: Sample::default() };
    for round in 0..rounds + WARM_UP {
        let of_peer = once(op, peer, &peer_prepared, round).map_err(|e| format!("the peer: {e}"))?;
        let of_ours = once(op, ours, &our_prepared, round).map_err(|e| format!("ours: {e}"))?;
        if round >= WARM_UP {
            row.peer.add(of_peer);
            row.ours.add(of_ours);
        }
    }
    ops::clean_up(peer, &peer_prepared)?;
    ops::clean_up(ours, &our_prepared)?;
    Ok(row)
}

/// One timed command, and the flush of what it loaded.
fn once(op: &Op, client: &mut Client, prepared: &Prepared, round: u32) -> Result<std::time::Duration> {
    let bytes = (op.command)(prepared, round);
    if !op.flushes {
        return timed(client, op.code, &bytes);
    }
    let start = std::time::Instant::now();
    let response = client.exchange(&bytes)?;
    let taken = start.elapsed();
    if response.get(6..10) != Some(&[0; 4]) {
        let code = response.get(6..10).and_then(|field| field.try_into().ok()).map_or(0, u32::from_be_bytes);
        return Err(explain(op.code, code));
    }
    let handle = ops::response_handle(response)?;
    client.flush(handle)?;
    Ok(taken)
}

fn print_table(rows: &[Row], peer: &Program, ours: &Program) {
    let (peer, ours) = (peer.name(), ours.name());
    println!("one core, UNIX sockets, interleaved; µs; ratio = {peer} / {ours}");
    println!(
        "{:<24} {:>6} {:>11} {:>11} {:>7} {:>11} {:>11} {:>7}",
        "", "n", "median", "median", "", "mean", "mean", ""
    );
    println!(
        "{:<24} {:>6} {peer:>11} {ours:>11} {:>7} {peer:>11} {ours:>11} {:>7}",
        "command", "rounds", "ratio", "ratio"
    );
    for row in rows {
        println!(
            "{:<24} {:>6} {:>11.1} {:>11.1} {:>7.2} {:>11.1} {:>11.1} {:>7.2}",
            row.op.name,
            row.ours.len(),
            row.peer.median(),
            row.ours.median(),
            row.ratio(By::Median),
            row.peer.mean(),
            row.ours.mean(),
            row.ratio(By::Mean),
        );
    }
    println!(
        "NV commands: swtpm rewrites its state file without syncing it, ironroot syncs (fdatasync) before it answers"
    );
}

fn print_json(rows: &[Row], peer: &Program, ours: &Program) {
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{{\"command\":\"{}\",\"rounds\":{},\"peer_median_us\":{:.2},\"our_median_us\":{:.2},\
                 \"peer_mean_us\":{:.2},\"our_mean_us\":{:.2},\"median_ratio\":{:.3},\"mean_ratio\":{:.3}}}",
                row.op.name,
                row.ours.len(),
                row.peer.median(),
                row.ours.median(),
                row.peer.mean(),
                row.ours.mean(),
                row.ratio(By::Median),
                row.ratio(By::Mean),
            )
        })
        .collect();
    println!("{{\"peer\":\"{}\",\"ours\":\"{}\",\"rows\":[{}]}}", peer.name(), ours.name(), lines.join(",\n"));
}

/// Compares with the thresholds; an operation that was not measured is a failure too.
fn judge(rows: &[Row]) -> Result {
    let mut missed = Vec::new();
    for (name, by, least) in THRESHOLDS {
        match rows.iter().find(|row| row.op.name == *name) {
            Some(row) if row.ratio(*by) >= *least => {
                println!("{name}: {:.2} times, at least {least} asked", row.ratio(*by));
            }
            Some(row) => missed.push(format!("{name}: {:.2} times, at least {least} asked", row.ratio(*by))),
            None => missed.push(format!("{name} was not measured")),
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("too slow:\n  {}", missed.join("\n  "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threshold_names_an_operation() {
        for (name, _, least) in THRESHOLDS {
            assert!(OPS.iter().any(|op| op.name == *name), "{name}");
            assert!(*least >= 1.0);
        }
    }
}
