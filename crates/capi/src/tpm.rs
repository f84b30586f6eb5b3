//! A TPM's functions.

use std::ffi::c_char;

use ironroot_application::{Application, SealOptions, Settings, UnsealOptions, encrypt};
use zeroize::Zeroizing;

use crate::{
    call::{bytes, free, give, give_bool, give_bytes, handle, optional, text},
    ironroot_buffer, ironroot_code, ironroot_key,
};

/// A TPM.
#[allow(non_camel_case_types)]
pub struct ironroot_tpm(pub(crate) Application);

/// Connects to a TPM: "swtpm:host=127.0.0.1,port=2321", "mssim:...", "device:/dev/tpmrm0"; NULL is what the environment names
/// (TPM2TOOLS_TCTI, TCTI), or else the machine's TPM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_connect(tcti: *const c_char, tpm: *mut *mut ironroot_tpm) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give(tpm, || {
            let tcti = optional(tcti, "tcti")?.map(str::to_owned);
            Ok(ironroot_tpm(Application::connect(&Settings { tcti, ..Settings::default() })?))
        })
    }
}

/// As ironroot_connect, with the file that has the list of names (NULL: the user's), and the auth values of the endorsement and owner
/// hierarchies (0 bytes: none).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_connect_with(
    tcti: *const c_char,
    key_list: *const c_char,
    endorsement_auth: *const u8,
    endorsement_auth_length: usize,
    owner_auth: *const u8,
    owner_auth_length: usize,
    tpm: *mut *mut ironroot_tpm,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give(tpm, || {
            let endorsement = bytes(endorsement_auth, endorsement_auth_length, "endorsement_auth")?;
            let owner = bytes(owner_auth, owner_auth_length, "owner_auth")?;
            let given = |auth: &[u8]| (!auth.is_empty()).then(|| Zeroizing::new(auth.to_vec()));
            let settings = Settings {
                tcti: optional(tcti, "tcti")?.map(str::to_owned),
                key_list: optional(key_list, "key_list")?.map(Into::into),
                endorsement_auth: given(endorsement),
                owner_auth: given(owner),
            };
            Ok(ironroot_tpm(Application::connect(&settings)?))
        })
    }
}

/// Closes the connection, once its keys are freed too. A TPM of this process (ironroot_start) is shut down in order then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_tpm_free(tpm: *mut ironroot_tpm) {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { free(tpm) }
}

/// The key with this name, which is put into the list of names; the same name and kind give the same key for ever. Kinds: "ecc-p256"
/// (NULL is this), "ecc-p384", "ecc-p521", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_create(
    tpm: *const ironroot_tpm,
    name: *const c_char,
    kind: *const c_char,
    key: *mut *mut ironroot_key,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give(key, || handle(tpm, "tpm")?.0.create_key(text(name, "name")?, optional(kind, "kind")?).map(ironroot_key))
    }
}

/// The key that a reference names: "NAME" or "name:NAME", "file:PATH" (a TSS2 PRIVATE KEY file), "handle:0x81..." (a persistent key).
/// The kind (NULL) of a name is the one that the list of names has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_open(
    tpm: *const ironroot_tpm,
    reference: *const c_char,
    kind: *const c_char,
    key: *mut *mut ironroot_key,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { ironroot_key_open_with(tpm, reference, kind, std::ptr::null(), 0, key) }
}

/// As ironroot_key_open, with the auth value of a key in a file or at a handle.
/// NULL gives none: a file whose key has one is refused then, and not tried, because wrong tries bring the TPM nearer to lockout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_open_with(
    tpm: *const ironroot_tpm,
    reference: *const c_char,
    kind: *const c_char,
    auth: *const u8,
    auth_length: usize,
    key: *mut *mut ironroot_key,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give(key, || {
            let (reference, kind) = (text(reference, "reference")?, optional(kind, "kind")?);
            let given = bytes(auth, auth_length, "auth")?;
            let auth = (!auth.is_null()).then_some(given);
            handle(tpm, "tpm")?.0.open_key(reference, kind, auth).map(ironroot_key)
        })
    }
}

/// Whether the list of names has this one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_exists(
    tpm: *const ironroot_tpm,
    name: *const c_char,
    exists: *mut bool,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bool(exists, || handle(tpm, "tpm")?.0.has_key(text(name, "name")?)) }
}

