//! The derivation against the vectors in docs/derivations.md, which were computed with another program.

#![allow(clippy::arithmetic_side_effects)]

use super::*;
use crate::MeasuredFirmware;
use alloc::{collections::BTreeMap, string::String};
use ironroot_platform::{CopyResistance, Firmware};

const DOCUMENT: &str = include_str!("../../../../docs/derivations.md");

/// The lines `name = hex` of the document's block of anchor vectors.
fn vectors() -> BTreeMap<&'static str, Vec<u8>> {
    block("```vectors-anchor-v1\n")
}

fn block(title: &str) -> BTreeMap<&'static str, Vec<u8>> {
    let block = DOCUMENT.split(title).nth(1).unwrap().split("```").next().unwrap();
    block
        .lines()
        .map(|line| {
            let (name, hex) = line.split_once(" = ").unwrap();
            let bytes = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
            (name.trim(), bytes)
        })
        .collect()
}

fn device(value: &[u8]) -> DeviceValue {
    DeviceValue {
        value: Zeroizing::new(value.to_vec()),
        source: String::from("test"),
        resistance: CopyResistance::CopiedWithDisk,
    }
}

fn secret(fill: u8) -> ProductSecret {
    ProductSecret::take(&mut core::array::from_fn(|i| fill.wrapping_add(i as u8)))
}

#[test]
fn the_documents_vectors() {
    let vectors = vectors();
    let expect = |name: &str, got: &[u8]| assert_eq!(got, vectors[name], "{name}");
    let mut bytes: [u8; 32] = vectors["product secret"].clone().try_into().unwrap();
    let secret = ProductSecret::take(&mut bytes);
    assert_eq!(bytes, [0; 32]);
    let (global, master) = masters(&secret, &device(&vectors["device value"])).unwrap();
    expect("global master", global.0.0.as_slice());
    expect("device master", master.0.0.as_slice());
    expect("endorsement seed", master.endorsement_seed().unwrap().as_slice());
    expect("platform seed", master.platform_seed().unwrap().as_slice());
    expect("state key", master.state_key().unwrap().as_slice());
    expect("global application key \"wifi\", 16", &global.derive(Purpose::ApplicationKey, "wifi", 16).unwrap());
    expect("global application key \"wifi\", 80", &global.derive(Purpose::ApplicationKey, "wifi", 80).unwrap());
    expect("device application key \"wifi\", 16", &master.derive(Purpose::ApplicationKey, "wifi", 16).unwrap());
    expect("device application key \"\", 32", &master.derive(Purpose::ApplicationKey, "", 32).unwrap());
    let instance = master.instance("vm1").unwrap();
    expect("instance master \"vm1\"", instance.0.0.as_slice());
    expect("state key of \"vm1\"", instance.state_key().unwrap().as_slice());
    expect("firmware secret", master.firmware_secret().unwrap().as_slice());
    let firmware = |svn| MeasuredFirmware::new(&master, b"image", svn).unwrap();
    expect("Firmware Secret of \"image\"", firmware(7).secret().unwrap().as_slice());
    for svn in [255, 1, 0] {
        let name = alloc::format!("Firmware SVN Secret {svn}");
        for own in [svn, svn.max(9), 255] {
            expect(&name, firmware(own).svn_secret(svn).unwrap().as_slice());
        }
    }
    assert_eq!(vectors.len(), 18);
}

#[test]
fn firmware_has_no_secret_of_a_higher_number_nor_of_another_image() {
    let (_, master) = masters(&secret(1), &device(b"a")).unwrap();
    let firmware = |image: &[u8], svn| MeasuredFirmware::new(&master, image, svn).unwrap();
    assert!(firmware(b"a", 4).svn_secret(5).is_none());
    assert_eq!((firmware(b"a", 4).svn(), firmware(b"a", 4).max_svn()), (4, 255));
    assert_ne!(firmware(b"a", 4).secret(), firmware(b"b", 4).secret());
    assert_eq!(firmware(b"a", 4).secret(), firmware(b"a", 5).secret());
    assert_ne!(firmware(b"a", 4).svn_secret(4), firmware(b"a", 4).svn_secret(3));
    assert_eq!(MeasuredFirmware::new(&master, b"a", 256).err(), Some(AnchorError::Svn));
}

