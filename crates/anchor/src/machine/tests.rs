//! Sources against made-up machines, as folders.

use super::*;
use alloc::{format, string::ToString};
use ironroot_platform::{CopyResistance, memory::TestEntropy};
use std::fs;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl core::ops::Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

fn folder(name: &str) -> Folder {
    Folder(super::test_folder(name))
}

fn put(root: &Path, path: &str, contents: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn interface(root: &Path, name: &str, address: &str, kind: &str, bus: Option<&str>) {
    put(root, &format!("sys/class/net/{name}/address"), address);
    put(root, &format!("sys/class/net/{name}/addr_assign_type"), kind);
    if let Some(bus) = bus {
        let device = root.join(format!("sys/class/net/{name}/device"));
        fs::create_dir_all(&device).unwrap();
        std::os::unix::fs::symlink(format!("../../../bus/{bus}"), device.join("subsystem")).unwrap();
    }
}

#[test]
fn the_best_source_wins_and_its_value_has_one_form() {
    let root = folder("best");
    let machine = Machine::rooted(&*root);
    let best = || machine.best().map(|(source, value)| (source.to_string(), value.value.to_vec(), value.resistance));
    assert_eq!(best(), None);
    put(&root, "etc/machine-id", "3D1219c7c4c5404aaa1f6d2a48adfda4\n");
    assert_eq!(
        best().unwrap(),
        ("machine-id".into(), b"3d1219c7c4c5404aaa1f6d2a48adfda4".to_vec(), CopyResistance::CopiedWithDisk)
    );
    interface(&root, "br0", "aa:00:00:00:00:01\n", "0", None);
    interface(&root, "enx0", "aa:00:00:00:00:02\n", "0", Some("usb"));
    interface(&root, "eth0", "aa:00:00:00:00:03\n", "1", Some("pci"));
    assert_eq!(best().unwrap().0, "machine-id");
    interface(&root, "eth2", "AA:00:00:00:00:05\n", "0", Some("pci"));
    interface(&root, "eth1", "aa:00:00:00:00:04\n", "0", Some("pci"));
    assert_eq!(best().unwrap(), ("mac:eth1".into(), b"aa:00:00:00:00:04".to_vec(), CopyResistance::Readable));
    put(&root, "proc/cpuinfo", "processor\t: 0\n\nHardware\t: BCM\nSerial\t\t: 00000000ABCDEF01\n");
    assert_eq!(best().unwrap().1, b"00000000abcdef01");
    put(&root, "proc/device-tree/serial-number", b"SN-77\0");
    assert_eq!(best().unwrap().1, b"sn-77");
    put(&root, "sys/class/dmi/id/product_uuid", "03000200-0400-0500-0006-000700080009\n");
    assert_eq!(best().unwrap().0, "device-tree-serial");
    put(&root, "sys/class/dmi/id/product_uuid", "4C4C4544-0042-3510-8031-B4C04F4A4231\n");
    assert_eq!(best().unwrap().1, b"4c4c4544-0042-3510-8031-b4c04f4a4231");
    put(&root, "sys/devices/soc0/serial_number", "0x00ff\n");
    assert_eq!(best().unwrap(), ("soc-serial".into(), b"0x00ff".to_vec(), CopyResistance::Fused));
    let grades: Vec<_> =
        machine.candidates().into_iter().filter_map(|(_, value)| Some(value.ok()?.resistance)).collect();
    assert!(grades.is_sorted_by(|a, b| a >= b), "{grades:?}");
}

#[test]
fn placeholders_and_nonsense_are_no_value() {
    let root = folder("placeholders");
    let machine = Machine::rooted(&*root);
    for nothing in [
        "",
        "\n",
        "uninitialized\n",
        "00000000000000000000000000000000\n",
        "To Be Filled By O.E.M.\n",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ] {
        put(&root, "etc/machine-id", nothing);
        let error = machine.read(&Source::MachineId).unwrap_err().to_string();
        assert!(error.contains("placeholder") && error.contains("etc/machine-id"), "{error}");
    }
    put(&root, "etc/machine-id", [b'x'; 5000]);
    assert!(machine.read(&Source::MachineId).unwrap_err().to_string().contains("4096"));
    interface(&root, "eth0", "aa:00:00:00:00:03\n", "3", Some("pci"));
    assert!(machine.read(&Source::Mac("eth0".into())).unwrap_err().to_string().contains("permanent"));
}

#[test]
fn files_and_fuses_by_path() {
    let root = folder("paths");
    let machine = Machine::this();
    let file = Source::File(root.join("value"));
    assert!(machine.read(&file).unwrap_err().to_string().contains("No such file"));
    put(&root, "value", "short");
    assert!(machine.read(&file).unwrap_err().to_string().contains("fewer than 16"));
    put(&root, "value", " Twenty bytes, AS IS");
    assert_eq!(machine.read(&file).unwrap().value.as_slice(), b" Twenty bytes, AS IS");
    put(&root, "fuse/nvmem", [0, 1, 2, 3, 255]);
    let fuse = Source::Nvmem(root.join("fuse/nvmem"));
    assert_eq!(machine.read(&fuse).unwrap().resistance, CopyResistance::Readable);
    put(&root, "fuse/type", "OTP\n");
    assert_eq!(machine.device(fuse).read().unwrap().resistance, CopyResistance::Fused);
}

#[test]
fn a_recorded_source_is_insisted_on() {
    let root = folder("binding");
    let state = root.join("state");
    fs::create_dir(&state).unwrap();
    let machine = Machine::rooted(&*root);
    assert!(recall(&state).unwrap_err().to_string().contains("device-source"));
    put(&root, "etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n");
    let (source, value) = choose(&machine, None, &root.join("fallback"), &mut TestEntropy::new(1)).unwrap();
    record(&state, &source).unwrap();
    record(&state, &source).unwrap();
    let text = fs::read_to_string(state.join(RECORD_NAME)).unwrap();
    assert_eq!(text, "machine-id\n");
    assert!(!text.as_bytes().windows(8).any(|window| window == &value.value[..8]));
    assert_eq!(recall(&state).unwrap(), source);
    let error = record(&state, &Source::SocSerial).unwrap_err().to_string();
    assert!(error.contains("machine-id") && error.contains("soc-serial"), "{error}");
    // A better source appears and the recorded one goes: the answer is an error, not the better one.
    put(&root, "sys/devices/soc0/serial_number", "0x00ff\n");
    fs::remove_file(root.join("etc/machine-id")).unwrap();
    assert!(machine.read(&recall(&state).unwrap()).unwrap_err().to_string().contains("machine-id"));
    fs::write(state.join(RECORD_NAME), "moon-phase\n").unwrap();
    assert!(recall(&state).unwrap_err().to_string().contains("moon-phase"));
}

#[test]
fn a_bare_machine_gets_a_file_once() {
    let root = folder("bare");
    let machine = Machine::rooted(&*root);
    let fallback = root.join("device-value");
    let mut entropy = TestEntropy::new(1);
    let (source, first) = choose(&machine, None, &fallback, &mut entropy).unwrap();
    assert_eq!((source.to_string(), first.value.len()), (format!("file:{}", fallback.display()), 32));
    assert_eq!(first.resistance, CopyResistance::CopiedWithDisk);
    let (_, second) = choose(&machine, None, &fallback, &mut entropy).unwrap();
    assert_eq!(first.value, second.value);
}

#[test]
fn names_round_trip_and_bad_ones_are_refused() {
    for name in ["soc-serial", "mac:eth0", "file:/a b/c", "nvmem:/sys/bus/nvmem/devices/otp/nvmem", "machine-id"] {
        assert_eq!(name.parse::<Source>().unwrap().to_string(), name);
    }
    for name in ["", "mac:", "mac:../../etc", "mac:..", "file:", "file:/a\nb", "Machine-id", "machine-id "] {
        assert!(name.parse::<Source>().unwrap_err().to_string().contains("there are soc-serial"), "{name:?}");
    }
}

#[test]
fn this_machine_says_something_sensible() {
    for (source, value) in Machine::this().candidates() {
        match value {
            Ok(value) => assert_eq!(value.source, source.to_string()),
            Err(error) => assert!(error.0.contains(&source.to_string())),
        }
    }
}
