//! The command table beside the tables of the specification.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use ironroot_wire::{
    CHAPTERS, CommandAttributes, CommandInfo, HandleInfo, Role, SAME_CODE, TpmCc, TpmaCc, command_info,
};

const TABLE: &str = include_str!("data/command_codes.txt");

/// The rows of Part 2, table 12, by name in lower case without underscores.
fn table() -> BTreeMap<String, (u32, Vec<&'static str>)> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split(' ');
            let code = u32::from_str_radix(words.next().unwrap(), 16).unwrap();
            (plain(words.next().unwrap()), (code, words.collect()))
        })
        .collect()
}

fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn commands() -> impl Iterator<Item = &'static CommandInfo> {
    CHAPTERS.iter().flat_map(|chapter| chapter.iter()).copied()
}

fn same_code() -> impl Iterator<Item = &'static CommandInfo> {
    SAME_CODE.iter().flat_map(|chapter| chapter.iter()).copied()
}

#[test]
fn codes_names_and_attributes_are_those_of_the_specification() {
    let table = table();
    assert_eq!(table.len(), 136);
    for info in commands().chain(same_code()) {
        let (code, attributes) = table.get(&plain(info.name)).unwrap_or_else(|| panic!("{} is no command", info.name));
        assert_eq!(info.code, TpmCc(*code), "{}", info.name);
        for (attribute, mark) in [
            (CommandAttributes::NV, "NV"),
            (CommandAttributes::EXTENSIVE, "E"),
            (CommandAttributes::FLUSHED, "F"),
            (CommandAttributes::NO_SESSIONS, "N"),
        ] {
            assert_eq!(info.attributes.contains(attribute), attributes.contains(&mark), "{} {mark}", info.name);
        }
    }
}

#[test]
fn every_code_is_there_once_and_can_be_found() {
    let mut seen = BTreeMap::new();
    for info in commands() {
        assert_eq!(seen.insert(info.code, info.name), None, "{}", info.name);
        assert_eq!(command_info(info.code).unwrap().name, info.name);
        assert!((TpmCc::FIRST..=TpmCc::LAST).contains(&info.code));
    }
    assert!(command_info(TpmCc(0x123)).is_none());
}

/// Part 3, 15.6 and 17.3: nothing but the type of the scheme tells the two apart.
#[test]
fn commands_of_one_code_are_alike() {
    assert_eq!(same_code().count(), 2);
    for info in same_code() {
        let other = command_info(info.code).unwrap();
        assert_ne!(info.name, other.name);
        assert_eq!((info.tpma_cc(), info.attributes), (other.tpma_cc(), other.attributes));
        let roles = |info: &CommandInfo| info.handles.iter().map(|handle| handle.role).collect::<Vec<_>>();
        assert_eq!(roles(info), roles(other));
        assert_eq!(info.decrypt_allowed(), other.decrypt_allowed());
        assert_eq!(info.encrypt_allowed(), other.encrypt_allowed());
        assert_eq!(info.parameters.len(), other.parameters.len());
    }
}

#[test]
fn authorized_handles_come_first_and_no_command_has_more_than_three() {
    for info in commands() {
        let authorized = |handle: &HandleInfo| handle.role != Role::None;
        assert!(info.handles.len() <= 3, "{}", info.name);
        assert!(info.handles.iter().skip(info.authorized_handles()).all(|handle| !authorized(handle)), "{}", info.name);
        let no_sessions = info.attributes.contains(CommandAttributes::NO_SESSIONS);
        assert!(!(no_sessions && info.authorized_handles() > 0), "{} cannot be authorized", info.name);
    }
}

#[test]
fn tpma_cc_has_the_bits_of_part_2() {
    let bits = |code| command_info(TpmCc(code)).unwrap().tpma_cc();
    // TPM2_Clear: {NV E}, one handle.
    assert_eq!(bits(0x126), TpmaCc(0x02C0_0126));
    // TPM2_CreatePrimary: one handle, a handle in the response.
    assert_eq!(bits(0x131), TpmaCc(0x1200_0131));
    // TPM2_SequenceComplete: {F}, one handle.
    assert_eq!(bits(0x13E), TpmaCc(0x0300_013E));
    // TPM2_GetRandom: nothing.
    assert_eq!(bits(0x17B), TpmaCc(0x0000_017B));
}
