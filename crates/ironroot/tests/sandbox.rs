//! The daemon's sandbox: what it forbids is refused or deadly, and all ordinary work goes on in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "service")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, IoSlice, Read, Write},
    mem::MaybeUninit,
    net::TcpListener,
    os::{
        fd::AsFd,
        unix::{
            fs::{MetadataExt, PermissionsExt},
            net::UnixStream,
            process::ExitStatusExt,
        },
    },
    process::{Command, ExitStatus, Stdio},
};

use ironroot_client::{
    templates,
    wire::{TpmHandle, TpmSu, TpmaNv, TpmiAlgHash, TpmiRhNvIndex, TpmsNvPublic},
};
use ironroot_host::sandbox::trial::{ALL, Guard, Trial};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use support::*;

const SIGSYS: i32 = 31;
const DENIED: &str = "entered\nrefused: Permission denied (os error 13)\n";

/// Has a child process try one thing.
fn attempt(trial: &Trial, options: &[&str]) -> (ExitStatus, String) {
    let folder = Folder::new();
    for name in ["inside", "outside"] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("file"), name).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new(PROGRAM)
        .args(["trial", trial.name, "--listener", &listener.local_addr().unwrap().to_string(), "--inside"])
        .arg(folder.join("inside"))
        .arg("--outside")
        .arg(folder.join("outside"))
        .args(options)
        .output()
        .unwrap();
    if trial.name == "mount" && options.contains(&"--bare") {
        let _ = rustix::mount::unmount(folder.join("inside"), rustix::mount::UnmountFlags::DETACH);
    }
    let said = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("entered\n"), "{}: {} {error}", trial.name, output.status);
    (output.status, said)
}

#[test]
fn every_forbidden_thing_is_refused_or_deadly() {
    for trial in ALL {
        let (status, said) = attempt(trial, &[]);
        match trial.guard {
            Guard::Seccomp => assert_eq!(status.signal(), Some(SIGSYS), "{}: {said}", trial.name),
            Guard::Landlock => assert_eq!(said, DENIED, "{}", trial.name),
        }
    }
}

#[test]
fn without_the_sandbox_nothing_of_it_is_refused() {
    for trial in ALL {
        let (status, said) = attempt(trial, &["--bare"]);
        assert!(status.success(), "{}: {status} {said}", trial.name);
        match trial.name {
            // The program became another one, which says nothing.
            "execve" => assert_eq!(said, "entered\n"),
            // Nobody is there, which it has to ask to know.
            "unix" => assert_eq!(said, "entered\nrefused: No such file or directory (os error 2)\n"),
            "mount" | "chroot" if !is_root() => {
                assert_eq!(said, "entered\nrefused: Operation not permitted (os error 1)\n", "{}", trial.name);
            }
            other => assert_eq!(said, "entered\ndone\n", "{other}"),
        }
    }
}

#[test]
fn beside_the_service_only_its_own_socket_can_be_made() {
    for trial in ALL {
        let (status, said) = attempt(trial, &["--service"]);
        match (trial.name, trial.guard) {
            // It links files, but not into another folder.
            ("link", _) => assert!(said.starts_with("entered\nrefused: "), "{said}"),
            // It may call `bind`, but only for its own port.
            ("listen", _) | (_, Guard::Landlock) => assert_eq!(said, DENIED, "{}", trial.name),
            _ => assert_eq!(status.signal(), Some(SIGSYS), "{}: {said}", trial.name),
        }
    }
}

#[test]
fn the_process_that_makes_connections_calls_one_port_and_has_no_files() {
    for trial in ALL {
        let (status, said) = attempt(trial, &["--connector"]);
        match trial.name {
            // It may call, but not there.
            "connect" => assert_eq!(said, DENIED),
            _ => assert_eq!(status.signal(), Some(SIGSYS), "{}: {said}", trial.name),
        }
    }
}

