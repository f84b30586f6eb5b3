//! What a run of the fuzzer did: processor time, inputs, coverage; as a table or as JSON.

use crate::run::Result;
use std::path::Path;

/// The clock ticks of a second in /proc (`USER_HZ`, the same on every Linux).
const TICKS: f64 = 100.0;

/// A step and the processor time that its child processes took.
pub struct Timed {
    pub result: Result,
    /// Seconds, user and system.
    pub processor: f64,
}

/// Runs a step that starts child processes and waits for them.
pub fn timed(step: impl FnOnce() -> Result) -> Result<Timed> {
    let before = children()?;
    let result = step();
    Ok(Timed { result, processor: children()? - before })
}

/// Processor time of all children that have ended, in seconds (proc(5): fields 16 and 17 of /proc/self/stat).
fn children() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|e| format!("cannot read /proc/self/stat: {e}"))?;
    // The second field is a name in parentheses, with anything in it.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks = fields.split_whitespace().skip(13).take(2).map(|field| field.parse::<f64>().unwrap_or(0.0));
    Ok(ticks.sum::<f64>() / TICKS)
}

/// One row.
pub struct Report {
    name: &'static str,
    passed: bool,
    processor: f64,
    inputs: u64,
    /// Megabytes.
    memory: u64,
    /// Edges of the program's graph that all known inputs reach, and all that there are.
    reached: u64,
    edges: u64,
    corpus: u64,
}

impl Report {
    pub fn new(name: &'static str, hunt: &Timed, log: &Path, coverage: &str) -> Result<Self> {
        let log = std::fs::read_to_string(log).map_err(|e| format!("cannot read {}: {e}", log.display()))?;
        let start = coverage.lines().rfind(|line| line.contains(" cov: ")).unwrap_or_default();
        Ok(Self {
            name,
            passed: hunt.result.is_ok(),
            processor: hunt.processor,
            inputs: number_after(&log, "stat::number_of_executed_units:"),
            memory: number_after(&log, "stat::peak_rss_mb:"),
            reached: number_after(start, " cov: "),
            edges: number_before(coverage, "inline 8-bit counters"),
            corpus: number_after(start, " corp: "),
        })
    }
}

/// The number behind a word, or 0.
fn number_after(text: &str, word: &str) -> u64 {
    let rest = text.split_once(word).map(|(_, rest)| rest.trim_start()).unwrap_or_default();
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// The number in front of a word, in parentheses: "(123 inline 8-bit counters)".
fn number_before(text: &str, word: &str) -> u64 {
    let front = text.split_once(word).map(|(front, _)| front.trim_end()).unwrap_or_default();
    let digits = front.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// The last lines of a file.
pub fn tail(path: &Path) -> String {
    let text = std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

pub fn print(reports: &[Report], json: bool) {
    if json {
        let rows: Vec<String> = reports.iter().map(row_json).collect();
        println!("[{}]", rows.join(","));
        return;
    }
    println!(
        "{:<14}{:>8}{:>14}{:>16}{:>10}{:>18}{:>9}",
        "target", "result", "processor", "inputs", "memory", "edges reached", "corpus"
    );
    for r in reports {
        let result = if r.passed { "ok" } else { "FAILED" };
        let edges = format!("{} of {}", r.reached, r.edges);
        println!(
            "{:<14}{result:>8}{:>12.1} s{:>16}{:>7} MB{edges:>18}{:>9}",
            r.name, r.processor, r.inputs, r.memory, r.corpus
        );
    }
    let hours = reports.iter().map(|r| r.processor).sum::<f64>() / 3600.0;
    println!("{hours:.2} hours of processor time, {} inputs", reports.iter().map(|r| r.inputs).sum::<u64>());
}

fn row_json(r: &Report) -> String {
    format!(
        "{{\"target\":\"{}\",\"passed\":{},\"processor_seconds\":{:.2},\"inputs\":{},\"memory_mb\":{},\
         \"edges_reached\":{},\"edges\":{},\"corpus\":{}}}",
        r.name, r.passed, r.processor, r.inputs, r.memory, r.reached, r.edges, r.corpus
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_beside_their_words() {
        let text = "INFO: Loaded 1 modules   (61234 inline 8-bit counters): 61234 [0x1, 0x2)\n\
                    #201 INITED cov: 1234 ft: 5678 corp: 99/12Kb exec/s: 0";
        assert_eq!(number_before(text, "inline 8-bit counters"), 61234);
        assert_eq!((number_after(text, " cov: "), number_after(text, " corp: ")), (1234, 99));
        assert_eq!((number_after(text, "nothing"), number_before(text, "nothing")), (0, 0));
    }

    #[test]
    fn processor_time_of_children_counts() {
        let spin = || {
            let status = std::process::Command::new("sh")
                .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
                .status();
            status.map(drop).map_err(|e| e.to_string())
        };
        let timed = timed(spin);
        assert!(timed.is_ok_and(|timed| timed.result.is_ok() && timed.processor > 0.0));
    }
}
