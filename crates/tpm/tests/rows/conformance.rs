//! What the TPM says that it has, and what the table of error conditions says about it.

use std::collections::HashSet;

use crate::common::{self, TestTpm, rows, trace};
use ironroot_wire::*;

/// The commands that the TPM reports.
fn reported() -> Vec<TpmaCc> {
    let mut tpm = TestTpm::started();
    let command = GetCapability { capability: TpmCap::Commands, property: 0x11F, property_count: 1000 };
    let response = tpm.run(&command).unwrap();
    assert!(!response.more_data.0, "all at once");
    match response.capability_data {
        TpmsCapabilityData::Commands(list) => list.iter().copied().collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_reported_command_is_in_the_command_table_and_answers() {
    let mut tpm = TestTpm::started();
    for attributes in reported() {
        let code = attributes.0 & 0xFFFF;
        let info = command_info(TpmCc(code)).unwrap();
        assert_eq!(info.tpma_cc(), attributes, "{}", info.name);
        // Not through `raw`: this is no test of the command, and must not count as one.
        let response = tpm.tpm.execute(0, 1, &common::frame(TpmSt::NoSessions, code, &[0xFF]));
        assert_ne!(common::rc(&response), TpmRc::COMMAND_CODE, "{}", info.name);
        trace::implemented(code, info.name);
    }
}

#[test]
fn the_table_of_error_conditions_is_well_formed() {
    let codes: HashSet<&str> = (0..0x1000).filter_map(|code| TpmRc(code).describe()).map(|(name, _)| name).collect();
    let mut seen = HashSet::new();
    let mut section = "";
    for (number, line) in rows::TABLE.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    {
        let number = number + 1;
        if line.starts_with('[') {
            section = line;
            assert!(seen.insert((section, "")), "line {number}: twice");
            continue;
        }
        assert!(!section.is_empty(), "line {number}: no command yet");
        let (code, condition) = line.split_once(": ").unwrap_or_else(|| panic!("line {number}: CODE: condition"));
        assert!(codes.contains(format!("TPM_RC_{code}").as_str()), "line {number}: {code} is no response code");
        assert!(!condition.is_empty() && seen.insert((section, line)), "line {number}: twice");
    }
}
