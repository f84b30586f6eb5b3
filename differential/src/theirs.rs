//! libtpms in this process: the TPM to compare with.
//!
//! libtpms has global state, so there is one at a time. Its non-volatile memory is a map here. Two things that it takes
//! from the system are put in its way, so that a run can be repeated to the last byte: randomness (`RAND_bytes`) and time
//! (`clock_gettime`), both of which this program defines before the libraries do.
#![allow(unsafe_code)]

use std::{
    collections::BTreeMap,
    ffi::{CStr, c_char, c_int, c_long, c_uchar},
    ptr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

/// `TPM_RESULT`.
type TpmResult = u32;

const TPM_SUCCESS: TpmResult = 0;
/// `TPM_FAIL`.
const TPM_FAIL: TpmResult = 9;
/// `TPM_RETRY`: there is no such file.
const TPM_RETRY: TpmResult = 0x800;
/// `TPMLIB_TPM_VERSION_2`.
const VERSION_2: c_int = 1;

/// `struct libtpms_callbacks`.
#[repr(C)]
struct Callbacks {
    size: c_int,
    nvram_init: extern "C" fn() -> TpmResult,
    nvram_load: extern "C" fn(*mut *mut c_uchar, *mut u32, u32, *const c_char) -> TpmResult,
    nvram_store: extern "C" fn(*const c_uchar, u32, u32, *const c_char) -> TpmResult,
    nvram_delete: extern "C" fn(u32, *const c_char, c_uchar) -> TpmResult,
    io_init: extern "C" fn() -> TpmResult,
    io_locality: extern "C" fn(*mut u32, u32) -> TpmResult,
    io_presence: extern "C" fn(*mut c_uchar, u32) -> TpmResult,
}

#[link(name = "tpms")]
unsafe extern "C" {
    fn TPMLIB_ChooseTPMVersion(version: c_int) -> TpmResult;
    fn TPMLIB_RegisterCallbacks(callbacks: *mut Callbacks) -> TpmResult;
    fn TPMLIB_MainInit() -> TpmResult;
    fn TPMLIB_Terminate();
    fn TPMLIB_Process(
        response: *mut *mut c_uchar,
        size: *mut u32,
        capacity: *mut u32,
        command: *mut c_uchar,
        command_size: u32,
    ) -> TpmResult;
    fn TPMLIB_SetBufferSize(wanted: u32, min: *mut u32, max: *mut u32) -> u32;
}

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_uchar;
    fn free(pointer: *mut c_uchar);
    fn syscall(number: c_long, ...) -> c_long;
}

static STORE: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
static LOCALITY: AtomicU32 = AtomicU32::new(0);
/// Whether libtpms is running, so that what it asks for is ours to choose.
static INSIDE: AtomicBool = AtomicBool::new(false);
static RANDOM: AtomicU64 = AtomicU64::new(0);
/// Milliseconds.
static NOW: AtomicU64 = AtomicU64::new(0);
/// When the power came on, on libtpms's clock: it takes 0 for a clock that has not been read yet.
const EPOCH: u64 = 1_000_000;

fn store() -> MutexGuard<'static, BTreeMap<String, Vec<u8>>> {
    STORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of a file.