#[test]
fn doctor_says_what_holds() {
    let output = Command::new(PROGRAM).args(["doctor", "--sandbox"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("\nok      sandbox: ").count(), ALL.len(), "{said}");
}

#[test]
fn every_thread_is_filtered_and_has_no_privilege() {
    let folder = Folder::new();
    let daemon = Daemon::start(&folder, &[]);
    let mut clients: Vec<_> = (0..4).map(|_| daemon.mssim()).collect();
    clients[0].startup(TpmSu::Clear).unwrap();
    assert!(clients.iter_mut().all(|client| client.get_random(8).unwrap().len() == 8));
    let threads = daemon.threads("Seccomp");
    assert!(threads.len() >= 8, "{threads:?}");
    assert!(threads.iter().all(|mode| mode == "2"), "{threads:?}");
    assert!(daemon.threads("NoNewPrivs").iter().all(|yes| yes == "1"));
    // Locked memory may need one privilege; nothing else does.
    let ipc_lock = 1 << 14;
    for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        let privileges = daemon.threads(set);
        let others = |bits: &String| u64::from_str_radix(bits, 16).unwrap() & !ipc_lock;
        assert!(privileges.iter().all(|bits| others(bits) == 0), "{set} {privileges:?}");
    }
    assert_eq!(daemon.says["sandbox"]["files"], "restricted");
    assert_eq!(daemon.says["sandbox"]["seccomp"], "kill");
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    if daemon.says["sandbox"]["memory"] == "locked" {
        assert_ne!(daemon.status("VmLck"), "0 kB");
    }
}

#[test]
fn both_protocols_storage_and_the_end_work_in_it() {
    let folder = Folder::new();
    let daemon = Daemon::start(&folder, &[]);
    let mut tpm = daemon.mssim();
    tpm.startup(TpmSu::Clear).unwrap();
    let index = TpmHandle(0x0150_0001);
    let public = TpmsNvPublic {
        nv_index: TpmiRhNvIndex(index.0),
        name_alg: TpmiAlgHash::Sha256,
        attributes: TpmaNv::OWNERWRITE | TpmaNv::OWNERREAD,
        auth_policy: Default::default(),
        data_size: 2000,
    };
    tpm.nv_define(TpmHandle::OWNER, &public, b"").unwrap();
    // The state is compacted into a new file more than once meanwhile.
    let state = folder.join("state").join("state");
    let mut files = BTreeSet::new();
    for round in 0..200u8 {
        tpm.nv_write(TpmHandle::OWNER, index, &[round; 2000]).unwrap();
        files.insert(fs::metadata(&state).unwrap().ino());
    }
    assert!(files.len() > 1, "the state was never compacted");
    assert_eq!(daemon.swtpm().nv_read(TpmHandle::OWNER, index).unwrap(), [199; 2000]);
    for template in [templates::srk_rsa2048(), templates::srk_p256()] {
        let key = daemon.swtpm().create_primary(TpmHandle::OWNER, &template, b"").unwrap();
        tpm.flush(key.handle).unwrap();
    }
    drop(tpm);
    let (status, log) = daemon.end("TERM");
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("sandboxed"), "{log}");
    assert!(!folder.join("s").exists() && !folder.join("s.ctrl").exists(), "its sockets go with it");
    // And what it wrote is there.
    let daemon = Daemon::start(&folder, &[]);
    let mut tpm = daemon.swtpm();
    tpm.startup(TpmSu::Clear).unwrap();
    assert_eq!(tpm.nv_read(TpmHandle::OWNER, index).unwrap(), [199; 2000]);
    drop(tpm);
    let (status, log) = daemon.end("INT");
    assert!(status.success(), "{status}: {log}");
}

#[test]
fn the_control_channel_works_in_it() {
    let folder = Folder::new();
    let mut daemon = Daemon::start(&folder, &[]);
    let mut control = UnixStream::connect(folder.join("s.ctrl")).unwrap();
    let (mut data, passed) = UnixStream::pair().unwrap();
    let passed = [passed.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&passed)));
    sendmsg(&control, &[IoSlice::new(&[0, 0, 0, 16])], &mut ancillary, SendFlags::empty()).unwrap();
    let mut answer = [0xff; 4];
    control.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0; 4], "SET_DATAFD");
    assert_eq!(exchange(&mut data, &[0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0])[6..], [0; 4], "TPM2_Startup");
    assert_eq!(exchange(&mut data, &[0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 8]).len(), 20, "TPM2_GetRandom");
    for (request, what) in [
        (&[0, 0, 0, 10][..], "STORE_VOLATILE"),
        (&[0, 0, 0, 2, 0, 0, 0, 0], "INIT"),
        (&[0, 0, 0, 14], "STOP"),
        (&[0, 0, 0, 2, 0, 0, 0, 1], "INIT"),
    ] {
        control.write_all(request).unwrap();
        control.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0; 4], "{what}");
    }
    assert_eq!(exchange(&mut data, &[0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 8]).len(), 20, "resumed");
    control.write_all(&[0, 0, 0, 3]).unwrap();
    control.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0; 4], "SHUTDOWN");
    let (status, log) = daemon.wait();
    assert!(status.success(), "{status}: {log}");
}

