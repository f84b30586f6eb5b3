//! Which parameters of two responses have to be equal, and how far.

use ironroot_wire::CommandInfo;

use crate::{
    bytes::Parts,
    entities::*,
    public::{self, Public},
    render::Rendered,
    step::{Call, Mutation, Piece},
    table,
    world::{Fields, World},
};

/// How two values are compared.
enum Compare {
    /// Byte by byte.
    Exact,
    /// Whether there is more, of what is the same in both.
    MoreData,
    /// Byte by byte, unless it is a counter: where one starts is the TPM's choice.
    NvData,
    /// Byte by byte, unless the rate was changed.
    Time,
    /// Byte by byte if the same went into the policy.
    PolicyDigest,
    /// The PCR update counter, which starts at a value of the TPM's choice.
    PcrCounter,
    /// Byte by byte if both TPMs worked with the same keys; otherwise the length.
    ExactIfSame,
    /// Only the length: random, or a MAC with a secret of the TPM.
    Length,
    /// Not at all.
    Nothing,
    /// A public area: all but a unique value that the TPM made.
    Public,
    /// A name: of each TPM's own public area.
    Name,
    /// Tag and hierarchy of a ticket, and how long its digest is.
    Ticket,
    /// An attestation structure, but for names of generated keys, clock and firmware.
    Attest,
    /// Creation data but for the names of the parent.
    CreationData,
    /// Hash algorithm and scheme; the rest if it is determined.
    Signature,
    /// A capability: each has rules of its own.
    Capability,
    /// A saved context: what it was and whose.
    Context,
    /// Parameters of a curve, which may come without leading zeros.
    Curve,
}

fn how(code: u32, field: &str, type_name: &str) -> Compare {
    match (code, field) {
        // GetRandom, StartAuthSession
        (0x17B, _) | (0x176, _) => Compare::Length,
        // RSA_Encrypt: padded with random bytes, unless there is no padding.
        (0x174, _) => Compare::Length,
        // ECDH_KeyGen, EC_Ephemeral, Commit, MakeCredential
        (0x163, _) | (0x18E, _) | (0x18B, _) | (0x168, _) => Compare::Nothing,
        // Duplicate, Rewrap
        (0x14B | 0x152, _) => Compare::Nothing,
        // ActivateCredential, Unseal, RSA_Decrypt: what the caller chose comes out.
        (0x147 | 0x15E | 0x159, _) => Compare::Exact,
        (0x189, _) => Compare::PolicyDigest,
        // GetTestResult and IncrementalSelfTest: what is still to be tested is what the TPM has not tested yet.
        (0x17C | 0x142, _) => Compare::Nothing,
        (0x181, _) => Compare::Time,
        (0x17E, "pcr_update_counter") => Compare::PcrCounter,
        // PCR_Allocate: sizes of memory are the vendor's.
        (0x12B, "size_needed" | "size_available") => Compare::Nothing,
        (0x17A, "more_data") => Compare::MoreData,
        // ZGen_2Phase: the ephemeral keys are each TPM's own.
        (0x18D, _) => Compare::Length,
        // ECDH_ZGen, HMAC, EncryptDecrypt, EncryptDecrypt2
        (0x154 | 0x155 | 0x164 | 0x193, _) => Compare::ExactIfSame,
        // SequenceComplete: HMAC sequences depend on their key.
        (0x13E, "result") => Compare::ExactIfSame,
        // Audit digests.
        (0x14D | 0x133, "audit_info") => Compare::Attest,
        (0x153 | 0x131, "creation_hash") => Compare::Length,
        (0x14E, _) => Compare::NvData,
        // NV_ReadPublic and NV_ReadPublic2
        (0x169 | 0x19E, _) => Compare::Exact,
        // Policy timeouts differ by the random epoch.
        (_, "timeout") => Compare::Length,
        _ => match type_name {
            "Tpm2bPrivate" | "Tpm2bEncryptedSecret" | "Tpm2bIdObject" => Compare::Nothing,
            "Tpm2bName" => Compare::Name,
            "Tpm2b<TpmtPublic>" | "Tpm2b<TpmtPublicPlus>" => Compare::Public,
            "Tpm2b<TpmsCreationData>" => Compare::CreationData,
            "Tpm2bAttest" => Compare::Attest,
            "TpmtSignature" | "Option<TpmtSignature>" => Compare::Signature,
            "TpmsCapabilityData" => Compare::Capability,
            "TpmsContext" => Compare::Context,
            "TpmsAlgorithmDetailEcc" => Compare::Curve,
            name if name.starts_with("TpmtTk") => Compare::Ticket,
            _ => Compare::Exact,
        },
    }
}

