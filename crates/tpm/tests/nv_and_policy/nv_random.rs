//! Random walks through NV and policies, in step with libtpms: what no table thought of.

use crate::common::{password, policy};
use crate::peer::Both;
use crate::policies::*;
use ironroot_crypto::{Drbg, Random};
use ironroot_wire::*;

/// Steps of a walk.
const STEPS: usize = 3000;

/// How many walks: more, if the environment variable `IRONROOT_TEST_WALKS` says so.
fn walks() -> u8 {
    std::env::var("IRONROOT_TEST_WALKS").ok().and_then(|walks| walks.parse().ok()).unwrap_or(1)
}

/// Random choices that are the same in every run.
struct Choices(Drbg);

impl Choices {
    fn new(walk: u8) -> Self {
        Self(Drbg::new(&[walk; 32], &[0; 16], b"walk"))
    }

    fn below(&mut self, limit: u32) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_be_bytes(bytes) % limit
    }

    fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u32) as usize].clone()
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    fn bytes(&mut self, max: u32) -> Vec<u8> {
        let mut bytes = vec![0; self.below(max + 1) as usize];
        self.0.fill(&mut bytes);
        bytes
    }

    fn index(&mut self) -> u32 {
        0x0150_0000 + self.below(4)
    }

    /// The auth value of the index, the owner's, the platform's, and rarely another index.
    fn authority(&mut self, index: u32) -> u32 {
        match self.below(8) {
            0 => OWNER,
            1 => PLATFORM,
            2 => self.index(),
            _ => index,
        }
    }

    fn password(&mut self, handle: u32) -> [TpmsAuthCommand; 1] {
        let right: &[u8] = if handle == OWNER || handle == PLATFORM { b"" } else { b"pin" };
        [password(if self.below(12) == 0 { b"wrong" } else { right })]
    }

    fn public(&mut self, index: u32) -> TpmsNvPublic {
        let nt = self.of(&[
            TpmNt::Ordinary,
            TpmNt::Ordinary,
            TpmNt::Bits,
            TpmNt::Extend,
            TpmNt::Counter,
            TpmNt::PinFail,
            TpmNt::PinPass,
        ]);
        // NO_DA is in: lockout would end the walk. AUTHREAD is in, as libtpms lets a PIN read without it.
        let mut attributes = TpmaNv::NO_DA | TpmaNv::AUTHREAD;
        for attribute in [
            TpmaNv::PPWRITE,
            TpmaNv::OWNERWRITE,
            TpmaNv::AUTHWRITE,
            TpmaNv::PPREAD,
            TpmaNv::OWNERREAD,
            TpmaNv::WRITE_STCLEAR,
            TpmaNv::READ_STCLEAR,
        ] {
            if self.flag() {
                attributes = attributes | attribute;
            }
        }
        for attribute in
            [TpmaNv::WRITEDEFINE, TpmaNv::WRITEALL, TpmaNv::GLOBALLOCK, TpmaNv::CLEAR_STCLEAR, TpmaNv::ORDERLY]
        {
            if self.below(6) == 0 {
                attributes = attributes | attribute;
            }
        }
        if nt == TpmNt::Counter {
            // Where the next counter begins after a loss of power, libtpms says otherwise of orderly ones.
            attributes = attributes.without(TpmaNv::ORDERLY);
        }
        let name_alg = self.of(&HASHES);
        let data_size = match nt {
            TpmNt::Ordinary => self.below(40) as u16,
            TpmNt::Extend => name_alg.digest_size() as u16,
            _ => 8,
        };
        TpmsNvPublic {
            nv_index: TpmiRhNvIndex(index),
            name_alg,
            attributes: attributes.with_nt(nt),
            auth_policy: Tpm2bDigest::default(),
            data_size,
        }
    }
}

