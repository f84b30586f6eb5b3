//! Which error wins, and how it is numbered: the same malformed bytes go to this TPM and to libtpms, and the response
//! codes must be equal but for what the table of intended differences explains.

use crate::common::{TestTpm, encode, frame, password, rc};
use crate::peer::Swtpm;
use ironroot_tpm::implemented_commands;
use ironroot_wire::*;

/// Where this TPM answers otherwise on purpose: the case, our code, libtpms's code, and why.
#[rustfmt::skip]
const INTENDED: &[(&str, u32, u32, &str)] = &[
    ("bad tag", 0x01E, 0x084, "Part 3, 5.2 names TPM_RC_BAD_TAG"),
    ("transient not loaded", 0x910, 0x184, SLOTS),
    ("transient far away", 0x910, 0x184, SLOTS),
    ("second transient not loaded", 0x911, 0x284, SLOTS),
    ("flush what is not there", 0x1CB, 0x1C4, SLOTS),
    ("save what is not there", 0x910, 0x184, SLOTS),
    ("salt with what is not loaded", 0x910, 0x184, SLOTS),
    ("bind to what is not loaded", 0x911, 0x284, SLOTS),
    ("persistent not there", 0x18B, 0x902, "libtpms looks for a slot to load a persistent object into before it looks for the object"),
    ("platform persistent not there", 0x18B, 0x902, "the same"),
    ("policy handle of an HMAC session", 0x910, 0x18B, KIND),
    ("HMAC handle of a policy session", 0x918, 0x98B, KIND),
    ("empty area", 0x144, 0x095, AREA),
    ("area of 8", 0x144, 0x095, AREA),
    ("area beyond the command", 0x144, 0x095, AREA),
    ("area's size missing", 0x144, 0x09A, AREA),
    ("area's size cut", 0x144, 0x09A, AREA),
    ("not a session", 0x98B, 0x984, "Part 3, 5.5, point 4.1 names TPM_RC_HANDLE"),
    ("a hierarchy as session", 0x98B, 0x984, "the same"),
    ("exclusive without audit", 0x982, 0x9A2, "Part 2, 8.4: only allowed if audit is set (TPM_RC_ATTRIBUTES)"),
    ("reset without audit", 0x982, 0x9A2, "the same"),
    ("wrong password of an index", 0x14A, 0x9A2, "Part 3, 31.1: not written comes before the auth value"),
    ("policy secret with a bad nonce", 0x1C4, 0x1CF, "Part 3, 23.2.2, point 1 names TPM_RC_VALUE"),
    ("key that only a policy opens, password", 0x99D, 0x12F, POLICY_ONLY),
    ("key that only a policy opens, HMAC", 0x99D, 0x12F, POLICY_ONLY),
    ("sessions for a start-up", 0x145, 0x100, "Part 3, 5.5, point 1; the action, which refuses a second start, comes later"),
];
const POLICY_ONLY: &str = "Part 3, 5.6, point 7.1 names TPM_RC_POLICY_FAIL";
const SLOTS: &str =
    "Part 3, 5.4, point 2.1; libtpms has three slots, and calls a handle that no slot could have a bad value";
const KIND: &str =
    "Part 3, 5.4 and 5.5: a session that is not loaded; the number is in use, but by a session of the other kind";
const AREA: &str = "Part 3, 5.5, point 3 names TPM_RC_AUTHSIZE";

/// What the preparation leaves, in both TPMs: handles are given out in the same order.
const KEY: u32 = 0x8000_0000;
const POLICY_KEY: u32 = 0x8000_0001;
const PUBLIC_ONLY: u32 = 0x8000_0002;
const HMAC: u32 = 0x0200_0000;
const POLICY: u32 = 0x0300_0001;
const TRIAL: u32 = 0x0300_0002;
const CIPHER: u32 = 0x0200_0002;
const INDEX: u32 = 0x0180_0001;
const LOCKED: u32 = 0x0180_0002;
const POLICY_INDEX: u32 = 0x0180_0003;
const PW: u32 = 0x4000_0009;
const OWNER: u32 = 0x4000_0001;
const LOCKOUT: u32 = 0x4000_000A;
const PLATFORM: u32 = 0x4000_000C;

const CONTINUE: u8 = 0x01;
const EXCLUSIVE: u8 = 0x02;
const RESET: u8 = 0x04;
const DECRYPT: u8 = 0x20;
const ENCRYPT: u8 = 0x40;
const AUDIT: u8 = 0x80;

