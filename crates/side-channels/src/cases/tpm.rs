//! What the TPM compares with an auth value, through whole commands.

use ironroot_crypto_host::HOST;
use ironroot_wire::TpmRc;

use super::List;
use crate::{
    memcheck,
    tpm::{Machine, code, right_hmac, with_hmac, with_password},
};

const AUTH: [u8; 20] = *b"a password of owners";

pub(super) fn list(all: &mut List) {
    for right in [true, false] {
        let what = if right { "right" } else { "wrong" };
        let expected = if right { TpmRc::SUCCESS } else { TpmRc::BAD_AUTH.session(1) };
        all.add(format!("both/TPM/{what} password"), move || {
            let mut tpm = marked();
            let mut guess = AUTH;
            guess[10] ^= u8::from(!right);
            let response = tpm.execute(&with_password(&guess));
            memcheck::public(&response);
            assert_eq!(code(&response), expected);
        });
        all.add(format!("both/TPM/{what} HMAC of a session"), move || {
            let mut tpm = Machine::new(&HOST);
            let session = tpm.start_session();
            tpm.set_owner_auth(&AUTH, memcheck::secret);
            let mut hmac = right_hmac(&session, &AUTH);
            hmac[10] ^= u8::from(!right);
            let response = tpm.execute(&with_hmac(&session, &hmac));
            memcheck::public(&response);
            assert_eq!(code(&response), expected);
        });
    }
}

/// A TPM whose owner's auth value is marked.
fn marked() -> Machine {
    let mut tpm = Machine::new(&HOST);
    tpm.set_owner_auth(&AUTH, memcheck::secret);
    tpm
}
