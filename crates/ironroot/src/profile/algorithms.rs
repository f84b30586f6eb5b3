//! Algorithms as a list: `rsa,rsa-min-size=2048,ecc,ecc-nist,sha256`. The names are libtpms's; those of algorithms that
//! libtpms lacks are made the same way.

use ironroot_tpm::Profile;
use ironroot_wire::{
    Rules, TpmEccCurve, TpmaMlParameterSet,
    rules::{AlgorithmSet, KeySizes},
};

use crate::failure::{Failure, Result};

const NAMES: &[(&str, u16)] = &[
    ("rsa", 0x0001),
    ("tdes", 0x0003),
    ("sha1", 0x0004),
    ("hmac", 0x0005),
    ("aes", 0x0006),
    ("mgf1", 0x0007),
    ("keyedhash", 0x0008),
    ("xor", 0x000A),
    ("sha256", 0x000B),
    ("sha384", 0x000C),
    ("sha512", 0x000D),
    ("null", 0x0010),
    ("sm3-256", 0x0012),
    ("sm4", 0x0013),
    ("rsassa", 0x0014),
    ("rsaes", 0x0015),
    ("rsapss", 0x0016),
    ("oaep", 0x0017),
    ("ecdsa", 0x0018),
    ("ecdh", 0x0019),
    ("ecdaa", 0x001A),
    ("sm2", 0x001B),
    ("ecschnorr", 0x001C),
    ("ecmqv", 0x001D),
    ("hkdf", 0x001F),
    ("kdf1-sp800-56a", 0x0020),
    ("kdf2", 0x0021),
    ("kdf1-sp800-108", 0x0022),
    ("ecc", 0x0023),
    ("symcipher", 0x0025),
    ("camellia", 0x0026),
    ("sha3-256", 0x0027),
    ("sha3-384", 0x0028),
    ("sha3-512", 0x0029),
    ("cmac", 0x003F),
    ("ctr", 0x0040),
    ("ofb", 0x0041),
    ("cbc", 0x0042),
    ("cfb", 0x0043),
    ("ecb", 0x0044),
    ("eddsa", 0x0060),
    ("hash-eddsa", 0x0061),
    ("ml-kem", 0x00A0),
    ("ml-dsa", 0x00A1),
    ("hash-ml-dsa", 0x00A2),
];

const HASHES: &[&str] = &["sha1", "sha256", "sha384", "sha512", "sm3-256", "sha3-256", "sha3-384", "sha3-512"];

const CURVES: &[(&str, TpmEccCurve, u16)] = &[
    ("ecc-nist-p192", TpmEccCurve::NistP192, 192),
    ("ecc-nist-p224", TpmEccCurve::NistP224, 224),
    ("ecc-nist-p256", TpmEccCurve::NistP256, 256),
    ("ecc-nist-p384", TpmEccCurve::NistP384, 384),
    ("ecc-nist-p521", TpmEccCurve::NistP521, 521),
    ("ecc-bn-p256", TpmEccCurve::BnP256, 256),
    ("ecc-bn-p638", TpmEccCurve::BnP638, 638),
    ("ecc-sm2-p256", TpmEccCurve::Sm2P256, 256),
    ("ecc-bp-p256-r1", TpmEccCurve::BpP256R1, 256),
    ("ecc-bp-p384-r1", TpmEccCurve::BpP384R1, 384),
    ("ecc-bp-p512-r1", TpmEccCurve::BpP512R1, 512),
    ("ecc-curve25519", TpmEccCurve::Curve25519, 255),
    ("ecc-curve448", TpmEccCurve::Curve448, 448),
];

/// Names of several curves.
const GROUPS: &[(&str, &str)] = &[("ecc-nist", "ecc-nist-"), ("ecc-bn", "ecc-bn-"), ("ecc-bp", "ecc-bp-")];

