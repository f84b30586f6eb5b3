//! A TPM in memory, driven through the bytes of its commands.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs)]

pub mod rows;
pub mod trace;

use ironroot_crypto::Provider;
use ironroot_platform::memory::{Faults, FaultyStorage, MemoryStorage, TestEntropy};
use ironroot_platform::{Entropy, Storage};
use ironroot_tpm::{Profile, SEED_SIZE, Seeds, Tpm};
use ironroot_wire::{
    Command, Reader, Response, Rules, Startup, Tpm2bAuth, Tpm2bNonce, TpmRc, TpmSt, TpmSu, TpmaSession,
    TpmiShAuthSession, TpmsAuthCommand, Wire,
};
use zeroize::Zeroizing;

/// A TPM in memory, with its storage for power cycles.
pub struct TestTpm {
    pub tpm: Tpm,
    pub storage: MemoryStorage,
    pub now: u64,
    pub locality: u8,
    pub profile: Profile,
}

/// Seeds for tests.
pub fn seeds() -> Seeds {
    Seeds {
        owner: Zeroizing::new([1; SEED_SIZE]),
        endorsement: Zeroizing::new([2; SEED_SIZE]),
        platform: Zeroizing::new([3; SEED_SIZE]),
    }
}

impl TestTpm {
    /// A manufactured TPM after `TPM2_Startup(CLEAR)`.
    pub fn started() -> Self {
        Self::with_profile(Profile::HOST)
    }

    /// A TPM with this profile after `TPM2_Startup(CLEAR)`.
    pub fn with_profile(profile: Profile) -> Self {
        let mut this = Self::manufactured_with(profile);
        this.startup(TpmSu::Clear).unwrap();
        this
    }

    /// A manufactured TPM that waits for `TPM2_Startup`.
    pub fn manufactured() -> Self {
        Self::manufactured_with(Profile::HOST)
    }

    pub fn manufactured_with(profile: Profile) -> Self {
        let storage = MemoryStorage::new();
        Self::made_of(
            Box::new(storage.clone()),
            storage,
            Box::new(TestEntropy::new(7)),
            &ironroot_crypto_host::HOST,
            profile,
        )
    }

    /// A manufactured TPM of these parts; `storage` is what is behind `store`.
    pub fn made_of(
        store: Box<dyn Storage>,
        storage: MemoryStorage,
        entropy: Box<dyn Entropy>,
        provider: &'static dyn Provider,
        profile: Profile,
    ) -> Self {
        let tpm = Tpm::manufacture(store, entropy, provider, profile, seeds()).unwrap();
        Self { tpm, storage, now: 1, locality: 0, profile }
    }

    /// A started TPM whose commits fail when the test says so.
    pub fn faulty() -> (Self, Faults) {
        let (storage, faults) = (MemoryStorage::new(), Faults::default());
        let store = Box::new(FaultyStorage::new(storage.clone(), faults.clone()));
        let entropy = Box::new(TestEntropy::new(7));
        let mut tpm = Self::made_of(store, storage, entropy, &ironroot_crypto_host::HOST, Profile::HOST);
        tpm.startup(TpmSu::Clear).unwrap();
        (tpm, faults)
    }

    /// Drops the TPM without a shutdown and opens it again from its storage; it waits for `TPM2_Startup`.
    pub fn reopen(&mut self) {
        self.tpm = Tpm::open(
            Box::new(self.storage.clone()),
            Box::new(TestEntropy::new(self.now + 100)),
            &ironroot_crypto_host::HOST,
            self.profile,
            seeds(),
        )
        .unwrap();
    }

    /// Drops the TPM without a shutdown, opens it again and starts it.
    pub fn power_cycle(&mut self) {
        self.reopen();
        self.startup(TpmSu::Clear).unwrap();
    }

    pub fn startup(&mut self, startup_type: TpmSu) -> Result<(), TpmRc> {
        self.run(&Startup { startup_type }).map(|_| ())
    }

    /// Sends bytes.
    pub fn raw(&mut self, command: &[u8]) -> Vec<u8> {
        self.now += 1;
        let response = self.tpm.execute(self.locality, self.now, command);
        trace::command(command, &response);
        response
    }

