//! Every wrong initialization is an error with its own words, and none gives a key.

use super::*;
use crate::ProductSecret;
use alloc::string::ToString;
use ironroot_platform::memory::FixedDevice;

const ANY: CopyResistance = CopyResistance::CopiedWithDisk;

fn product(fill: u8) -> Product {
    ProductSecret::take(&mut [fill; 32]).into()
}

fn measured(fill: u8, value: &[u8]) -> Result<Measured, InitError> {
    Start::new(product(fill))?.device(&FixedDevice::new(value), ANY)
}

struct Absent;

impl DeviceSecret for Absent {
    fn read(&self) -> Result<DeviceValue, DeviceSecretError> {
        Err(DeviceSecretError("device source soc-serial: no such file".into()))
    }
}

#[test]
fn the_same_device_is_the_same_for_ever_and_no_other_opens() {
    let (ready, binding) = measured(7, b"this").unwrap().enroll();
    let kept = Binding::from_bytes(binding.as_bytes()).unwrap();
    let again = measured(7, b"this").unwrap().open(&kept).unwrap();
    let key = |ready: &Ready| ready.device().derive(Purpose::ApplicationKey, "a", 32).unwrap();
    assert_eq!(key(&ready), key(&again));

    let words = |result: Result<Ready, InitError>| result.err().unwrap();
    let other = measured(7, b"that").unwrap().open(&kept);
    let error = words(other);
    assert!(matches!(error, InitError::OtherDevice { .. }));
    assert!(error.to_string().contains("another identity"), "{error}");
    let error = words(measured(8, b"this").unwrap().open(&kept));
    assert_eq!(error, InitError::OtherProduct);
    assert!(error.to_string().contains("product secret"), "{error}");
    // Both are wrong: the product is named first, since nothing can be said of the device without it.
    assert_eq!(words(measured(8, b"that").unwrap().open(&kept)), InitError::OtherProduct);
}

#[test]
fn missing_weak_and_unset_are_errors_of_their_own() {
    for unset in [0, 0xff] {
        assert_eq!(Start::new(product(unset)).err(), Some(InitError::Anchor(AnchorError::UnsetProductSecret)));
    }
    let start = || Start::new(product(7)).unwrap();
    let error = start().device(&Absent, ANY).err().unwrap();
    assert!(error.to_string().contains("missing") && error.to_string().contains("soc-serial"), "{error}");
    let empty = start().device(&FixedDevice::new(b""), ANY).err().unwrap();
    assert_eq!(empty, InitError::Anchor(AnchorError::EmptyDeviceValue));
    let mut value = FixedDevice::new(b"x").read().unwrap();
    value.resistance = CopyResistance::Readable;
    let error = start().value(&value, CopyResistance::Fused).err().unwrap();
    assert!(error.to_string().contains("modest") && error.to_string().contains("at least good"), "{error}");
    assert!(start().value(&value, CopyResistance::Readable).is_ok());
}

#[test]
fn a_damaged_binding_opens_nothing() {
    let (_, binding) = measured(7, b"this").unwrap().enroll();
    for place in 0..Binding::SIZE {
        let mut bytes = *binding.as_bytes();
        bytes[place] ^= 1;
        let opened = Binding::from_bytes(&bytes).and_then(|binding| measured(7, b"this")?.open(&binding));
        assert!(opened.is_err(), "{place}");
    }
    assert_eq!(Binding::from_bytes(&[]).err(), Some(InitError::Binding));
    assert_eq!(Binding::from_bytes(&[binding.as_bytes().as_slice(), &[0]].concat()).err(), Some(InitError::Binding));
}

#[test]
fn the_documents_vector() {
    const DOCUMENT: &str = include_str!("../../../../docs/derivations.md");
    let block = DOCUMENT.split("```vectors-binding-v1\n").nth(1).unwrap().split("```").next().unwrap();
    let wanted = block.lines().find_map(|line| line.strip_prefix("binding = ")).unwrap();
    let product = ProductSecret::take(&mut core::array::from_fn(|i| i as u8)).into();
    let device = FixedDevice::new(b"3d1219c7c4c5404aaa1f6d2a48adfda4");
    let (_, binding) = Start::new(product).unwrap().device(&device, ANY).unwrap().enroll();
    let got: String = binding.as_bytes().iter().map(|byte| alloc::format!("{byte:02x}")).collect();
    assert_eq!(got, wanted);
}
