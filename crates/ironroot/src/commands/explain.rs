//! `ironroot explain`: a response code in words.

use ironroot_wire::TpmRc;
use serde_json::json;

use crate::{
    cli::Explain,
    failure::{Failure, Result},
};

/// Explains a code.
///
/// # Errors
/// The code is not one that this implementation knows.
pub fn run(arguments: &Explain) -> Result {
    // Codes of other layers (the TSS and its resource manager) carry their layer in bits 16 to 23.
    let layer = arguments.code >> 16;
    let rc = TpmRc(arguments.code & 0xFFFF);
    if layer != 0 {
        return Err(Failure::new(format!(
            "{:#x} comes from layer {layer} of the TSS, not from the TPM; `tpm2_rc_decode {:#x}` explains those",
            arguments.code, arguments.code
        )));
    }
    let (name, meaning) = rc.describe().ok_or_else(|| {
        Failure::new(format!(
            "{:#x} is not a response code of Part 2, clause 6.6, of the TPM 2.0 Library",
            arguments.code
        ))
    })?;
    if arguments.json {
        let object = json!({
            "code": arguments.code,
            "name": name,
            "meaning": meaning,
            "parameter": rc.parameter_number(),
            "session": rc.session_number(),
            "handle": rc.handle_number(),
        });
        println!("{object}");
    } else {
        println!("{rc}");
    }
    Ok(())
}
