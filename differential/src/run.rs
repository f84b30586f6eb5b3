//! A run: episodes of some hundred commands on new TPMs, until enough commands have been done.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ironroot_wire::TpmRc;

use crate::{
    bytes::{Bytes, Parts, hex},
    generate::Generator,
    ours::Common,
    rules, shrink,
    step::{Action, Step},
    table,
    theirs::Theirs,
    world::{Divergence, Outcome, World},
};

/// Steps of an episode.
const EPISODE: usize = 600;

/// What has been counted.
#[derive(Default)]
struct Counts {
    /// By command: tried, succeeded on both.
    commands: BTreeMap<u32, (u64, u64)>,
    /// By response code.
    codes: BTreeMap<u32, u64>,
    /// By rule.
    explained: BTreeMap<&'static str, u64>,
    unexplained: BTreeMap<String, u64>,
    total: u64,
    skipped: u64,
    episodes: u64,
}

/// `[--commands N] [--seed S] [--minutes M]`.
///
/// # Errors
/// What went wrong, but for divergences: then it returns false.
pub fn run(words: &[String]) -> Result<bool, String> {
    let value = |name: &str, default: u64| -> Result<u64, String> {
        match words.iter().position(|word| word == name) {
            None => Ok(default),
            Some(at) => words.get(at + 1).and_then(|word| word.parse().ok()).ok_or(format!("{name} wants a number")),
        }
    };
    let commands = value("--commands", 20_000)?;
    let seed = value("--seed", 1)?;
    let minutes = value("--minutes", 0)?;
    let show = value("--show", 30)?;
    let common = common()?;
    let start = Instant::now();
    let limit = (minutes > 0).then(|| Duration::from_secs(minutes * 60));
    let mut counts = Counts::default();
    while counts.total < commands && limit.is_none_or(|limit| start.elapsed() < limit) {
        let episode = seed.wrapping_mul(1_000_003).wrapping_add(counts.episodes);
        counts.episodes += 1;
        self::episode(&common, episode, &mut counts, show)?;
    }
    report(&counts, start.elapsed());
    Ok(counts.unexplained.is_empty())
}

fn episode(common: &Common, seed: u64, counts: &mut Counts, show: u64) -> Result<(), String> {
    let mut world = World::new(common, seed)?;
    let mut generator = Generator::new(seed, &world);
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..EPISODE {
        let step = generator.next(&world);
        steps.push(step.clone());
        let code = match &step.action {
            Action::Command(call) => call.code,
            Action::PowerCycle => 0,
        };
        let outcome = world.execute(&step)?;
        match outcome {
            Outcome::Skipped => {
                counts.skipped += 1;
                steps.pop();
            }
            Outcome::Agreed(rc) => {
                counts.total += 1;
                *counts.codes.entry(rc).or_default() += 1;
                let row = counts.commands.entry(code).or_default();
                row.0 += 1;
                row.1 += u64::from(rc == 0);
            }
            Outcome::Diverged(divergence) => {
                counts.total += 1;
                counts.commands.entry(code).or_default().0 += 1;
                if let Some(rule) = rules::explain(&divergence) {
                    *counts.explained.entry(rule.id).or_default() += 1;
                    if rules::in_step(&divergence) {
                        continue;
                    }
                    return Ok(());
                }
                let signature = signature(&divergence);
                let seen = counts.unexplained.entry(signature.clone()).or_default();
                *seen += 1;
                if *seen == 1 && (counts.unexplained.len() as u64) <= show {
                    drop(world);
                    let shortest = shrink::shrink(common, seed, steps, &divergence);
                    let last = shrink::play(common, seed, &shortest)?.unwrap_or(*divergence);
                    show_divergence(&signature, seed, &shortest, &last);
                    return Ok(());
                }
                if !rules::in_step(&divergence) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// What makes two divergences alike.
fn signature(divergence: &Divergence) -> String {
    let name = match &divergence.step.action {
        Action::Command(call) => table::name(call.code),
        Action::PowerCycle => "power".into(),
    };
    let [ours, theirs] = divergence.codes;
    format!("{name} {:?} ours {ours:#x} libtpms {theirs:#x}", divergence.what)
}

fn show_divergence(signature: &str, seed: u64, steps: &[Step], divergence: &Divergence) {
    println!("DIVERGENCE {signature} (episode {seed})");
    for step in steps {
        println!("    {step}");
    }
    for (who, side) in [("ours", 0), ("libtpms", 1)] {
        println!("    {who:<8}{}", TpmRc(divergence.codes[side]));
        println!("        sent {}", hex(&divergence.requests[side]));
        println!("        got  {}", hex(&divergence.responses[side]));
        if !divergence.values[side].is_empty() {
            println!("        value {}", hex(&divergence.values[side]));
        }
    }
    println!();
}

fn report(counts: &Counts, taken: Duration) {
    println!("command                       tried  succeeded");
    for (code, (tried, succeeded)) in &counts.commands {
        let name = if *code == 0 { "(power off and on)".into() } else { table::name(*code) };
        println!("{name:<28}{tried:>7}{succeeded:>11}");
    }
    println!("\nresponse codes");
    let mut codes: Vec<_> = counts.codes.iter().collect();
    codes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (code, count) in codes.iter().take(60) {
        let name = TpmRc(**code).to_string();
        println!("{count:>9}  {}", name.split(':').next().unwrap_or_default());
    }
    println!("\nexplained");
    for (id, count) in &counts.explained {
        println!("{count:>9}  {id}");
    }
    println!("\nunexplained");
    for (signature, count) in &counts.unexplained {
        println!("{count:>9}  {signature}");
    }
    let per_second = counts.total as f64 / taken.as_secs_f64().max(0.001);
    println!(
        "\n{} commands in {} episodes, {} skipped, {:.1} s, {per_second:.0} a second; {} explained, {} unexplained",
        counts.total,
        counts.episodes,
        counts.skipped,
        taken.as_secs_f64(),
        counts.explained.values().sum::<u64>(),
        counts.unexplained.values().sum::<u64>(),
    );
}

/// What libtpms has.
fn common() -> Result<Common, String> {
    let mut theirs = Theirs::manufacture(0)?;
    theirs.execute(0, 1, &Bytes::new().u16(0x8001).u32(12).u32(0x144).u16(0).0)?;
    let mut ask = |kind: u32| -> Result<Vec<u8>, String> {
        let command = Bytes::new().u16(0x8001).u32(22).u32(0x17A).u32(kind).u32(0).u32(1000).0;
        // Header, moreData, capability.
        Ok(theirs.execute(0, 1, &command)?.get(15..).unwrap_or_default().to_vec())
    };
    let list = |bytes: Vec<u8>, size: usize| -> Vec<u32> {
        bytes.get(4..).unwrap_or_default().chunks_exact(size).map(|row| {
            let mut parts = Parts(row);
            if size == 4 { parts.u32() } else { parts.u16().map(u32::from) }.unwrap_or_default()
        }).collect()
    };
    let algorithms = list(ask(0)?, 6).into_iter().map(|id| id as u16).collect();
    let commands = list(ask(2)?, 4).into_iter().map(|attributes| attributes & 0xFFFF).collect();
    let curves = list(ask(8)?, 2).into_iter().map(|id| id as u16).collect();
    Ok(Common { algorithms, curves, commands, rsa_bits: &[1024, 2048, 3072], aes_bits: &[128, 256] })
}
