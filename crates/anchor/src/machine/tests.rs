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
    for name in [
        "all:soc-serial+mac:eth0",
        "2-of:soc-serial+mac:eth0+machine-id",
        "8-of:mac:a+mac:b+mac:c+mac:d+mac:e+mac:f+mac:g+mac:h",
        "hardware-tpm:/dev/tpmrm0",
    ] {
        assert_eq!(name.parse::<Source>().unwrap().to_string(), name);
    }
    for name in [
        "all:soc-serial",
        "all:soc-serial+soc-serial",
        "all:all:soc-serial+mac:eth0+machine-id",
        "1-of:soc-serial+machine-id",
        "3-of:soc-serial+machine-id",
        "02-of:soc-serial+machine-id",
        "-of:soc-serial+machine-id",
        "2-of:mac:a+mac:b+mac:c+mac:d+mac:e+mac:f+mac:g+mac:h+mac:i",
        "hardware-tpm:",
    ] {
        assert!(name.parse::<Source>().is_err(), "{name}");
    }
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

fn product() -> crate::Product {
    crate::ProductSecret::take(&mut core::array::from_fn(|i| i as u8)).into()
}

/// A board with a serial number, a network interface and an installed system.
fn board(root: &Path) -> Machine {
    put(root, "sys/devices/soc0/serial_number", "0x00ff\n");
    put(root, "etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n");
    interface(root, "eth0", "aa:00:00:00:00:03\n", "0", Some("pci"));
    Machine::rooted(root)
}

#[test]
fn all_of_several_sources() {
    let root = folder("all");
    let machine = board(&root);
    let source: Source = "all:soc-serial+machine-id".parse().unwrap();
    let value = machine.read(&source).unwrap();
    assert_eq!(value.resistance, CopyResistance::Fused);
    let wanted = b"ironroot/device-value/all/v1\0\0\0\0\x02\0\0\0\x060x00ff\0\0\0\x203d1219c7c4c5404aaa1f6d2a48adfda4";
    assert_eq!(value.value.as_slice(), wanted);
    fs::remove_file(root.join("etc/machine-id")).unwrap();
    let error = machine.read(&source).unwrap_err().to_string();
    assert!(error.contains("all:soc-serial") && error.contains("etc/machine-id"), "{error}");
}

#[test]
fn a_grade_has_its_reasons() {
    let root = folder("grade");
    let machine = board(&root);
    let grade = |name: &str| machine.grade(&name.parse().unwrap());
    use CopyResistance::{CopiedWithDisk, Fused, Readable};
    assert_eq!(grade("soc-serial").resistance, Fused);
    assert_eq!(grade("all:machine-id+mac:eth0").resistance, Readable);
    assert_eq!(grade("2-of:soc-serial+mac:eth0+machine-id").resistance, Readable);
    assert_eq!(grade("3-of:soc-serial+mac:eth0+machine-id").resistance, Fused);
    assert_eq!(grade("2-of:file:/a+mac:eth0+machine-id").resistance, CopiedWithDisk);
    let reasons = grade("2-of:soc-serial+mac:eth0+machine-id").reasons;
    assert_eq!(reasons.len(), 4);
    assert!(reasons[0].starts_with("soc-serial: good") && reasons[0].contains("life of the chip"), "{reasons:?}");
    assert!(reasons[3].contains("any 2"), "{reasons:?}");
}

