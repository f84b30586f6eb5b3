//! The module of this process: before `C_Initialize` and after a fork there is none.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicPtr, Ordering},
    },
};

use cryptoki_sys::{CK_RV, CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_GENERAL_ERROR, CKR_OK};

use crate::{
    error::{Result, Rv},
    module::Module,
};

struct Process {
    id: u32,
    module: Mutex<Option<Module>>,
}

/// That of the process which called `C_Initialize` last. A child finds its parent's here, and leaves it alone for ever: another thread of the parent may have
/// held its lock during the fork, and what it would say to the TPM would go into the parent's connection.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

fn current() -> Option<&'static Process> {
    let current = CURRENT.load(Ordering::Acquire);
    // SAFETY: what is stored is null or comes from `Box::leak` in `of_this_process`, and nobody frees or changes it.
    unsafe { current.as_ref() }.filter(|process| process.id == std::process::id())
}

fn of_this_process() -> &'static Process {
    loop {
        let before = CURRENT.load(Ordering::Acquire);
        if let Some(process) = current() {
            return process;
        }
        let new = Box::into_raw(Box::new(Process { id: std::process::id(), module: Mutex::new(None) }));
        if CURRENT.compare_exchange(before, new, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: `new` came from `Box::into_raw` just now, and was not published.
            drop(unsafe { Box::from_raw(new) });
        }
    }
}

/// Runs a function of the standard.
pub(super) fn call(action: impl FnOnce() -> Result<()>) -> CK_RV {
    // What a panic leaves half-done is a session's state, whose next use is an error or a fresh start, never a wrong signature.
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(Ok(())) => CKR_OK,
        Ok(Err(Rv(code))) => code,
        Err(_) => CKR_GENERAL_ERROR,
    }
}

/// Runs a function that needs the module. They take turns: a TPM does one thing at a time, too.
pub(super) fn with(action: impl FnOnce(&mut Module) -> Result<()>) -> CK_RV {
    call(|| {
        let process = current().ok_or(Rv(CKR_CRYPTOKI_NOT_INITIALIZED))?;
        let mut module = process.module.lock().unwrap_or_else(PoisonError::into_inner);
        action(module.as_mut().ok_or(Rv(CKR_CRYPTOKI_NOT_INITIALIZED))?)
    })
}

/// `C_Initialize`.
pub(super) fn begin(make: impl FnOnce() -> Result<Module>) -> Result<()> {
    static AT_EXIT: Once = Once::new();
    let mut module = of_this_process().module.lock().unwrap_or_else(PoisonError::into_inner);
    if module.is_some() {
        return Err(Rv(CKR_CRYPTOKI_ALREADY_INITIALIZED));
    }
    *module = Some(make()?);
    AT_EXIT.call_once(|| {
        // SAFETY: `at_exit` has the type that atexit takes, and may be called at any time. That it cannot be registered costs nothing but its service.
        let _ = unsafe { libc::atexit(at_exit) };
    });
    Ok(())
}

/// `C_Finalize`.
pub(super) fn end() -> Result<()> {
    let process = current().ok_or(Rv(CKR_CRYPTOKI_NOT_INITIALIZED))?;
    let module = process.module.lock().unwrap_or_else(PoisonError::into_inner).take();
    module.map(drop).ok_or(Rv(CKR_CRYPTOKI_NOT_INITIALIZED))
}

/// For programs that end without `C_Finalize`: their keys shall not stay in a TPM that has three places. A call that another thread is in the middle of is
/// not waited for.
extern "C" fn at_exit() {
    call(|| {
        if let Some(Ok(mut module)) = current().map(|process| process.module.try_lock()) {
            drop(module.take());
        }
        Ok(())
    });
}