/// Compares the parameters of two responses.
///
/// # Errors
/// The first that differs, with its values.
pub fn fields(
    world: &World,
    call: &Call,
    info: &'static CommandInfo,
    rendered: &Pair<Rendered>,
    fields: &Pair<Fields>,
) -> Result<(), (&'static str, Pair<Vec<u8>>)> {
    let same = rendered[OURS].handles.iter().all(|handle| world.object_at(*handle, OURS).is_none_or(Object::same))
        && rendered[OURS].parameters == rendered[THEIRS].parameters
        && !matches!(call.mutation, Some(Mutation::Code(_)));
    for (at, field) in info.response_parameters.iter().enumerate() {
        let [ours, theirs] = [&fields[OURS][at].1, &fields[THEIRS][at].1];
        let equal = match how(info.code.0, field.name, &table::type_name(field.type_name)) {
            Compare::Exact => ours == theirs,
            Compare::MoreData => {
                let mut parts = Parts(&rendered[OURS].parameters);
                let (kind, property) = (parts.u32().unwrap_or(0), parts.u32().unwrap_or(0));
                let same = matches!(kind, 5 | 9) || kind == 1 && property >> 24 != 0x80;
                !same || ours == theirs
            }
            Compare::NvData => {
                let index = rendered[OURS].handles.get(1).and_then(|handle| world.indices.get(handle));
                index.is_some_and(Index::is_counter) && ours.len() == theirs.len() || ours == theirs
            }
            Compare::Time => world.clock_free || ours == theirs,
            Compare::PolicyDigest => {
                let session = rendered[OURS].handles.first().and_then(|handle| world.session_at(*handle));
                let same = session.and_then(|id| world.sessions.get(&id)).is_none_or(|session| session.same);
                if same { ours == theirs } else { ours.len() == theirs.len() }
            }
            Compare::PcrCounter => {
                let ahead = |ours: &[u8], theirs: &[u8]| Some(Parts(theirs).u32()?.wrapping_sub(Parts(ours).u32()?));
                world.pcr_ahead.is_none_or(|expected| ahead(ours, theirs) == Some(expected))
            }
            Compare::ExactIfSame if same => ours == theirs,
            Compare::ExactIfSame | Compare::Length => ours.len() == theirs.len(),
            Compare::Nothing => true,
            Compare::Public => same_public(ours, theirs),
            Compare::Name => same_name(world, info.code.0, rendered, fields, field.name, ours, theirs),
            Compare::Ticket => same_ticket(ours, theirs),
            Compare::CreationData => same_creation(ours, theirs),
            Compare::Attest => {
                let mut handles = rendered[OURS].handles.iter();
                let counter = handles.any(|handle| world.indices.get(handle).is_some_and(Index::is_counter));
                same_attest(ours, theirs, same, world.clock_free || counter).is_some()
            }
            Compare::Signature => same_signature(ours, theirs, same && info.code.0 == 0x15D),
            Compare::Capability => same_capability(ours, theirs),
            Compare::Context => ours.get(8..16) == theirs.get(8..16),
            Compare::Curve => ours == theirs || curve(ours).is_some() && curve(ours) == curve(theirs),
        };
        if !equal || !agreed(world, call, info.code.0, fields) {
            return Err((field.name, [ours.clone(), theirs.clone()]));
        }
    }
    Ok(())
}

/// The parameters of a curve without leading zeros.
fn curve(bytes: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let mut parts = Parts(bytes);
    parts.take(4)?;
    for _ in ["kdf", "sign"] {
        if parts.u16()? != public::NULL {
            parts.u16()?;
        }
    }
    let (head, _) = bytes.split_at(bytes.len() - parts.0.len());
    let mut numbers = Vec::new();
    while !parts.0.is_empty() {
        let number = parts.sized()?;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        numbers.push(&number[zeros..]);
    }
    Some((head, numbers))
}

/// Whether TPM2_ECDH_ZGen finds what TPM2_ECDH_KeyGen gave, whichever TPM that was.
fn agreed(world: &World, call: &Call, code: u32, fields: &Pair<Fields>) -> bool {
    let [Piece::Field { of, name: "pub_point", swap }] = call.parameters.as_slice() else { return true };
    let Some(made) = world.results.get(of).filter(|_| code == 0x154 && call.mutation.is_none()) else { return true };
    [OURS, THEIRS].iter().all(|&side| {
        let from = &made[if *swap { 1 - side } else { side }];
        let expected = from.iter().find(|(name, _)| *name == "z_point").map(|(_, value)| value);
        expected == fields[side].first().map(|(_, value)| value)
    })
}

fn same_public(ours: &[u8], theirs: &[u8]) -> bool {
    if ours == theirs {
        return true;
    }
    let parse = |bytes: &[u8]| Public::parse(bytes.get(2..)?);
    let (Some(ours), Some(theirs)) = (parse(ours), parse(theirs)) else { return false };
    let (mut one, mut two) = (ours, theirs);
    let sizes = |public: &Public| public.unique_parts().map(|parts| parts.iter().map(Vec::len).collect::<Vec<_>>());
    // Coordinates may come without leading zeros.
    if one.alg != public::ECC && sizes(&one) != sizes(&two) {
        return false;
    }
    one.unique.clear();
    two.unique.clear();
    one == two
}

