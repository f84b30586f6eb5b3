//! Proof that the sandbox holds: things that a daemon must not be able to do, to be tried by a process that has entered it.
//!
//! `ironroot doctor --sandbox` has a child process try each, so that anybody can see what holds on their own kernel; tests
//! use the same.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

/// Who has to stop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The list of system calls: the process dies by SIGSYS.
    Seccomp,
    /// Landlock: the call fails with "permission denied".
    Landlock,
}

/// One forbidden thing.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, for people.
    pub text: &'static str,
    /// Who has to stop it.
    pub guard: Guard,
    attempt: fn(&Ground<'_>) -> io::Result<()>,
}

/// Where it is tried.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The state folder.
    pub inside: &'a Path,
    /// A folder that is not the state folder, with a file `file` in it.
    pub outside: &'a Path,
    /// Somebody listens there.
    pub listener: SocketAddr,
}

/// All of them.
pub const ALL: &[Trial] = &[
    seccomp("execve", "run another program", |_| Err(Command::new("/bin/true").exec())),
    seccomp("fork", "start a process", |_| Command::new("/bin/true").spawn().map(drop)),
    seccomp("ptrace", "trace a process", |_| nix::sys::ptrace::traceme().map_err(io::Error::from)),
    seccomp("kill", "send a signal to another process", |_| {
        let parent = rustix::process::getppid().ok_or(io::ErrorKind::NotFound)?;
        rustix::process::test_kill_process(parent).map_err(io::Error::from)
    }),
    seccomp("connect", "call somebody over TCP", |ground| TcpStream::connect(ground.listener).map(drop)),
    seccomp("udp", "send a datagram", |_| UdpSocket::bind("127.0.0.1:0").map(drop)),
    seccomp("listen", "take a port", |_| TcpListener::bind("127.0.0.1:0").map(drop)),
    seccomp("unix", "call somebody over a UNIX socket", |ground| {
        UnixStream::connect(ground.inside.join("no-such-socket")).map(drop)
    }),
    seccomp("mount", "mount a file system", |ground| {
        rustix::mount::mount("none", ground.inside, "tmpfs", rustix::mount::MountFlags::empty(), None)
            .map_err(io::Error::from)
    }),
    seccomp("chroot", "change the root folder", |ground| {
        rustix::process::chroot(ground.inside).map_err(io::Error::from)
    }),
    seccomp("setuid", "become another user", |_| {
        rustix::thread::set_thread_uid(rustix::process::getuid()).map_err(io::Error::from)
    }),
    seccomp("setrlimit", "raise a limit", |_| {
        let limit = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        rustix::process::setrlimit(rustix::process::Resource::Core, limit).map_err(io::Error::from)
    }),
    seccomp("dumpable", "become readable to debuggers", |_| {
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable).map_err(io::Error::from)
    }),
    seccomp("memfd", "make a file in memory", |_| {
        rustix::fs::memfd_create("trial", rustix::fs::MemfdFlags::CLOEXEC).map(drop).map_err(io::Error::from)
    }),
    seccomp("link", "make a hard link", |ground| {
        std::fs::hard_link(ground.outside.join("file"), ground.inside.join("linked"))
    }),
    landlock("read", "read a file outside the state folder", |ground| {
        std::fs::read(ground.outside.join("file")).map(drop)
    }),
    landlock("passwd", "read /etc/passwd", |_| std::fs::read("/etc/passwd").map(drop)),
    landlock("memory", "read /proc/self/mem", |_| std::fs::File::open("/proc/self/mem").map(drop)),
    landlock("write", "write a file outside the state folder", |ground| {
        std::fs::OpenOptions::new().append(true).open(ground.outside.join("file")).map(drop)
    }),
    landlock("create", "make a file outside the state folder", |ground| {
        std::fs::write(ground.outside.join("made"), b"")
    }),
    landlock("remove", "remove a file outside the state folder", |ground| {
        std::fs::remove_file(ground.outside.join("file"))
    }),
    landlock("rename", "move a file out of the state folder", |ground| {
        std::fs::rename(ground.inside.join("file"), ground.outside.join("moved"))
    }),
    landlock("list", "list a folder", |_| std::fs::read_dir("/").map(drop)),
];

const fn seccomp(name: &'static str, text: &'static str, attempt: fn(&Ground<'_>) -> io::Result<()>) -> Trial {
    Trial { name, text, guard: Guard::Seccomp, attempt }
}

const fn landlock(name: &'static str, text: &'static str, attempt: fn(&Ground<'_>) -> io::Result<()>) -> Trial {
    Trial { name, text, guard: Guard::Landlock, attempt }
}

impl Trial {
    /// Tries it.
    ///
    /// # Errors
    /// Why it could not be done, which is as it should be. (Where the guard is seccomp, nobody is left to return.)
    pub fn attempt(&self, ground: &Ground<'_>) -> io::Result<()> {
        (self.attempt)(ground)
    }
}

impl FromStr for Trial {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        ALL.iter().find(|trial| trial.name == name).copied().ok_or_else(|| format!("there is no trial {name:?}"))
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text)
    }
}
