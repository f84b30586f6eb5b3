//! Hash, HMAC and event sequences through bytes, beside libtpms.

use crate::common::{self, TestTpm, decode, encode, password, rc};
use crate::outside::*;
use crate::peer::Both;
use crate::templates::{keys::*, *};
use ironroot_crypto::{hash::digest, hmac};
use ironroot_tpm::Profile;
use ironroot_wire::*;

const FIRST: TpmiDhObject = TpmiDhObject(0x8000_0000);
const SECOND: TpmiDhObject = TpmiDhObject(0x8000_0001);
const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

fn start(auth: &[u8], hash_alg: Option<TpmiAlgHash>) -> HashSequenceStart {
    HashSequenceStart { auth: Tpm2bAuth::from_slice(auth).unwrap(), hash_alg }
}

fn update(sequence_handle: TpmiDhObject, data: &[u8]) -> SequenceUpdate {
    SequenceUpdate { sequence_handle, buffer: Tpm2bMaxBuffer::from_slice(data).unwrap() }
}

fn complete(sequence_handle: TpmiDhObject, data: &[u8], hierarchy: u32) -> SequenceComplete {
    let buffer = Tpm2bMaxBuffer::from_slice(data).unwrap();
    SequenceComplete { sequence_handle, buffer, hierarchy: TpmiRhHierarchy(hierarchy) }
}

fn event_complete(sequence_handle: TpmiDhObject, pcr: Option<u32>, data: &[u8]) -> EventSequenceComplete {
    let buffer = Tpm2bMaxBuffer::from_slice(data).unwrap();
    EventSequenceComplete { pcr_handle: pcr.map(TpmiDhPcr), sequence_handle, buffer }
}

fn auth() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

#[test]
fn digests_are_libtpms_however_the_message_is_cut() {
    let mut both = Both::started();
    let message: Vec<u8> = (0..3000).map(|at| (at % 251) as u8).collect();
    for alg in [TpmiAlgHash::Sha1, SHA256, TpmiAlgHash::Sha384, TpmiAlgHash::Sha512] {
        for cut in [1, 64, 65, 1000, 1024] {
            assert_eq!(both.same(&start(b"", Some(alg)), &[]).unwrap().sequence_handle, FIRST);
            let mut pieces: Vec<&[u8]> = message.chunks(cut).collect();
            let last = pieces.pop().unwrap();
            // A byte at a time is slow on the peer; the first hundred bytes show it.
            let pieces: Vec<&[u8]> = if cut == 1 { pieces[..100].to_vec() } else { pieces };
            for piece in &pieces {
                both.same(&update(FIRST, piece), &auth()).unwrap();
            }
            let done = both.same(&complete(FIRST, last, NULL), &auth()).unwrap();
            assert_eq!(done.result.as_slice(), &digest(alg, &[&pieces.concat(), last])[..]);
            assert_eq!(both.same(&update(FIRST, b""), &auth()), Err(TpmRc::REFERENCE_H0), "flushed");
        }
    }
}

/// Part 3, 17.7 and 17.8: the first piece decides.
#[test]
fn a_ticket_needs_a_first_piece_that_is_long_enough_and_not_generated() {
    let mut both = Both::started();
    let generated = [0xFF, 0x54, 0x43, 0x47];
    let rows: [(&[&[u8]], bool); 9] = [
        (&[b"abcd"], true),
        (&[b"abc"], false),
        (&[b""], false),
        (&[b"abc", b"defg"], false),
        (&[b"abcd", b""], true),
        (&[b"", b"abcd"], false),
        (&[&generated, b"more"], false),
        (&[&generated[..3], &generated[3..]], false),
        (&[b"abcd", &generated], true),
    ];
    for (pieces, safe) in rows {
        both.same(&start(b"", Some(SHA256)), &[]).unwrap();
        let (last, first) = pieces.split_last().unwrap();
        for piece in first {
            both.same(&update(FIRST, piece), &auth()).unwrap();
        }
        let (ours, theirs) = both.both(&complete(FIRST, last, OWNER), &auth());
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert_eq!((&ours.result, ours.validation.hierarchy), (&theirs.result, theirs.validation.hierarchy));
        assert_eq!(!ours.validation.digest.is_empty(), safe, "{pieces:?}");
        assert_eq!(!theirs.validation.digest.is_empty(), safe, "{pieces:?}");
    }
}

