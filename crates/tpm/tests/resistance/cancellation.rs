//! A command that somebody does not want any more ends, and leaves nothing behind.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::common::TestTpm;
use crate::templates::{create, create_primary, ecc_srk, ecdsa, rsa_srk, rsassa};
use ironroot_platform::Cancellation;
use ironroot_wire::*;

/// Says yes from the n-th question on.
struct After(Arc<AtomicU32>);

impl Cancellation for After {
    fn is_requested(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

/// Many commands; then handles that are free show that nothing was left.
#[test]
fn a_search_for_an_rsa_key_ends_when_it_is_cancelled() {
    let mut tpm = TestTpm::started();
    let left = Arc::new(AtomicU32::new(0));
    tpm.tpm.set_cancellation(Box::new(After(Arc::clone(&left))));
    let primary = create_primary(TpmHandle::OWNER.0, rsa_srk());
    // At once, and in the middle of a search: the second question comes after a batch of candidates.
    for questions in [1, 2] {
        for _ in 0..=tpm.profile.loaded_objects {
            left.store(questions, Ordering::Relaxed);
            assert_eq!(tpm.run_auth(&primary).unwrap_err(), TpmRc::CANCELED);
        }
    }
    left.store(u32::MAX / 2, Ordering::Relaxed);
    let expected = TestTpm::started().run_auth(&primary).unwrap();
    let made = tpm.run_auth(&primary).unwrap();
    assert_eq!((made.object_handle, made.name), (expected.object_handle, expected.name));

    left.store(1, Ordering::Relaxed);
    let child =
        create(made.object_handle.0, rsassa(TpmaObject::USER_WITH_AUTH | TpmaObject::SENSITIVE_DATA_ORIGIN), b"", b"");
    assert_eq!(tpm.run_auth(&child).unwrap_err(), TpmRc::CANCELED);
}

/// What takes no time is done: a cancellation that comes too late, or is meant for another command, changes nothing.
#[test]
fn other_commands_do_not_ask() {
    let mut tpm = TestTpm::started();
    let flag = Arc::new(AtomicBool::new(true));
    tpm.tpm.set_cancellation(Box::new(Arc::clone(&flag)));
    let parent = tpm.run_auth(&create_primary(TpmHandle::OWNER.0, ecc_srk())).unwrap().object_handle;
    let child = create(parent.0, ecdsa(TpmaObject::USER_WITH_AUTH | TpmaObject::SENSITIVE_DATA_ORIGIN), b"", b"");
    tpm.run_auth(&child).unwrap();
    assert_eq!(tpm.run_auth(&create_primary(TpmHandle::OWNER.0, rsa_srk())).unwrap_err(), TpmRc::CANCELED);
    flag.store(false, Ordering::Relaxed);
    tpm.run_auth(&create_primary(TpmHandle::OWNER.0, rsa_srk())).unwrap();
}
