//! Crowds, dawdlers and noise against the daemon as it ships, in its sandbox: a genuine client is served all the while, and
//! the process stays small. The figures that it prints are those of docs/hardening.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "service")]

mod support;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ironroot_client::wire::TpmSu;
use support::*;

const GET_RANDOM: [u8; 12] = [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 8];
/// How long each kind of flood goes on.
const TIME: Duration = Duration::from_millis(1500);
/// What no answer to the genuine client may take longer than. (Generous: the machine may be busy with other tests.)
const PATIENCE: Duration = Duration::from_secs(3);
/// What the process may grow by in each.
const GROWTH: usize = 32 << 20;

/// One attacker's loop; it ends when the flag is set.
type Attack = fn(&Target, &AtomicBool, &AtomicUsize);

struct Target {
    mssim: SocketAddr,
    swtpm: std::path::PathBuf,
    control: std::path::PathBuf,
}

impl Target {
    fn tcp(&self) -> Option<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.mssim, Duration::from_millis(500)).ok()?;
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        Some(stream)
    }

    fn unix(&self, path: &std::path::Path) -> Option<UnixStream> {
        let stream = UnixStream::connect(path).ok()?;
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        Some(stream)
    }
}

/// Connects and says nothing, a thousand times, and stays.
fn silent(target: &Target, stop: &AtomicBool, count: &AtomicUsize) {
    let mut held = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match if held.len() < 1000 { target.unix(&target.swtpm) } else { None } {
            Some(stream) => {
                held.push(stream);
                count.fetch_add(1, Ordering::Relaxed);
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Connects and leaves.
fn short(target: &Target, stop: &AtomicBool, count: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        count.fetch_add(usize::from(target.unix(&target.swtpm).is_some()), Ordering::Relaxed);
    }
}

/// A byte of a command now and then, on many connections.
fn dripping(target: &Target, stop: &AtomicBool, count: &AtomicUsize) {
    let mut held: Vec<(TcpStream, usize)> = Vec::new();
    let command = [0, 0, 0, 8, 0, 0, 0, 16, 0];
    while !stop.load(Ordering::Relaxed) {
        if held.len() < 100 {
            held.extend(target.tcp().map(|stream| (stream, 0)));
        }
        held.retain_mut(|(stream, sent)| {
            let byte = command.get(*sent).copied().unwrap_or(0x80);
            *sent += 1;
            count.fetch_add(1, Ordering::Relaxed);
            stream.write_all(&[byte]).is_ok()
        });
        thread::sleep(Duration::from_millis(10));
    }
}

/// Announces 64 MiB for the H-CRTM, and sends a byte of it now and then: it seems to be in the middle of something.
fn endless(target: &Target, stop: &AtomicBool, count: &AtomicUsize) {
    let mut held: Vec<TcpStream> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        if held.len() < 100
            && let Some(mut stream) = target.tcp()
            && stream.write_all(&[0, 0, 0, 6, 4, 0, 0, 0]).is_ok()
        {
            held.push(stream);
        }
        held.retain_mut(|stream| {
            count.fetch_add(1, Ordering::Relaxed);
            stream.write_all(&[0]).is_ok()
        });
        thread::sleep(Duration::from_millis(10));
    }
}

/// 64 KiB at once that begin like a command and claim to be as long.
fn large(target: &Target, stop: &AtomicBool, count: &AtomicUsize) {
    let mut bytes = vec![0x80; 64 << 10];
    bytes[..10].copy_from_slice(&[0x80, 1, 0, 1, 0, 0, 0, 0, 1, 0x7b]);
    while !stop.load(Ordering::Relaxed) {
        if let Some(mut stream) = target.unix(&target.swtpm) {
            while !stop.load(Ordering::Relaxed) && stream.write_all(&bytes).is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
                let _ = stream.read(&mut [0; 64]);
            }
        }
    }
}