#[test]
fn what_happens_at_a_forbidden_call_is_a_choice() {
    for (action, mode, warns) in [("action=kill", "2", false), ("action=log", "2", true), ("action=none", "0", true)] {
        let folder = Folder::new();
        let daemon = Daemon::start(&folder, &["--seccomp", action]);
        assert_eq!(daemon.status("Seccomp"), mode, "{action}");
        assert_eq!(daemon.status("NoNewPrivs"), "1", "{action}");
        daemon.mssim().startup(TpmSu::Clear).unwrap();
        let (status, log) = daemon.end("TERM");
        assert!(status.success(), "{action} {status} {log}");
        assert_eq!(log.contains("as asked for (--seccomp"), warns, "{log}");
    }
    let arguments = ["tpm", "--state", "x", "--mssim", "127.0.0.1:0", "--seccomp", "action=maim"];
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("action=kill, action=log or action=none"), "{said}");
}

#[test]
fn another_user_is_taken_on_before_any_file_is_touched() {
    let folder = Folder::new();
    let error = Daemon::try_start(&folder, &["--runas", "nobody-of-this-name"]).err().unwrap();
    assert!(error.contains("no user \"nobody-of-this-name\"") && error.contains("getent passwd"), "{error}");
    assert!(!folder.join("state").exists());
    if !is_root() {
        let error = Daemon::try_start(&folder, &["--runas", "0"]).err().unwrap();
        assert!(error.contains("only root can become somebody else"), "{error}");
        return;
    }
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
    let daemon = Daemon::start(&folder, &["--runas", "65534"]);
    assert!(daemon.threads("Uid").iter().all(|ids| ids.split_whitespace().all(|id| id == "65534")));
    assert!(daemon.threads("Groups").iter().all(|groups| !groups.split_whitespace().any(|group| group == "0")));
    assert_eq!(fs::metadata(folder.join("state").join("state")).unwrap().uid(), 65534);
    assert_eq!(daemon.status("CapEff"), "0000000000000000");
    // A process that is not dumpable belongs to root in /proc, whoever it runs as.
    let owner = |daemon: &Daemon| fs::metadata(format!("/proc/{}/mem", daemon.pid())).unwrap().uid();
    assert_eq!(owner(&daemon), 0);
    daemon.swtpm().startup(TpmSu::Clear).unwrap();
    assert!(daemon.end("TERM").0.success());
    // Root on a state that is somebody else's keeps what it needs to write it, and says so.
    let daemon = Daemon::start(&folder, &[]);
    let mut tpm = daemon.swtpm();
    tpm.startup(TpmSu::Clear).unwrap();
    tpm.hierarchy_change_auth(TpmHandle::OWNER, b"x").unwrap();
    drop(tpm);
    let (status, log) = daemon.end("TERM");
    assert!(status.success() && log.contains("--runas with that user does without"), "{log}");
}

#[test]
fn the_service_works_beside_the_tpm_in_it() {
    let folder = Folder::new();
    // Made at the first start, found at the second.
    for _ in 0..2 {
        let mut child = Command::new(PROGRAM)
            .args(["up", "--json", "--mssim", "127.0.0.1:0", "--service", "127.0.0.1:0", "--state"])
            .arg(folder.join("plant"))
            .arg("--swtpm")
            .arg(format!("unix:{}", folder.join("s").display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "up ended: {}", child.wait().unwrap());
        let says: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = says["running"]["service"].as_str().unwrap().trim_start_matches("http://").to_owned();
        for (request, wanted) in [
            ("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "{\"status\":\"ok\"}"),
            (
                "POST /v1/challenge HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\n\r\n{",
                "malformed_json",
            ),
            ("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "<!doctype html>"),
        ] {
            let mut stream = std::net::TcpStream::connect(&address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.contains(wanted), "{request}: {answer}");
        }
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
        for task in tasks {
            let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            assert!(status.contains("\nSeccomp:\t2\n") && status.contains("\nNoNewPrivs:\t1\n"), "{status}");
        }
        assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}