/// One step of NV; whether it succeeded.
fn nv_step(tpms: &mut Both, choices: &mut Choices) -> bool {
    let index = choices.index();
    let nv_index = TpmiRhNvIndex(index);
    let authority = choices.authority(index);
    let auth_handle = TpmiRhNvAuth(authority);
    let auth = choices.password(authority);
    match choices.below(14) {
        0 | 1 => {
            let public = choices.public(index);
            define(tpms, public)
        }
        2 => {
            let undefine = NvUndefineSpace { auth_handle: TpmiRhProvision(OWNER), nv_index };
            tpms.same(&undefine, &[password(b"")]).is_ok()
        }
        3 => tpms.same(&NvReadPublic { nv_index }, &[]).is_ok(),
        4..=6 => {
            let (mut data, mut offset) = (choices.bytes(24), choices.below(24) as u16);
            if choices.flag() {
                // A count and a limit, in case it is a PIN; all of the contents of what has 8 bytes.
                data = [choices.below(3).to_be_bytes(), 3u32.to_be_bytes()].concat();
                offset = 0;
            }
            tpms.same(&NvWrite { auth_handle, nv_index, data: bytes(&data), offset }, &auth).is_ok()
        }
        7 | 8 => {
            let (size, offset) = (choices.below(40) as u16, choices.below(10) as u16);
            tpms.same(&NvRead { auth_handle, nv_index, size, offset }, &auth).is_ok()
        }
        9 => tpms.same(&NvIncrement { auth_handle, nv_index }, &auth).is_ok(),
        10 => tpms.same(&NvExtend { auth_handle, nv_index, data: bytes(&choices.bytes(30)) }, &auth).is_ok(),
        11 => tpms.same(&NvSetBits { auth_handle, nv_index, bits: u64::from(choices.below(64)) }, &auth).is_ok(),
        12 => tpms.same(&NvWriteLock { auth_handle, nv_index }, &auth).is_ok(),
        _ => tpms.same(&NvReadLock { auth_handle, nv_index }, &auth).is_ok(),
    }
}

/// Defines an index; whether that succeeded. A PIN is written at once: what a partial first write leaves is zeros here
/// (Part 1, 34.2.6.6) and ones in libtpms.
fn define(tpms: &mut Both, mut public: TpmsNvPublic) -> bool {
    let is_pin = matches!(public.attributes.nt(), Ok(TpmNt::PinFail | TpmNt::PinPass));
    if is_pin {
        public.attributes = public.attributes | TpmaNv::OWNERWRITE;
    }
    let nv_index = public.nv_index;
    let define = NvDefineSpace { auth_handle: TpmiRhProvision(OWNER), auth: bytes(b"pin"), public_info: Tpm2b(public) };
    let defined = tpms.same(&define, &[password(b"")]).is_ok();
    if defined && is_pin {
        let write = NvWrite { auth_handle: TpmiRhNvAuth(OWNER), nv_index, data: bytes(&[0; 8]), offset: 0 };
        tpms.same(&write, &[password(b"")]).unwrap();
    }
    defined
}

/// An ordinary index with contents.
fn define_and_fill(tpms: &mut Both, choices: &mut Choices) {
    let index = choices.index();
    let mut public = choices.public(index);
    public.attributes = public.attributes.with_nt(TpmNt::Ordinary).with(TpmaNv::AUTHWRITE);
    let size = public.data_size;
    if define(tpms, public) {
        let data = bytes(&vec![0; usize::from(size)]);
        let write = NvWrite { auth_handle: TpmiRhNvAuth(index), nv_index: TpmiRhNvIndex(index), data, offset: 0 };
        tpms.same(&write, &[password(b"pin")]).unwrap();
    }
}

#[test]
fn nv_keeps_step_with_libtpms() {
    for walk in 0..walks() {
        nv_walk(&mut Choices::new(walk));
    }
}

