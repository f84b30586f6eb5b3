//! A TPM without classical public keys, from end to end: `pq-walk [TCTI]`, the TCTI from the environment if none is given.
//!
//! 1. an ML-KEM-768 endorsement key and an ML-DSA-65 attestation key;
//! 2. a credential, made outside of the TPM and made by the TPM, activated by the one that has both keys;
//! 3. a session salted with ML-KEM-1024 that encrypts both ways;
//! 4. a quote, verified here by RustCrypto's `ml-dsa` alone, which is not what a daemon on a host signs with;
//! 5. sealing and unsealing under an ML-KEM storage key, through that session;
//! 6. an ML-DSA key that moves from one ML-KEM parent to another and signs there.

use std::error::Error;

use ironroot_client::{
    Auth, Loaded, ParameterCipher, Session, SessionOptions, Tcti, Tpm, pcr_selection, templates, wire::*,
};
use ironroot_crypto::{cfb_encrypt, hmac, kdfa};
use ml_dsa::{EncodedVerifyingKey, MlDsa44, MlDsa65, MlDsaParams, Signature, VerifyingKey};
use ml_kem::{EncapsulationKey, MlKem768, kem::Key};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;
/// fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt: as TCG's endorsement keys.
const ENDORSEMENT: TpmaObject = TpmaObject(0x0003_00B2);
/// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, decrypt.
const STORAGE: TpmaObject = TpmaObject(0x0003_0072);
/// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign.
const ATTESTATION: TpmaObject = TpmaObject(0x0005_0072);
/// sensitiveDataOrigin, userWithAuth, sign: it may move.
const MOBILE: TpmaObject = TpmaObject(0x0004_0060);
/// fixedTPM, fixedParent, userWithAuth.
const SEALED: TpmaObject = TpmaObject(0x0000_0052);

fn main() -> Outcome {
    let tcti = match std::env::args().nth(1) {
        Some(string) => Tcti::parse(&string)?,
        None => Tcti::from_env_or_default()?,
    };
    let mut tpm = Tpm::connect(&tcti)?;
    let ek = tpm.create_primary(
        TpmHandle::ENDORSEMENT,
        &ml_kem(ENDORSEMENT, TpmiMlkemParms::MlKem768, &templates::EK_POLICY_A)?,
        b"",
    )?;
    let ak = tpm.create_primary(TpmHandle::ENDORSEMENT, &ml_dsa(ATTESTATION, TpmiMldsaParms::MlDsa65, &[])?, b"")?;
    println!("endorsement key ML-KEM-768  name {}", hex(&ek.name));
    println!("attestation key ML-DSA-65   name {}", hex(&ak.name));

    credentials(&mut tpm, &ek, &ak)?;
    let storage = tpm.create_primary(TpmHandle::OWNER, &ml_kem(STORAGE, TpmiMlkemParms::MlKem1024, &[])?, b"")?;
    let options = SessionOptions::hmac().cipher(ParameterCipher::Aes256Cfb).salted(storage.handle, &storage.public);
    let mut session = tpm.start_session(&options)?.encrypting();
    println!("session                     salted with ML-KEM-1024, AES-256 both ways");
    quote(&mut tpm, &ak)?;
    seal(&mut tpm, &storage, &mut session)?;
    tpm.end_session(session)?;
    tpm.flush(ek.handle)?;
    duplicate(&mut tpm, &storage)?;
    tpm.flush(ak.handle)?;
    tpm.flush(storage.handle)?;
    println!("post-quantum walk: complete");
    Ok(())
}

fn aes128() -> Option<TpmtSymDefObject> {
    Some(TpmtSymDefObject {
        algorithm: TpmiAlgSymObject::Aes,
        key_bits: TpmiSymKeyBits::Bits128,
        mode: Some(TpmiAlgSymMode::Cfb),
    })
}

fn public(object_attributes: TpmaObject, policy: &[u8], kind: PublicKind) -> Outcome<TpmtPublic> {
    Ok(TpmtPublic { name_alg: Some(SHA256), object_attributes, auth_policy: Tpm2bDigest::from_slice(policy)?, kind })
}

fn ml_kem(attributes: TpmaObject, parameter_set: TpmiMlkemParms, policy: &[u8]) -> Outcome<TpmtPublic> {
    let parms = TpmsMlkemParms { symmetric: aes128(), parameter_set };
    public(attributes, policy, PublicKind::Mlkem(parms, Tpm2bPublicKeyMlkem::default()))
}

