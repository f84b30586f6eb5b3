//! Part 3 from clause 9 on: single commands.

use super::{FAILURE, Rule};
use crate::{
    bytes::Parts,
    entities::{OURS, Object, THEIRS},
    world::What,
};

pub const RULES: &[Rule] = &[
    Rule {
        id: "slots of commands that load nothing",
        clause: "Part 3, 12.1",
        text: "libtpms needs one of its three slots while it creates an object, also where nothing is loaded",
        explains: |d| d.codes[THEIRS] == 0x902 && d.loaded >= 3 && matches!(d.step_code(), 0x153 | 0x156),
    },
    Rule {
        id: "TPM2_SequenceUpdate on what is no sequence",
        clause: "Part 3, 17.7",
        text: "the handle has the wrong mode (TPM_RC_MODE of the handle); libtpms counts it as a parameter",
        explains: |d| d.step_code() == 0x15C && d.is(0x189, 0x1C9),
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
        id: "defect: RSA that fails",
        clause: "Part 3, 14.2 and 14.3",
        text: "a message that is too long, or a ciphertext that does not decrypt, is TPM_RC_VALUE; libtpms 0.9.2 answers \
               TPM_RC_FAILURE and works on",
        explains: |d| matches!(d.step_code(), 0x174 | 0x159) && d.is(0x1C4, FAILURE),
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
        id: "authorizations that expire",
        clause: "Part 3, 23.2.2, point 4",
        text: "without nonceTPM the expiration in milliseconds is the time-out itself; libtpms adds the milliseconds of the \
               current second",
        explains: |d| matches!(d.step_code(), 0x151 | 0x160) && d.codes[OURS] == 0x4E3,
    },
    Rule {
        id: "scheme of a key that cannot sign",
        clause: "Part 3, 20.2 and 23.3",
        text: "an HMAC under a key whose scheme is another one is TPM_RC_SCHEME; libtpms computes it and says TPM_RC_SIGNATURE",
        explains: |d| d.step_code() == 0x160 && d.is(0x5D2, 0x5DB) || d.step_code() == 0x177 && d.is(0x2D2, 0x2DB),
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
        id: "certificates that nobody signs",
        clause: "Part 3, 18.8.2",
        text: "signHandle of TPM2_CertifyX509 is no \"+\" type, so that TPM_RH_NULL is TPM_RC_VALUE of the handle; libtpms says \
               so later",
        explains: |d| {
            d.step_code() == 0x197 && d.is(0x284, d.codes[THEIRS]) && d.handles.get(1) == Some(&crate::entities::NULL)
        },
    },
];
