//! A run: episodes of some hundred commands on new TPMs, until enough commands have been done.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ironroot_wire::TpmRc;

use crate::{
    bytes::{Bytes, Parts, hex},
    generate::Generator,
    ours::{Common, Ours},
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
    explained: BTreeMap<String, u64>,
    unexplained: BTreeMap<String, u64>,
    total: u64,
    skipped: u64,
    episodes: u64,
}

/// What a run is asked to do.
struct Order {
    commands: u64,
    seed: u64,
    minutes: u64,
    /// How many kinds of unexplained divergences are shown in full.
    show: u64,
    /// How many processes share the work.
    jobs: u64,
    /// Where a process that shares the work leaves its counts.
    counts: Option<String>,
}

impl Order {
    fn parse(words: &[String]) -> Result<Self, String> {
        let mut order = Self { commands: 20_000, seed: 1, minutes: 0, show: 30, jobs: 2, counts: None };
        let mut words = words.iter().flat_map(|word| word.splitn(2, '='));
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} wants a value"))?;
            let number = value.parse().map_err(|_| format!("{name}: {value:?} is no number"));
            match name {
                "--commands" => order.commands = number?,
                "--seed" => order.seed = number?,
                "--minutes" => order.minutes = number?,
                "--show" => order.show = number?,
                "--jobs" => order.jobs = number?,
                "--counts" => order.counts = Some(value.to_owned()),
                _ => return Err(format!("not understood: {name}")),
            }
        }
        Ok(order)
    }
}

/// `[--commands N] [--seed S] [--minutes M] [--show N] [--jobs N]`, or `--docs`.
///
/// # Errors
/// What went wrong, but for divergences: then it returns false.
pub fn run(words: &[String]) -> Result<bool, String> {
    if words.iter().any(|word| word == "--docs") {
        print!("{}", rules::page());
        return Ok(true);
    }
    let order = Order::parse(words)?;
    let start = Instant::now();
    let counts = if order.jobs > 1 { shared(&order)? } else { alone(&order)? };
    match &order.counts {
        Some(path) => std::fs::write(path, counts.to_text()).map_err(|error| format!("{path}: {error}"))?,
        None => report(&counts, order.seed, start.elapsed()),
    }
    Ok(counts.unexplained.is_empty())
}

/// libtpms has global state, so that two at once need two processes.
fn shared(order: &Order) -> Result<Counts, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut children = Vec::new();
    for job in 0..order.jobs {
        let path = std::env::temp_dir().join(format!("ironroot-differential-{}-{job}", std::process::id()));
        let child = std::process::Command::new(&program)
            .args(["--jobs".into(), "1".into(), "--commands".into(), (order.commands / order.jobs).to_string()])
            .args(["--seed".into(), order.seed.wrapping_mul(order.jobs).wrapping_add(job).to_string()])
            .args(["--minutes".into(), order.minutes.to_string(), "--show".into(), order.show.to_string()])
            .arg("--counts")
            .arg(&path)
            .spawn()
            .map_err(|error| error.to_string())?;
        children.push((child, path));
    }
    let mut counts = Counts::default();
    for (mut child, path) in children {
        let status = child.wait().map_err(|error| error.to_string())?;
        let text = std::fs::read_to_string(&path).map_err(|_| format!("a process of the run ended with {status}"))?;
        let _ = std::fs::remove_file(&path);
        counts.add(&text).ok_or("a process of the run left counts that make no sense")?;
    }
    Ok(counts)
}

fn alone(order: &Order) -> Result<Counts, String> {
    let common = common()?;
    let start = Instant::now();
    let limit = (order.minutes > 0).then(|| Duration::from_secs(order.minutes * 60));
    let mut counts = Counts::default();
    while counts.total < order.commands && limit.is_none_or(|limit| start.elapsed() < limit) {
        let episode = order.seed.wrapping_mul(1_000_003).wrapping_add(counts.episodes);
        counts.episodes += 1;
        self::episode(&common, episode, &mut counts, order.show)?;
    }
    Ok(counts)
}

impl Counts {
    /// One line for each count.
    fn to_text(&self) -> String {
        let mut text = format!("total\t{}\t{}\t{}\n", self.total, self.skipped, self.episodes);
        for (code, (tried, succeeded)) in &self.commands {
            text.push_str(&format!("command\t{code}\t{tried}\t{succeeded}\n"));
        }
        for (code, count) in &self.codes {
            text.push_str(&format!("code\t{code}\t{count}\n"));
        }
        for (id, count) in &self.explained {
            text.push_str(&format!("explained\t{id}\t{count}\n"));
        }
        for (signature, count) in &self.unexplained {
            text.push_str(&format!("unexplained\t{signature}\t{count}\n"));
        }
        text
    }

