//! Other people's programs at our doors, and our doors beside swtpm's.
//!
//! Needs Debian's packages swtpm, swtpm-tools, tpm2-tools and tss2; without them these tests fail, they are never skipped.
//! A real TPM (swtpm in its own process) stands behind our doors where a test double would not do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use ironroot_host::{AtStart, Daemon};
use support::peer::Swtpm;
use support::*;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn with_byte(first: u32, byte: u8) -> Vec<u8> {
    [&first.to_be_bytes()[..], &[byte]].concat()
}

/// Sends one message on a connection of its own and returns all that comes back in one piece.
fn exchange(path: &Path, message: &[u8]) -> Vec<u8> {
    let mut stream: UnixStream = connect_unix(path);
    stream.send(message);
    let mut reply = vec![0; 65_536];
    // 0 bytes: it hung up on us, which is an answer too.
    let count = loop {
        match std::io::Read::read(&mut stream, &mut reply) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => break other.unwrap(),
        }
    };
    reply.truncate(count);
    reply
}

/// How much of a reply must be the same, byte for byte, in two different TPMs.
#[derive(Clone, Copy)]
enum Same {
    Whole,
    First(usize),
}

#[test]
fn control_replies_are_swtpms_byte_for_byte() {
    use Same::{First, Whole};
    let theirs = Swtpm::start(&[]);
    let folder = Folder::new();
    let ours = quick(Daemon::builder(Swtpm::engine())).swtpm_unix(folder.join("s")).start().unwrap();
    let info = |flags: u32, offset: u32| words(&[18, 0, flags, offset, 0]);
    let exchanges: Vec<(&str, Vec<u8>, Same)> = vec![
        // Before power.
        ("GET_CAPABILITY", words(&[1]), Whole),
        ("GET_CAPABILITY and more", with_byte(1, 0), Whole),
        ("GET_TPMESTABLISHED without power", words(&[4]), Whole),
        ("RESET_TPMESTABLISHED without power", with_byte(0x0b, 3), Whole),
        ("HASH_START without power", words(&[6]), Whole),
        ("HASH_DATA without power", [words(&[7, 3]), b"abc".to_vec()].concat(), Whole),
        ("HASH_END without power", words(&[8]), Whole),
        ("CANCEL_TPM_CMD without power", words(&[9]), Whole),
        ("STORE_VOLATILE without power", words(&[10]), Whole),
        ("GET_STATEBLOB without power", words(&[12, 0, 1, 0]), Whole),
        ("SET_STATEBLOB of no type", [words(&[13, 0, 9, 2]), b"ab".to_vec()].concat(), Whole),
        ("SET_LOCALITY without power", with_byte(5, 1), Whole),
        ("GET_CONFIG", words(&[15]), Whole),
        ("SET_BUFFERSIZE 0", words(&[17, 0]), Whole),
        ("SET_BUFFERSIZE 3000", words(&[17, 3000]), Whole),
        ("SET_BUFFERSIZE 1", words(&[17, 1]), Whole),
        ("SET_BUFFERSIZE 4 GiB", words(&[17, u32::MAX]), Whole),
        ("an unknown request", words(&[99]), Whole),
        ("INIT too long", [words(&[2, 0]), vec![0]].concat(), Whole),
        ("INIT", words(&[2, 0]), Whole),
        // With power.
        ("GET_TPMESTABLISHED", words(&[4]), Whole),
        ("GET_TPMESTABLISHED too long", with_byte(4, 0), Whole),
        ("SET_LOCALITY 0", with_byte(5, 0), Whole),
        ("SET_LOCALITY 4", with_byte(5, 4), Whole),
        ("SET_LOCALITY 5", with_byte(5, 5), Whole),
        ("HASH_START too long", with_byte(6, 0), Whole),
        ("HASH_DATA before HASH_START", [words(&[7, 3]), b"abc".to_vec()].concat(), Whole),
        ("HASH_START", words(&[6]), Whole),
        ("HASH_DATA", [words(&[7, 3]), b"abc".to_vec()].concat(), Whole),
        ("HASH_DATA, long", [words(&[7, 4096]), vec![1; 4096]].concat(), Whole),
        ("HASH_END", words(&[8]), Whole),
        ("HASH_END again", words(&[8]), Whole),
        ("HASH_END too long", with_byte(8, 0), Whole),
        ("CANCEL_TPM_CMD", words(&[9]), Whole),
        ("RESET_TPMESTABLISHED 3", with_byte(0x0b, 3), Whole),
        ("RESET_TPMESTABLISHED 0", with_byte(0x0b, 0), Whole),
        ("RESET_TPMESTABLISHED 5", with_byte(0x0b, 5), Whole),
        ("GET_STATEBLOB permanent, result and flags", words(&[12, 0, 1, 0]), First(8)),
        ("GET_STATEBLOB volatile, result and flags", words(&[12, 0, 2, 0]), First(8)),
        ("GET_STATEBLOB savestate", words(&[12, 0, 3, 0]), Whole),
        ("GET_STATEBLOB of no type", words(&[12, 0, 9, 0]), Whole),
        ("GET_STATEBLOB behind its end", words(&[12, 0, 1, 0x7fff_ffff]), Whole),
        ("SET_STATEBLOB with power", [words(&[13, 0, 1, 2]), b"ab".to_vec()].concat(), Whole),
        ("SET_BUFFERSIZE with power", words(&[17, 4096]), Whole),
        ("GET_INFO specification", info(1, 0), Whole),
        ("GET_INFO features", info(7, 0), Whole),
        ("GET_INFO nothing", info(0, 0), Whole),
        ("GET_INFO from an offset", info(1, 10), Whole),
        ("GET_INFO behind its end", info(1, 99_999), Whole),
        ("STORE_VOLATILE", words(&[10]), Whole),
        ("INIT from the stored state", words(&[2, 1]), Whole),
        ("STOP too long", with_byte(14, 0), Whole),
        ("STOP", words(&[14]), Whole),
        ("STOP again", words(&[14]), Whole),
        ("LOCK_STORAGE, which 0.7 does not know", words(&[19, 0]), Whole),
        // Messages that never end: both hang up without a word.
        ("SET_LOCALITY without a locality", words(&[5]), Whole),
        ("INIT without flags", words(&[2]), Whole),
        ("GET_STATEBLOB cut short", words(&[12, 0, 1]), Whole),
        ("two bytes", vec![0, 0], Whole),
        ("SHUTDOWN too long", with_byte(3, 0), Whole),
        ("SHUTDOWN", words(&[3]), Whole),
    ];
    let mut compared = 0;
    for (what, message, same) in exchanges {
        let their = exchange(&theirs.control_path(), &message);
        let our = exchange(&folder.join("s.ctrl"), &message);
        let cut = match same {
            Whole => usize::MAX,
            First(count) => count,
        };
        assert_eq!(&our[..our.len().min(cut)], &their[..their.len().min(cut)], "{what}: ours, then swtpm's");
        compared += 1;
    }
    assert_eq!(compared, 61);
    ours.wait().unwrap();
}