fn session(handle: u32, nonce: &[u8], attributes: u8, auth: &[u8]) -> Vec<u8> {
    let mut out = handle.to_be_bytes().to_vec();
    out.extend((nonce.len() as u16).to_be_bytes());
    out.extend(nonce);
    out.push(attributes);
    out.extend((auth.len() as u16).to_be_bytes());
    out.extend(auth);
    out
}

fn pw(auth: &[u8]) -> Vec<u8> {
    session(PW, b"", CONTINUE, auth)
}

/// A command with sessions.
fn with(code: u32, handles: &[u32], sessions: &[Vec<u8>], parameters: &[u8]) -> Vec<u8> {
    let area = sessions.concat();
    sized(code, handles, area.len() as u32, &area, parameters)
}

/// The same with an authorizationSize of its own.
fn sized(code: u32, handles: &[u32], size: u32, area: &[u8], parameters: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = handles.iter().flat_map(|handle| handle.to_be_bytes()).collect();
    body.extend(size.to_be_bytes());
    body.extend(area);
    body.extend(parameters);
    frame(TpmSt::Sessions, code, &body)
}

/// A command without sessions.
fn plain(code: u32, handles: &[u32], parameters: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = handles.iter().flat_map(|handle| handle.to_be_bytes()).collect();
    body.extend(parameters);
    frame(TpmSt::NoSessions, code, &body)
}

const GET_RANDOM: u32 = 0x17B;
const READ_PUBLIC: u32 = 0x173;
const CHANGE_AUTH: u32 = 0x129;
const NV_READ: u32 = 0x14E;
const NV_WRITE: u32 = 0x137;
const SIGN: u32 = 0x15D;
const CREATE: u32 = 0x153;
const CERTIFY: u32 = 0x148;
const OBJECT_CHANGE_AUTH: u32 = 0x150;
const CLOCK_SET: u32 = 0x128;
const PCR_EXTEND: u32 = 0x182;
const POLICY_SECRET: u32 = 0x151;
const START: u32 = 0x176;
const CONTEXT_SAVE: u32 = 0x162;
const EVICT: u32 = 0x120;
const STIR: u32 = 0x146;
const DUPLICATE: u32 = 0x14B;

fn headers() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("bad tag", vec![0, 0xC1, 0, 0, 0, 10, 0, 0, 1, 0x7B]),
        ("size too large", vec![0x80, 1, 0, 0, 0, 13, 0, 0, 1, 0x7B, 0, 8]),
        ("unknown command", plain(0x1FF, &[], &[])),
        ("command code 0", plain(0, &[], &[])),
        ("reserved bit of the command code", plain(0x0101_017B, &[], &[0, 8])),
        ("vendor command", plain(0x2000_0000, &[], &[])),
        ("random", plain(GET_RANDOM, &[], &[0, 8])),
        ("parameter missing", plain(GET_RANDOM, &[], &[])),
        ("parameter cut", plain(GET_RANDOM, &[], &[0])),
        ("surplus", plain(GET_RANDOM, &[], &[0, 8, 0])),
        ("startup again", plain(0x144, &[], &[0, 0])),
    ]
}

