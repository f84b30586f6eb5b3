//! The TPM as a client has it: commands in, responses out, and nothing else.

use ironroot_tpm::{SEED_SIZE, Seeds, Tpm};
use ironroot_wire::{
    Command, Reader, Response, Rules, Tpm2bAuth, Tpm2bNonce, TpmRc, TpmSt, TpmaSession, TpmiShAuthSession,
    TpmsAuthCommand, Wire,
};
use zeroize::Zeroizing;

/// A TPM with its time.
pub struct Client {
    /// The TPM.
    pub tpm: Tpm,
    /// The platform's time, in milliseconds.
    pub now: u64,
    /// The locality of commands.
    pub locality: u8,
}

/// The seeds of every TPM here.
#[must_use]
pub fn seeds() -> Seeds {
    Seeds {
        owner: Zeroizing::new([1; SEED_SIZE]),
        endorsement: Zeroizing::new([2; SEED_SIZE]),
        platform: Zeroizing::new([3; SEED_SIZE]),
    }
}

impl Client {
    /// A client of this TPM.
    #[must_use]
    pub const fn new(tpm: Tpm, now: u64) -> Self {
        Self { tpm, now, locality: 0 }
    }

    /// Sends a command.
    ///
    /// # Errors
    /// The response code, if it is not success.
    pub fn run<C: Command>(&mut self, command: &C, sessions: &[TpmsAuthCommand]) -> Result<C::Response, TpmRc> {
        self.now = self.now.saturating_add(1);
        let response = self.tpm.execute(self.locality, self.now, &encode(command, sessions));
        decode::<C>(&response)
    }
}

/// A password session.
#[must_use]
pub fn password(auth: &[u8]) -> TpmsAuthCommand {
    session(TpmaSession::CONTINUE_SESSION, 0x4000_0009, Tpm2bAuth::from_slice(auth).unwrap_or_default())
}

/// A policy session, which ends with the command.
#[must_use]
pub fn policy(handle: u32) -> TpmsAuthCommand {
    session(TpmaSession::NONE, handle, Tpm2bAuth::default())
}

fn session(session_attributes: TpmaSession, handle: u32, hmac: Tpm2bAuth) -> TpmsAuthCommand {
    TpmsAuthCommand {
        session_handle: TpmiShAuthSession(handle),
        nonce: Tpm2bNonce::default(),
        session_attributes,
        hmac,
    }
}

fn encode<C: Command>(command: &C, sessions: &[TpmsAuthCommand]) -> Vec<u8> {
    let mut body = Vec::new();
    for handle in command.handles() {
        handle.marshal(&mut body);
    }
    if !sessions.is_empty() {
        let mut area = Vec::new();
        sessions.iter().for_each(|session| session.marshal(&mut area));
        (area.len() as u32).marshal(&mut body);
        body.extend_from_slice(&area);
    }
    command.marshal_parameters(&mut body);
    let mut out = if sessions.is_empty() { TpmSt::NoSessions } else { TpmSt::Sessions }.to_bytes();
    (body.len() as u32 + 10).marshal(&mut out);
    C::INFO.code.0.marshal(&mut out);
    out.extend_from_slice(&body);
    out
}

/// A response that is not well formed counts as a failure of the TPM.
fn decode<C: Command>(response: &[u8]) -> Result<C::Response, TpmRc> {
    let mut reader = Reader::new(response, &Rules::ALL);
    let tag = u16::unmarshal(&mut reader)?;
    let size = u32::unmarshal(&mut reader)?;
    let code = TpmRc(u32::unmarshal(&mut reader)?);
    if code != TpmRc::SUCCESS {
        return Err(code);
    }
    if size as usize != response.len() {
        return Err(TpmRc::FAILURE);
    }
    let handle = reader.take(if C::INFO.response_handle.is_some() { 4 } else { 0 })?;
    let parameters = if tag == TpmSt::Sessions.value() {
        let size = u32::unmarshal(&mut reader)?;
        reader.take(size as usize)?
    } else {
        reader.rest()
    };
    C::Response::unmarshal(&mut Reader::new(handle, &Rules::ALL), &mut Reader::new(parameters, &Rules::ALL))
}