#[test]
fn data_replies_are_swtpms_byte_for_byte() {
    let theirs = Swtpm::start(&["--flags", "not-need-init"]);
    let folder = Folder::new();
    let daemon = Daemon::builder(Swtpm::engine()).swtpm_unix(folder.join("s")).at_start(AtStart::PowerOn);
    let _daemon = daemon.start().unwrap();
    let get_capability = [0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7a, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 0, 9];
    let with_size = |size: u32| {
        let mut command = GET_RANDOM;
        command[2..6].copy_from_slice(&size.to_be_bytes());
        command.to_vec()
    };
    let enveloped = |locality: u8, command: &[u8]| {
        [&[0, 0, 0, 8, locality], &(command.len() as u32).to_be_bytes()[..], command].concat()
    };
    let mut odd_tag = GET_RANDOM;
    odd_tag[0] = 0x90;
    for (what, message) in [
        ("before Startup", GET_RANDOM.to_vec()),
        ("Startup", STARTUP.to_vec()),
        ("Startup again", STARTUP.to_vec()),
        ("GetCapability", get_capability.to_vec()),
        ("an envelope", enveloped(0, &get_capability)),
        ("an envelope, locality 3", enveloped(3, &STARTUP)),
        ("size 0", with_size(0)),
        ("size 9", with_size(9)),
        ("size 11", with_size(11)),
        ("size 4 GiB", with_size(u32::MAX)),
        ("two commands at once", [GET_RANDOM, GET_RANDOM].concat()),
        ("4096 bytes", [&with_size(4096)[..], &[0; 4084]].concat()),
        ("4097 bytes", [&with_size(4097)[..], &[0; 4085]].concat()),
        ("another tag", odd_tag.to_vec()),
        ("a header alone", vec![0x80, 1, 0, 0, 0, 10, 0, 0, 0xff, 0xff]),
        ("Shutdown", SHUTDOWN.to_vec()),
    ] {
        let their = exchange(&theirs.data_path(), &message);
        let our = exchange(&folder.join("s"), &message);
        assert_eq!(our, their, "{what}: ours, then swtpm's");
    }
}

