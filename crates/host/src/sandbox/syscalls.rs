//! System calls: a list of what the work needs, and death for the rest.
//!
//! Three filters are stacked; the kernel obeys the strictest. The first makes `clone3` look missing, so that the C library
//! starts its threads by `clone`, whose flags a filter can read. The second looks at arguments, and forbids what the list alone would
//! let through: new processes, code in writable memory, raised limits, signals to others. The third is the list; after it,
//! no other filter can be installed.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::{SandboxError, Seccomp};

/// What the process does for a living.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Work {
    /// A TPM behind doors that are open already.
    #[default]
    Tpm,
    /// A TPM, and the provisioning service beside it: an HTTP server that still has to take its address, and a database.
    TpmAndService,
    /// Beside a TPM: makes connections to the one witness of its counter, and hands them over. No files at all.
    Connector,
}

/// Memory, threads, time, random numbers, signals: what any thread of a Rust program needs.
const COMMON: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mlock,
    libc::SYS_mlock2,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munlock,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
];

/// Files of the state: read, written, renamed, removed, locked, made durable. Which files is Landlock's business.
const FILES: &[c_long] = &[
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fallocate,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getdents64,
    libc::SYS_ioctl,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_statx,
    libc::SYS_sync_file_range,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Clients of sockets that listen already. There is no call here that makes a socket or reaches out by one.
const CLIENTS: &[c_long] = &[
    libc::SYS_accept4,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_pipe2,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
];

/// What x86-64 still has of older forms, which C libraries there use.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_lstat,
    libc::SYS_open,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_stat,
    libc::SYS_time,
    libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[];

/// What the service adds: its own socket, an event loop, SQLite's files, folders and identities.
const SERVICE: &[c_long] = &[
    libc::SYS_bind,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_getcwd,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getuid,
    // A secret's file gets its name when it is whole, and never over another.
    libc::SYS_linkat,
    libc::SYS_listen,
    libc::SYS_mkdirat,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_sysinfo,
    libc::SYS_umask,
    libc::SYS_uname,
    libc::SYS_utimensat,
];
#[cfg(target_arch = "x86_64")]
const SERVICE_OLDER: &[c_long] = &[libc::SYS_chmod, libc::SYS_epoll_wait, libc::SYS_mkdir, libc::SYS_rmdir];
#[cfg(not(target_arch = "x86_64"))]
const SERVICE_OLDER: &[c_long] = &[];

/// What makes a connection and hands it over. Which port it calls is Landlock's business; nothing can be read or written but
/// messages.
const CONNECTOR: &[c_long] = &[
    libc::SYS_connect,
    libc::SYS_fcntl,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_ioctl,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_socket,
    libc::SYS_write,
];
#[cfg(target_arch = "x86_64")]
const CONNECTOR_OLDER: &[c_long] = &[libc::SYS_arch_prctl, libc::SYS_poll];
#[cfg(not(target_arch = "x86_64"))]
const CONNECTOR_OLDER: &[c_long] = &[];

/// Every call that the work may make.
pub(super) fn list(work: Work) -> impl Iterator<Item = c_long> {
    let lists: &[&[c_long]] = match work {
        Work::Tpm => &[FILES, CLIENTS, OLDER],
        Work::TpmAndService => &[FILES, CLIENTS, OLDER, SERVICE, SERVICE_OLDER],
        Work::Connector => &[CONNECTOR, CONNECTOR_OLDER],
    };
    COMMON.iter().chain(lists.iter().copied().flatten()).copied()
}

/// Filters this thread's system calls, and those of the threads that it starts.
pub(super) fn restrict(work: Work, action: Seccomp) -> Result<(), SandboxError> {
    let otherwise = match action {
        Seccomp::None => return Ok(()),
        Seccomp::Kill => SeccompAction::KillProcess,
        Seccomp::Log => SeccompAction::Log,
    };
    let allowed = list(work).map(|call| (call, Vec::new())).collect();
    let filters = [
        no_clone3()?,
        compile(forbidden_arguments(work).map_err(failed)?, SeccompAction::Allow, otherwise.clone())?,
        compile(allowed, otherwise, SeccompAction::Allow)?,
    ];
    filters.iter().try_for_each(|filter| seccompiler::apply_filter(filter).map_err(failed))
}

fn failed(error: impl std::fmt::Display) -> SandboxError {
    SandboxError::Syscalls(error.to_string())
}

fn compile(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    mismatch: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, SandboxError> {
    let machine = TargetArch::try_from(std::env::consts::ARCH).map_err(failed)?;
    let filter = SeccompFilter::new(rules, mismatch, matched, machine).map_err(failed)?;
    filter.try_into().map_err(failed)
}

/// C libraries take `ENOSYS` for an old kernel, and use `clone`.
fn no_clone3() -> Result<BpfProgram, SandboxError> {
    let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    compile(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), SeccompAction::Allow, missing)
}

/// Calls on the list with arguments that are off it.
fn forbidden_arguments(work: Work) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    use SeccompCmpArgLen::{Dword, Qword};
    use SeccompCmpOp::{Eq, Gt, MaskedEq, Ne};
    /// The bits of a socket's type that are not flags.
    const TYPE: u64 = 0xf;
    let is = |argument, length, how, value| SeccompCondition::new(argument, length, how, value);
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let own = u64::from(std::process::id());
    let name = u64::from(libc::PR_SET_NAME.unsigned_abs());
    let name_memory = u64::from(libc::PR_SET_VMA.unsigned_abs());
    // Set already, and never unset; whoever installs a filter sets it once more.
    let no_new_privileges = u64::from(libc::PR_SET_NO_NEW_PRIVS.unsigned_abs());
    let rule = |conditions| SeccompRule::new(conditions);
    let families = [libc::AF_INET, libc::AF_INET6].map(|family| u64::from(family.unsigned_abs()));
    let mut rules = BTreeMap::from([
        // A thread, yes; a process, no.
        (libc::SYS_clone, vec![rule(vec![is(0, Qword, MaskedEq(thread), 0)?])?]),
        // No code but what was there at the start.
        (libc::SYS_mmap, vec![rule(vec![is(2, Dword, MaskedEq(executable), executable)?])?]),
        (libc::SYS_mprotect, vec![rule(vec![is(2, Dword, MaskedEq(executable), executable)?])?]),
        // Limits are read, never set.
        (libc::SYS_prlimit64, vec![rule(vec![is(2, Qword, Ne, 0)?])?]),
        // Threads and memory get names.
        (
            libc::SYS_prctl,
            vec![rule(vec![
                is(0, Dword, Ne, name)?,
                is(0, Dword, Ne, name_memory)?,
                is(0, Dword, Ne, no_new_privileges)?,
            ])?],
        ),
        // An abort is a signal to oneself.
        (libc::SYS_tgkill, vec![rule(vec![is(0, Dword, Ne, own)?])?]),
        // The service's and the connector's sockets are for TCP: no datagrams, nothing raw, and no family from netlink on.
        (
            libc::SYS_socket,
            vec![
                rule(vec![is(0, Dword, Gt, u64::from(libc::AF_INET6.unsigned_abs()))?])?,
                rule(vec![is(1, Dword, MaskedEq(TYPE), u64::from(libc::SOCK_DGRAM.unsigned_abs()))?])?,
                rule(vec![is(1, Dword, MaskedEq(TYPE), u64::from(libc::SOCK_RAW.unsigned_abs()))?])?,
                rule(vec![is(1, Dword, MaskedEq(TYPE), u64::from(libc::SOCK_SEQPACKET.unsigned_abs()))?])?,
            ],
        ),
        // A terminal's keyboard is nobody's business: TIOCSTI and TIOCLINUX put words into the mouth of its user.
        (
            libc::SYS_ioctl,
            vec![rule(vec![is(1, Dword, Eq, libc::TIOCSTI)?])?, rule(vec![is(1, Dword, Eq, libc::TIOCLINUX)?])?],
        ),
    ]);
    if work == Work::Connector {
        // No UNIX sockets either: Landlock has no say in whom they call.
        let others = families.map(|family| is(0, Dword, Ne, family));
        let others = others.into_iter().collect::<Result<Vec<_>, _>>()?;
        rules.entry(libc::SYS_socket).or_default().push(rule(others)?);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What none of them may ever do, whoever adds to a list.
    const NEVER: &[c_long] = &[
        libc::SYS_acct,
        libc::SYS_add_key,
        libc::SYS_bpf,
        libc::SYS_capset,
        libc::SYS_chroot,
        libc::SYS_connect,
        libc::SYS_delete_module,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_finit_module,
        libc::SYS_init_module,
        libc::SYS_io_uring_setup,
        libc::SYS_kcmp,
        libc::SYS_kexec_load,
        libc::SYS_keyctl,
        libc::SYS_kill,
        libc::SYS_memfd_create,
        libc::SYS_mknodat,
        libc::SYS_mount,
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_perf_event_open,
        libc::SYS_personality,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_open,
        libc::SYS_pivot_root,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_ptrace,
        libc::SYS_reboot,
        libc::SYS_request_key,
        libc::SYS_seccomp,
        libc::SYS_sethostname,
        libc::SYS_setns,
        libc::SYS_setresuid,
        libc::SYS_settimeofday,
        libc::SYS_setuid,
        libc::SYS_swapon,
        libc::SYS_symlinkat,
        libc::SYS_umount2,
        libc::SYS_unshare,
        libc::SYS_userfaultfd,
    ];

    #[test]
    fn lists_stay_away_from_what_nobody_here_needs() {
        for work in [Work::Tpm, Work::TpmAndService, Work::Connector] {
            // To call the witness is all that the connector is for.
            let allowed = if work == Work::Connector { &[libc::SYS_connect][..] } else { &[] };
            let found: Vec<_> = list(work).filter(|call| NEVER.contains(call) && !allowed.contains(call)).collect();
            assert!(found.is_empty(), "{work:?} {found:?}");
        }
        let files = [libc::SYS_openat, libc::SYS_read, libc::SYS_pread64, libc::SYS_unlinkat, libc::SYS_bind];
        assert!(!list(Work::Connector).any(|call| files.contains(&call)), "the connector has no files and no clients");
        let sockets = [libc::SYS_socket, libc::SYS_bind, libc::SYS_listen, libc::SYS_socketpair, libc::SYS_linkat];
        assert!(!list(Work::Tpm).any(|call| sockets.contains(&call)), "a TPM makes no sockets and no links");
    }

    #[test]
    fn no_call_is_listed_twice() {
        for work in [Work::TpmAndService, Work::Connector] {
            let mut calls: Vec<_> = list(work).collect();
            let before = calls.len();
            calls.sort_unstable();
            calls.dedup();
            assert_eq!(calls.len(), before);
        }
    }

    #[test]
    fn the_filters_compile() {
        let allowed = list(Work::TpmAndService).map(|call| (call, Vec::new())).collect();
        assert!(!compile(allowed, SeccompAction::KillProcess, SeccompAction::Allow).unwrap().is_empty());
        assert!(!no_clone3().unwrap().is_empty());
        for work in [Work::TpmAndService, Work::Connector] {
            let rules = forbidden_arguments(work).unwrap();
            assert!(!compile(rules, SeccompAction::Allow, SeccompAction::KillProcess).unwrap().is_empty());
        }
    }
}
