//! The classes of the published defects of other TPM daemons, each as a test that names it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::Shutdown;

use ironroot_host::Daemon;
use support::*;

/// Lengths and offsets at which arithmetic breaks.
const EDGES: [u32; 8] = [0, 1, 4999, 5000, 5001, 0x7FFF_FFFF, 0x8000_0000, u32::MAX];

/// Sizes in the blobs of the control channel were believed, and what lay behind them was read.
#[test]
fn cve_2022_23645_sizes_and_offsets_of_state_blobs_are_not_believed() {
    let (mut double, _log) = double();
    double.features = ALL;
    let daemon = quick(Daemon::builder(double).swtpm(any())).start().unwrap();
    let address = tcp(&daemon, SWTPM_CONTROL);
    let mut control = connect(address);
    assert_eq!(control.ask(&[2, 0]), 0, "INIT");
    for kind in [0, 1, 2, 3, u32::MAX] {
        for edge in EDGES {
            // GET_STATEBLOB from that offset: what is there, or nothing, but never more.
            let mut control = connect(address);
            control.words(&[12, 0, kind, edge]);
            let [result, _flags, total, length] = [(); 4].map(|()| control.word());
            let whole = match kind {
                1 => 9,
                2 if result == 0 => 5000,
                _ => 0,
            };
            assert!(length <= whole && length == total, "blob {kind} from {edge}: {length} of {total}");
            control.take(length as usize);
            // SET_STATEBLOB with that length, and three bytes.
            let mut control = connect(address);
            control.words(&[13, 0, kind, edge]);
            control.send(b"abc");
            control.shutdown(Shutdown::Write).unwrap();
            let answered = control.word();
            assert!(answered != 0 || edge <= 3, "blob {kind} of {edge} bytes was taken");
        }
    }
    // The daemon and the TPM are as before.
    let mut control = connect(address);
    assert_eq!(control.ask(&[1]), 0, "GET_CAPABILITY");
}