#[test]
fn hmac_sequences_are_libtpms() {
    let mut both = Both::started();
    let (public, private) = hmac_pair(b"a key");
    both.same(&load_external(public, Some(private), NULL), &[]).unwrap();
    let begin = HmacStart { handle: FIRST, auth: Tpm2bAuth::from_slice(b"secret\0").unwrap(), hash_alg: None };
    assert_eq!(both.same(&begin, &auth()).unwrap().sequence_handle, SECOND);
    let with_password = [password(b"secret")];
    both.same(&update(SECOND, &[1; 1024]), &with_password).unwrap();
    assert_eq!(both.same_code(&update(SECOND, b""), &auth()).0, Err(TpmRc::BAD_AUTH.session(1)));
    let done = both.same(&complete(SECOND, &[2; 10], OWNER), &with_password).unwrap();
    assert_eq!(done.result.as_slice(), &hmac(SHA256, b"a key", &[&[1; 1024], &[2; 10]])[..]);
    assert_eq!(done.validation, no_ticket());
}

#[test]
fn an_event_extends_every_allocated_bank() {
    let mut tpm = TestTpm::started();
    let handle = tpm.run(&start(b"", None)).unwrap().sequence_handle;
    tpm.run_auth(&update(handle, b"an ")).unwrap();
    let results = tpm.run_auth(&event_complete(handle, Some(16), b"event")).unwrap().results;
    // The allocated banks: a digest for which there is no PCR says nothing, and tpm2-tss cannot read SHA-3's.
    assert_eq!(results.len(), Profile::HOST.pcr_allocation.iter().count());
    for result in results.iter() {
        let alg = result.hash_alg();
        assert_eq!(result.digest(), &digest(alg, &[b"an event"])[..]);
        let selection = TpmsPcrSelection { hash: alg, pcr_select: TpmsPcrSelect::of(&[16]) };
        let read = tpm.run(&PcrRead { pcr_selection_in: TpmlPcrSelection::new(vec![selection]) }).unwrap().pcr_values;
        let zeros = vec![0; alg.digest_size()];
        let extended = digest(alg, &[&zeros, result.digest()]);
        assert_eq!(read.first().unwrap().as_slice(), &extended[..]);
    }
    // Without a PCR, only the digests.
    let handle = tpm.run(&start(b"", None)).unwrap().sequence_handle;
    assert_eq!(tpm.run_auth(&event_complete(handle, None, b"an event")).unwrap().results, results);
}

#[test]
fn errors_of_sequences() {
    let mut both = Both::started();
    // An object is no sequence.
    let (public, private) = hmac_pair(b"a key");
    both.same(&load_external(public, Some(private), NULL), &[]).unwrap();
    let (ours, theirs) = both.both(&update(FIRST, b""), &auth());
    assert_eq!((ours, theirs), (Err(TpmRc::MODE.handle(1)), Err(TpmRc::MODE.parameter(1))), "it is a handle");
    assert_eq!(both.same(&complete(FIRST, b"", NULL), &auth()), Err(TpmRc::MODE.handle(1)));
    let two = [password(b""), password(b"")];
    assert_eq!(both.same(&event_complete(FIRST, Some(16), b""), &two), Err(TpmRc::MODE.handle(2)));
    // Each kind ends with its own command, and survives the other's.
    assert_eq!(both.same(&start(b"", None), &[]).unwrap().sequence_handle, SECOND);
    assert_eq!(both.same(&complete(SECOND, b"", NULL), &auth()), Err(TpmRc::MODE.handle(1)));
    let locality = both.ours.run_auth(&event_complete(SECOND, Some(17), b""));
    assert_eq!(locality, Err(TpmRc::LOCALITY));
    let (ours, theirs) = both.both(&event_complete(SECOND, Some(16), b""), &two);
    assert!(ours.is_ok() && theirs.is_ok());
    both.same(&start(b"", Some(SHA256)), &[]).unwrap();
    assert_eq!(both.same(&event_complete(SECOND, Some(16), b""), &two), Err(TpmRc::MODE.handle(2)));
    assert_eq!(both.same(&complete(SECOND, b"", 0x4000_0008), &auth()), Err(TpmRc::VALUE.parameter(2)));
    both.same(&complete(SECOND, b"", NULL), &auth()).unwrap();
    // A sequence is no key.
    both.same(&start(b"", Some(SHA256)), &[]).unwrap();
    let begin = HmacStart { handle: SECOND, auth: Tpm2bAuth::default(), hash_alg: Some(SHA256) };
    assert!(both.ours.run_auth(&begin).is_err());
    let unknown = common::frame(TpmSt::NoSessions, 0x186, &[0, 0, 0, 0x26]);
    assert_eq!(rc(&both.ours.raw(&unknown)), TpmRc::HASH.parameter(2));
}

