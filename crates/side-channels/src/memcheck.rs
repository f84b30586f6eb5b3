//! What a program can ask of valgrind while it runs under it. A request is a sequence of instructions that does nothing on
//! a processor; valgrind recognizes it and reads the request from a register (`valgrind.h`, "client requests"). So there is
//! no C here, and the same program runs without valgrind, where every request answers 0.
#![allow(unsafe_code, reason = "client requests are instructions")]

/// `VG_USERREQ__RUNNING_ON_VALGRIND`.
const RUNNING: usize = 0x1001;
/// `VG_USERREQ__COUNT_ERRORS`.
const COUNT_ERRORS: usize = 0x1201;
/// `VG_USERREQ__MAKE_MEM_UNDEFINED` of the tool "MC".
const MAKE_UNDEFINED: usize = 0x4d43_0001;
/// `VG_USERREQ__MAKE_MEM_DEFINED`.
const MAKE_DEFINED: usize = 0x4d43_0002;

/// Whether the program runs under valgrind.
#[must_use]
pub fn is_running() -> bool {
    request(RUNNING, [0; 5]) != 0
}

/// Errors that were found so far, repeated ones included.
#[must_use]
pub fn errors() -> usize {
    request(COUNT_ERRORS, [0; 5])
}

/// Marks bytes as secret: as never written. Their values stay.
pub fn secret(bytes: &[u8]) {
    mark(MAKE_UNDEFINED, std::hint::black_box(bytes));
}

/// Takes the mark off: what the caller of a function is told is no secret any more.
pub fn public(bytes: &[u8]) {
    mark(MAKE_DEFINED, std::hint::black_box(bytes));
}

/// Takes the mark off one value.
pub fn released<T: Copy>(value: T) -> T {
    let value = std::hint::black_box(value);
    mark_raw(MAKE_DEFINED, (&raw const value).addr(), size_of::<T>());
    std::hint::black_box(value)
}

fn mark(what: usize, bytes: &[u8]) {
    mark_raw(what, bytes.as_ptr().addr(), bytes.len());
}

fn mark_raw(what: usize, address: usize, size: usize) {
    request(what, [address, size, 0, 0, 0]);
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn request(what: usize, [first, second, third, fourth, fifth]: [usize; 5]) -> usize {
    let block = [what, first, second, third, fourth, fifth];
    let mut answer = 0_usize;
    // SAFETY: on a processor, the four rotations by 128 bits in all leave rdi as it was, and the exchange of rbx with itself
    // does nothing. Valgrind reads the six words of the block, which outlive the instruction, and writes rdx. The requests
    // made here change no byte of the program's memory, only valgrind's notes about it.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") block.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
fn request(what: usize, [first, second, third, fourth, fifth]: [usize; 5]) -> usize {
    let block = [what, first, second, third, fourth, fifth];
    let mut answer = 0_usize;
    // SAFETY: as on x86-64: rotations by 128 bits in all, and x10 or x10; valgrind reads x4 and writes x3.
    unsafe {
        std::arch::asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") block.as_ptr(),
            inout("x3") answer,
            options(nostack),
        );
    }
    answer
}

/// Where valgrind's sequence is not known, the program never runs under it.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn request(_: usize, _: [usize; 5]) -> usize {
    0
}