///
/// # Safety
/// libtpms calls with a string that ends with 0.
fn name(name: *const c_char) -> String {
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

extern "C" fn ok() -> TpmResult {
    TPM_SUCCESS
}

extern "C" fn load(data: *mut *mut c_uchar, length: *mut u32, _: u32, file: *const c_char) -> TpmResult {
    let store = store();
    let Some(found) = store.get(&name(file)) else { return TPM_RETRY };
    // libtpms frees what it gets here. Both pointers are its own.
    unsafe {
        let copy = malloc(found.len().max(1));
        if copy.is_null() {
            return TPM_FAIL;
        }
        ptr::copy_nonoverlapping(found.as_ptr(), copy, found.len());
        *data = copy;
        *length = found.len() as u32;
    }
    TPM_SUCCESS
}

extern "C" fn save(data: *const c_uchar, length: u32, _: u32, file: *const c_char) -> TpmResult {
    let bytes = unsafe { std::slice::from_raw_parts(data, length as usize) };
    store().insert(name(file), bytes.to_vec());
    TPM_SUCCESS
}

extern "C" fn delete(_: u32, file: *const c_char, must_exist: c_uchar) -> TpmResult {
    let existed = store().remove(&name(file)).is_some();
    if existed || must_exist == 0 { TPM_SUCCESS } else { TPM_RETRY }
}

extern "C" fn locality(out: *mut u32, _: u32) -> TpmResult {
    unsafe { *out = LOCALITY.load(Ordering::Relaxed) };
    TPM_SUCCESS
}

extern "C" fn presence(out: *mut c_uchar, _: u32) -> TpmResult {
    unsafe { *out = 0 };
    TPM_SUCCESS
}

/// OpenSSL's, in front of OpenSSL's: the randomness of libtpms, from a seed (SplitMix64).
#[unsafe(no_mangle)]
pub extern "C" fn RAND_bytes(out: *mut c_uchar, count: c_int) -> c_int {
    let count = usize::try_from(count).unwrap_or(0);
    let out = unsafe { std::slice::from_raw_parts_mut(out, count) };
    for chunk in out.chunks_mut(8) {
        let state = RANDOM.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.iter_mut().zip((z ^ (z >> 31)).to_le_bytes()).for_each(|(to, from)| *to = from);
    }
    1
}

/// The C library's, in front of the C library's: inside libtpms the time of the run, elsewhere the system's.
#[unsafe(no_mangle)]
pub extern "C" fn clock_gettime(clock: c_int, out: *mut [i64; 2]) -> c_int {
    if INSIDE.load(Ordering::Relaxed) {
        let now = NOW.load(Ordering::Relaxed) + EPOCH;
        unsafe { *out = [(now / 1000) as i64, (now % 1000 * 1_000_000) as i64] };
        return 0;
    }
    const SYS_CLOCK_GETTIME: c_long = if cfg!(target_arch = "x86_64") { 228 } else { 113 };
    unsafe { syscall(SYS_CLOCK_GETTIME, c_long::from(clock), out) as c_int }
}

/// The linker must not take them for unused.
#[used]
static IN_FRONT: (extern "C" fn(*mut c_uchar, c_int) -> c_int, extern "C" fn(c_int, *mut [i64; 2]) -> c_int) =
    (RAND_bytes, clock_gettime);

/// The TPM of libtpms.
pub struct Theirs {
    response: *mut c_uchar,
    capacity: u32,
}

impl Theirs {
    /// A new TPM that waits for `TPM2_Startup`. There must be no other.
    ///
    /// # Errors
    /// What libtpms says.
    pub fn manufacture(seed: u64) -> Result<Self, String> {
        store().clear();
        RANDOM.store(seed.wrapping_mul(0x2545_f491_4f6c_dd1d), Ordering::Relaxed);
        NOW.store(0, Ordering::Relaxed);
        let mut callbacks = Callbacks {
            size: size_of::<Callbacks>() as c_int,
            nvram_init: ok,
            nvram_load: load,
            nvram_store: save,
            nvram_delete: delete,
            io_init: ok,
            io_locality: locality,
            io_presence: presence,
        };
        // The callbacks are copied.
        unsafe {
            check("TPMLIB_ChooseTPMVersion", TPMLIB_ChooseTPMVersion(VERSION_2))?;
            check("TPMLIB_RegisterCallbacks", TPMLIB_RegisterCallbacks(&raw mut callbacks))?;
            init()?;
            let (mut min, mut max) = (0, 0);
            TPMLIB_SetBufferSize(4096, &raw mut min, &raw mut max);
        }
        Ok(Self { response: ptr::null_mut(), capacity: 0 })
    }

    /// The power goes off and on.
    ///
    /// # Errors
    /// What libtpms says.
    pub fn power_cycle(&mut self, now: u64) -> Result<(), String> {
        NOW.store(now, Ordering::Relaxed);
        unsafe { TPMLIB_Terminate() };
        init()
    }

    /// One command.
    ///
    /// # Errors
    /// What libtpms says, if it does not answer.
    pub fn execute(&mut self, locality: u8, now: u64, command: &[u8]) -> Result<Vec<u8>, String> {
        LOCALITY.store(u32::from(locality), Ordering::Relaxed);
        NOW.store(now, Ordering::Relaxed);
        let mut command = command.to_vec();
        let mut size = 0;
        INSIDE.store(true, Ordering::Relaxed);
        let result = unsafe {
            TPMLIB_Process(
                &raw mut self.response,
                &raw mut size,
                &raw mut self.capacity,
                command.as_mut_ptr(),
                command.len() as u32,
            )
        };
        INSIDE.store(false, Ordering::Relaxed);
        check("TPMLIB_Process", result)?;
        Ok(unsafe { std::slice::from_raw_parts(self.response, size as usize) }.to_vec())
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        unsafe {
            TPMLIB_Terminate();
            free(self.response);
        }
    }
}

fn init() -> Result<(), String> {
    INSIDE.store(true, Ordering::Relaxed);
    let result = unsafe { TPMLIB_MainInit() };
    INSIDE.store(false, Ordering::Relaxed);
    check("TPMLIB_MainInit", result)
}

fn check(what: &str, result: TpmResult) -> Result<(), String> {
    if result == TPM_SUCCESS { Ok(()) } else { Err(format!("{what} answers {result:#x}")) }
}
