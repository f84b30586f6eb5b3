//! Initialization, slots and tokens, sessions (PKCS #11, 5.4 to 5.6).

use std::ffi::c_void;

use cryptoki_sys::*;
use ironroot_client::wire::TpmiAlgHash;

use super::{
    memory::{bytes, deliver, get, put},
    process::{begin, call, end, with},
};
use crate::{
    config::Config,
    error::{Result, Rv, say, set_log},
    mechanisms,
    module::{Module, SLOT},
    public::hex,
};

const CRYPTOKI: CK_VERSION = CK_VERSION { major: 3, minor: 0 };
const MANUFACTURER: &str = "Ironroot";

fn version() -> CK_VERSION {
    let part = |text: &str| text.parse().unwrap_or(0);
    CK_VERSION { major: part(env!("CARGO_PKG_VERSION_MAJOR")), minor: part(env!("CARGO_PKG_VERSION_MINOR")) }
}

/// A text in a field of the standard: blanks behind it, and no character cut in two.
fn padded<const SIZE: usize>(text: &str) -> [CK_UTF8CHAR; SIZE] {
    let mut field = [b' '; SIZE];
    let fits = text.char_indices().map(|(at, character)| at + character.len_utf8()).take_while(|end| *end <= SIZE);
    let end = fits.last().unwrap_or(0);
    for (to, from) in field.iter_mut().zip(text.bytes().take(end)) {
        *to = from;
    }
    field
}

fn is_slot(slot: CK_SLOT_ID) -> Result<()> {
    if slot == SLOT { Ok(()) } else { Err(Rv(CKR_SLOT_ID_INVALID)) }
}

/// A program with more rights than its user (setuid, file capabilities) does not look at the user's environment.
fn trusts_environment() -> bool {
    // SAFETY: getauxval has no conditions.
    unsafe { libc::getauxval(libc::AT_SECURE) == 0 }
}

fn make() -> Result<Module> {
    Config::load(trusts_environment()).map(Module::new).map_err(|error| {
        // The one error that is always said: without a configuration nobody has said where else.
        set_log(Some("stderr".into()));
        say(&format!("the configuration cannot be used: {error}"));
        Rv(CKR_GENERAL_ERROR)
    })
}

pub(super) unsafe extern "C" fn C_Initialize(arguments: *mut c_void) -> CK_RV {
    call(|| {
        if !arguments.is_null() {
            // SAFETY: the caller's.
            let arguments: CK_C_INITIALIZE_ARGS = unsafe { get(arguments.cast())? };
            let functions = [
                arguments.CreateMutex.is_some(),
                arguments.DestroyMutex.is_some(),
                arguments.LockMutex.is_some(),
                arguments.UnlockMutex.is_some(),
            ];
            if !arguments.pReserved.is_null() || functions.iter().any(|has| *has != functions[0]) {
                return Err(Rv(CKR_ARGUMENTS_BAD));
            }
            // The system's locks work beside whatever the program has for its own threads; none is started here.
        }
        begin(make)
    })
}

pub(super) extern "C" fn C_Finalize(reserved: *mut c_void) -> CK_RV {
    call(|| if reserved.is_null() { end() } else { Err(Rv(CKR_ARGUMENTS_BAD)) })
}

pub(super) unsafe extern "C" fn C_GetInfo(info: *mut CK_INFO) -> CK_RV {
    with(|_| {
        let value = CK_INFO {
            cryptokiVersion: CRYPTOKI,
            manufacturerID: padded(MANUFACTURER),
            flags: 0,
            libraryDescription: padded("Named keys of a TPM 2.0"),
            libraryVersion: version(),
        };
        // SAFETY: the caller's.
        unsafe { put(info, value) }
    })
}

pub(super) unsafe extern "C" fn C_GetSlotList(
    token_present: CK_BBOOL,
    slots: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    with(|module| {
        let list = module.slots(token_present != CK_FALSE);
        // SAFETY: the caller's.
        unsafe { deliver(slots, count, list.len(), || Ok(list)) }
    })
}

pub(super) unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    with(|module| {
        is_slot(slot)?;
        let present = if module.is_present() { CKF_TOKEN_PRESENT } else { 0 };
        let value = CK_SLOT_INFO {
            slotDescription: padded(&module.address()),
            manufacturerID: padded(MANUFACTURER),
            flags: CKF_HW_SLOT | CKF_REMOVABLE_DEVICE | present,
            hardwareVersion: CK_VERSION { major: 2, minor: 0 },
            firmwareVersion: version(),
        };
        // SAFETY: the caller's.
        unsafe { put(info, value) }
    })
}

