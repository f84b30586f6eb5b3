//! A TPM in this process, in three steps that have one order.

use std::{ffi::c_char, path::Path};

use ironroot_application::{
    Error, Result,
    startup::{Device, Grade, Product},
};

use zeroize::Zeroize as _;

use crate::{
    call::{bytes, bytes_mut, free, give, take, text},
    ironroot_code, ironroot_tpm,
};

/// How hard a device value is to copy: with the disk (a file, machine-id).
pub const IRONROOT_GRADE_DISK: u32 = 0;
/// Not on the disk, but readable and settable in software (a MAC address, DMI data).
pub const IRONROOT_GRADE_READABLE: u32 = 1;
/// Fused into the chip, readable by privileged software.
pub const IRONROOT_GRADE_FUSED: u32 = 2;
/// Never leaves hardware but to the secure world.
pub const IRONROOT_GRADE_HARDWARE: u32 = 3;

/// What ironroot_start does: open the TPM that is in the folder; that there is none is an error.
pub const IRONROOT_START_OPEN: u32 = 0;
/// Manufacture a TPM; that there is one is an error.
pub const IRONROOT_START_ENROLL: u32 = 1;
/// Open the TPM, or manufacture it if there is none.
pub const IRONROOT_START_EITHER: u32 = 2;

/// Step one of start-up: the product is known.
#[allow(non_camel_case_types)]
pub struct ironroot_product(Product);

/// Step two of start-up: the device is known.
#[allow(non_camel_case_types)]
pub struct ironroot_device(Device);

/// Step one: the product's secret, 32 bytes. Their memory is wiped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_product_new(
    secret: *mut u8,
    length: usize,
    product: *mut *mut ironroot_product,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give(product, || {
            let secret = bytes_mut(secret, length, "secret")?;
            let made = Product::from_secret(secret).map(ironroot_product);
            // Of a wrong length, too.
            secret.zeroize();
            made
        })
    }
}

/// Step one: the product's secret, or its white-box tables, in a file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_product_open(
    path: *const c_char,
    product: *mut *mut ironroot_product,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give(product, || Product::from_file(Path::new(text(path, "path")?)).map(ironroot_product)) }
}

/// Gives a product up that no device was made of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_product_free(product: *mut ironroot_product) {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { free(product) }
}

/// Step two: the device value that the start-up code has read, and how hard it is to copy (IRONROOT_GRADE_...). The product is used up,
/// and its pointer becomes NULL, whatever the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_device_new(
    product: *mut *mut ironroot_product,
    value: *const u8,
    length: usize,
    grade: u32,
    device: *mut *mut ironroot_device,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give(device, || {
            let product = take(product, "product")?.0;
            product.device_value(bytes(value, length, "value")?, parse_grade(grade)?).map(ironroot_device)
        })
    }
}

/// Step two: a device value of this machine from a source ("soc-serial", "nvmem:PATH", "file:PATH", "mac:eth0", ...), which has to be at
/// least so hard to copy (IRONROOT_GRADE_...). The product is used up as for ironroot_device_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_device_read(
    product: *mut *mut ironroot_product,
    source: *const c_char,
    at_least: u32,
    device: *mut *mut ironroot_device,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give(device, || {
            let product = take(product, "product")?.0;
            product.device_source(text(source, "source")?, parse_grade(at_least)?).map(ironroot_device)
        })
    }
}

/// Gives a device up that was not started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_device_free(device: *mut ironroot_device) {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { free(device) }
}

/// Step three: the device's TPM, in this process, with its state in this folder; how is one of IRONROOT_START_.... The device is used up,
/// and its pointer becomes NULL, whatever the call returns. Another product secret or device value than the folder's is
/// IRONROOT_INITIALIZATION, never another identity.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_start(
    device: *mut *mut ironroot_device,
    folder: *const c_char,
    how: u32,
    tpm: *mut *mut ironroot_tpm,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give(tpm, || {
            let device = take(device, "device")?.0;
            let folder = Path::new(text(folder, "folder")?);
            let application = match how {
                IRONROOT_START_OPEN => device.open(folder),
                IRONROOT_START_ENROLL => device.enroll(folder),
                IRONROOT_START_EITHER => device.open_or_enroll(folder),
                other => Err(Error::argument(format!("how is {other}, not one of IRONROOT_START_..."))),
            };
            application.map(ironroot_tpm)
        })
    }
}

fn parse_grade(grade: u32) -> Result<Grade> {
    match grade {
        IRONROOT_GRADE_DISK => Ok(Grade::CopiedWithDisk),
        IRONROOT_GRADE_READABLE => Ok(Grade::Readable),
        IRONROOT_GRADE_FUSED => Ok(Grade::Fused),
        IRONROOT_GRADE_HARDWARE => Ok(Grade::HardwareOnly),
        other => Err(Error::argument(format!("the grade is {other}, not one of IRONROOT_GRADE_..."))),
    }
}