fn handles() -> Vec<(&'static str, Vec<u8>)> {
    let nonce = [&[0u8, 16][..], &[7; 16], &[0, 0, 0, 0, 0x10, 0, 0x0B]].concat();
    vec![
        ("no handle", plain(READ_PUBLIC, &[], &[])),
        ("half a handle", plain(READ_PUBLIC, &[], &[0x80, 0])),
        ("handle of another kind", plain(READ_PUBLIC, &[OWNER], &[])),
        ("transient not loaded", plain(READ_PUBLIC, &[0x8000_0009], &[])),
        ("transient far away", plain(READ_PUBLIC, &[0x80FF_FFFF], &[])),
        ("persistent not there", plain(READ_PUBLIC, &[0x8100_0001], &[])),
        ("platform persistent not there", plain(READ_PUBLIC, &[0x8180_0001], &[])),
        ("index not there", plain(0x169, &[0x0180_0009], &[])),
        ("index of another kind", plain(0x169, &[KEY], &[])),
        ("PCR out of range", with(PCR_EXTEND, &[24], &[pw(b"")], &[0, 0, 0, 0])),
        ("hierarchy expected", with(CHANGE_AUTH, &[KEY], &[pw(b"")], &[0, 0])),
        ("second handle missing", with(CERTIFY, &[KEY], &[pw(b""), pw(b"")], &[])),
        ("second transient not loaded", with(CERTIFY, &[KEY, 0x8000_0009], &[pw(b""), pw(b"")], &[0, 0, 0, 0x10])),
        ("session handle not loaded", plain(0x189, &[0x0300_0009], &[])),
        ("HMAC session for a policy", plain(0x189, &[HMAC], &[])),
        ("policy handle of an HMAC session", plain(0x189, &[0x0300_0000], &[])),
        ("flush what is not there", plain(0x165, &[], &[0x80, 0, 0, 9])),
        ("flush a hierarchy", plain(0x165, &[], &[0x40, 0, 0, 1])),
        ("save what is not there", plain(CONTEXT_SAVE, &[0x8000_0009], &[])),
        ("save a session that is not there", plain(CONTEXT_SAVE, &[0x0200_0009], &[])),
        ("salt with what is not loaded", plain(START, &[0x8000_0009, 0x4000_0007], &nonce)),
        ("bind to what is not loaded", plain(START, &[0x4000_0007, 0x8000_0009], &nonce)),
        ("locked for writing", with(NV_WRITE, &[LOCKED, LOCKED], &[pw(b"index")], &[0, 1, 7, 0, 0])),
        ("locked for writing, wrong password", with(NV_WRITE, &[LOCKED, LOCKED], &[pw(b"bad")], &[0, 1, 7, 0, 0])),
        ("not yet written", with(NV_READ, &[INDEX, INDEX], &[pw(b"index")], &[0, 1, 0, 0])),
    ]
}