fn nv_walk(choices: &mut Choices) {
    let mut tpms = Both::started();
    let mut succeeded = 0;
    for _ in 0..STEPS {
        if choices.below(20) == 0 {
            define_and_fill(&mut tpms, choices);
        }
        if choices.below(150) == 0 {
            use TpmSu::{Clear, State};
            let (shutdown, startup) =
                choices.of(&[(None, Clear), (Some(Clear), Clear), (Some(State), Clear), (Some(State), State)]);
            tpms.power_cycle(shutdown, startup);
        }
        succeeded += usize::from(nv_step(&mut tpms, choices));
    }
    assert!(succeeded > STEPS / 10, "{succeeded}");
}

/// One assertion; whether it succeeded.
fn policy_step(tpms: &mut Both, choices: &mut Choices, kind: TpmSe, policy_session: TpmiShPolicy, size: usize) -> bool {
    let filler = choices.of(&[1u8, 2]);
    let digest_size = if choices.below(8) == 0 { size - 1 } else { size };
    let some_digest: Tpm2bDigest = bytes(&vec![filler; digest_size]);
    // Not the same bytes: libtpms keeps hashes of several kinds in one place and can take one for the other.
    let other_digest: Tpm2bDigest = bytes(&vec![filler + 2; digest_size]);
    let third_digest: Tpm2bDigest = bytes(&vec![filler + 4; digest_size]);
    let auth = [password(b"")];
    match choices.below(17) {
        0 => tpms.same(&PolicyAuthValue { policy_session }, &[]).is_ok(),
        1 => tpms.same(&PolicyPassword { policy_session }, &[]).is_ok(),
        2 => {
            let locality = TpmaLocality(choices.of(&[0, 1, 2, 3, 0x1F, 0x1E, 32, 33, 255]));
            tpms.same(&PolicyLocality { policy_session, locality }, &[]).is_ok()
        }
        3 => {
            let written_set = TpmiYesNo(choices.flag());
            tpms.same(&PolicyNvWritten { policy_session, written_set }, &[]).is_ok()
        }
        4 => {
            let code = TpmCc(choices.of(&[0x0153, 0x0137, 0x014B, 0x0001]));
            tpms.same(&PolicyCommandCode { policy_session, code }, &[]).is_ok()
        }
        5 => tpms.same(&PolicyCpHash { policy_session, cp_hash_a: some_digest }, &[]).is_ok(),
        6 => tpms.same(&PolicyNameHash { policy_session, name_hash: other_digest }, &[]).is_ok(),
        7 => tpms.same(&PolicyTemplate { policy_session, template_hash: third_digest }, &[]).is_ok(),
        8 => {
            let select = PolicyDuplicationSelect {
                policy_session,
                object_name: name(TpmiAlgHash::Sha256, filler),
                new_parent_name: bytes(&choices.bytes(40)),
                include_object: TpmiYesNo(choices.flag()),
            };
            tpms.same(&select, &[]).is_ok()
        }
        9 => {
            let mut list = vec![some_digest; choices.below(4) as usize];
            if choices.flag() {
                list.push(digest(tpms, policy_session));
            }
            tpms.same(&PolicyOr { policy_session, p_hash_list: TpmlDigest::new(list) }, &[]).is_ok()
        }
        10 => {
            let bank = choices.of(&[TpmiAlgHash::Sha256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512]);
            let pcr = choices.below(24);
            let pcr_digest = if choices.below(4) == 0 { some_digest } else { Tpm2bDigest::default() };
            tpms.same(&PolicyPcr { policy_session, pcr_digest, pcrs: pcrs(bank, &[pcr, 23 - pcr]) }, &[]).is_ok()
        }
        11 => {
            let command = PolicyCounterTimer {
                policy_session,
                // Not nothing, of which libtpms looks up the sign.
                operand_b: bytes(&vec![0; 1 + choices.below(6) as usize]),
                // Not Time and Clock, which differ.
                offset: 20 + choices.below(8) as u16,
                operation: choices.of(TpmEo::EVERY),
            };
            tpms.same(&command, &[]).is_ok()
        }
        12 => {
            let index = choices.index();
            let command = PolicyNv {
                auth_handle: TpmiRhNvAuth(index),
                nv_index: TpmiRhNvIndex(index),
                policy_session,
                operand_b: bytes(&vec![0; 1 + choices.below(10) as usize]),
                offset: choices.below(10) as u16,
                operation: choices.of(TpmEo::EVERY),
            };
            tpms.same(&command, &[password(b"pin")]).is_ok()
        }
        13 => {
            let secret = PolicySecret {
                auth_handle: TpmiDhEntity(choices.of(&[OWNER, ENDORSEMENT, PLATFORM, 0x0150_0000])),
                policy_session,
                nonce_tpm: Tpm2bNonce::default(),
                // libtpms notes it unchecked in a trial, which may not do so and then answers otherwise.
                cp_hash_a: if kind == TpmSe::Policy { some_digest } else { Tpm2bDigest::default() },
                policy_ref: bytes(&choices.bytes(16)),
                expiration: 0,
            };
            tpms.same(&secret, &auth).is_ok()
        }
        14 => {
            let index = choices.index();
            let command =
                PolicyAuthorizeNv { auth_handle: TpmiRhNvAuth(index), nv_index: TpmiRhNvIndex(index), policy_session };
            tpms.same(&command, &[password(b"pin")]).is_ok()
        }
        15 => {
            // Random bytes can be a name of SHA-3, which libtpms does not know.
            let no_name = [&[0xFF], choices.bytes(33).as_slice()].concat();
            let authorize = PolicyAuthorize {
                policy_session,
                approved_policy: digest(tpms, policy_session),
                policy_ref: bytes(&choices.bytes(16)),
                key_sign: if choices.flag() { name(choices.of(&HASHES), filler) } else { bytes(&no_name) },
                check_ticket: null_verified(),
            };
            tpms.same(&authorize, &[]).is_ok()
        }
        _ => {
            // Whatever the session has come to, it opens an index with a policy that is not that one.
            let read = NvRead {
                auth_handle: TpmiRhNvAuth(0x0150_0010),
                nv_index: TpmiRhNvIndex(0x0150_0010),
                size: 0,
                offset: 0,
            };
            let (ours, theirs) = tpms.both(&read, &[policy(policy_session.0)]);
            assert!(ours.is_err() && theirs.is_err());
            false
        }
    }
}