/// Requests on the control channel, the state among them, as fast as they are answered.
fn control(target: &Target, stop: &AtomicBool, count: &AtomicUsize) {
    let state = [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0];
    while !stop.load(Ordering::Relaxed) {
        let Some(mut stream) = target.unix(&target.control) else { continue };
        for request in [&[0, 0, 0, 1][..], &state, &[0, 0, 0, 15], &[9; 20]].into_iter().cycle().take(1000) {
            let answered = stream.write_all(request).is_ok() && stream.read(&mut [0; 8192]).is_ok_and(|got| got > 0);
            if !answered || stop.load(Ordering::Relaxed) {
                break;
            }
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Claims a state of 16 MiB, and sends as much of it as it can.
fn blobs(target: &Target, stop: &AtomicBool, count: &AtomicUsize) {
    let piece = vec![7; 256 << 10];
    while !stop.load(Ordering::Relaxed) {
        let Some(mut stream) = target.unix(&target.control) else { continue };
        let _ = stream.write_all(&[0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0]);
        while !stop.load(Ordering::Relaxed) && stream.write_all(&piece).is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Commands, as fast as they are answered.
fn commands(target: &Target, stop: &AtomicBool, count: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        let Some(mut stream) = target.unix(&target.swtpm) else { continue };
        while !stop.load(Ordering::Relaxed)
            && stream.write_all(&GET_RANDOM).is_ok()
            && stream.read(&mut [0; 64]).is_ok_and(|got| got > 0)
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What the genuine client saw: how long its commands took, on a connection that it keeps and on new ones.
#[derive(Default)]
struct Seen {
    kept: Vec<Duration>,
    fresh: Vec<Duration>,
    lost: usize,
}

fn genuine(target: &Target, kept: &mut UnixStream) -> Seen {
    let mut seen = Seen::default();
    let begin = Instant::now();
    while begin.elapsed() < TIME {
        let asked = Instant::now();
        let served = kept.write_all(&GET_RANDOM).and_then(|()| kept.read_exact(&mut [0; 20])).is_ok();
        if served {
            seen.kept.push(asked.elapsed());
        } else {
            seen.lost += 1;
            *kept = patient(target);
        }
        let asked = Instant::now();
        loop {
            let mut stream = patient(target);
            if stream.write_all(&GET_RANDOM).and_then(|()| stream.read_exact(&mut [0; 20])).is_ok() {
                break;
            }
            assert!(asked.elapsed() < 2 * PATIENCE, "a new client is not served");
        }
        seen.fresh.push(asked.elapsed());
        thread::sleep(Duration::from_millis(2));
    }
    seen.kept.sort_unstable();
    seen.fresh.sort_unstable();
    seen
}

fn patient(target: &Target) -> UnixStream {
    let stream = UnixStream::connect(&target.swtpm).unwrap();
    stream.set_read_timeout(Some(2 * PATIENCE)).unwrap();
    stream
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn kib(daemon: &Daemon, field: &str) -> usize {
    daemon.status(field).trim_end_matches(" kB").parse().unwrap()
}

/// Many connections need many descriptors.
fn more_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

#[test]
fn a_genuine_client_is_served_whatever_the_others_do() {
    more_descriptors();
    let folder = Folder::new();
    let daemon = Daemon::quiet(&folder);
    daemon.swtpm().startup(TpmSu::Clear).unwrap();
    let tcti = daemon.says["tcti"][0].as_str().unwrap();
    let port: u16 = tcti.rsplit('=').next().unwrap().parse().unwrap();
    let target = Arc::new(Target {
        mssim: SocketAddr::from(([127, 0, 0, 1], port)),
        swtpm: folder.join("s"),
        control: folder.join("s.ctrl"),
    });
    // Whether a connection that is in use stays: always, unless the others are as busy as it is.
    let floods: [(&str, usize, bool, Attack); 8] = [
        ("5,000 silent connections", 5, true, silent),
        ("connections that come and go", 4, true, short),
        ("a byte now and then", 4, true, dripping),
        ("bodies that never end", 4, false, endless),
        ("64 KiB at once", 4, false, large),
        ("control requests", 16, true, control),
        ("state blobs of 16 MiB", 16, true, blobs),
        ("commands", 32, true, commands),
    ];
    let mut kept = patient(&target);
    for (name, attackers, stays, attack) in floods {
        let before = kib(&daemon, "VmRSS");
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let attackers: Vec<JoinHandle<()>> = (0..attackers)
            .map(|_| {
                let (target, stop, count) = (target.clone(), stop.clone(), count.clone());
                thread::spawn(move || attack(&target, &stop, &count))
            })
            .collect();
        let seen = genuine(&target, &mut kept);
        let (rss, threads) = (kib(&daemon, "VmRSS"), kib(&daemon, "Threads"));
        stop.store(true, Ordering::Relaxed);
        attackers.into_iter().for_each(|attacker| attacker.join().unwrap());
        let done = count.load(Ordering::Relaxed);
        println!(
            "{name}: {done} by the attackers; the genuine client {} times on its connection ({:?} median, {:?} 99 %, {:?} at most, {} times lost) and {} times on new ones ({:?} median, {:?} 99 %, {:?} at most); {rss} KiB ({} more), {threads} threads",
            seen.kept.len(),
            at(&seen.kept, 50),
            at(&seen.kept, 99),
            at(&seen.kept, 100),
            seen.lost,
            seen.fresh.len(),
            at(&seen.fresh, 50),
            at(&seen.fresh, 99),
            at(&seen.fresh, 100),
            rss.saturating_sub(before),
        );
        assert!(done > 50, "{name}: that was no flood");
        assert!(seen.kept.len() > 2 && seen.fresh.len() > 2, "{name}: the genuine client is hardly served");
        assert!(at(&seen.fresh, 100) < PATIENCE && at(&seen.kept, 100) < PATIENCE, "{name}");
        assert!(!stays || seen.lost == 0, "{name}: a connection in use was lost");
        // 64 connections, four doors, and a few of its own.
        assert!(threads <= 64 + 16, "{name}: {threads} threads");
        assert!(rss.saturating_sub(before) * 1024 < GROWTH, "{name}: grew from {before} to {rss} KiB");
    }
    println!("at most {} KiB at any time", kib(&daemon, "VmHWM"));
    drop(kept);
    let (status, log) = daemon.end("TERM");
    assert!(status.success(), "{status}: {}", &log[log.len().saturating_sub(2000)..]);
}