fn areas() -> Vec<(&'static str, Vec<u8>)> {
    let new = [0, 0];
    let owner = [OWNER];
    let s = |handle, attributes| session(handle, &[1; 16], attributes, &[2; 32]);
    vec![
        ("authorization missing", plain(CHANGE_AUTH, &owner, &new)),
        ("second authorization missing", with(CERTIFY, &[KEY, KEY], &[pw(b"")], &[0, 0, 0, 0x10])),
        ("empty area", sized(CHANGE_AUTH, &owner, 0, &[], &new)),
        ("area of 8", sized(CHANGE_AUTH, &owner, 8, &pw(b"")[..8], &new)),
        ("area beyond the command", sized(CHANGE_AUTH, &owner, 40, &pw(b""), &new)),
        ("area takes a parameter's byte", sized(CHANGE_AUTH, &owner, 10, &pw(b""), &new)),
        ("area's size missing", frame(TpmSt::Sessions, CHANGE_AUTH, &OWNER.to_be_bytes())),
        ("area's size cut", frame(TpmSt::Sessions, CHANGE_AUTH, &[0x40, 0, 0, 1, 0, 0])),
        ("nonce beyond the area", sized(CHANGE_AUTH, &owner, 9, &[0x40, 0, 0, 9, 0, 9, 1, 0, 0], &new)),
        ("HMAC beyond the area", sized(CHANGE_AUTH, &owner, 9, &[0x40, 0, 0, 9, 0, 0, 1, 0, 1], &new)),
        ("nonce too large", with(CHANGE_AUTH, &owner, &[session(HMAC, &[1; 65], CONTINUE, &[])], &new)),
        ("HMAC too large", with(CHANGE_AUTH, &owner, &[session(HMAC, &[1; 16], CONTINUE, &[2; 65])], &new)),
        ("four sessions", with(CHANGE_AUTH, &owner, &[pw(b""), s(HMAC, 0x21), s(CIPHER, 0x41), s(POLICY, 0x81)], &new)),
        ("not a session", with(CHANGE_AUTH, &owner, &[s(KEY, CONTINUE)], &new)),
        ("a hierarchy as session", with(CHANGE_AUTH, &owner, &[s(OWNER, CONTINUE)], &new)),
        ("HMAC session not loaded", with(CHANGE_AUTH, &owner, &[s(0x0200_0009, CONTINUE)], &new)),
        ("policy session not loaded", with(CHANGE_AUTH, &owner, &[s(0x0300_0009, CONTINUE)], &new)),
        ("second session not loaded", with(CHANGE_AUTH, &owner, &[pw(b""), s(0x0200_0009, CONTINUE)], &new)),
        ("HMAC handle of a policy session", with(CHANGE_AUTH, &owner, &[s(0x0200_0001, CONTINUE)], &new)),
        ("reserved attribute bits", with(CHANGE_AUTH, &owner, &[session(PW, b"", 0x09, b"")], &new)),
        ("password with nonce", with(CHANGE_AUTH, &owner, &[session(PW, &[1; 16], CONTINUE, b"")], &new)),
        ("password to decrypt", with(CHANGE_AUTH, &owner, &[session(PW, b"", DECRYPT | CONTINUE, b"")], &new)),
        ("password to encrypt", with(NV_READ, &[INDEX, INDEX], &[session(PW, b"", ENCRYPT, b"")], &[0, 1, 0, 0])),
        ("password to audit", with(CHANGE_AUTH, &owner, &[session(PW, b"", AUDIT, b"")], &new)),
        ("password without continue", with(CHANGE_AUTH, &[LOCKOUT], &[session(PW, b"", 0, b"bad")], &new)),
        ("password authorizes nothing", with(GET_RANDOM, &[], &[pw(b"")], &[0, 8])),
        ("second password authorizes nothing", with(CHANGE_AUTH, &owner, &[pw(b""), pw(b"")], &new)),
        ("session does nothing", with(GET_RANDOM, &[], &[s(HMAC, CONTINUE)], &[0, 8])),
        ("second session does nothing", with(CHANGE_AUTH, &owner, &[pw(b""), s(HMAC, CONTINUE)], &new)),
        ("same session twice", with(CHANGE_AUTH, &owner, &[s(CIPHER, CONTINUE), s(CIPHER, DECRYPT)], &new)),
        ("two decrypt", with(CHANGE_AUTH, &owner, &[s(CIPHER, DECRYPT), s(HMAC, DECRYPT)], &new)),
        ("two encrypt", with(NV_READ, &[INDEX, INDEX], &[s(CIPHER, ENCRYPT), s(HMAC, ENCRYPT)], &[0, 1, 0, 0])),
        ("two audit", with(GET_RANDOM, &[], &[s(CIPHER, AUDIT), s(HMAC, AUDIT)], &[0, 8])),
        ("nothing to decrypt", with(GET_RANDOM, &[], &[s(CIPHER, DECRYPT)], &[0, 8])),
        ("nothing to encrypt", with(CHANGE_AUTH, &owner, &[pw(b""), s(CIPHER, ENCRYPT)], &new)),
        ("no cipher to decrypt", with(CHANGE_AUTH, &owner, &[pw(b""), s(HMAC, DECRYPT)], &new)),
        ("no cipher to encrypt", with(GET_RANDOM, &[], &[s(HMAC, ENCRYPT)], &[0, 8])),
        ("policy session audits", with(GET_RANDOM, &[], &[s(POLICY, AUDIT)], &[0, 8])),
        ("audit session authorizes", with(CHANGE_AUTH, &owner, &[s(HMAC, AUDIT)], &new)),
        ("exclusive without audit", with(CHANGE_AUTH, &owner, &[s(HMAC, EXCLUSIVE | CONTINUE)], &new)),
        ("reset without audit", with(CHANGE_AUTH, &owner, &[s(HMAC, RESET | CONTINUE)], &new)),
        ("sessions for a start-up", with(0x144, &[], &[pw(b"")], &[0, 0])),
        ("sessions for saving a context", with(CONTEXT_SAVE, &[KEY], &[pw(b"")], &[])),
        ("sessions for flushing", with(0x165, &[], &[pw(b"")], &[0x80, 0, 0, 9])),
        ("sessions for loading a context", with(0x161, &[], &[pw(b"")], &[])),
        ("sessions for starting one", with(START, &[0x4000_0007; 2], &[s(CIPHER, AUDIT)], &[])),
        ("sessions for reading PCR", with(0x17E, &[], &[s(HMAC, AUDIT)], &[0, 0, 0, 0])),
        ("sessions for restarting a policy", with(0x180, &[POLICY], &[s(HMAC, AUDIT)], &[])),
        ("sessions for a self-test", with(0x143, &[], &[s(HMAC, AUDIT)], &[1])),
    ]
}