fn ml_dsa(attributes: TpmaObject, parameter_set: TpmiMldsaParms, policy: &[u8]) -> Outcome<TpmtPublic> {
    let parms = TpmsMldsaParms { parameter_set, allow_external_mu: AllowExternalMu(false) };
    public(attributes, policy, PublicKind::Mldsa(parms, Tpm2bPublicKeyMldsa::default()))
}

/// The credential that a certification authority makes from the endorsement key alone, and one that the TPM makes.
fn credentials(tpm: &mut Tpm, ek: &Loaded, ak: &Loaded) -> Outcome {
    let credential = b"proof: both keys are in one TPM";
    let (blob, secret) = credential_outside(&ek.public, &ak.name, credential)?;
    let activated = tpm.activate_credential(ak.handle, ek.handle, &blob, &secret)?;
    require(*activated == *credential, "the activated credential is another")?;
    let (blob, secret) = tpm.make_credential(ek.handle, credential, &ak.name)?;
    let activated = tpm.activate_credential(ak.handle, ek.handle, &blob, &secret)?;
    require(*activated == *credential, "the activated credential is another")?;
    let mut changed = secret.to_vec();
    changed.iter_mut().take(1).for_each(|byte| *byte ^= 1);
    let refused = tpm.activate_credential(ak.handle, ek.handle, &blob, &Tpm2bEncryptedSecret::from_slice(&changed)?);
    require(refused.is_err(), "a changed ciphertext activated a credential")?;
    println!("credential                  made outside and inside, activated; a changed one refused");
    Ok(())
}

/// Part 1, clauses 21.4 and 47.4, with RustCrypto's `ml-kem`.
fn credential_outside(
    ek: &TpmtPublic,
    name: &[u8],
    credential: &[u8],
) -> Outcome<(Tpm2bIdObject, Tpm2bEncryptedSecret)> {
    let PublicKind::Mlkem(_, unique) = &ek.kind else { return Err("not an ML-KEM key".into()) };
    let encoded = Key::<EncapsulationKey<MlKem768>>::try_from(unique.as_slice())?;
    let key = EncapsulationKey::<MlKem768>::new(&encoded).map_err(|_| "not a public key")?;
    let mut message = ml_kem::B32::default();
    getrandom::fill(&mut message)?;
    let (ciphertext, shared) = key.encapsulate_deterministic(&message);
    let seed = kdfa(SHA256, &shared, b"IDENTITY", &ciphertext, unique, 256);
    let cipher_key = kdfa(SHA256, &seed, b"STORAGE", name, &[], 128);
    let mut identity = Tpm2bDigest::from_slice(credential)?.to_bytes();
    cfb_encrypt(TpmiAlgSymObject::Aes, &cipher_key, &[0; 16], &mut identity)?;
    let mac_key = kdfa(SHA256, &seed, b"INTEGRITY", &[], &[], 256);
    let mut blob = Tpm2bDigest::from_slice(&hmac(SHA256, &mac_key, &[&identity, name]))?.to_bytes();
    blob.extend(identity);
    Ok((Tpm2bIdObject::from_slice(&blob)?, Tpm2bEncryptedSecret::from_slice(&ciphertext)?))
}

fn quote(tpm: &mut Tpm, ak: &Loaded) -> Outcome {
    let nonce = b"the verifier's nonce";
    let quoted = tpm.quote(ak.handle, nonce, None, &pcr_selection(SHA256, &[0, 7, 16]))?;
    let (PublicKind::Mldsa(_, key), TpmtSignature::Mldsa(signature)) = (&ak.public.kind, &quoted.signature) else {
        return Err("not an ML-DSA signature".into());
    };
    require(verifies::<MlDsa65>(key, &quoted.attest, signature)?, "the quote does not verify")?;
    let mut changed = quoted.attest.to_vec();
    changed.iter_mut().skip(20).take(1).for_each(|byte| *byte ^= 1);
    require(!verifies::<MlDsa65>(key, &changed, signature)?, "a changed quote verifies")?;
    println!(
        "quote                       {} bytes, ML-DSA-65 signature verified outside of the TPM",
        quoted.attest.len()
    );
    Ok(())
}

