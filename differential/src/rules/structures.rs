//! Part 2: structures, their ranges and attributes.

use super::Rule;
use crate::{
    bytes::Parts,
    entities::{OURS, THEIRS},
    world::What,
};

pub const RULES: &[Rule] = &[
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
        id: "handles of saved contexts",
        clause: "Part 2, 9.12",
        text: "savedHandle of a transient object is one of three numbers (TPM_RC_VALUE); libtpms finds out that the context was \
               changed (TPM_RC_INTEGRITY)",
        explains: |d| d.step_code() == 0x161 && d.is(0x1C4, 0x1DF),
    },
    Rule {
        id: "vendor properties",
        clause: "Part 2, 6.12",
        text: "there are none; libtpms does not know the capability",
        explains: |d| d.step_code() == 0x17A && d.is(0, 0x1C4) && Parts(&d.parameters).u32() == Some(0x100),
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
];
