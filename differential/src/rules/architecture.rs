//! Part 1: what the architecture decides.

use super::Rule;
use crate::{
    bytes::Parts,
    entities::{OURS, Object, THEIRS},
    world::What,
};

pub const RULES: &[Rule] = &[
    Rule {
        id: "slot numbers",
        clause: "Part 1, 15.3",
        text: "which number a loaded object gets is the TPM's choice: libtpms also gives numbers to the persistent objects \
               that a command uses, so a number that is said outright may be loaded in one TPM only",
        explains: |d| d.slots_differ,
    },
    Rule {
        id: "unique value of a symmetric parent",
        clause: "Part 1, 24.5.3.2 and 24.5.3.3",
        text: "the unique value of every symmetric object is a hash of obfuscation value and secret; libtpms wants an HMAC for \
               parents. Ironroot takes both",
        explains: |d| matches!(d.step_code(), 0x156 | 0x157 | 0x167) && d.is(0, 0x0A5),
    },
    Rule {
        id: "policy sessions that only encrypt",
        clause: "Part 1, 16.7.1",
        text: "a policy session starts over when it has authorized something; libtpms also forgets the policy of one that \
               has only encrypted a parameter of another command",
        explains: |d| d.forgotten,
    },
    Rule {
        id: "damage in another place",
        clause: "Part 1, 44.5.3",
        text: "libtpms pads the numbers of some signatures; a bit that is changed at one place of a signature then is in a number \
               here and in a size there, or the other way round",
        explains: |d| {
            d.step_code() == 0x177 && d.is(0x095, 0x2DB) && d.requests[OURS].len() != d.requests[THEIRS].len()
        },
    },
    Rule {
        id: "objects under a derivation parent",
        clause: "Part 1, 28; Part 3, 12.8",
        text: "a derived object has no private area that could be loaded; libtpms makes one with a new auth value",
        explains: |d| {
            let parent = d.objects.get(1).and_then(Option::as_ref).and_then(Object::shape);
            d.step_code() == 0x150
                && d.is(0x28A, 0)
                && parent.is_some_and(|parent| parent.alg == crate::public::KEYEDHASH)
        },
    },
    Rule {
        id: "memory for orderly indices",
        clause: "Part 1, 34.7",
        text: "how much memory there is for the contents of TPMA_NV_ORDERLY indices is the TPM's choice; libtpms has little",
        explains: |d| {
            let attributes = Parts(&d.parameters).0.get(2..).and_then(|_| {
                let mut parts = Parts(&d.parameters);
                parts.sized()?;
                let mut area = Parts(parts.sized()?);
                area.take(6)?;
                area.u32()
            });
            d.step_code() == 0x12A && d.is(0, 0x14B) && attributes.is_some_and(|bits| bits & 1 << 26 != 0)
        },
    },
    Rule {
        id: "policy sessions for PCR without a policy",
        clause: "Part 1, 14.7.3",
        text: "a policy session for a PCR that is in no initialized policy set is TPM_RC_POLICY_FAIL; libtpms says \
               TPM_RC_AUTH_UNAVAILABLE for PCR that are in no policy set at all",
        explains: |d| d.is(0x99D, 0x12F) && d.handles.first().is_some_and(|handle| *handle < 24),
    },
    Rule {
        id: "unwritten PIN indices in policies",
        clause: "Part 1, 34.2.8.5",
        text: "the authorization check of a policy that demands the auth value of a PIN index must fail if it is unwritten or \
               used up (TPM_RC_AUTH_UNAVAILABLE); libtpms checks the policy and takes the auth value",
        explains: |d| {
            let policy = matches!(d.codes[THEIRS] & !0xF00, 0x09D | 0x0A4 | 0x0A3 | 0x0A2 | 0x08E)
                || matches!(d.codes[THEIRS], 0 | 0x148 | 0x282)
                || d.codes[THEIRS] & 0xC0 == 0xC0;
            d.pin && d.codes[OURS] == 0x12F && policy
        },
    },
    Rule {
        id: "where Clock goes on",
        clause: "Part 1, 33.3.2 and 33.3.5",
        text: "how often Clock is recorded, and so where it goes on after a power cut, is the TPM's choice, and rates are not \
               exact: what depends on Clock or on a time of recovery may then succeed in one TPM only",
        explains: |d| {
            let lockout = d.what == What::Code && d.codes[OURS] != d.codes[THEIRS] && d.codes.contains(&0x921);
            d.clock_free && (matches!(d.step_code(), 0x128 | 0x16D) || lockout)
        },
    },
    Rule {
        id: "defect: responses in policy sessions that want a password",
        clause: "Part 1, 16.6.16",
        text: "a policy session with TPM2_PolicyPassword that only encrypts has an HMAC; libtpms leaves it out of the response",
        explains: |d| matches!(d.what, What::Session(THEIRS, _)) && d.password_beside,
    },
    Rule {
        id: "exclusive before it began",
        clause: "Part 1, 15.6.4 and 17.3",
        text: "auditExclusive asks for the status at the start of the command (TPM_RC_EXCLUSIVE); libtpms lets it pass where \
               the command starts an audit sequence, or starts it over",
        explains: |d| {
            let asks = |number| d.session_attributes(number).is_some_and(|bits| bits & 0x82 == 0x82);
            d.codes[OURS] == 0x121 && d.codes[THEIRS] != 0x121 && (1..=3).any(asks)
        },
    },
    Rule {
        id: "counters of commits",
        clause: "Part 1, 44.2.5",
        text: "a counter that is not among the last ones is TPM_RC_RANGE; libtpms says TPM_RC_VALUE",
        explains: |d| {
            matches!(d.step_code(), 0x15D | 0x148 | 0x158 | 0x14C | 0x14A | 0x184 | 0x133 | 0x14D | 0x18D)
                && d.same_place()
                && d.codes[OURS] & 0xBF == 0x8D
                && d.codes[THEIRS] & 0xBF == 0x84
        },
    },
    Rule {
        id: "damaged Schnorr signatures",
        clause: "Part 1, 44.3",
        text: "Ironroot gives r the size of the order of the curve, libtpms that of the hash: the same damage to both is not the \
               same error",
        explains: |d| {
            let [ours, theirs] = d.requests.each_ref().map(Vec::len);
            let error = |code: u32| matches!(code, 0x2DB | 0x2DA | 0x2D5 | 0x2C4);
            d.step_code() == 0x177 && ours != theirs && error(d.codes[OURS]) && error(d.codes[THEIRS])
        },
    },
];