const SETS: &[(&str, TpmaMlParameterSet)] = &[
    ("ml-kem-512", TpmaMlParameterSet::ML_KEM_512),
    ("ml-kem-768", TpmaMlParameterSet::ML_KEM_768),
    ("ml-kem-1024", TpmaMlParameterSet::ML_KEM_1024),
    ("ml-dsa-44", TpmaMlParameterSet::ML_DSA_44),
    ("ml-dsa-65", TpmaMlParameterSet::ML_DSA_65),
    ("ml-dsa-87", TpmaMlParameterSet::ML_DSA_87),
    ("ml-dsa-ext-mu", TpmaMlParameterSet::EXT_MU),
];

fn wrong(field: &str, entry: &str, why: &str) -> Failure {
    Failure::new(format!("{field}: {entry:?} {why}"))
}

/// Whether the implementation has the algorithm.
fn is_implemented(id: u16) -> bool {
    id == 0x0010 || Profile::EVERYTHING.rules.algorithms.contains(id)
}

/// What the entries of a list say, before it is put together.
#[derive(Default)]
struct Entries {
    ids: Vec<u16>,
    curves: u128,
    ecc_min: u16,
    sets: u32,
    mins: [u16; 3],
}

/// The rules that a list describes. Without the name of a curve, all curves of `ecc-min-size` and more are there; the
/// same goes for parameter sets.
///
/// # Errors
/// Which entry is wrong, and what is allowed.
pub fn parse(list: &str) -> Result<Rules> {
    let mut entries = Entries::default();
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        entries.add(entry)?;
    }
    let all = Profile::EVERYTHING.rules;
    let algorithms = AlgorithmSet::NONE.with_all(&entries.ids).without(0x0010);
    let at_least = |sizes: KeySizes, id: u16, min: u16| {
        let kept: Vec<u16> = sizes.iter().filter(|&bits| bits >= min && algorithms.contains(id)).collect();
        KeySizes::of(&kept)
    };
    let large = |curve: &&(&str, TpmEccCurve, u16)| curve.2 >= entries.ecc_min;
    let large = CURVES.iter().filter(large).fold(0, |set: u128, curve| set | 1 << curve.1.value());
    let curves = if entries.curves == 0 { all.curves } else { entries.curves };
    let has_lattices = [0x00A0, 0x00A1, 0x00A2].into_iter().any(|id| algorithms.contains(id));
    let sets = if entries.sets == 0 && has_lattices { all.ml_parameter_sets.0 } else { entries.sets };
    Ok(Rules {
        algorithms,
        curves: if algorithms.contains(0x0023) { curves & large & all.curves } else { 0 },
        rsa_key_bits: at_least(all.rsa_key_bits, 0x0001, entries.mins[0]),
        aes_key_bits: at_least(all.aes_key_bits, 0x0006, entries.mins[1]),
        camellia_key_bits: at_least(all.camellia_key_bits, 0x0026, entries.mins[2]),
        ml_parameter_sets: TpmaMlParameterSet(if has_lattices { sets } else { 0 }),
    })
}

impl Entries {
    fn add(&mut self, entry: &str) -> Result {
        if let Some((name, size)) = entry.split_once('=') {
            return self.add_size(entry, name, size);
        }
        if let Some((_, id)) = NAMES.iter().find(|(name, _)| *name == entry) {
            if !is_implemented(*id) {
                return Err(wrong("Algorithms", entry, "is not implemented"));
            }
            self.ids.push(*id);
        } else if let Some((_, set)) = SETS.iter().find(|(name, _)| *name == entry) {
            self.sets |= set.0;
        } else {
            return self.add_curves(entry);
        }
        Ok(())
    }

    fn add_curves(&mut self, entry: &str) -> Result {
        let group = GROUPS.iter().find(|(name, _)| *name == entry).map(|(_, prefix)| *prefix);
        let is_meant = |name: &str| name == entry || group.is_some_and(|prefix| name.starts_with(prefix));
        let mut known = false;
        for (name, curve, _) in CURVES.iter().filter(|(name, ..)| is_meant(name)) {
            known = true;
            if Profile::EVERYTHING.rules.has_curve(curve.value()) {
                self.curves |= 1 << curve.value();
            } else if group.is_none() {
                return Err(wrong("Algorithms", name, "is not implemented"));
            }
        }
        if known { Ok(()) } else { Err(wrong("Algorithms", entry, &format!("is unknown; allowed are {}", allowed()))) }
    }