#[test]
fn the_device_changes_its_own_keys_and_not_the_products() {
    let (global_a, a) = masters(&secret(1), &device(b"a")).unwrap();
    let (global_b, b) = masters(&secret(1), &device(b"b")).unwrap();
    let (global_c, c) = masters(&secret(2), &device(b"a")).unwrap();
    let key = |master: &GlobalMaster| master.derive(Purpose::ApplicationKey, "x", 32).unwrap();
    assert_eq!(key(&global_a), key(&global_b));
    assert_ne!(key(&global_a), key(&global_c));
    assert_ne!(a.state_key().unwrap(), b.state_key().unwrap());
    assert_ne!(a.state_key().unwrap(), c.state_key().unwrap());
}

#[test]
fn purposes_names_and_lengths_separate() {
    let (_, master) = masters(&secret(1), &device(b"a")).unwrap();
    let key = |purpose, name: &str, length| master.derive(purpose, name, length).unwrap().to_vec();
    assert_ne!(key(Purpose::ApplicationKey, "a", 32), key(Purpose::StateKey, "a", 32));
    assert_ne!(key(Purpose::ApplicationKey, "a", 32), key(Purpose::ApplicationKey, "b", 32));
    assert_ne!(key(Purpose::ApplicationKey, "a", 32), key(Purpose::ApplicationKey, "a", 33)[..32]);
    assert_ne!(master.endorsement_seed().unwrap(), master.platform_seed().unwrap());
}

#[test]
fn impossible_requests_are_refused() {
    let (_, master) = masters(&secret(1), &device(b"a")).unwrap();
    assert!(master.derive(Purpose::ApplicationKey, "a", 0).is_err());
    assert!(master.derive(Purpose::ApplicationKey, "a", 16_321).is_err());
    assert!(master.derive(Purpose::ApplicationKey, "a", 16_320).is_ok());
    assert_eq!(masters(&secret(1), &device(b"")).err(), Some(AnchorError::EmptyDeviceValue));
    for unset in [0, 0xff] {
        let secret = ProductSecret::take(&mut [unset; 32]);
        assert_eq!(masters(&secret, &device(b"a")).err(), Some(AnchorError::UnsetProductSecret));
    }
}

#[test]
fn the_documents_vectors_of_a_white_box_product() {
    let vectors = block("```vectors-whitebox-v1\n");
    let bytes: [u8; 32] = vectors["product secret"].clone().try_into().unwrap();
    let file = |external, seed| {
        ironroot_whitebox::generate(&bytes, external, &mut ironroot_platform::memory::TestEntropy::new(seed)).unwrap()
    };
    for seed in [1, 2] {
        let tables = file(External::Affine, seed);
        let product = crate::Product::WhiteBox(crate::WhiteBox::new(tables.into()).unwrap());
        let (global, master) = product.masters(&device(&vectors["device value"])).unwrap();
        assert_eq!(global.0.0.as_slice(), vectors["global master"]);
        assert_eq!(master.0.0.as_slice(), vectors["device master"]);
        assert_eq!(product.masters(&device(b"")).err(), Some(AnchorError::EmptyDeviceValue));
    }
    let plain = crate::Product::from(ProductSecret::take(&mut bytes.clone()));
    let (global, master) = plain.masters(&device(&vectors["device value"])).unwrap();
    assert_ne!(global.0.0.as_slice(), vectors["global master"]);
    assert_ne!(master.0.0.as_slice(), vectors["device master"]);
    let comparison = file(External::None, 1);
    assert_eq!(crate::WhiteBox::new(comparison.clone().into()).err(), Some(AnchorError::ComparisonTables));
    let tables = Tables::new(&comparison).unwrap();
    assert_eq!(white_box_masters(&tables, &device(b"a")).err(), Some(AnchorError::ComparisonTables));
    assert_eq!(crate::WhiteBox::new([].into()).err(), Some(AnchorError::Tables(TablesError::Magic)));
}