    /// Adds what another process has counted; `None` if the text makes no sense.
    fn add(&mut self, text: &str) -> Option<()> {
        for line in text.lines() {
            let mut words = line.split('\t');
            let (kind, first) = (words.next()?, words.next()?);
            let mut number = || words.next()?.parse::<u64>().ok();
            match kind {
                "total" => {
                    self.total += first.parse::<u64>().ok()?;
                    self.skipped += number()?;
                    self.episodes += number()?;
                }
                "command" => {
                    let row = self.commands.entry(first.parse().ok()?).or_default();
                    row.0 += number()?;
                    row.1 += number()?;
                }
                "code" => *self.codes.entry(first.parse().ok()?).or_default() += number()?,
                "explained" => *self.explained.entry(first.to_owned()).or_default() += number()?,
                "unexplained" => *self.unexplained.entry(first.to_owned()).or_default() += number()?,
                _ => return None,
            }
        }
        Some(())
    }
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
                    *counts.explained.entry(rule.id.to_owned()).or_default() += 1;
                    if rules::in_step(&mut world, &divergence)? {
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
                if !rules::in_step(&mut world, &divergence)? {
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
    let mut text = format!("DIVERGENCE {signature} (episode {seed})\n");
    for step in steps {
        text.push_str(&format!("    {step}\n"));
    }
    for (who, side) in [("ours", 0), ("libtpms", 1)] {
        text.push_str(&format!("    {who:<8}{}\n", TpmRc(divergence.codes[side])));
        text.push_str(&format!("        sent {}\n", hex(&divergence.requests[side])));
        text.push_str(&format!("        got  {}\n", hex(&divergence.responses[side])));
        if !divergence.values[side].is_empty() {
            text.push_str(&format!("        value {}\n", hex(&divergence.values[side])));
        }
    }
    // At once, because another process prints too.
    println!("{text}");
}

fn report(counts: &Counts, seed: u64, taken: Duration) {
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
        "\nseed {seed}: {} commands in {} episodes, {} skipped, {:.1} s, {per_second:.0} a second; {} explained, {} unexplained",
        counts.total,
        counts.episodes,
        counts.skipped,
        taken.as_secs_f64(),
        counts.explained.values().sum::<u64>(),
        counts.unexplained.values().sum::<u64>(),
    );
}

/// TPM2_GetCapability, of everything; without the header, moreData and the capability.
fn ask(mut execute: impl FnMut(&[u8]) -> Result<Vec<u8>, String>, kind: u32) -> Result<Vec<u8>, String> {
    execute(&Bytes::new().u16(0x8001).u32(12).u32(0x144).u16(0).0)?;
    let command = Bytes::new().u16(0x8001).u32(22).u32(0x17A).u32(kind).u32(0).u32(1000).0;
    Ok(execute(&command)?.get(15..).unwrap_or_default().to_vec())
}

/// What both have.
fn common() -> Result<Common, String> {
    let mut theirs = Theirs::manufacture(0)?;
    let mut ask_theirs = |kind| ask(|command| theirs.execute(0, 1, command), kind);
    let list = |bytes: Vec<u8>, size: usize| -> Vec<u32> {
        bytes
            .get(4..)
            .unwrap_or_default()
            .chunks_exact(size)
            .map(|row| {
                let mut parts = Parts(row);
                if size == 4 { parts.u32() } else { parts.u16().map(u32::from) }.unwrap_or_default()
            })
            .collect()
    };
    let algorithms = list(ask_theirs(0)?, 6).into_iter().map(|id| id as u16).collect();
    let their_commands = list(ask_theirs(2)?, 4);
    let curves = list(ask_theirs(8)?, 2).into_iter().map(|id| id as u16).collect();
    let code = |attributes: &u32| attributes & 0xFFFF;
    let mut common = Common { algorithms, curves, commands: their_commands.iter().map(code).collect() };
    let mut ours = Ours::manufacture(&common.profile(), 0)?;
    let our_commands = list(ask(|command| Ok(ours.execute(0, 1, command)), 2)?, 4);
    common.commands.retain(|one| our_commands.iter().any(|two| code(two) == *one));
    let mut ask_ours = |kind| ask(|command| Ok(ours.execute(0, 1, command)), kind);
    let our_algorithms = list(ask_ours(0)?, 6);
    let our_curves = list(ask_ours(8)?, 2);
    common.algorithms.retain(|id| our_algorithms.contains(&u32::from(*id)));
    common.curves.retain(|id| our_curves.contains(&u32::from(*id)));
    Ok(common)
}
