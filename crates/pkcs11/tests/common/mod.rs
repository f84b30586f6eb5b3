//! A program that uses the module: the function list, a TPM of its own (swtpm), a list of names.
#![allow(dead_code, reason = "not every test uses everything")]

use std::{
    path::PathBuf,
    ptr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cryptoki_sys::*;
use ironroot_client::testing::TestTpm;
use tempfile::TempDir;

/// There is one module in a process, so tests that share a process take turns.
static TURN: Mutex<()> = Mutex::new(());

/// The functions of 3.0, which begin with those of 2.40.
pub fn functions() -> &'static CK_FUNCTION_LIST_3_0 {
    let mut interface = ptr::null_mut();
    let rv = unsafe { ironroot_pkcs11::C_GetInterface(ptr::null_mut(), ptr::null_mut(), &raw mut interface, 0) };
    assert_eq!(rv, CKR_OK);
    unsafe { &*(*interface).pFunctionList.cast::<CK_FUNCTION_LIST_3_0>() }
}

/// `call!(module, C_Function, arguments…)`: the return value.
#[macro_export]
macro_rules! call {
    ($name:ident $(, $argument:expr)*) => {
        unsafe { ($crate::common::functions().$name.unwrap())($($argument),*) }
    };
}

/// An initialized module with a TPM and an empty list.
pub struct Program {
    pub tpm: TestTpm,
    pub folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Program {
    /// Starts a TPM, and the module with it.
    pub fn start() -> Self {
        let program = Self::prepare();
        program.initialize();
        program
    }

    /// Starts a TPM, and says where it is.
    pub fn prepare() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (tpm, folder) = (TestTpm::start().unwrap(), TempDir::new().unwrap());
        let config = folder.path().join("pkcs11.conf");
        let list = folder.path().join("keys.json");
        std::fs::write(&config, format!("tcti = {}\nlist = {}\nlabel = test\n", tpm.tcti(), list.display())).unwrap();
        for other in ["TPM2TOOLS_TCTI", "TCTI", "IRONROOT_KEY_LIST"] {
            unsafe { std::env::remove_var(other) };
        }
        unsafe { std::env::set_var("IRONROOT_PKCS11_CONFIG", &config) };
        Self { tpm, folder, _turn: turn }
    }

    pub fn initialize(&self) {
        assert_eq!(call!(C_Initialize, ptr::null_mut()), CKR_OK);
    }

    pub fn certificates(&self) -> PathBuf {
        let folder = self.folder.path().join("certificates");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        call!(C_Finalize, ptr::null_mut());
    }
}

pub fn open() -> CK_SESSION_HANDLE {
    let mut session = 0;
    let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    assert_eq!(call!(C_OpenSession, 0, flags, ptr::null_mut(), None, &raw mut session), CKR_OK);
    session
}

/// An attribute that points to a value.
pub fn attribute(kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> CK_ATTRIBUTE {
    let ulValueLen = value.len().try_into().unwrap();
    CK_ATTRIBUTE { type_: kind, pValue: value.as_ptr().cast_mut().cast(), ulValueLen }
}

pub const fn mechanism(kind: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism: kind, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}

pub const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
pub const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

/// Makes a key; the return value, and the handles of the public and the private key.
pub fn generate(
    session: CK_SESSION_HANDLE,
    kind: CK_MECHANISM_TYPE,
    public: &mut [CK_ATTRIBUTE],
    private: &mut [CK_ATTRIBUTE],
) -> (CK_RV, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let (mut public_key, mut private_key) = (0, 0);
    let rv = call!(
        C_GenerateKeyPair,
        session,
        &mut mechanism(kind),
        public.as_mut_ptr(),
        public.len().try_into().unwrap(),
        private.as_mut_ptr(),
        private.len().try_into().unwrap(),
        &raw mut public_key,
        &raw mut private_key
    );
    (rv, public_key, private_key)
}

/// Makes a key on P-256 with this name.
pub fn generate_p256(session: CK_SESSION_HANDLE, name: &str) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let mut public = [attribute(CKA_EC_PARAMS, P256), attribute(CKA_LABEL, name.as_bytes())];
    let (rv, public_key, private_key) = generate(session, CKM_EC_KEY_PAIR_GEN, &mut public, &mut []);
    assert_eq!(rv, CKR_OK);
    (public_key, private_key)
}

/// One attribute, asked for in two calls.
pub fn value(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>, CK_RV> {
    let mut asked = CK_ATTRIBUTE { type_: kind, pValue: ptr::null_mut(), ulValueLen: 0 };
    match call!(C_GetAttributeValue, session, object, &raw mut asked, 1) {
        CKR_OK => {}
        rv => return Err(rv),
    }
    let mut bytes = vec![0_u8; asked.ulValueLen.try_into().unwrap()];
    asked.pValue = bytes.as_mut_ptr().cast();
    assert_eq!(call!(C_GetAttributeValue, session, object, &raw mut asked, 1), CKR_OK);
    assert_eq!(usize::try_from(asked.ulValueLen), Ok(bytes.len()));
    Ok(bytes)
}

/// The objects that a template finds.
pub fn find(session: CK_SESSION_HANDLE, template: &mut [CK_ATTRIBUTE]) -> Vec<CK_OBJECT_HANDLE> {
    let count = template.len().try_into().unwrap();
    assert_eq!(call!(C_FindObjectsInit, session, template.as_mut_ptr(), count), CKR_OK);
    let (mut found, mut all) = ([0; 3], Vec::new());
    loop {
        let mut count = 0;
        assert_eq!(call!(C_FindObjects, session, found.as_mut_ptr(), 3, &raw mut count), CKR_OK);
        if count == 0 {
            break;
        }
        all.extend_from_slice(&found[..count.try_into().unwrap()]);
    }
    assert_eq!(call!(C_FindObjectsFinal, session), CKR_OK);
    all
}

/// Signs in one piece.
pub fn sign(
    session: CK_SESSION_HANDLE,
    request: &CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    data: &[u8],
) -> Result<Vec<u8>, CK_RV> {
    let data_length = data.len().try_into().unwrap();
    match call!(C_SignInit, session, ptr::from_ref(request).cast_mut(), key) {
        CKR_OK => {}
        rv => return Err(rv),
    }
    let (mut signature, mut length) = ([0_u8; 512], 512);
    let data = data.as_ptr().cast_mut();
    match call!(C_Sign, session, data, data_length, signature.as_mut_ptr(), &raw mut length) {
        CKR_OK => Ok(signature[..length.try_into().unwrap()].to_vec()),
        rv => Err(rv),
    }
}

/// Verifies in one piece.
pub fn verify(
    session: CK_SESSION_HANDLE,
    request: &CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    data: &[u8],
    signature: &[u8],
) -> CK_RV {
    match call!(C_VerifyInit, session, ptr::from_ref(request).cast_mut(), key) {
        CKR_OK => {}
        rv => return rv,
    }
    let (data, length) = (data.as_ptr().cast_mut(), data.len().try_into().unwrap());
    let signature_length = signature.len().try_into().unwrap();
    call!(C_Verify, session, data, length, signature.as_ptr().cast_mut(), signature_length)
}
