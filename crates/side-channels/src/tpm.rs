//! A TPM in memory and the few commands that the tests send, as bytes.

use ironroot_crypto::{Hmac, Provider, digest};
use ironroot_platform::memory::{MemoryStorage, TestEntropy};
use ironroot_tpm::{Profile, SEED_SIZE, Seeds, Tpm};
use ironroot_wire::{
    ClockRateAdjust, Command, HierarchyChangeAuth, LoadExternal, PublicKind, RsaDecrypt, SeedValue, Startup, Tpm2b,
    Tpm2bAuth, Tpm2bData, Tpm2bDigest, Tpm2bOption, Tpm2bPrivateKeyRsa, Tpm2bPublicKeyRsa, TpmClockAdjust, TpmHandle,
    TpmRc, TpmSt, TpmSu, TpmaObject, TpmiAlgHash, TpmiDhObject, TpmiRhHierarchy, TpmiRhHierarchyAuth, TpmiRhProvision,
    TpmiRsaKeyBits, TpmsRsaParms, TpmtPublic, TpmtPublicPlus, TpmtRsaDecrypt, TpmtSensitive, TpmuSensitiveComposite,
    Wire,
};
use zeroize::Zeroizing;

use crate::cases::{RSA_LABEL, rsa_key};

const HASH: TpmiAlgHash = TpmiAlgHash::Sha256;
const OWNER: TpmHandle = TpmHandle::OWNER;

/// The TPM.
pub struct Machine {
    tpm: Tpm,
    now: u64,
}

/// An HMAC session, neither bound nor salted.
pub struct Session {
    handle: u32,
    nonce: Vec<u8>,
}

impl Machine {
    /// A new TPM after `TPM2_Startup`.
    #[must_use]
    pub fn new(provider: &'static dyn Provider) -> Self {
        let base = |byte| Zeroizing::new([byte; SEED_SIZE]);
        let seeds = Seeds { owner: base(1), endorsement: base(2), platform: base(3) };
        let (storage, entropy) = (MemoryStorage::new(), TestEntropy::new(1));
        let tpm = Tpm::manufacture(Box::new(storage), Box::new(entropy), provider, Profile::HOST, seeds);
        let mut machine = Self { tpm: tpm.expect("memory does not fail"), now: 1 };
        machine.must(&encode(&Startup { startup_type: TpmSu::Clear }, &[]));
        machine
    }

    /// Carries out a command.
    pub fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        self.now += 1;
        self.tpm.execute(0, self.now, command)
    }

    fn must(&mut self, command: &[u8]) -> Vec<u8> {
        let response = self.execute(command);
        assert_eq!(code(&response), TpmRc::SUCCESS);
        response
    }

    /// Gives the owner an auth value, which `mark` sees in the command before it is sent.
    pub fn set_owner_auth(&mut self, auth: &[u8], mark: impl FnOnce(&[u8])) {
        let command = HierarchyChangeAuth {
            auth_handle: TpmiRhHierarchyAuth(OWNER.0),
            new_auth: Tpm2bAuth::from_slice(auth).expect("it is short"),
        };
        let bytes = encode(&command, &[password(&[])]);
        mark(&bytes[bytes.len() - auth.len()..]);
        self.must(&bytes);
    }

    /// Starts a session.
    pub fn start_session(&mut self) -> Session {
        let body = [
            &TpmHandle::NULL.0.to_be_bytes()[..],
            &TpmHandle::NULL.0.to_be_bytes(),
            &[0, 16],
            &[9; 16],
            &[0, 0, 0, 0, 0x10],
            &HASH.value().to_be_bytes(),
        ];
        let response = self.must(&frame(TpmSt::NoSessions, 0x176, &body.concat()));
        let number = response.get(10..14).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        Session { handle: u32::from_be_bytes(number), nonce: response.get(16..).unwrap_or_default().to_vec() }
    }

    /// Loads the RSA key of the tests for decryption.
    pub fn load_rsa(&mut self) -> TpmiDhObject {
        let (modulus, prime) = rsa_key();
        let parms = TpmsRsaParms { symmetric: None, scheme: None, key_bits: TpmiRsaKeyBits::new(2048), exponent: 0 };
        let public = TpmtPublic {
            name_alg: Some(HASH),
            object_attributes: TpmaObject::USER_WITH_AUTH | TpmaObject::DECRYPT,
            auth_policy: Tpm2bDigest::default(),
            kind: PublicKind::Rsa(parms, Tpm2bPublicKeyRsa::from_slice(&modulus).expect("256 bytes")),
        };
        let private = TpmtSensitive {
            auth_value: Tpm2bAuth::default(),
            seed_value: SeedValue::default(),
            sensitive: TpmuSensitiveComposite::Rsa(Tpm2bPrivateKeyRsa::from_slice(&prime).expect("128 bytes")),
        };
        let command = LoadExternal {
            in_private: Tpm2bOption(Some(private)),
            in_public: Tpm2b(TpmtPublicPlus(public)),
            hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
        };
        let response = self.must(&encode(&command, &[]));
        TpmiDhObject(u32::from_be_bytes(response.get(10..14).and_then(|it| it.try_into().ok()).unwrap_or_default()))
    }
}