/// Names of public areas that differ are each that of its own.
fn same_name(
    world: &World,
    code: u32,
    rendered: &Pair<Rendered>,
    fields: &Pair<Fields>,
    field: &str,
    ours: &[u8],
    theirs: &[u8],
) -> bool {
    if ours == theirs {
        return true;
    }
    if field == "qualified_name" {
        return ours.len() == theirs.len();
    }
    let value = |side: usize| if side == OURS { ours } else { theirs };
    [OURS, THEIRS].iter().all(|&side| {
        let public = fields[side].iter().find(|(name, _)| *name == "out_public").map(|(_, bytes)| bytes.clone());
        // Load and LoadExternal have the public area among their parameters.
        let public = public.or_else(|| {
            let mut parts = Parts(&rendered[side].parameters);
            parts.sized()?;
            matches!(code, 0x157 | 0x167).then(|| parts.0.to_vec())
        });
        let name = public.and_then(|bytes| Public::parse(Parts(&bytes).sized()?)).map(|public| public.name());
        let _ = world;
        name.is_some_and(|name| value(side).get(2..) == Some(&name))
    })
}

fn same_ticket(ours: &[u8], theirs: &[u8]) -> bool {
    // Each TPM may choose the hash of its tickets, but a NULL ticket is a NULL ticket.
    ours.get(..6) == theirs.get(..6) && (ours.len() == 8) == (theirs.len() == 8)
}

fn same_creation(ours: &[u8], theirs: &[u8]) -> bool {
    let split = |bytes: &[u8]| -> Option<(Vec<u8>, usize, usize, Vec<u8>)> {
        let mut parts = Parts(bytes);
        parts.u16()?;
        let start = parts.0;
        let count = parts.u32()?;
        for _ in 0..count {
            parts.u16()?;
            let size = parts.u8()?;
            parts.take(size.into())?;
        }
        parts.sized()?;
        parts.take(3)?;
        let head = start[..start.len() - parts.0.len()].to_vec();
        Some((head, parts.sized()?.len(), parts.sized()?.len(), parts.0.to_vec()))
    };
    split(ours).is_some() && split(ours) == split(theirs)
}

/// `None` if they differ in what is determined.
fn same_attest(ours: &[u8], theirs: &[u8], same: bool, free: bool) -> Option<()> {
    let (mut one, mut two) = (Parts(ours), Parts(theirs));
    one.u16()?;
    two.u16()?;
    let kind = equal(one.take(6)?, two.take(6)?)?;
    // The qualified signer.
    equal(&one.sized()?.len(), &two.sized()?.len())?;
    equal(one.sized()?, two.sized()?)?;
    // Clock, counts and firmware version are obfuscated, or of the vendor.
    one.take(25)?;
    two.take(25)?;
    match u16::from_be_bytes([kind[4], kind[5]]) {
        // Contents of counters, and time at another rate.
        0x8019 | 0x8014 | 0x801C if free => Some(()),
        // TPM_ST_ATTEST_QUOTE, _NV, _NV_DIGEST
        0x8018 | 0x8014 | 0x801C => equal(one.0, two.0).map(|_| ()),
        // TPM_ST_ATTEST_CERTIFY, _CREATION
        0x8017 | 0x801A => {
            if same {
                equal(one.sized()?, two.sized()?)?;
            } else {
                equal(&one.sized()?.len(), &two.sized()?.len())?;
            }
            equal(&one.sized()?.len(), &two.sized()?.len()).map(|_| ())
        }
        // TPM_ST_ATTEST_TIME
        0x8019 => equal(one.take(8)?, two.take(8)?).map(|_| ()),
        _ => equal(&one.0.len(), &two.0.len()).map(|_| ()),
    }
}

fn equal<'a, T: PartialEq + ?Sized>(one: &'a T, two: &T) -> Option<&'a T> {
    (one == two).then_some(one)
}

fn same_signature(ours: &[u8], theirs: &[u8], determined: bool) -> bool {
    if ours == theirs {
        return true;
    }
    // RSASSA and HMAC are deterministic.
    let deterministic = matches!(ours.get(..2), Some([0, 0x14] | [0, 0x05]));
    !(determined && deterministic) && ours.get(..4) == theirs.get(..4)
}

fn same_capability(ours: &[u8], theirs: &[u8]) -> bool {
    let kind = |bytes: &[u8]| Parts(bytes).u32();
    if kind(ours) != kind(theirs) {
        return false;
    }
    match kind(ours) {
        // Slots are numbered as each TPM likes.
        Some(1) if ours.get(8) == Some(&0x80) => ours.len() == theirs.len(),
        // Handles, assigned PCR and policies are state, and so the same; the rest is what each of them is.
        Some(1 | 5 | 9) => ours == theirs,
        _ => true,
    }
}