/// The list of names, as JSON: an object of names and kinds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_names(tpm: *const ironroot_tpm, names: *mut ironroot_buffer) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(names, || {
            let names = handle(tpm, "tpm")?.0.key_names()?;
            let names: serde_json::Map<_, _> = names.into_iter().map(|(name, kind)| (name, kind.into())).collect();
            Ok(serde_json::Value::Object(names).to_string())
        })
    }
}

/// Takes a name off the list, and its key out of the persistent handle that it may have. The key is stored nowhere: the same name gives
/// it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_key_remove(
    tpm: *const ironroot_tpm,
    name: *const c_char,
    removed: *mut bool,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bool(removed, || handle(tpm, "tpm")?.0.remove_key(text(name, "name")?)) }
}

/// The secret with this name, of 1 to 8160 bytes: the same on this device for ever, another on each device.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_unique_secret(
    tpm: *const ironroot_tpm,
    name: *const c_char,
    length: usize,
    secret: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(secret, || handle(tpm, "tpm")?.0.unique_secret(text(name, "name")?, length)) }
}

/// The secret with this name, of 1 to 8160 bytes, that all devices of the product share.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_global_secret(
    tpm: *const ironroot_tpm,
    name: *const c_char,
    length: usize,
    secret: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(secret, || handle(tpm, "tpm")?.0.global_secret(text(name, "name")?, length)) }
}

/// Seals 1 to 128 bytes that only this TPM gives back (PEM): with a password (0 bytes: none), while PCRs have the values of now
/// ("sha256:0,7"; NULL: whatever they have), or with values that a signer approves later (PEM public key or certificate; NULL: nobody).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_seal(
    tpm: *const ironroot_tpm,
    data: *const u8,
    length: usize,
    password: *const u8,
    password_length: usize,
    pcrs: *const c_char,
    signer: *const c_char,
    pem: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(pem, || {
            let options = SealOptions {
                password: bytes(password, password_length, "password")?,
                pcrs: optional(pcrs, "pcrs")?,
                signer: optional(signer, "signer")?,
            };
            handle(tpm, "tpm")?.0.seal(bytes(data, length, "data")?, &options)
        })
    }
}

/// Gives back what was sealed. For data that waits for a signer: the PCRs, and the signer's signature (NULL and 0 bytes otherwise).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_unseal(
    tpm: *const ironroot_tpm,
    pem: *const c_char,
    password: *const u8,
    password_length: usize,
    pcrs: *const c_char,
    signature: *const u8,
    signature_length: usize,
    data: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(data, || {
            let signature = bytes(signature, signature_length, "signature")?;
            let options = UnsealOptions {
                password: bytes(password, password_length, "password")?,
                approval: optional(pcrs, "pcrs")?.map(|pcrs| (pcrs, signature)),
            };
            handle(tpm, "tpm")?.0.unseal(text(pem, "pem")?, &options)
        })
    }
}

/// The public key (PEM) to which anybody encrypts for this device and name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_encryption_key(
    tpm: *const ironroot_tpm,
    name: *const c_char,
    pem: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(pem, || handle(tpm, "tpm")?.0.encryption_key(text(name, "name")?)) }
}

/// Encrypts to a public key of ironroot_encryption_key (HPKE, RFC 9180); no TPM is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_encrypt(
    public_key: *const c_char,
    data: *const u8,
    length: usize,
    ciphertext: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(ciphertext, || encrypt(text(public_key, "public_key")?, bytes(data, length, "data")?)) }
}

/// Decrypts what was encrypted to this device and name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_decrypt(
    tpm: *const ironroot_tpm,
    name: *const c_char,
    ciphertext: *const u8,
    length: usize,
    data: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(data, || {
            handle(tpm, "tpm")?.0.decrypt(text(name, "name")?, bytes(ciphertext, length, "ciphertext")?)
        })
    }
}

/// Random bytes from the TPM, at most 65536.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_random(
    tpm: *const ironroot_tpm,
    length: usize,
    random: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe { give_bytes(random, || handle(tpm, "tpm")?.0.random(length)) }
}

/// Sends a TPM command as it is, header and all, and gives the TPM's response as it came, whatever its response code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ironroot_command(
    tpm: *const ironroot_tpm,
    command: *const u8,
    length: usize,
    response: *mut ironroot_buffer,
) -> ironroot_code {
    // SAFETY: the contract (see the crate's documentation).
    unsafe {
        give_bytes(response, || handle(tpm, "tpm")?.0.command(bytes(command, length, "command")?).map(Zeroizing::new))
    }
}