    /// Sends a command without sessions.
    pub fn run<C: Command>(&mut self, command: &C) -> Result<C::Response, TpmRc> {
        self.run_with(command, &[])
    }

    /// Sends a command with an empty password for each handle that needs authorization.
    pub fn run_auth<C: Command>(&mut self, command: &C) -> Result<C::Response, TpmRc> {
        let passwords = vec![password(b""); C::INFO.authorized_handles()];
        self.run_with(command, &passwords)
    }

    /// Sends a command with these sessions.
    pub fn run_with<C: Command>(&mut self, command: &C, sessions: &[TpmsAuthCommand]) -> Result<C::Response, TpmRc> {
        let bytes = encode(command, sessions);
        let response = self.raw(&bytes);
        decode::<C>(&response).map(|(response, _)| response)
    }
}

/// A password session.
pub fn password(auth: &[u8]) -> TpmsAuthCommand {
    TpmsAuthCommand {
        session_handle: TpmiShAuthSession(0x4000_0009),
        nonce: Tpm2bNonce::default(),
        session_attributes: TpmaSession::CONTINUE_SESSION,
        hmac: Tpm2bAuth::from_slice(auth).unwrap(),
    }
}

/// The session area's form of a policy session that needs no HMAC.
pub fn policy(handle: u32) -> TpmsAuthCommand {
    TpmsAuthCommand {
        session_handle: TpmiShAuthSession(handle),
        nonce: Tpm2bNonce::default(),
        session_attributes: TpmaSession::CONTINUE_SESSION,
        hmac: Tpm2bAuth::default(),
    }
}

/// The bytes of a command.
pub fn encode<C: Command>(command: &C, sessions: &[TpmsAuthCommand]) -> Vec<u8> {
    let mut body = Vec::new();
    for handle in command.handles() {
        handle.marshal(&mut body);
    }
    if !sessions.is_empty() {
        let mut area = Vec::new();
        for session in sessions {
            session.marshal(&mut area);
        }
        (area.len() as u32).marshal(&mut body);
        body.extend_from_slice(&area);
    }
    command.marshal_parameters(&mut body);
    frame(if sessions.is_empty() { TpmSt::NoSessions } else { TpmSt::Sessions }, C::INFO.code.0, &body)
}

/// A header in front of `body`.
pub fn frame(tag: TpmSt, code: u32, body: &[u8]) -> Vec<u8> {
    let mut out = tag.to_bytes();
    (body.len() as u32 + 10).marshal(&mut out);
    code.marshal(&mut out);
    out.extend_from_slice(body);
    out
}

/// The response code of a response.
pub fn rc(response: &[u8]) -> TpmRc {
    TpmRc(u32::from_be_bytes(response[6..10].try_into().unwrap()))
}

/// The parts of a response: itself and the bytes of its sessions.
pub fn decode<C: Command>(response: &[u8]) -> Result<(C::Response, Vec<u8>), TpmRc> {
    let mut reader = Reader::new(response, &Rules::ALL);
    let tag = u16::unmarshal(&mut reader).unwrap();
    let size = u32::unmarshal(&mut reader).unwrap();
    assert_eq!(size as usize, response.len(), "responseSize");
    let code = TpmRc(u32::unmarshal(&mut reader).unwrap());
    if code != TpmRc::SUCCESS {
        assert_eq!(response.len(), 10, "an error response is a header");
        return Err(code);
    }
    let handle_size = if C::INFO.response_handle.is_some() { 4 } else { 0 };
    let mut handle = Reader::new(reader.take(handle_size).unwrap(), &Rules::ALL);
    let (parameters, sessions) = if tag == TpmSt::Sessions.value() {
        let size = u32::unmarshal(&mut reader).unwrap() as usize;
        (reader.take(size).unwrap(), reader.rest().to_vec())
    } else {
        (reader.rest(), Vec::new())
    };
    let response = C::Response::unmarshal(&mut handle, &mut Reader::new(parameters, &Rules::ALL)).unwrap();
    Ok((response, sessions))
}