#[test]
fn sequences_need_slots() {
    let mut tpm = TestTpm::started();
    for _ in 0..Profile::HOST.loaded_objects {
        tpm.run(&start(b"", Some(SHA256))).unwrap();
    }
    assert_eq!(tpm.run(&start(b"", Some(SHA256))), Err(TpmRc::OBJECT_MEMORY));
    assert_eq!(tpm.run(&start(b"", None)), Err(TpmRc::OBJECT_MEMORY));
}

#[test]
fn a_sequence_lives_on_in_a_saved_context() {
    let mut tpm = TestTpm::started();
    for (alg, data) in [(Some(SHA256), &b"abcd"[..]), (Some(TpmiAlgHash::Sha3_512), b"abcd"), (None, b"abcd")] {
        let handle = tpm.run(&start(b"x", alg)).unwrap().sequence_handle;
        tpm.run_with(&update(handle, data), &[password(b"x")]).unwrap();
        let saved = tpm.run(&ContextSave { save_handle: TpmiDhContext(handle.0) }).unwrap().context;
        tpm.run(&FlushContext { flush_handle: TpmiDhContext(handle.0) }).unwrap();
        let handle = TpmiDhObject(tpm.run(&ContextLoad { context: saved }).unwrap().loaded_handle.0);
        match alg {
            Some(alg) => {
                let done = tpm.run_with(&complete(handle, b"ef", OWNER), &[password(b"x")]).unwrap();
                assert_eq!(done.result.as_slice(), &digest(alg, &[b"abcdef"])[..]);
                assert!(!done.validation.digest.is_empty());
            }
            None => {
                let sessions = [password(b""), password(b"x")];
                let done = tpm.run_with(&event_complete(handle, None, b"ef"), &sessions).unwrap();
                assert_eq!(done.results[0].digest(), &digest(done.results[0].hash_alg(), &[b"abcdef"])[..]);
            }
        }
    }
}

/// The sequence is gone with its completion, but the response's HMAC still has its auth value in the key.
#[test]
fn the_response_of_a_completion_is_authentic() {
    let mut tpm = TestTpm::started();
    let sequence = tpm.run(&start(b"secret", Some(SHA256))).unwrap().sequence_handle;
    let caller = Tpm2bNonce::from_slice(&[7; 32]).unwrap();
    let session = tpm
        .run(&StartAuthSession {
            tpm_key: None,
            bind: None,
            nonce_caller: caller,
            encrypted_salt: Tpm2bEncryptedSecret::default(),
            session_type: TpmSe::Hmac,
            symmetric: None,
            auth_hash: SHA256,
        })
        .unwrap();
    let command = complete(sequence, b"abc", NULL);
    let mut parameters = Vec::new();
    command.marshal_parameters(&mut parameters);
    // The name of a sequence is empty.
    let cp_hash = digest(SHA256, &[&0x13E_u32.to_be_bytes(), &parameters]);
    let nonce = [8; 32];
    let attributes = [TpmaSession::CONTINUE_SESSION.0];
    let mac = hmac(SHA256, b"secret", &[&cp_hash, &nonce, &session.nonce_tpm, &attributes]);
    let authorization = TpmsAuthCommand {
        session_handle: TpmiShAuthSession(session.session_handle.0),
        nonce: Tpm2bNonce::from_slice(&nonce).unwrap(),
        session_attributes: TpmaSession::CONTINUE_SESSION,
        hmac: Tpm2bAuth::from_slice(&mac).unwrap(),
    };
    let bytes = tpm.raw(&encode(&command, &[authorization]));
    let (response, sessions) = decode::<SequenceComplete>(&bytes).unwrap();
    let answer = TpmsAuthResponse::from_bytes(&sessions).unwrap();
    let mut parameters = Vec::new();
    response.marshal_parameters(&mut parameters);
    let rp_hash = digest(SHA256, &[&0_u32.to_be_bytes(), &0x13E_u32.to_be_bytes(), &parameters]);
    let expected = hmac(SHA256, b"secret", &[&rp_hash, &answer.nonce, &nonce, &attributes]);
    assert_eq!(answer.hmac.as_slice(), &expected[..]);
    assert_eq!(tpm.run_auth(&update(sequence, b"")), Err(TpmRc::REFERENCE_H0), "flushed");
}