    fn add_size(&mut self, entry: &str, name: &str, size: &str) -> Result {
        let bits = size.parse().map_err(|_| wrong("Algorithms", entry, "is not a number of bits"))?;
        let place = match name {
            "rsa-min-size" => &mut self.mins[0],
            "aes-min-size" => &mut self.mins[1],
            "camellia-min-size" => &mut self.mins[2],
            "ecc-min-size" => &mut self.ecc_min,
            "tdes-min-size" if matches!(bits, 128 | 192) => return Ok(()),
            _ => return Err(wrong("Algorithms", entry, "is not one of rsa-, aes-, camellia-, ecc- or tdes-min-size")),
        };
        *place = bits;
        Ok(())
    }
}

/// The names that may stand in a list.
fn allowed() -> String {
    let algorithms = NAMES.iter().filter(|(_, id)| is_implemented(*id)).map(|(name, _)| *name);
    let curves =
        CURVES.iter().filter(|curve| Profile::EVERYTHING.rules.has_curve(curve.1.value())).map(|curve| curve.0);
    algorithms.chain(curves).chain(SETS.iter().map(|(name, _)| *name)).collect::<Vec<_>>().join(", ")
}

/// Key sizes, each of which must be implemented.
///
/// # Errors
/// Which one is not, and which ones are.
pub fn exact_sizes(sizes: &[u16], implemented: KeySizes) -> Result<KeySizes> {
    if let Some(size) = sizes.iter().find(|&&size| !implemented.contains(size)) {
        let all: Vec<u16> = implemented.iter().collect();
        return Err(Failure::new(format!("KeySizes: {size} is not one of {all:?}")));
    }
    Ok(KeySizes::of(sizes))
}

/// Whether a list says what these rules are, key sizes between the smallest and the largest aside.
pub fn describes(list: &str, rules: &Rules) -> bool {
    parse(list).is_ok_and(|parsed| {
        parsed.algorithms == rules.algorithms
            && parsed.curves == rules.curves
            && parsed.ml_parameter_sets == rules.ml_parameter_sets
    })
}

/// The list of some rules.
pub fn print(rules: &Rules) -> String {
    let mut out: Vec<String> = Vec::new();
    for (name, _) in NAMES.iter().filter(|(_, id)| rules.algorithms.contains(*id)) {
        out.push((*name).into());
        let sizes = match *name {
            "rsa" => rules.rsa_key_bits,
            "aes" => rules.aes_key_bits,
            "camellia" => rules.camellia_key_bits,
            _ => KeySizes::NONE,
        };
        out.extend(sizes.iter().next().map(|least| format!("{name}-min-size={least}")));
        if *name == "ecc" {
            out.extend(CURVES.iter().filter(|curve| rules.has_curve(curve.1.value())).map(|curve| curve.0.into()));
        }
    }
    out.extend(SETS.iter().filter(|(_, set)| rules.ml_parameter_sets.0 & set.0 != 0).map(|(name, _)| (*name).into()));
    out.join(",")
}

/// The hashes in a list.
///
/// # Errors
/// Which entry is not a hash.
pub fn hashes(field: &str, list: &str) -> Result<AlgorithmSet> {
    let mut set = AlgorithmSet::NONE;
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let known = NAMES.iter().find(|(name, _)| *name == entry && HASHES.contains(name));
        let (_, id) =
            known.ok_or_else(|| wrong(field, entry, &format!("is not a hash; allowed are {}", HASHES.join(", "))))?;
        set = set.with(*id);
    }
    Ok(set)
}

/// The list of some hashes.
pub fn print_hashes(set: AlgorithmSet) -> String {
    let names = NAMES.iter().filter(|(_, id)| set.contains(*id)).map(|(name, _)| *name);
    names.collect::<Vec<_>>().join(",")
}