#[test]
fn a_repaired_board_is_the_device_and_a_copied_disk_is_not() {
    let root = folder("repair");
    let machine = board(&root);
    let state = root.join("state");
    fs::create_dir(&state).unwrap();
    let source: Source = "2-of:soc-serial+mac:eth0+machine-id".parse().unwrap();
    let mut entropy = TestEntropy::new(1);
    let made = enroll(&machine, &product(), &state, &source, &mut entropy).unwrap();
    assert_eq!(made.resistance, CopyResistance::Readable);
    let read = || value(&machine, &product(), &state, &source);
    let (now, warning) = read().unwrap();
    assert_eq!((&now.value, warning), (&made.value, None));
    assert!(machine.read(&source).unwrap_err().to_string().contains("helper"));
    // Made again after a wipe that left the helper data: the same device.
    assert_eq!(enroll(&machine, &product(), &state, &source, &mut entropy).unwrap().value, made.value);

    // A new network interface: the same device, with a word. Its value is taken over, and then the chip may go.
    put(&root, "sys/class/net/eth0/address", "aa:00:00:00:00:99\n");
    let (now, warning) = read().unwrap();
    assert_eq!(now.value, made.value);
    assert!(warning.unwrap().contains("mac:eth0"));
    assert_eq!(refresh(&machine, &product(), &state, &source, &mut entropy).unwrap(), ["mac:eth0"]);
    assert_eq!(read().unwrap().1, None);
    put(&root, "sys/devices/soc0/serial_number", "0x0100\n");
    assert_eq!(read().unwrap().0.value, made.value);

    // The disk alone in another machine: machine-id and helper data are there, and it is not the device.
    put(&root, "sys/class/net/eth0/address", "aa:00:00:00:00:01\n");
    let error = read().err().unwrap().to_string();
    assert!(error.contains("too few") && error.contains("another device"), "{error}");
    fs::remove_file(root.join("sys/class/net/eth0/address")).unwrap();
    fs::remove_file(root.join("sys/devices/soc0/serial_number")).unwrap();
    let error = read().err().unwrap().to_string();
    assert!(error.contains("only 1") && error.contains("2 are needed"), "{error}");
    assert!(refresh(&machine, &product(), &state, &source, &mut entropy).is_err());
    fs::remove_file(state.join(HELPER_NAME)).unwrap();
    assert!(read().err().unwrap().to_string().contains("restore the file"));
}

#[test]
fn bindings_are_kept_and_checked() {
    let root = folder("binding-file");
    assert_eq!(binding(&root).unwrap(), None);
    let device = ironroot_platform::memory::FixedDevice::new(b"this");
    let start = || crate::init::Start::new(product()).unwrap().device(&device, CopyResistance::CopiedWithDisk).unwrap();
    let (_, made) = start().enroll();
    bind(&root, &made).unwrap();
    assert_eq!(binding(&root).unwrap(), Some(made));
    put(&root, BINDING_NAME, "nonsense");
    assert!(binding(&root).unwrap_err().to_string().contains("device-binding"));
}

#[test]
fn a_threshold_that_a_copied_disk_meets_is_refused() {
    let root = folder("disk");
    let machine = board(&root);
    put(&root, "value", b"thirty-two bytes of a file, as is");
    let source = format!("2-of:soc-serial+machine-id+file:{}", root.join("value").display());
    let refused = enroll(&machine, &product(), &root, &source.parse().unwrap(), &mut TestEntropy::new(1));
    assert!(refused.unwrap_err().to_string().contains("a copy of the disk would be the device"));
    assert!(!root.join(HELPER_NAME).exists());
    let source = source.replace("2-of", "3-of").parse().unwrap();
    enroll(&machine, &product(), &root, &source, &mut TestEntropy::new(1)).unwrap();
}

#[test]
fn a_hardware_tpm_that_is_none_says_so() {
    let root = folder("tpm");
    let machine = Machine::this();
    let read = |path: PathBuf| machine.read(&Source::HardwareTpm(path)).unwrap_err().to_string();
    assert!(read(root.join("tpmrm0")).contains("there is no TPM"));
    put(&root, "file", "x");
    assert!(read(root.join("file")).contains("no device of a TPM"));
    // One that refuses, and one that hangs up.
    let path = root.join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let answers = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for answer in [&[0x80, 1, 0, 0, 0, 10, 0, 0, 0x09, 0xa2][..], &[]] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut command = [0; 57];
            stream.read_exact(&mut command).unwrap();
            assert_eq!(command[..14], [0x80, 2, 0, 0, 0, 57, 0, 0, 1, 0x31, 0x40, 0, 0, 0x0b]);
            stream.write_all(answer).unwrap();
        }
    });
    assert!(read(path.clone()).contains("0x9a2"));
    assert!(read(path).contains("ended the connection"));
    answers.join().unwrap();
}