/// Runs a program and returns its status and output.
fn run(program: &str, arguments: &[&str], tcti: &str) -> (bool, String) {
    let output = Command::new(program).args(arguments).env("TPM2TOOLS_TCTI", tcti).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn swtpm_ioctl_sees_no_difference() {
    let theirs = Swtpm::start(&[]);
    let folder = Folder::new();
    let ours = quick(Daemon::builder(Swtpm::engine())).swtpm_unix(folder.join("s")).start().unwrap();
    let paths = [folder.join("s.ctrl"), theirs.control_path()];
    let both = |arguments: &[&str]| {
        let results = paths.each_ref().map(|path| {
            let path = path.display().to_string();
            run("swtpm_ioctl", &[&["--unix", &path], arguments].concat(), "")
        });
        assert_eq!(results[0], results[1], "{arguments:?}: ours, then swtpm's");
        results[0].clone()
    };
    for arguments in [
        &["-c"][..],
        &["-e"],
        &["-i"],
        &["-e"],
        &["-l", "3"],
        &["-l", "5"],
        &["-r", "3"],
        &["-r", "1"],
        &["-h", "some data"],
        &["-C"],
        &["-g"],
        &["--info", "1"],
        &["--info", "7"],
        &["-v"],
        &["-b", "4096"],
        &["--stop"],
        &["-b", "4096"],
        &["-v"],
        &["-i"],
    ] {
        both(arguments);
    }
    // State saved from each goes back into it, and is what it was.
    for kind in ["permanent", "volatile"] {
        let file = folder.join(kind);
        for path in &paths {
            let path = path.display().to_string();
            let ioctl = |arguments: &[&str]| {
                let (ok, text) = run("swtpm_ioctl", &[&["--unix", &path], arguments].concat(), "");
                assert!(ok, "{path} {arguments:?}: {text}");
            };
            let file = file.display().to_string();
            ioctl(&["-i"]);
            ioctl(&["--save", kind, &file]);
            let saved = std::fs::read(&file).unwrap();
            assert!(saved.len() > 1000, "{kind} {}", saved.len());
            ioctl(&["--stop"]);
            ioctl(&["--load", kind, &file]);
            ioctl(&["-i"]);
            if kind == "permanent" {
                ioctl(&["--save", kind, &file]);
                assert_eq!(std::fs::read(&file).unwrap().len(), saved.len());
            }
        }
    }
    both(&["--load", "permanent", "/dev/null"]);
    both(&["-s"]);
    ours.wait().unwrap();
}

#[test]
fn tpm2_tools_through_every_door() {
    let folder = Folder::new();
    let daemon = Daemon::builder(Swtpm::engine())
        .mssim(any())
        .swtpm(any())
        .swtpm_unix(folder.join("s"))
        .at_start(AtStart::StartupClear)
        .start()
        .unwrap();
    let lines = daemon.tcti_lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for tcti in &lines {
        let tool = |program: &str, arguments: &[&str]| {
            let (ok, text) = run(program, arguments, tcti);
            assert!(ok, "{tcti}: {program} {arguments:?}: {text}");
            text
        };
        assert_eq!(tool("tpm2_getrandom", &["--hex", "8"]).trim().len(), 16, "{tcti}");
        assert!(tool("tpm2_getcap", &["properties-fixed"]).contains("TPM2_PT_MANUFACTURER"), "{tcti}");
        assert!(tool("tpm2_pcrread", &["sha256:0"]).contains("0x000000"), "{tcti}");
        let primary = folder.join("primary").display().to_string();
        tool("tpm2_createprimary", &["-Q", "-G", "ecc", "-c", &primary]);
        tool("tpm2_readpublic", &["-Q", "-c", &primary]);
        tool("tpm2_flushcontext", &["-t"]);
    }
    daemon.stop().unwrap();
}

#[test]
fn tpm2_tools_start_a_simulator_that_is_off() {
    let daemon = Daemon::builder(Swtpm::engine()).mssim(any()).start().unwrap();
    let tcti = &daemon.tcti_lines()[0];
    let (ok, text) = run("tpm2_startup", &["-c"], tcti);
    assert!(ok, "{text}");
    let (ok, text) = run("tpm2_getrandom", &["--hex", "4"], tcti);
    assert!(ok, "the TPM stayed on between two programs: {text}");
}

#[test]
fn ibms_tss_through_the_simulator_protocol() {
    let folder = Folder::new();
    let daemon = Daemon::builder(Swtpm::engine()).mssim(any()).start().unwrap();
    let [command, platform] = [MSSIM_COMMAND, MSSIM_PLATFORM].map(|channel| tcp(&daemon, channel).port().to_string());
    let tool = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&folder.0)
            .envs([("TPM_INTERFACE_TYPE", "socsim"), ("TPM_SERVER_TYPE", "mssim"), ("TPM_SERVER_NAME", "127.0.0.1")])
            .envs([("TPM_COMMAND_PORT", &command), ("TPM_PLATFORM_PORT", &platform)])
            .output()
            .unwrap_or_else(|error| panic!("{program} (package tss2): {error}"));
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {text}");
        text
    };
    // Power off and on, NV on: each on a connection of its own.
    tool("tsspowerup", &[]);
    tool("tssstartup", &[]);
    assert!(tool("tssgetrandom", &["-by", "8"]).contains("length 8"));
    assert!(tool("tsscreateprimary", &["-hi", "o", "-ecc", "nistp256"]).contains("80000000"));
    assert!(tool("tssgetcapability", &["-cap", "1", "-pr", "80000000"]).contains("80000000"));
    tool("tssflushcontext", &["-ha", "80000000"]);
    tool("tssshutdown", &[]);
}