fn authorizations() -> Vec<(&'static str, Vec<u8>)> {
    let new = [0, 0];
    let read = [0, 1, 0, 0];
    let digest = [&[0u8, 32][..], &[7; 32], &[0, 0x18, 0, 0x0B, 0x80, 0x24, 0x40, 0, 0, 7, 0, 0]].concat();
    let s = |handle, attributes| session(handle, &[1; 16], attributes, &[2; 32]);
    let policy = |handle| session(handle, b"", CONTINUE, b"");
    vec![
        ("wrong password of a hierarchy", with(CHANGE_AUTH, &[OWNER], &[pw(b"bad")], &new)),
        ("wrong HMAC of a hierarchy", with(CHANGE_AUTH, &[OWNER], &[s(HMAC, CONTINUE)], &new)),
        ("wrong password of a key", with(SIGN, &[KEY], &[pw(b"bad")], &digest)),
        ("wrong HMAC of a key", with(SIGN, &[KEY], &[s(HMAC, CONTINUE)], &digest)),
        ("wrong password of an index", with(NV_READ, &[INDEX, INDEX], &[pw(b"bad")], &read)),
        ("wrong HMAC to audit", with(GET_RANDOM, &[], &[s(HMAC, AUDIT | CONTINUE)], &[0, 8])),
        ("wrong HMAC to decrypt", with(STIR, &[], &[s(CIPHER, DECRYPT | CONTINUE)], &[0, 1, 7])),
        ("wrong HMAC of a second session", with(CHANGE_AUTH, &[OWNER], &[pw(b""), s(CIPHER, DECRYPT)], &new)),
        ("both passwords wrong", with(CERTIFY, &[KEY, KEY], &[pw(b"bad"), pw(b"bad")], &[0, 0, 0, 0x10])),
        ("second password wrong", with(CERTIFY, &[KEY, KEY], &[pw(b"key"), pw(b"bad")], &[0, 0, 0, 0x10])),
        ("wrong password, then a bad parameter", with(CHANGE_AUTH, &[OWNER], &[pw(b"bad")], &[9])),
        ("right password, then a bad parameter", with(CHANGE_AUTH, &[OWNER], &[pw(b"")], &[9])),
        ("first parameter too large", with(CHANGE_AUTH, &[OWNER], &[pw(b"")], &[0, 65])),
        ("first parameter cut", with(CHANGE_AUTH, &[OWNER], &[pw(b"")], &[0, 2, 1])),
        ("surplus behind the parameter", with(CHANGE_AUTH, &[OWNER], &[pw(b"")], &[0, 1, 1, 1])),
        ("key that only a policy opens, password", with(SIGN, &[POLICY_KEY], &[pw(b"key")], &digest)),
        ("key that only a policy opens, HMAC", with(SIGN, &[POLICY_KEY], &[s(HMAC, CONTINUE)], &digest)),
        ("policy not fulfilled", with(SIGN, &[POLICY_KEY], &[policy(POLICY)], &digest)),
        ("policy for a key without one", with(SIGN, &[KEY], &[policy(POLICY)], &digest)),
        ("policy for a hierarchy without one", with(CHANGE_AUTH, &[OWNER], &[policy(POLICY)], &new)),
        ("policy for an index without one", with(NV_READ, &[INDEX, INDEX], &[policy(POLICY)], &read)),
        ("policy for an index that wants one", with(NV_READ, &[POLICY_INDEX, POLICY_INDEX], &[policy(POLICY)], &read)),
        ("password for an index that wants a policy", with(NV_READ, &[POLICY_INDEX; 2], &[pw(b"index")], &read)),
        ("owner for an index that is not his", with(NV_READ, &[OWNER, POLICY_INDEX], &[pw(b"")], &read)),
        ("ADMIN role needs a policy", with(0x13B, &[INDEX], &[pw(b"index")], &new)),
        ("ADMIN role, empty policy session", with(0x13B, &[POLICY_INDEX], &[policy(POLICY)], &new)),
        ("ADMIN role of a key, policy", with(OBJECT_CHANGE_AUTH, &[POLICY_KEY, OWNER], &[pw(b"key")], &new)),
        ("ADMIN role, adminWithPolicy", with(CERTIFY, &[POLICY_KEY, KEY], &[pw(b"key"), pw(b"key")], &[0, 0, 0, 0x10])),
        ("DUP role by password", with(DUPLICATE, &[KEY, 0x4000_0007], &[pw(b"key")], &[0, 0, 0, 0x10])),
        ("DUP role by policy", with(DUPLICATE, &[KEY, 0x4000_0007], &[policy(POLICY)], &[0, 0, 0, 0x10])),
        ("only the public area is loaded", with(SIGN, &[PUBLIC_ONLY], &[pw(b"")], &digest)),
        ("only the public area, HMAC", with(SIGN, &[PUBLIC_ONLY], &[s(HMAC, CONTINUE)], &digest)),
        ("lockoutAuth, wrong password", with(CHANGE_AUTH, &[LOCKOUT], &[pw(b"bad")], &new)),
        ("lockoutAuth after a failure", with(CHANGE_AUTH, &[LOCKOUT], &[pw(b"")], &new)),
        ("platform clock", with(CLOCK_SET, &[PLATFORM], &[pw(b"")], &[0; 8])),
        ("clock of another hierarchy", with(CLOCK_SET, &[0x4000_000B], &[pw(b"")], &[0; 8])),
        ("policy secret with a bad password", with(POLICY_SECRET, &[OWNER, POLICY], &[pw(b"bad")], &[0; 10])),
        ("policy secret with a bad session", with(POLICY_SECRET, &[OWNER, HMAC], &[pw(b"")], &[0; 10])),
        (
            "policy secret with a bad nonce",
            with(POLICY_SECRET, &[OWNER, POLICY], &[pw(b"")], &[0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0]),
        ),
        ("evict to a bad handle", with(EVICT, &[OWNER, KEY], &[pw(b"")], &[0x80, 0, 0, 0])),
        ("evict to the platform's range", with(EVICT, &[OWNER, KEY], &[pw(b"")], &[0x81, 0x80, 0, 0])),
        ("create under a signing key", with(CREATE, &[KEY], &[pw(b"key")], &[])),
    ]
}