/// A command that the owner authorizes with this password.
#[must_use]
pub fn with_password(auth: &[u8]) -> Vec<u8> {
    encode(&adjust(), &[password(auth)])
}

/// A command that the owner authorizes with this HMAC of a session.
#[must_use]
pub fn with_hmac(session: &Session, hmac: &[u8]) -> Vec<u8> {
    encode(&adjust(), &[area(session.handle, &[], hmac)])
}

/// The HMAC that [`with_hmac`] should have when the owner's auth value is this.
#[must_use]
pub fn right_hmac(session: &Session, auth: &[u8]) -> Vec<u8> {
    let mut parameters = Vec::new();
    adjust().marshal_parameters(&mut parameters);
    let code = ClockRateAdjust::INFO.code.0.to_be_bytes();
    let cp_hash = digest(HASH, &[&code, &OWNER.0.to_be_bytes(), &parameters]);
    Hmac::new(HASH, auth).peek(&[&cp_hash, &[], &session.nonce, &[1]]).to_vec()
}

/// `TPM2_RSA_Decrypt` with OAEP as the tests use it.
#[must_use]
pub fn rsa_decrypt(key: TpmiDhObject, ciphertext: &[u8]) -> Vec<u8> {
    let command = RsaDecrypt {
        key_handle: key,
        cipher_text: Tpm2bPublicKeyRsa::from_slice(ciphertext).expect("256 bytes"),
        in_scheme: Some(TpmtRsaDecrypt::Oaep(HASH)),
        label: Tpm2bData::from_slice(RSA_LABEL).expect("it is short"),
    };
    encode(&command, &[password(&[])])
}

/// The response code.
#[must_use]
pub fn code(response: &[u8]) -> TpmRc {
    TpmRc(u32::from_be_bytes(response.get(6..10).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0xff; 4])))
}

/// A command that only authorization can stop, and that changes nothing.
fn adjust() -> ClockRateAdjust {
    ClockRateAdjust { auth: TpmiRhProvision(OWNER.0), rate_adjust: TpmClockAdjust::NoChange }
}

fn password(auth: &[u8]) -> Vec<u8> {
    area(0x4000_0009, &[], auth)
}

/// One session's part of the authorization area, to continue.
fn area(handle: u32, nonce: &[u8], hmac: &[u8]) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    [&handle.to_be_bytes()[..], &sized(nonce), &[1], &sized(hmac)].concat()
}

fn encode<C: Command>(command: &C, sessions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    command.handles().iter().for_each(|handle| handle.marshal(&mut body));
    if !sessions.is_empty() {
        let area = sessions.concat();
        (area.len() as u32).marshal(&mut body);
        body.extend_from_slice(&area);
    }
    command.marshal_parameters(&mut body);
    frame(if sessions.is_empty() { TpmSt::NoSessions } else { TpmSt::Sessions }, C::INFO.code.0, &body)
}

fn frame(tag: TpmSt, code: u32, body: &[u8]) -> Vec<u8> {
    let mut out = tag.to_bytes();
    (body.len() as u32 + 10).marshal(&mut out);
    code.marshal(&mut out);
    out.extend_from_slice(body);
    out
}