/// FIPS 204, algorithm 3, with an empty context.
fn verifies<P: MlDsaParams>(key: &[u8], message: &[u8], signature: &[u8]) -> Outcome<bool> {
    let key = VerifyingKey::<P>::decode(&EncodedVerifyingKey::<P>::try_from(key)?);
    let signature = Signature::<P>::try_from(signature).map_err(|_| "a malformed signature")?;
    Ok(key.verify_with_context(message, b"", &signature))
}

fn seal(tpm: &mut Tpm, storage: &Loaded, session: &mut Session) -> Outcome {
    let parms = TpmsKeyedhashParms { scheme: None };
    let template = public(SEALED, &[], PublicKind::Keyedhash(parms, Tpm2bDigest::default()))?;
    let secret = b"what only this TPM gives back";
    let sealed = tpm.create(storage.handle, &template, b"", secret)?;
    let item = tpm.load(storage.handle, &sealed.private, &sealed.public)?;
    let unsealed = tpm.unseal(item.handle, &mut [Auth::Session(session)])?;
    require(*unsealed == *secret, "unsealed another secret")?;
    tpm.flush(item.handle)?;
    println!("sealed data                 unsealed through the salted session");
    Ok(())
}

fn duplicate(tpm: &mut Tpm, old: &Loaded) -> Outcome {
    let new = tpm.create_primary(TpmHandle::OWNER, &ml_kem(STORAGE, TpmiMlkemParms::MlKem512, &[])?, b"")?;
    // The policy of a key that may be duplicated: PolicyCommandCode(TPM2_Duplicate).
    let trial = tpm.start_session(&SessionOptions::trial())?;
    tpm.policy_command_code(&trial, &Duplicate::INFO)?;
    let policy = tpm.policy_digest(&trial)?;
    tpm.end_session(trial)?;
    let made = tpm.create(old.handle, &ml_dsa(MOBILE, TpmiMldsaParms::MlDsa44, &policy)?, b"", b"")?;
    let key = tpm.load(old.handle, &made.private, &made.public)?;
    let mut session = tpm.start_session(&SessionOptions::policy())?.single_use();
    tpm.policy_command_code(&session, &Duplicate::INFO)?;
    let duplicate = Duplicate {
        object_handle: TpmiDhObject(key.handle.0),
        new_parent_handle: Some(TpmiDhObject(new.handle.0)),
        encryption_key_in: Tpm2bData::default(),
        symmetric_alg: None,
    };
    let sent = tpm.run_with(&duplicate, &mut [Auth::Session(&mut session)])?;
    tpm.flush(key.handle)?;
    let import = Import {
        parent_handle: TpmiDhObject(new.handle.0),
        encryption_key: Tpm2bData::default(),
        object_public: Tpm2b(made.public.clone()),
        duplicate: sent.duplicate,
        in_sym_seed: sent.out_sym_seed,
        symmetric_alg: None,
    };
    let private = tpm.run(&import)?.out_private;
    let moved = tpm.load(new.handle, &private, &made.public)?;
    require(moved.name == key.name, "another key arrived")?;
    signs(tpm, &moved)?;
    tpm.flush(moved.handle)?;
    tpm.flush(new.handle)?;
    println!("duplication                 an ML-DSA-44 key moved from ML-KEM-1024 to ML-KEM-512, and signs");
    Ok(())
}

/// A signature of a message in parts.
fn signs(tpm: &mut Tpm, key: &Loaded) -> Outcome {
    let key_handle = TpmiDhObject(key.handle.0);
    let start = SignSequenceStart { key_handle, auth: Tpm2bAuth::default(), context: Tpm2bSignatureCtx::default() };
    let sequence_handle = tpm.run(&start)?.sequence_handle;
    tpm.run(&SequenceUpdate { sequence_handle, buffer: Tpm2bMaxBuffer::from_slice(b"a message ")? })?;
    let buffer = Tpm2bMaxBuffer::from_slice(b"in parts")?;
    let signature = tpm.run(&SignSequenceComplete { sequence_handle, key_handle, buffer })?.signature;
    let (PublicKind::Mldsa(_, public), TpmtSignature::Mldsa(signature)) = (&key.public.kind, &signature) else {
        return Err("not an ML-DSA signature".into());
    };
    require(verifies::<MlDsa44>(public, b"a message in parts", signature)?, "the signature does not verify")
}

fn require(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