/// libtpms holds three sessions: a trial session takes the place of the one that encrypts.
fn trials() -> Vec<(&'static str, Vec<u8>)> {
    let nonce = [&[0u8, 16][..], &[7; 16], &[0, 0, 3, 0, 0x10, 0, 0x0B]].concat();
    let s = |attributes| session(TRIAL, &[1; 16], attributes, &[2; 32]);
    vec![
        ("flush", plain(0x165, &[], &CIPHER.to_be_bytes())),
        ("flush again", plain(0x165, &[], &CIPHER.to_be_bytes())),
        ("start a trial session", plain(START, &[0x4000_0007; 2], &nonce)),
        ("trial session authorizes", with(CHANGE_AUTH, &[OWNER], &[s(CONTINUE)], &[0, 0])),
        ("trial session audits", with(GET_RANDOM, &[], &[s(AUDIT)], &[0, 8])),
        ("trial session, its digest", plain(0x189, &[TRIAL], &[])),
    ]
}

/// A signing key, one that only a policy opens, the public area of the first, sessions and indices.
fn preparation(public: Option<&TpmtPublic>) -> Vec<Vec<u8>> {
    let template = ironroot_client::templates::signing_key(ironroot_client::templates::KeyType::P256, false);
    let attributes = template.object_attributes;
    let policy_only = TpmtPublic {
        object_attributes: attributes.without(TpmaObject::USER_WITH_AUTH) | TpmaObject::ADMIN_WITH_POLICY,
        auth_policy: Tpm2bDigest::from_slice(&[9; 32]).unwrap(),
        ..template.clone()
    };
    let create = |template: TpmtPublic| CreatePrimary {
        primary_handle: TpmiRhHierarchy(OWNER),
        in_sensitive: Tpm2b(TpmsSensitiveCreate {
            user_auth: Tpm2bAuth::from_slice(b"key").unwrap(),
            data: Default::default(),
        }),
        in_public: Tpm2b(template),
        outside_info: Tpm2bData::default(),
        creation_pcr: TpmlPcrSelection::default(),
    };
    let Some(public) = public else {
        return vec![
            encode(
                &create(TpmtPublic { object_attributes: attributes | TpmaObject::NO_DA, ..template }),
                &[password(b"")],
            ),
            encode(&create(policy_only), &[password(b"")]),
        ];
    };
    let external = LoadExternal {
        in_private: Tpm2bOption(None),
        in_public: Tpm2b(TpmtPublicPlus(TpmtPublic {
            object_attributes: TpmaObject::SIGN_ENCRYPT | TpmaObject::USER_WITH_AUTH,
            ..public.clone()
        })),
        hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
    };
    let start = |session_type, symmetric| StartAuthSession {
        tpm_key: None,
        bind: None,
        nonce_caller: Tpm2bNonce::from_slice(&[1; 16]).unwrap(),
        encrypted_salt: Tpm2bEncryptedSecret::default(),
        session_type,
        symmetric,
        auth_hash: TpmiAlgHash::Sha256,
    };
    let define = |index, attributes, policy: &[u8]| NvDefineSpace {
        auth_handle: TpmiRhProvision(OWNER),
        auth: Tpm2bAuth::from_slice(b"index").unwrap(),
        public_info: Tpm2b(TpmsNvPublic {
            nv_index: TpmiRhNvIndex(index),
            name_alg: TpmiAlgHash::Sha256,
            attributes: attributes | TpmaNv::NO_DA,
            auth_policy: Tpm2bDigest::from_slice(policy).unwrap(),
            data_size: 8,
        }),
    };
    let access = TpmaNv::AUTHREAD | TpmaNv::AUTHWRITE | TpmaNv::OWNERREAD | TpmaNv::OWNERWRITE;
    let write = NvWrite {
        auth_handle: TpmiRhNvAuth(LOCKED),
        nv_index: TpmiRhNvIndex(LOCKED),
        data: Tpm2bMaxNvBuffer::from_slice(&[7; 8]).unwrap(),
        offset: 0,
    };
    let lock = NvWriteLock { auth_handle: TpmiRhNvAuth(LOCKED), nv_index: TpmiRhNvIndex(LOCKED) };
    let by_policy = TpmaNv::POLICYREAD | TpmaNv::POLICYWRITE;
    vec![
        encode(&external, &[]),
        encode(&start(TpmSe::Hmac, None), &[]),
        encode(&start(TpmSe::Policy, None), &[]),
        encode(&start(TpmSe::Hmac, Some(TpmtSymDef::Xor(TpmiAlgHash::Sha256))), &[]),
        encode(&define(INDEX, access, &[]), &[password(b"")]),
        encode(&define(LOCKED, access | TpmaNv::WRITE_STCLEAR, &[]), &[password(b"")]),
        encode(&define(POLICY_INDEX, by_policy, &[9; 32]), &[password(b"")]),
        encode(&write, &[password(b"index")]),
        encode(&lock, &[password(b"index")]),
    ]
}

