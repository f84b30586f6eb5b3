//! Divergences that are explained: where libtpms answers otherwise and the specification decides for Ironroot, or leaves
//! the choice. The section of docs/conformance.md is made from this list (`cargo xtask differential --docs`).

use crate::{
    bytes::Parts,
    entities::{OURS, Object, THEIRS},
    public::{Public, attributes::USER_WITH_AUTH},
    step::{Action, AuthUse},
    world::{Divergence, What, World},
};

/// `TPM_RC_FAILURE`: nothing works any more.
pub const FAILURE: u32 = 0x101;

/// A rule.
pub struct Rule {
    /// What it is called.
    pub id: &'static str,
    /// The clause that decides.
    pub clause: &'static str,
    /// What differs, and why.
    pub text: &'static str,
    /// Whether it explains a divergence.
    pub explains: fn(&Divergence) -> bool,
}

/// All rules.
pub const RULES: &[Rule] = &[
    Rule {
        id: "slot numbers",
        clause: "Part 1, 15.3",
        text: "which number a loaded object gets is the TPM's choice: libtpms also gives numbers to the persistent objects \
               that a command uses, so a number that is said outright may be loaded in one TPM only",
        explains: |d| d.slots_differ,
    },
    Rule {
        id: "bad tag",
        clause: "Part 3, 5.2",
        text: "a tag that is neither `TPM_ST_NO_SESSIONS` nor `TPM_ST_SESSIONS` is TPM_RC_BAD_TAG; libtpms says TPM_RC_VALUE",
        explains: |d| d.is(0x01E, 0x084),
    },
    Rule {
        id: "transient handles beyond the slots",
        clause: "Part 3, 5.4, point 2.1",
        text: "a transient object that is not loaded is TPM_RC_REFERENCE_H0 + N (or TPM_RC_HANDLE of a parameter); libtpms \
               calls a number that none of its three slots can have a bad value",
        explains: |d| {
            let beyond =
                |number: Option<&u32>| number.is_some_and(|number| number >> 24 == 0x80 && *number > 0x8000_0002);
            let sent = |n: u32| Parts(d.requests[OURS].get(10 + n as usize * 4..).unwrap_or_default()).u32();
            let by_handle = (0..3).any(|n| d.is(0x910 + n, 0x184 + n * 0x100) && beyond(sent(n).as_ref()));
            by_handle || d.is(0x1CB, 0x1C4) && beyond(Parts(&d.parameters).u32().as_ref())
        },
    },
    Rule {
        id: "persistent objects in slots",
        clause: "Part 3, 5.4, point 2.2",
        text: "libtpms copies persistent objects into its three slots while a command uses them, and looks for the slot \
               before it looks for the object (TPM_RC_OBJECT_MEMORY); Ironroot uses them where they are",
        explains: |d| d.codes[THEIRS] == 0x902 && d.handles.iter().any(|handle| handle >> 24 == 0x81),
    },
    Rule {
        id: "slots of commands that load nothing",
        clause: "Part 3, 12.1",
        text: "libtpms needs one of its three slots while it creates an object, also where nothing is loaded",
        explains: |d| d.codes[THEIRS] == 0x902 && d.loaded >= 3 && matches!(d.step_code(), 0x153 | 0x156),
    },
    Rule {
        id: "session of the other kind",
        clause: "Part 3, 5.4, point 4, and 5.5, point 4.2",
        text: "a session that is not loaded is TPM_RC_REFERENCE_H0 + N or TPM_RC_REFERENCE_S0 + N, also if its number is in \
               use by a session of the other kind; libtpms says TPM_RC_HANDLE",
        explains: |d| (0..3).any(|n| d.is(0x910 + n, 0x18B + n * 0x100) || d.is(0x918 + n, 0x98B + n * 0x100)),
    },
    Rule {
        id: "authorizationSize",
        clause: "Part 3, 5.5, point 3",
        text: "an authorizationSize out of range is TPM_RC_AUTHSIZE; libtpms says TPM_RC_SIZE or TPM_RC_INSUFFICIENT",
        explains: |d| d.codes[OURS] == 0x144 && matches!(d.codes[THEIRS], 0x095 | 0x09A),
    },
    Rule {
        id: "not a session's handle",
        clause: "Part 3, 5.5, point 4.1",
        text: "a session handle that is none is TPM_RC_HANDLE; libtpms says TPM_RC_VALUE",
        explains: |d| (1..=3).any(|n| d.is(0x88B + n * 0x100, 0x884 + n * 0x100)),
    },
    Rule {
        id: "auditExclusive and auditReset without audit",
        clause: "Part 2, 8.4",
        text: "both are allowed only if audit is SET (TPM_RC_ATTRIBUTES); libtpms lets them pass",
        explains: |d| {
            let n = d.codes[OURS] >> 8 & 7;
            d.codes[OURS] & 0xFFFF_F8FF == 0x882
                && d.codes[OURS] & 0x800 != 0
                && d.session_attributes(n as usize).is_some_and(|bits| bits & 0x80 == 0 && bits & 6 != 0)
        },
    },
    Rule {
        id: "all sessions before any authorization",
        clause: "Part 3, 5.5 and 5.6",
        text: "the consistency of every session is checked before the first authorization; libtpms checks an authorization \
               before it looks at what a session behind it is for",
        explains: |d| {
            matches!((d.codes[OURS], d.codes[THEIRS]), (0x982, 0x921 | 0x125))
                || matches!(d.codes[OURS], 0xA82 | 0xB82 | 0xA8B | 0xB8B | 0xA96 | 0xB96)
                    && matches!(d.codes[THEIRS] & !0xF00, 0x0A2 | 0x08E | 0x09D | 0x0A4 | 0x0A3 | 0x090)
                        | matches!(d.codes[THEIRS], 0x12F | 0x124 | 0x921 | 0x128 | 0x982)
        },
    },
    Rule {
        id: "sessions for a start-up",
        clause: "Part 3, 5.5, point 1",
        text: "TPM_RC_AUTH_CONTEXT comes before the action, which says that the TPM has been started; libtpms the other way",
        explains: |d| d.is(0x145, 0x100),
    },
    Rule {
        id: "one handle after the other",
        clause: "Part 3, 5.4, point 1",
        text: "a TPM may validate that a handle refers to something before it unmarshals the next one: of two bad handles \
               Ironroot names the first, libtpms the one with the bad value",
        explains: |d| {
            let place = |code: u32| match code {
                0x910..=0x912 => Some(code - 0x910 + 1),
                _ if code & 0x8C0 == 0x080 => Some(code >> 8 & 7),
                _ => None,
            };
            let [ours, theirs] = d.codes;
            let value = theirs & 0xFF == 0x84 || theirs & 0xFF == 0x9A;
            value && matches!((place(ours), place(theirs)), (Some(one), Some(two)) if one < two)
        },
    },
    Rule {
        id: "order of policy checks",
        clause: "Part 3, 5.6, point 8",
        text: "time-out, cpHash and command code of a policy are checked in this order before its digest \
               (TPM_RC_EXPIRED, TPM_RC_POLICY_FAIL, TPM_RC_POLICY_CC); libtpms checks the digest first",
        explains: |d| d.codes[THEIRS] & !0xF00 == 0x09D && matches!(d.codes[OURS] & !0xF00, 0x0A3 | 0x0A4),
    },
    Rule {
        id: "tag of a ticket",
        clause: "Part 2, 10.6",
        text: "a ticket with another tag is TPM_RC_TAG; libtpms says TPM_RC_VALUE of a number that is no structure tag at all",
        explains: |d| d.same_place() && d.codes[OURS] & 0xBF == 0x97 && d.codes[THEIRS] & 0xBF == 0x84,
    },
    Rule {
        id: "firmwareLimited and svnLimited",
        clause: "Part 2, 8.3",
        text: "libtpms knows a specification in which these two bits of TPMA_OBJECT are reserved",
        explains: |d| d.object_attributes().is_some_and(|bits| bits & 0x300 != 0) && d.codes[THEIRS] & 0xBF == 0xA1,
    },
    Rule {
        id: "x509sign",
        clause: "Part 2, 8.3.3.15",
        text: "x509sign needs sign and no decrypt (TPM_RC_ATTRIBUTES); libtpms does not check it",
        explains: |d| d.public().is_some_and(|public| public.attributes & 1 << 19 != 0) && d.codes[OURS] & 0xBF == 0x82,
    },
    Rule {
        id: "place of an error",
        clause: "Part 2, 6.6.3",
        text: "an error in a parameter or handle carries its number; libtpms leaves it out in a few places",
        explains: |d| {
            matches!(d.step_code(), 0x161 | 0x159 | 0x174)
                && d.codes[OURS] == d.codes[THEIRS] | 0x140
                && d.codes[THEIRS] & 0xF40 == 0
        },
    },
    Rule {
        id: "TPM2_SequenceUpdate on what is no sequence",
        clause: "Part 3, 17.7",
        text: "the handle has the wrong mode (TPM_RC_MODE of the handle); libtpms counts it as a parameter",
        explains: |d| d.step_code() == 0x15C && d.is(0x189, 0x1C9),
    },
    Rule {
        id: "long lists of hashes",
        clause: "Part 2, 10.8.6 and 10.8.7",
        text: "a list may have as many entries as there are hash algorithms, of which libtpms has four",
        explains: |d| {
            let first = matches!(d.step_code(), 0x182 | 0x17E | 0x12B)
                && d.codes[THEIRS] == 0x1D5
                && Parts(&d.parameters).u32().is_some_and(|count| count > 4);
            let mut parts = Parts(&d.parameters);
            let _digest = parts.sized();
            let second =
                d.step_code() == 0x17F && d.codes[THEIRS] == 0x2D5 && parts.u32().is_some_and(|count| count > 4);
            first || second
        },
    },
    Rule {
        id: "hashes of a policy in one place",
        clause: "Part 3, 23.3 to 23.21",
        text: "a policy has one of cpHash, nameHash and templateHash; libtpms takes one for the other where the bytes are equal",
        explains: |d| {
            let hashed = matches!(d.step_code(), 0x151 | 0x160 | 0x16E | 0x170 | 0x172 | 0x188 | 0x190);
            hashed && (d.is(0x151, 0) || d.is(0, 0x151))
        },
    },
    Rule {
        id: "defect: failure mode without the private part",
        clause: "Part 3, 5.6, point 1",
        text: "authorizing an object of which only the public part is loaded is TPM_RC_AUTH_UNAVAILABLE; libtpms goes into \
               failure mode if a session tries",
        explains: |d| d.is(0x12F, FAILURE),
    },
    Rule {
        id: "defect: RSA that fails",
        clause: "Part 3, 14.2 and 14.3",
        text: "a message that is too long, or a ciphertext that does not decrypt, is TPM_RC_VALUE; libtpms 0.9.2 answers \
               TPM_RC_FAILURE and works on",
        explains: |d| matches!(d.step_code(), 0x174 | 0x159) && d.is(0x1C4, FAILURE),
    },
    Rule {
        id: "unique value of a symmetric parent",
        clause: "Part 1, 24.5.3.2 and 24.5.3.3",
        text: "the unique value of every symmetric object is a hash of obfuscation value and secret; libtpms wants an HMAC for \
               parents. Ironroot takes both",
        explains: |d| matches!(d.step_code(), 0x156 | 0x157 | 0x167) && d.is(0, 0x0A5),
    },
    Rule {
        id: "persistent public areas",
        clause: "Part 3, 28.5",
        text: "an object of which only the public part is loaded can be made persistent since version 185; libtpms has an \
               older one (TPM_RC_ATTRIBUTES)",
        explains: |d| {
            let object = d.objects.get(1).and_then(Option::as_ref);
            d.step_code() == 0x120 && d.codes[THEIRS] == 0x282 && object.is_some_and(|object| !object.private)
        },
    },
    Rule {
        id: "attributes of an encrypting key",
        clause: "Part 3, 14.2",
        text: "TPM2_RSA_Encrypt shall not check the attributes of the key; libtpms wants decrypt to be SET",
        explains: |d| d.step_code() == 0x174 && d.codes[THEIRS] == 0x182,
    },
    Rule {
        id: "policy sessions that only encrypt",
        clause: "Part 1, 16.7.1",
        text: "a policy session starts over when it has authorized something; libtpms also forgets the policy of one that \
               has only encrypted a parameter of another command",
        explains: |d| d.forgotten,
    },
    Rule {
        id: "handles of sessions beyond the number of sessions",
        clause: "Part 3, 5.4, 5.5, 28.3 and 28.4",
        text: "a session that does not exist is TPM_RC_REFERENCE_H0 + N, TPM_RC_REFERENCE_S0 + N or TPM_RC_HANDLE, or a changed context TPM_RC_INTEGRITY; libtpms calls a number \
               that none of its 64 sessions can have a bad value",
        explains: |d| {
            let parameter = matches!((d.step_code(), d.codes[OURS]), (0x165, 0x1CB | 0x095) | (0x161, 0x1DF | 0x1CB));
            d.codes[THEIRS] == 0x1C4 && parameter
                || (0..3).any(|n| {
                    d.is(0x918 + n, 0x984 + n * 0x100) || d.is(0x910 + n, 0x184 + n * 0x100) && d.session_beyond(n)
                })
        },
    },
    Rule {
        id: "auditReset in a response",
        clause: "Part 2, 8.4",
        text: "auditReset is always CLEAR in a response; libtpms echoes it (as Part 1, 15.6.4 has it)",
        explains: |d| {
            d.what == What::SessionAttributes
                && d.values[OURS].len() == d.values[THEIRS].len()
                && d.values[OURS].iter().zip(&d.values[THEIRS]).all(|(ours, theirs)| *ours == theirs & !4)
        },
    },
    Rule {
        id: "authorizations that expire",
        clause: "Part 3, 23.2.2, point 4",
        text: "without nonceTPM the expiration in milliseconds is the time-out itself; libtpms adds the milliseconds of the \
               current second",
        explains: |d| matches!(d.step_code(), 0x151 | 0x160) && d.codes[OURS] == 0x4E3,
    },
    Rule {
        id: "room for names",
        clause: "Part 2, 10.4.3",
        text: "a name has at most the bytes of an algorithm and its largest digest; in libtpms the buffer has two more",
        explains: |d| {
            let long = d.parameters.windows(2).any(|pair| matches!(pair, [0, 67 | 68]));
            let name = |n: u32| d.codes[OURS] == 0xD5 | n << 8;
            long && match d.step_code() {
                0x188 => name(1) || name(2),
                0x172 => name(4),
                0x16A => name(3),
                0x152 | 0x168 => name(2),
                _ => false,
            }
        },
    },
    Rule {
        id: "a list that is too short and cut",
        clause: "Part 2, 10.8.5",
        text: "TPM2_PolicyOR wants two digests at least; libtpms says so before it reads the first one",
        explains: |d| d.step_code() == 0x171 && matches!(d.codes, [0x1DA | 0x095, 0x1D5]),
    },
    Rule {
        id: "buffers that are larger here",
        clause: "Part 2, 10.8.2 and 11.2.4.5",
        text: "a size up to that of RSA-4096, or of a list of 128 algorithms, is allowed, and what is cut is TPM_RC_INSUFFICIENT; \
               libtpms has RSA keys of 3072 bits at most and a shorter list (TPM_RC_SIZE)",
        explains: |d| {
            let first = |bytes: usize| {
                let number = d.parameters.get(..bytes)?;
                Some(number.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)))
            };
            let rsa =
                matches!(d.step_code(), 0x159 | 0x174) && first(2).is_some_and(|size| (385..=512).contains(&size));
            let list = d.step_code() == 0x142 && first(4).is_some_and(|count| count <= 128);
            // The key of an external object, or a public area.
            let object = matches!(d.step_code(), 0x131 | 0x153 | 0x156 | 0x157 | 0x167 | 0x191);
            let cut = d.codes[OURS] & 0x0FF == 0x0DA && d.codes[THEIRS] & 0x0FF == 0x0D5 && d.same_place();
            d.is(0x1DA, 0x1D5) && (rsa || list) || object && cut
        },
    },
    Rule {
        id: "physical presence before lockout",
        clause: "Part 3, 5.6, points 2 and 3",
        text: "that physical presence is missing (TPM_RC_PP) comes before that the session is bound to what is locked out; \
               libtpms says TPM_RC_LOCKOUT first",
        explains: |d| d.is(0x990, 0x921),
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
        id: "kinds of NV handles",
        clause: "Part 2, 7.2",
        text: "external and permanent NV indices (0x11, 0x12) are NV indices of which there is none (TPM_RC_HANDLE); libtpms does \
               not know them (TPM_RC_VALUE)",
        explains: |d| {
            (0..3_u32).any(|n| {
                let known = d.handles.get(n as usize).is_some_and(|handle| matches!(handle >> 24, 0x11 | 0x12));
                known && d.is(0x18B + n * 0x100, 0x184 + n * 0x100)
            })
        },
    },
    Rule {
        id: "one field of a session after the other",
        clause: "Part 3, 5.5, point 4",
        text: "of two things that are wrong with one session Ironroot names the form of its fields, or that the handle is none, \
               before what libtpms names first",
        explains: |d| {
            (0..3).any(|n| {
                let place = n * 0x100;
                let form = [0x99A, 0x995, 0x9A1].iter().any(|code| d.is(code + place, 0x984 + place));
                form || d.is(0x98B + place, 0x982 + place)
            })
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
        id: "scheme of a key that cannot sign",
        clause: "Part 3, 20.2 and 23.3",
        text: "an HMAC under a key whose scheme is another one is TPM_RC_SCHEME; libtpms computes it and says TPM_RC_SIGNATURE",
        explains: |d| d.step_code() == 0x160 && d.is(0x5D2, 0x5DB) || d.step_code() == 0x177 && d.is(0x2D2, 0x2DB),
    },
    Rule {
        id: "limited hierarchies",
        clause: "Part 2, 9.4 and 9.13",
        text: "the handle of a firmware-limited or SVN-limited hierarchy (v184) whose secret is not there is TPM_RC_FW_LIMITED or \
               TPM_RC_SVN_LIMITED, and as a parameter it is one like any other; libtpms knows no such handles (TPM_RC_VALUE)",
        explains: |d| {
            let limited = matches!(d.codes[OURS] & 0xBF, 0xA8 | 0xA9) && d.codes[THEIRS] & 0xBF == 0x84;
            let svn = d.parameters.windows(2).any(|pair| pair[0] == 0x40 && (1..=4).contains(&pair[1]));
            let parameter = matches!((d.step_code(), d.codes[THEIRS]), (0x13E, 0x2C4) | (0x14A, 0x4C4));
            limited || svn && parameter && d.codes[OURS] != 0
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
        id: "private part before the kind of session",
        clause: "Part 3, 5.6, points 1 and 4",
        text: "that the private part is not loaded (TPM_RC_AUTH_UNAVAILABLE) comes before the role's demand of a policy session",
        explains: |d| d.is(0x12F, 0x124),
    },
    Rule {
        id: "sessions for a command without them",
        clause: "Part 3, 5.5, points 1 and 3",
        text: "TPM_RC_AUTH_CONTEXT comes before the authorizationSize; libtpms reads that first",
        explains: |d| d.codes[OURS] == 0x145 && matches!(d.codes[THEIRS], 0x095 | 0x09A),
    },
    Rule {
        id: "policy session for a sequence",
        clause: "Part 3, 5.6, point 8.4",
        text: "a policy session for an object without a policy is TPM_RC_POLICY_FAIL, as is that for a sequence; libtpms says \
               TPM_RC_AUTH_UNAVAILABLE for sequences",
        explains: |d| {
            let sequence = |object: &Option<Object>| object.as_ref().is_some_and(|it| it.sequence.is_some());
            matches!(d.codes[OURS] & !0xF00, 0x09D | 0x0A3 | 0x0A4)
                && d.codes[THEIRS] == 0x12F
                && d.objects.iter().any(sequence)
        },
    },
    Rule {
        id: "defect: signed comparison of negative numbers",
        clause: "Part 3, 23.9 and 23.10",
        text: "the signed comparisons of TPM2_PolicyNV and TPM2_PolicyCounterTimer are those of two's complement numbers; \
               libtpms takes the larger of two negative ones for the smaller",
        explains: |d| {
            let mut parts = Parts(&d.parameters);
            let negative = parts.sized().and_then(<[u8]>::first).is_some_and(|byte| byte & 0x80 != 0);
            let operation = parts.0.get(3).copied().unwrap_or(0);
            let compares = matches!(d.step_code(), 0x149 | 0x16D);
            compares && negative && matches!(operation, 2 | 4 | 6 | 8) && (d.is(0, 0x126) || d.is(0x126, 0))
        },
    },
    Rule {
        id: "where counters start",
        clause: "Part 3, 31.1",
        text: "a new counter starts above every value that one of its name has had; how far above is the TPM's choice, so \
               that a policy may hold for one of them only",
        explains: |d| d.counter && d.step_code() == 0x149 && (d.is(0, 0x126) || d.is(0x126, 0)),
    },
    Rule {
        id: "schemes of attestations that nobody signs",
        clause: "Part 3, 18.1",
        text: "with TPM_RH_NULL as key the scheme has to be one that can sign, and has no effect; libtpms refuses some",
        explains: |d| {
            matches!(d.step_code(), 0x148 | 0x158 | 0x14C | 0x14A | 0x184 | 0x133 | 0x14D)
                && d.handles.contains(&crate::entities::NULL)
                && d.is(0, 0x2D2)
        },
    },
    Rule {
        id: "secrets that are no point",
        clause: "Part 2, 11.4.3",
        text: "a secret for an ECC key is a point and nothing behind it (TPM_RC_SIZE); libtpms does not look behind it",
        explains: |d| matches!(d.step_code(), 0x147) && d.is(0x2D5, 0x2E7),
    },
    Rule {
        id: "attached components",
        clause: "Part 2, 7.2",
        text: "TPM_HT_AC is a kind of handle, of which there are none; libtpms does not know it",
        explains: |d| d.step_code() == 0x17A && d.is(0, 0x2CB) && Parts(&d.parameters).0.get(4) == Some(&0x90),
    },
    Rule {
        id: "parameters of a second start",
        clause: "Part 3, 5.8",
        text: "parameters are unmarshalled before the action of TPM2_Startup, which says that the TPM has been started; libtpms \
               the other way",
        explains: |d| d.step_code() == 0x144 && d.codes[THEIRS] == 0x100,
    },
    Rule {
        id: "one session after the other",
        clause: "Part 3, 5.5, point 4",
        text: "sessions are unmarshalled and checked one after the other: of two bad sessions Ironroot names the first, \
               libtpms the one that cannot be unmarshalled or is named twice",
        explains: |d| {
            let session = |code: u32| (code & 0x8C0 == 0x880).then_some(code >> 8 & 7);
            let [ours, theirs] = d.codes;
            let bytes = matches!(theirs & 0xFF, 0x82 | 0x84 | 0x8B | 0x95 | 0x9A | 0xA1);
            matches!((session(ours), session(theirs)), (Some(one), Some(two)) if one < two) && bytes
                || session(ours).is_some() && matches!(theirs, 0x095 | 0x09A)
        },
    },
    Rule {
        id: "enabling what is enabled",
        clause: "Part 3, 24.2",
        text: "only the platform may SET shEnable and ehEnable (TPM_RC_AUTH_TYPE); libtpms lets the owner set what is set",
        explains: |d| d.step_code() == 0x121 && d.is(0x124, 0),
    },
    Rule {
        id: "localities that reset PCR",
        clause: "Part 3, 22.8",
        text: "which localities may reset a PCR is the platform's choice; libtpms does not let locality 4 reset PCR 16 and 23",
        explains: |d| d.step_code() == 0x13D && d.is(0, 0x907) && d.step.locality == 4,
    },
    Rule {
        id: "handles of saved contexts",
        clause: "Part 2, 9.12",
        text: "savedHandle of a transient object is one of three numbers (TPM_RC_VALUE); libtpms finds out that the context was \
               changed (TPM_RC_INTEGRITY)",
        explains: |d| d.step_code() == 0x161 && d.is(0x1C4, 0x1DF),
    },
    Rule {
        id: "PIN indices and refused sessions",
        clause: "Part 3, 5.5 and 5.6",
        text: "libtpms checks, and counts, the use of a PIN before it refuses a session behind it; from then on its count differs",
        explains: |d| d.pin && d.codes[THEIRS] == 0x12F,
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
        id: "vendor properties",
        clause: "Part 2, 6.12",
        text: "there are none; libtpms does not know the capability",
        explains: |d| d.step_code() == 0x17A && d.is(0, 0x1C4) && Parts(&d.parameters).u32() == Some(0x100),
    },
    Rule {
        id: "size of a certified part",
        clause: "Part 3, 31.16",
        text: "an implementation may return TPM_RC_VALUE if size is greater than MAX_NV_BUFFER_SIZE; libtpms says TPM_RC_NV_RANGE",
        explains: |d| d.step_code() == 0x184 && d.is(0x3C4, 0x146),
    },
    Rule {
        id: "self-test of what is not there",
        clause: "Part 3, 10.3",
        text: "an algorithm that the TPM does not have needs no test; libtpms says TPM_RC_VALUE",
        explains: |d| d.step_code() == 0x142 && d.is(0, 0x1C4),
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
        id: "private part before lockout",
        clause: "Part 3, 5.6, points 1 and 3",
        text: "that the private part is not loaded (TPM_RC_AUTH_UNAVAILABLE) comes before TPM_RC_LOCKOUT",
        explains: |d| d.is(0x12F, 0x921),
    },
    Rule {
        id: "defect: extended localities",
        clause: "Part 3, 22.2 and 22.3; Part 2, 8.5",
        text: "a PCR is extended from localities that its attributes name, which are 0 to 4; libtpms takes locality 32 for 0",
        explains: |d| matches!(d.step_code(), 0x182 | 0x13C | 0x13D | 0x185) && d.step.locality >= 32 && d.is(0x907, 0),
    },
    Rule {
        id: "tickets that do not fit a policy",
        clause: "Part 3, 23.16.1",
        text: "a ticket of TPM2_PolicyAuthorize that is not valid is TPM_RC_POLICY; libtpms says TPM_RC_VALUE",
        explains: |d| d.step_code() == 0x16A && d.is(0x126, 0x4C4),
    },
    Rule {
        id: "sets of algorithms",
        clause: "Part 3, 26.3",
        text: "which values algorithmSet may have is the vendor's choice: Ironroot has one set, number 0; libtpms takes any \
               number and does nothing with it",
        explains: |d| d.step_code() == 0x13F && d.is(0x1C4, 0),
    },
    Rule {
        id: "operands of an index",
        clause: "Part 3, 23.9",
        text: "an operand beyond the contents of the index is TPM_RC_NV_RANGE; libtpms says TPM_RC_SIZE of the operand",
        explains: |d| d.step_code() == 0x149 && d.is(0x146, 0x1D5),
    },
    Rule {
        id: "another nonce",
        clause: "Part 3, 23.2.2, point 1",
        text: "a nonceTPM that is not that of the session is TPM_RC_VALUE; libtpms says TPM_RC_NONCE",
        explains: |d| matches!(d.step_code(), 0x151 | 0x160) && d.is(0x1C4, 0x1CF),
    },
    Rule {
        id: "handles of TPM2_CertifyX509",
        clause: "Part 3, 18.8.2; Part 2, 6.6.3",
        text: "objectHandle is the first handle and signHandle the second; libtpms numbers what it finds wrong with them \
               the other way round",
        explains: |d| d.step_code() == 0x197 && (d.is(0x181, 0x281) || d.is(0x29C, 0x19C)),
    },
    Rule {
        id: "partial certificates that are none",
        clause: "Part 3, 18.8; Part 2, 6.6.3",
        text: "bytes that are no DER of the five elements have a value that is not right (TPM_RC_VALUE); libtpms says \
               TPM_RC_SIZE where a length inside of them is wrong",
        explains: |d| d.step_code() == 0x197 && d.is(0x3C4, 0x3D5),
    },
    Rule {
        id: "objects that only their policy opens",
        clause: "Part 3, 5.6, point 7.1",
        text: "a password or an HMAC for the USER role of an object with userWithAuth CLEAR is TPM_RC_POLICY_FAIL; libtpms \
               says TPM_RC_AUTH_UNAVAILABLE",
        explains: |d| {
            let number = (d.codes[OURS] >> 8 & 7) as usize;
            let object = number.checked_sub(1).and_then(|at| d.objects.get(at)).and_then(Option::as_ref);
            d.codes[OURS] & !0x700 == 0x89D
                && d.codes[THEIRS] == 0x12F
                && object.and_then(Object::shape).is_some_and(|public| !public.has(USER_WITH_AUTH))
        },
    },
    Rule {
        id: "PCR of a policy behind its digest",
        clause: "Part 3, 5.6, points 8.1 to 8.5",
        text: "time-out, command code and digest of a policy are checked before whether PCR have changed since \
               (TPM_RC_PCR_CHANGED); libtpms the other way",
        explains: |d| matches!(d.codes[OURS] & !0x700, 0x89D | 0x8A3 | 0x8A4) && d.codes[THEIRS] == 0x128,
    },
    Rule {
        id: "MAC schemes that do not fit a cipher",
        clause: "Part 3, 15.6 and 17.3",
        text: "a cipher key without a mode wants a mode for authentication (TPM_RC_VALUE); libtpms says TPM_RC_SCHEME of a hash",
        explains: |d| {
            let cipher = d.objects.first().and_then(Option::as_ref).and_then(Object::shape);
            matches!(d.step_code(), 0x155 | 0x15B)
                && d.is(0x2C4, 0x2D2)
                && cipher.is_some_and(|public| public.alg == crate::public::SYMCIPHER)
        },
    },
    Rule {
        id: "sequences that are no keys",
        clause: "Part 3, 5.4; Part 2, 6.6.3",
        text: "a sequence in the place of a key is TPM_RC_TYPE of its handle, whatever else is wrong; libtpms looks at \
               parameters and other handles first, at nothing for TPM2_PolicySigned in a trial session, and certifies one",
        explains: |d| {
            let number = (d.codes[OURS] >> 8 & 7) as usize;
            let object = number.checked_sub(1).and_then(|at| d.objects.get(at)).and_then(Option::as_ref);
            d.what == What::Code
                && d.codes[OURS] & !0x700 == 0x08A
                && (d.codes[THEIRS] != 0 || d.trial && d.step_code() == 0x160 || d.step_code() == 0x148)
                && object.is_some_and(|object| object.sequence.is_some())
        },
    },
    Rule {
        id: "room for larger keys",
        clause: "Part 2, 11.4.3 and 12.2.6",
        text: "secrets for ML-KEM keys and templates of ML-DSA keys are longer than those of RSA keys: where a size is too large for libtpms \
               (TPM_RC_SIZE), Ironroot misses the bytes (TPM_RC_INSUFFICIENT)",
        explains: |d| {
            matches!(d.step_code(), 0x147 | 0x150..=0x157 | 0x176 | 0x191)
                && d.same_place()
                && d.codes[OURS] & 0xBF == 0x9A
                && d.codes[THEIRS] & 0xBF == 0x95
        },
    },
    Rule {
        id: "defect: responses in policy sessions that want a password",
        clause: "Part 1, 16.6.16",
        text: "a policy session with TPM2_PolicyPassword that only encrypts has an HMAC; libtpms leaves it out of the response",
        explains: |d| matches!(d.what, What::Session(THEIRS, _)) && d.password_beside,
    },
    Rule {
        id: "saved contexts that are too short",
        clause: "Part 3, 28.3.1",
        text: "a context without a valid integrity HMAC is TPM_RC_INTEGRITY; libtpms says TPM_RC_SIZE if its HMAC or \
               its contents do not fit into it",
        explains: |d| d.step_code() == 0x161 && (d.is(0x1DF, 0x1D5) || d.is(0x1DF, 0x095)),
    },
    Rule {
        id: "unwritten indices that authorize their reading",
        clause: "Part 3, 31.1",
        text: "that an index was never written (TPM_RC_NV_UNINITIALIZED) is said before its auth value is looked at, so that \
               no guess counts; libtpms looks at the auth value, the parameters and other handles first",
        explains: |d| {
            matches!(d.step_code(), 0x14E | 0x184) && d.what == What::Code && d.codes[OURS] == 0x14A && d.unwritten
        },
    },
    Rule {
        id: "what a trial session keeps",
        clause: "Part 3, 23.1",
        text: "policy commands succeed in a trial session but for errors of unmarshaling, whatever it was told before; libtpms \
               keeps the cpHash of an authorization that it did not check, and compares other hashes with it",
        explains: |d| {
            let hashed = matches!(d.step_code(), 0x151 | 0x160 | 0x16E | 0x170 | 0x172 | 0x188 | 0x190);
            let ours = matches!(d.codes[OURS], 0 | 0x143 | 0x1D5);
            d.trial && hashed && ours && d.what == What::Code && matches!(d.codes[THEIRS], 0x151 | 0x1C4)
        },
    },
    Rule {
        id: "binding of imported RSA keys",
        clause: "Part 3, 12.2",
        text: "that an exponent is a prime (TPM_RC_VALUE), and that public and sensitive area belong together (TPM_RC_BINDING), is checked before an object is used; Ironroot \
               does it when a parent with fixedTPM takes it in, libtpms divides the modulus of an RSA key by its prime when \
               it is loaded, and looks at that of an external key before its exponent",
        explains: |d| {
            let imported = d.step_code() == 0x156 && (d.is(0x0A5, 0) || d.is(0x2C4, 0));
            let external = d.step_code() == 0x167 && d.is(0x2C4, 0x0A5);
            (imported || external) && d.public().is_some_and(|public| public.alg == crate::public::RSA)
        },
    },
    Rule {
        id: "signatures of policies",
        clause: "Part 3, 23.3.1",
        text: "a signature that is not valid is TPM_RC_POLICY_FAIL; libtpms says TPM_RC_SIGNATURE",
        explains: |d| d.step_code() == 0x160 && d.is(0x5DD, 0x5DB),
    },
    Rule {
        id: "digests of a contents that nobody signs",
        clause: "Part 3, 31.16.1",
        text: "without a key and a scheme there is no hash for the digest of an index (TPM_RC_SCHEME); libtpms is of a version \
               that leaves the digest empty",
        explains: |d| d.step_code() == 0x184 && d.is(0x2D2, 0) && d.handles.first() == Some(&crate::entities::NULL),
    },
    Rule {
        id: "newer capabilities",
        clause: "Part 2, 6.12",
        text: "libtpms does not know TPM_CAP_ACT, TPM_CAP_PUB_KEYS and TPM_CAP_SPDM_SESSION_INFO",
        explains: |d| {
            d.step_code() == 0x17A
                && d.codes[THEIRS] == 0x1C4
                && matches!(Parts(&d.parameters).u32(), Some(0x0A..=0x0C))
        },
    },
    Rule {
        id: "the whole allocation of PCR",
        clause: "Part 3, 30.2.1",
        text: "TPM_CAP_PCRS is always answered with the full allocation; libtpms gives as many banks as are asked for",
        explains: |d| {
            d.step_code() == 0x17A
                && matches!(d.what, What::Field(_))
                && Parts(&d.parameters).u32() == Some(5)
                && Parts(&d.parameters).0.get(8..).is_some_and(|count| count < &[0, 0, 0, 4])
        },
    },
    Rule {
        id: "banks of an event",
        clause: "Part 3, 22.3.1",
        text: "the digests of an event may be those of every bank, or of the banks in which the PCR is: libtpms gives all, \
               Ironroot those that it extends",
        explains: |d| {
            let count = |side: usize| Parts(&d.values[side]).u32();
            matches!(d.step_code(), 0x13C | 0x185) && matches!(d.what, What::Field(_)) && count(OURS) < count(THEIRS)
        },
    },
    Rule {
        id: "PCR of a trial",
        clause: "Part 3, 23.7.1",
        text: "a trial session takes pcrs as they are said; libtpms leaves out those that are not allocated if no pcrDigest is \
               given",
        explains: |d| d.step_code() == 0x189 && d.trial_pcr && d.what == What::Field("policy_digest"),
    },
    Rule {
        id: "sizes of encrypted parameters",
        clause: "Part 3, 5.8",
        text: "a parameter that is longer than the command cannot be unmarshaled (TPM_RC_INSUFFICIENT of the parameter), \
               encrypted or not; libtpms says TPM_RC_SIZE or TPM_RC_INSUFFICIENT of the session that decrypts",
        explains: |d| {
            let number = (d.codes[THEIRS] >> 8 & 7) as usize;
            d.codes[OURS] == 0x1DA
                && matches!(d.codes[THEIRS] & !0x700, 0x895 | 0x89A)
                && d.session_attributes(number).is_some_and(|bits| bits & 0x20 != 0)
        },
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
        id: "policies that say how long",
        clause: "Part 3, 23.10.1",
        text: "a comparison of all of Time with \"less than\" says since version 1.83 for how many seconds a session authorizes \
               (TPM_RC_EXPIRED); libtpms compares",
        explains: |d| {
            let mut parts = Parts(&d.parameters);
            let whole = parts.sized().is_some_and(|operand| operand.len() == 8) && parts.0 == [0, 0, 0, 5];
            d.step_code() == 0x16D && whole && matches!(d.codes, [0 | 0x0A3, 0 | 0x126])
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
        id: "defect: exchanges that fail",
        clause: "Part 3, 14.7",
        text: "TPM_ALG_ECMQV and TPM_ALG_SM2 give a point on every curve; libtpms 0.9.2 goes into failure mode for some keys",
        explains: |d| {
            d.step_code() == 0x18D
                && d.is(0, FAILURE)
                && matches!(d.key_exchange(), Some(crate::public::ECMQV | crate::public::SM2))
        },
    },
    Rule {
        id: "names in anonymous attestations",
        clause: "Part 3, 18.1",
        text: "with an anonymous scheme an attestation does not contain the qualified name of the signing key; libtpms leaves \
               out that of the certified object, too",
        explains: |d| {
            let mut parts = Parts(&d.parameters);
            let _qualifying = parts.sized();
            d.step_code() == 0x148
                && d.what == What::Field("certify_info")
                && (parts.u16() == Some(crate::public::ECDAA) || d.signs_anonymously())
        },
    },
    Rule {
        id: "schemes of keys for salts",
        clause: "Part 3, 11.1.1; Part 2, 6.6.3",
        text: "a key with another scheme than OAEP has the wrong value (TPM_RC_VALUE of the handle); libtpms says it of the salt",
        explains: |d| d.step_code() == 0x176 && d.is(0x184, 0x2C4),
    },
    Rule {
        id: "policies of the wrong size",
        clause: "Part 3, 12.3",
        text: "of two faults of a public area Ironroot names the size of its authPolicy, libtpms the unique value",
        explains: |d| {
            let policy = d.public().is_some_and(|public| {
                !matches!(public.policy.len(), 0) && public.policy.len() != crate::public::digest_size(public.name_alg)
            });
            d.step_code() == 0x167 && d.is(0x2D5, 0x2DC) && (policy || d.public().is_none())
        },
    },
    Rule {
        id: "leading zeros of what is encrypted",
        clause: "Part 3, 14.2",
        text: "without padding a message has at most the bytes of the modulus (TPM_RC_VALUE); libtpms does not count leading zeros",
        explains: |d| {
            let long = Parts(&d.parameters).sized().is_some_and(|message| message.len() > 256 && message[0] == 0);
            d.step_code() == 0x174 && d.is(0x1C4, 0) && long
        },
    },
    Rule {
        id: "points without a name",
        clause: "Part 3, 12.3; Part 2, 11.2.5.2",
        text: "a point has to be on its curve (TPM_RC_ECC_POINT); libtpms does not look at that of a public area without nameAlg",
        explains: |d| {
            let nameless = d.public().is_some_and(|public| public.name_alg == crate::public::NULL);
            d.step_code() == 0x167 && d.is(0x2E7, 0) && nameless
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
    Rule {
        id: "limited hierarchies",
        clause: "Part 2, 7.4",
        text: "contexts, tickets and objects may be of a firmware-limited or SVN-limited hierarchy; libtpms knows a specification \
               without them (TPM_RC_VALUE)",
        explains: |d| {
            let limited = |hierarchy| matches!(hierarchy, 0x4001_0000..=0x4004_FFFF | 0x4000_0140..=0x4000_0143);
            let named = d.parameters.windows(4).any(|bytes| Parts(bytes).u32().is_some_and(limited));
            let place = match d.step_code() {
                0x161 => 0x1C4,
                // Sign and LoadExternal
                0x15D | 0x167 => 0x3C4,
                _ => return false,
            };
            d.what == What::Code && named && d.codes[THEIRS] == place
        },
    },
    Rule {
        id: "certificates that nobody signs",
        clause: "Part 3, 18.8.2",
        text: "signHandle of TPM2_CertifyX509 is no \"+\" type, so that TPM_RH_NULL is TPM_RC_VALUE of the handle; libtpms says \
               so later",
        explains: |d| {
            d.step_code() == 0x197 && d.is(0x284, d.codes[THEIRS]) && d.handles.get(1) == Some(&crate::entities::NULL)
        },
    },
    Rule {
        id: "exclusivity of sessions behind the first",
        clause: "Part 3, 5.6",
        text: "each session is checked with all that is to be said of it, the first one first; libtpms asks for exclusivity \
               (TPM_RC_EXCLUSIVE) before any authorization",
        explains: |d| {
            let asks = |number| d.session_attributes(number).is_some_and(|bits| bits & 0x82 == 0x82);
            let refused = matches!(d.codes[OURS], 0x12F | 0x124 | 0x921 | 0x128)
                || matches!(d.codes[OURS] & !0x700, 0x8A2 | 0x88E | 0x89D | 0x8A3 | 0x8A4);
            d.codes[THEIRS] == 0x121 && refused && (2..=3).any(asks)
        },
    },
];

/// The section of docs/conformance.md.
pub fn page() -> String {
    let mut page = String::from(
        "## Explained divergences\n\nWhere Ironroot and libtpms 0.9.2 (Debian 12) answer the same bytes otherwise, and what decides. \
         `cargo xtask differential`\nsends random sequences to both; any other difference fails it. The list is in \
         differential/src/rules.rs.\n\n| what | decided by | libtpms and Ironroot |\n|---|---|---|\n",
    );
    for rule in RULES {
        page.push_str(&format!("| {} | {} | {} |\n", rule.id, rule.clause, rule.text));
    }
    page
}

/// The rule that explains a divergence.
pub fn explain(divergence: &Divergence) -> Option<&'static Rule> {
    RULES.iter().find(|rule| (rule.explains)(divergence))
}

impl Divergence {
    /// Whether the response codes are these.
    fn is(&self, ours: u32, theirs: u32) -> bool {
        self.what == What::Code && self.codes == [ours, theirs]
    }

    /// The scheme of TPM2_ZGen_2Phase.
    fn key_exchange(&self) -> Option<u16> {
        let mut parts = Parts(&self.parameters);
        parts.sized()?;
        parts.sized()?;
        parts.u16()
    }

    /// Whether the signing key of an attestation has the anonymous scheme.
    fn signs_anonymously(&self) -> bool {
        let key = self.objects.get(1).and_then(Option::as_ref).and_then(Object::shape);
        key.and_then(Public::scheme) == Some(crate::public::ECDAA)
    }

    /// Whether both codes name the same handle, parameter or session.
    fn same_place(&self) -> bool {
        self.codes[OURS] & 0xF40 == self.codes[THEIRS] & 0xF40
    }

    /// The command.
    fn step_code(&self) -> u32 {
        match &self.step.action {
            Action::Command(call) => call.code,
            Action::PowerCycle => 0,
        }
    }

    /// The attributes of a session of the command, as they were sent.
    fn session_attributes(&self, number: usize) -> Option<u8> {
        let Action::Command(call) = &self.step.action else { return None };
        let _: Option<&AuthUse> = call.auths.first();
        let mut parts = Parts(self.requests[OURS].get(10 + self.handles.len() * 4..)?);
        let size = parts.u32()?;
        let mut area = Parts(parts.take(size as usize)?);
        for _ in 1..number {
            area.u32()?;
            area.sized()?;
            area.u8()?;
            area.sized()?;
        }
        area.u32()?;
        area.sized()?;
        area.u8()
    }

    /// Whether a handle is that of a session which libtpms cannot have.
    fn session_beyond(&self, n: u32) -> bool {
        self.handles.get(n as usize).is_some_and(|handle| matches!(handle >> 24, 2 | 3) && handle & 0xFF_FFFF > 63)
    }

    /// The attributes of the public area among the parameters, even if the rest of it is cut.
    fn object_attributes(&self) -> Option<u32> {
        let mut parts = Parts(&self.parameters);
        if !matches!(self.step_code(), 0x131 | 0x153 | 0x156 | 0x157 | 0x167 | 0x191) {
            return None;
        }
        parts.sized()?;
        parts.take(6)?;
        parts.u32()
    }

    /// The public area among the parameters.
    fn public(&self) -> Option<Public> {
        let mut parts = Parts(&self.parameters);
        match self.step_code() {
            // CreatePrimary, Create, Import, Load, LoadExternal, CreateLoaded: behind a sized parameter
            0x131 | 0x153 | 0x156 | 0x157 | 0x167 | 0x191 => {
                parts.sized()?;
                Public::parse(parts.sized()?)
            }
            _ => None,
        }
    }
}

/// Whether both TPMs hold the same after it.
///
/// # Errors
/// If libtpms does not answer.
pub fn in_step(world: &mut World, divergence: &Divergence) -> Result<bool, String> {
    match divergence.what {
        What::Code if divergence.codes.contains(&FAILURE) => world.works(),
        What::Code => Ok(divergence.codes.iter().all(|code| *code != 0)),
        _ => Ok(false),
    }
}
