//! Part 3, clause 5: what is checked of every command, and in which order.

use super::{FAILURE, Rule};
use crate::{
    bytes::Parts,
    entities::{OURS, Object, THEIRS},
    public::attributes::USER_WITH_AUTH,
    world::What,
};

pub const RULES: &[Rule] = &[
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
        id: "defect: failure mode without the private part",
        clause: "Part 3, 5.6, point 1",
        text: "authorizing an object of which only the public part is loaded is TPM_RC_AUTH_UNAVAILABLE; libtpms goes into \
               failure mode if a session tries",
        explains: |d| d.is(0x12F, FAILURE),
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
        id: "physical presence before lockout",
        clause: "Part 3, 5.6, points 2 and 3",
        text: "that physical presence is missing (TPM_RC_PP) comes before that the session is bound to what is locked out; \
               libtpms says TPM_RC_LOCKOUT first",
        explains: |d| d.is(0x990, 0x921),
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
        id: "PIN indices and refused sessions",
        clause: "Part 3, 5.5 and 5.6",
        text: "libtpms checks, and counts, the use of a PIN before it refuses a session behind it; from then on its count differs",
        explains: |d| d.pin && d.codes[THEIRS] == 0x12F,
    },
    Rule {
        id: "private part before lockout",
        clause: "Part 3, 5.6, points 1 and 3",
        text: "that the private part is not loaded (TPM_RC_AUTH_UNAVAILABLE) comes before TPM_RC_LOCKOUT",
        explains: |d| d.is(0x12F, 0x921),
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