#[track_caller]
fn works(response: &[u8], who: &str) {
    assert_eq!(rc(response), TpmRc::SUCCESS, "{who}");
}

/// Both TPMs, prepared.
fn prepared() -> (TestTpm, Swtpm) {
    let (mut ours, mut theirs) = (TestTpm::started(), Swtpm::start());
    for command in preparation(None) {
        works(&ours.raw(&command), "ours");
        works(&theirs.raw(&command), "libtpms");
    }
    let public = ours.run(&ReadPublic { object_handle: TpmiDhObject(KEY) }).unwrap().out_public.0.0;
    for command in preparation(Some(&public)) {
        works(&ours.raw(&command), "ours");
        works(&theirs.raw(&command), "libtpms");
    }
    (ours, theirs)
}

#[test]
fn errors_are_those_of_libtpms() {
    let (mut ours, mut theirs) = prepared();
    let mut wrong = Vec::new();
    let mut used = 0;
    for (name, command) in [headers(), handles(), areas(), authorizations(), trials()].concat() {
        let (own, their) = (rc(&ours.raw(&command)), rc(&theirs.raw(&command)));
        match INTENDED.iter().find(|(case, ..)| *case == name) {
            Some(&(_, a, b, _)) if (own.0, their.0) == (a, b) => used += 1,
            Some(_) => wrong.push(format!("{name}: ours {:#x}, libtpms {:#x}, not as intended", own.0, their.0)),
            None if own == their => {}
            None => wrong.push(format!("{name}: ours {:#x} {own}, libtpms {:#x} {their}", own.0, their.0)),
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(used, INTENDED.len());
}

/// Pairs of codes, without their positions, that differ on purpose where a byte of a command was changed: ours, that of
/// libtpms, and why.
#[rustfmt::skip]
const CLASSES: &[(TpmRc, TpmRc, &str)] = &[
    (TpmRc::BAD_TAG, TpmRc::VALUE, "Part 3, 5.2"),
    (TpmRc::SUCCESS, TpmRc::SESSION_MEMORY, "libtpms holds three sessions"),
    (TpmRc::HANDLE, TpmRc::OBJECT_MEMORY, "libtpms loads persistent objects into its three slots"),
    (TpmRc::REFERENCE_H0, TpmRc::VALUE, SLOTS),
    (TpmRc::REFERENCE_S0, TpmRc::VALUE, SLOTS),
    (TpmRc::REFERENCE_H0, TpmRc::HANDLE, KIND),
    (TpmRc::REFERENCE_S0, TpmRc::HANDLE, KIND),
    (TpmRc::HANDLE, TpmRc::VALUE, "Part 3, 5.5, point 4.1; or a handle is looked up before the next one is unmarshalled"),
    (TpmRc::VALUE, TpmRc::VALUE, "the same: the first of two bad handles is named"),
    (TpmRc::SIZE, TpmRc::VALUE, "a shifted session: its nonce's size, or a handle that no slot could have"),
    (TpmRc::AUTHSIZE, TpmRc::SIZE, AREA),
    (TpmRc::AUTHSIZE, TpmRc::INSUFFICIENT, AREA),
    (TpmRc::AUTH_CONTEXT, TpmRc::SIZE, "Part 3, 5.5, point 1 comes before the area's size"),
    (TpmRc::AUTH_CONTEXT, TpmRc::INITIALIZE, "the same before the action of TPM2_Startup"),
    (TpmRc::VALUE, TpmRc::INITIALIZE, "parameters are unmarshalled before the action of TPM2_Startup"),
    (TpmRc::VALUE, TpmRc::NONCE, "Part 3, 23.2.2, point 1"),
    (TpmRc::POLICY_FAIL, TpmRc::AUTH_UNAVAILABLE, POLICY_ONLY),
    (TpmRc::NV_UNINITIALIZED, TpmRc::BAD_AUTH, "Part 3, 31.1: before the auth value"),
    (TpmRc::NV_UNINITIALIZED, TpmRc::AUTH_FAIL, "the same"),
    (TpmRc::ATTRIBUTES, TpmRc::BAD_AUTH, EXTRA),
    (TpmRc::ATTRIBUTES, TpmRc::POLICY_FAIL, EXTRA),
    (TpmRc::ATTRIBUTES, TpmRc::AUTH_UNAVAILABLE, EXTRA),
    (TpmRc::ATTRIBUTES, TpmRc::REFERENCE_S0, EXTRA),
    (TpmRc::HANDLE, TpmRc::ATTRIBUTES, "a password that authorizes nothing is refused as such, whatever its attributes"),
    (TpmRc::HANDLE, TpmRc::INSUFFICIENT, "the same, before the next session is unmarshalled"),
];
const EXTRA: &str = "Part 2, 8.4: auditExclusive and auditReset need audit";

/// Commands that take long, or that would let the two TPMs drift apart.
const LEFT_OUT: &[u32] = &[0x120, 0x121, 0x126, CHANGE_AUTH, 0x131, 0x142, 0x143, 0x145, 0x165];

fn class(rc: TpmRc) -> TpmRc {
    match rc.0 {
        0x910..=0x916 => TpmRc::REFERENCE_H0,
        0x918..=0x91E => TpmRc::REFERENCE_S0,
        _ => rc.base(),
    }
}

#[test]
fn changed_bytes_are_answered_as_libtpms_answers_them() {
    let (mut ours, mut theirs) = prepared();
    let (mut wrong, mut total) = (Vec::new(), 0);
    for (name, command) in [headers(), handles(), areas(), authorizations()].concat() {
        for at in 6..command.len() {
            for value in [0u8, 1, 0x10, 0x7F, 0x80, 0xFF, command[at] ^ 1, command[at].wrapping_add(1)] {
                let mut changed = command.clone();
                changed[at] = value;
                let code = u32::from_be_bytes(changed[6..10].try_into().unwrap());
                if LEFT_OUT.contains(&code) || !implemented_commands().any(|info| info.code == TpmCc(code)) {
                    continue;
                }
                total += 1;
                let (own, their) = (rc(&ours.raw(&changed)), rc(&theirs.raw(&changed)));
                let explained = |&(a, b, _): &(TpmRc, TpmRc, &str)| (a, b) == (class(own), class(their));
                if own != their && !CLASSES.iter().any(explained) {
                    wrong.push(format!("{name}, byte {at} = {value:#04x}: ours {own}, libtpms {their}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {total}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(total > 15_000);
}
