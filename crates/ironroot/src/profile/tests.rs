//! Profiles as files: there and back, and what is refused, with which words.
#![allow(clippy::unwrap_used)]

use super::*;
use ironroot_wire::{TpmCc, TpmEccCurve};

fn refused(json: &str, words: &[&str]) {
    let text = parse(json).unwrap_err().to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}

#[test]
fn every_built_in_profile_comes_back_from_its_json() {
    for profile in Profile::NAMED {
        let json = to_json(profile).to_string();
        assert_eq!(parse(&json).unwrap(), *profile, "{json}");
        let renamed = json.replacen(&format!("\"{}\"", profile.name), "\"custom:copy\"", 1);
        let copy = Profile { name: ProfileName::new("custom:copy").unwrap(), ..*profile };
        assert_eq!(parse(&renamed).unwrap(), copy, "{renamed}");
    }
}

#[test]
fn a_file_of_swtpm_is_read() {
    let profile = parse(
        r#"{"Name": "custom:line-7", "StateFormatLevel": 2, "Description": "as swtpm has it",
            "Commands": "0x11f-0x122,0x124-0x12e,0x130-0x199",
            "Algorithms": "rsa,rsa-min-size=3072,hmac,aes,aes-min-size=256,mgf1,keyedhash,xor,sha256,sha384,null,rsassa,oaep,ecdsa,ecdh,kdf1-sp800-56a,kdf1-sp800-108,ecc,ecc-min-size=384,ecc-nist,symcipher,cfb"}"#,
    )
    .unwrap();
    assert_eq!(profile.name.as_str(), "custom:line-7");
    assert_eq!(profile.rules.rsa_key_bits.iter().collect::<Vec<_>>(), [3072, 4096]);
    assert_eq!(profile.rules.aes_key_bits.iter().collect::<Vec<_>>(), [256]);
    let curves = [TpmEccCurve::NistP256, TpmEccCurve::NistP384, TpmEccCurve::NistP521];
    assert_eq!(curves.map(|curve| profile.rules.has_curve(curve.value())), [false, true, true]);
    assert!(!profile.rules.algorithms.contains(0x0004));
    assert!(!profile.has_bank(ironroot_wire::TpmiAlgHash::Sha1));
    let has = |code| profile.commands.contains(TpmCc(code));
    assert_eq!(
        [0x11F, 0x122, 0x123, 0x12E, 0x12F, 0x199, 0x19A].map(has),
        [true, true, false, true, false, true, false]
    );
    assert_eq!(profile.max_command_size(), 4096);
}

#[test]
fn what_is_wrong_is_named() {
    refused("{", &["EOF"]);
    refused(r#"{"Commands": "0x11f"}"#, &["missing field `Name`"]);
    refused(r#"{"Name": "a b"}"#, &["Name", "a b"]);
    refused(r#"{"Name": "custom", "Colour": 1}"#, &["Colour"]);
    refused(r#"{"Name": "custom", "StateFormatLevel": 9}"#, &["StateFormatLevel", "9"]);
    refused(r#"{"Name": "custom", "Attributes": "fips-host"}"#, &["Attributes", "fips-host"]);
    refused(r#"{"Name": "custom", "Algorithms": "rsa,md5"}"#, &["Algorithms", "md5", "sha256"]);
    refused(r#"{"Name": "custom", "Algorithms": "rsa-min-size=big"}"#, &["Algorithms", "rsa-min-size=big"]);
    refused(r#"{"Name": "custom", "Algorithms": "sha256"}"#, &["Algorithms", "AES"]);
    refused(r#"{"Name": "custom", "Commands": "0x11f-"}"#, &["Commands", "0x11f-"]);
    refused(r#"{"Name": "custom", "Commands": "0x122-0x11f"}"#, &["Commands", "0x122-0x11f"]);
    refused(r#"{"Name": "custom", "Commands": "0x1000"}"#, &["Commands", "0x1000"]);
    refused(r#"{"Name": "custom", "Commands": "0x11f-0x130"}"#, &["Commands", "SelfTest"]);
    refused(r#"{"Name": "custom", "KeySizes": {"rsa": [2000]}}"#, &["KeySizes", "2000", "2048"]);
    refused(r#"{"Name": "custom", "PcrBanks": "sha256,crc"}"#, &["PcrBanks", "crc"]);
    refused(r#"{"Name": "custom", "Limits": {"loadedObjects": 1}}"#, &["loadedObjects", "1", "3"]);
    refused(r#"{"Name": "host", "Limits": {"loadedObjects": 3}}"#, &["Limits", "host", "custom:"]);
    assert!(named_or_file("no-such-profile").unwrap_err().to_string().contains("pc-client"));
}

#[test]
fn the_document_has_the_numbers_of_every_profile() {
    let document = include_str!("../../../../docs/profiles.md");
    for profile in Profile::NAMED {
        let row = format!(
            "| `{}` | {} | {} / {} | {} | {} | {} | {} |",
            profile.name,
            profile.loaded_objects,
            profile.loaded_sessions,
            profile.active_sessions,
            profile.persistent_objects,
            profile.nv_space,
            profile.nv_index_max,
            profile.max_command_size(),
        );
        assert!(document.contains(&row), "docs/profiles.md lacks the row\n{row}");
    }
}