#[test]
fn policies_keep_step_with_libtpms() {
    for walk in 0..walks() {
        policy_walk(&mut Choices::new(walk));
    }
}

fn policy_walk(choices: &mut Choices) {
    let mut tpms = Both::started();
    for _ in 0..4 {
        define_and_fill(&mut tpms, choices);
    }
    let mut public = choices.public(0x0150_0010);
    public.attributes = TpmaNv::POLICYREAD | TpmaNv::OWNERWRITE;
    public.auth_policy = bytes(&vec![9; public.name_alg.digest_size()]);
    public.data_size = 0;
    let define =
        NvDefineSpace { auth_handle: TpmiRhProvision(OWNER), auth: Tpm2bAuth::default(), public_info: Tpm2b(public) };
    tpms.same(&define, &[password(b"")]).unwrap();
    let mut succeeded = 0;
    for _ in 0..STEPS / 20 {
        let hash = choices.of(&HASHES);
        let kind = choices.of(&[TpmSe::Policy, TpmSe::Policy, TpmSe::Trial]);
        let session = start_both(&mut tpms, kind, hash).0.handle;
        for _ in 0..20 {
            succeeded += usize::from(policy_step(&mut tpms, choices, kind, session, hash.digest_size()));
            digest(&mut tpms, session);
        }
        tpms.same(&flush(session), &[]).unwrap();
    }
    assert!(succeeded > STEPS / 10, "{succeeded}");
}