pub(super) unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    with(|module| {
        is_slot(slot)?;
        // Which TPM it is cannot be asked without the endorsement hierarchy's auth value; how it is reached tells tokens apart.
        let address = ironroot_crypto::digest(TpmiAlgHash::Sha256, &[module.address().as_bytes()]);
        let serial = hex(address.get(..8).unwrap_or_default());
        let (label, tpm, login, sessions, writing) = module.token()?;
        let count = |number: usize| CK_ULONG::try_from(number).unwrap_or(CK_UNAVAILABLE_INFORMATION);
        let value = CK_TOKEN_INFO {
            label: padded(label),
            manufacturerID: padded(&tpm.manufacturer),
            model: padded(&tpm.model),
            serialNumber: padded(&serial),
            flags: CKF_RNG
                | CKF_TOKEN_INITIALIZED
                | CKF_USER_PIN_INITIALIZED
                | if login { CKF_LOGIN_REQUIRED } else { 0 },
            ulMaxSessionCount: CK_EFFECTIVELY_INFINITE,
            ulSessionCount: count(sessions),
            ulMaxRwSessionCount: CK_EFFECTIVELY_INFINITE,
            ulRwSessionCount: count(writing),
            // As long as an auth value may be (a digest).
            ulMaxPinLen: 64,
            ulMinPinLen: 0,
            ulTotalPublicMemory: CK_UNAVAILABLE_INFORMATION,
            ulFreePublicMemory: CK_UNAVAILABLE_INFORMATION,
            ulTotalPrivateMemory: CK_UNAVAILABLE_INFORMATION,
            ulFreePrivateMemory: CK_UNAVAILABLE_INFORMATION,
            hardwareVersion: CK_VERSION { major: 2, minor: 0 },
            firmwareVersion: CK_VERSION { major: tpm.firmware[0], minor: tpm.firmware[1] },
            utcTime: [b'0'; 16],
        };
        // SAFETY: the caller's.
        unsafe { put(info, value) }
    })
}

pub(super) unsafe extern "C" fn C_GetMechanismList(
    slot: CK_SLOT_ID,
    list: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    with(|_| {
        is_slot(slot)?;
        let all = mechanisms::list();
        // SAFETY: the caller's.
        unsafe { deliver(list, count, all.len(), || Ok(all)) }
    })
}

pub(super) unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    with(|_| {
        is_slot(slot)?;
        // SAFETY: the caller's.
        unsafe { put(info, mechanisms::info(kind)?) }
    })
}

/// There is nothing to initialize, and nobody who could: the PIN is the endorsement hierarchy's auth value, which its owner sets with other tools.
pub(super) extern "C" fn C_InitToken(
    slot: CK_SLOT_ID,
    _pin: *mut CK_UTF8CHAR,
    _length: CK_ULONG,
    _label: *mut CK_UTF8CHAR,
) -> CK_RV {
    with(|_| is_slot(slot).and(Err(Rv(CKR_FUNCTION_NOT_SUPPORTED))))
}

pub(super) unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    _application: *mut c_void,
    _notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    with(|module| {
        is_slot(slot)?;
        if session.is_null() {
            return Err(Rv(CKR_ARGUMENTS_BAD));
        }
        let handle = module.open_session(flags)?;
        // SAFETY: the caller's.
        unsafe { put(session, handle) }
    })
}

pub(super) extern "C" fn C_CloseSession(session: CK_SESSION_HANDLE) -> CK_RV {
    with(|module| module.close_session(session))
}

pub(super) extern "C" fn C_CloseAllSessions(slot: CK_SLOT_ID) -> CK_RV {
    with(|module| {
        is_slot(slot)?;
        module.close_all_sessions();
        Ok(())
    })
}

pub(super) unsafe extern "C" fn C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> CK_RV {
    with(|module| {
        let (state, flags) = module.session_info(session)?;
        // SAFETY: the caller's.
        unsafe { put(info, CK_SESSION_INFO { slotID: SLOT, state, flags, ulDeviceError: 0 }) }
    })
}

pub(super) unsafe extern "C" fn C_Login(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    length: CK_ULONG,
) -> CK_RV {
    with(|module| {
        // SAFETY: the caller's.
        let pin = unsafe { bytes(pin, length)? };
        if pin.len() > 64 { Err(Rv(CKR_PIN_LEN_RANGE)) } else { module.log_in(session, user, pin) }
    })
}

/// There is one user, who has no name.
pub(super) unsafe extern "C" fn C_LoginUser(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    length: CK_ULONG,
    _name: *mut CK_UTF8CHAR,
    name_length: CK_ULONG,
) -> CK_RV {
    if name_length != 0 {
        return with(|_| Err(Rv(CKR_USER_TYPE_INVALID)));
    }
    // SAFETY: the caller's.
    unsafe { C_Login(session, user, pin, length) }
}

pub(super) extern "C" fn C_Logout(session: CK_SESSION_HANDLE) -> CK_RV {
    with(|module| module.log_out(session))
}

pub(super) extern "C" fn C_SessionCancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> CK_RV {
    with(|module| module.cancel(session, flags))
}

/// The slot has one TPM, which does not come and go.
pub(super) extern "C" fn C_WaitForSlotEvent(flags: CK_FLAGS, _slot: *mut CK_SLOT_ID, _reserved: *mut c_void) -> CK_RV {
    with(|_| Err(Rv(if flags & CKF_DONT_BLOCK != 0 { CKR_NO_EVENT } else { CKR_FUNCTION_NOT_SUPPORTED })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_padded_and_characters_stay_whole() {
        assert_eq!(&padded::<4>("ab"), b"ab  ");
        assert_eq!(&padded::<4>("abcde"), b"abcd");
        assert_eq!(&padded::<4>("abc\u{e9}"), b"abc ");
        assert_eq!(&padded::<2>(""), b"  ");
    }
}
