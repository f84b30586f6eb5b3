//! [`Tpm`]: a TPM behind a transport, what the client knows about its entities, and the one way to run a command.

use ironroot_wire::{
    Command, HandleKind, NvReadPublic, ReadPublic, Reader, Response, Rules, TpmHandle, TpmRc, TpmiDhObject,
    TpmiRhNvIndex,
};
use zeroize::Zeroizing;

use crate::{
    Auth, ClientError, Session, Tcti, Timeouts, Transport,
    auth::Known,
    effects,
    execute::{Answer, Call},
    names,
};

/// A TPM 2.0.
pub struct Tpm {
    transport: Box<dyn Transport>,
    pub(crate) known: Known,
    pub(crate) nv_buffer_max: Option<usize>,
    companion: Option<Session>,
}

impl Tpm {
    /// A TPM behind any transport.
    #[must_use]
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self::over(Box::new(transport))
    }

    /// Connects to the TPM that a TCTI names, with the default time limits.
    ///
    /// # Errors
    /// As [`Tcti::connect`].
    pub fn connect(tcti: &Tcti) -> Result<Self, ClientError> {
        Ok(Self::over(tcti.connect(Timeouts::default())?))
    }

    fn over(transport: Box<dyn Transport>) -> Self {
        Self { transport, known: Known::default(), nv_buffer_max: None, companion: None }
    }

    /// Connects to the TPM that the environment names; see [`Tcti::from_env_or_default`].
    ///
    /// # Errors
    /// As [`Tcti::parse`] and [`Tcti::connect`].
    pub fn from_env() -> Result<Self, ClientError> {
        Self::connect(&Tcti::from_env_or_default()?)
    }

    /// The transport, for localities, power and raw bytes.
    pub fn transport(&mut self) -> &mut dyn Transport {
        &mut *self.transport
    }

    /// Makes the auth value of an entity known: it is used wherever the entity's handle is authorized.
    pub fn set_auth(&mut self, handle: impl Into<TpmHandle>, auth: &[u8]) {
        self.known.set_auth(handle.into().0, auth);
    }

    /// Whether an auth value is known for an entity, and not empty.
    #[must_use]
    pub fn has_auth(&self, handle: impl Into<TpmHandle>) -> bool {
        !self.known.auth(handle.into().0).is_empty()
    }

    /// Pins the name of an object or NV index, so that sessions authorize that entity and no other. Names that are not
    /// pinned are asked from the TPM when a session first needs them.
    pub fn set_name(&mut self, handle: impl Into<TpmHandle>, name: &[u8]) {
        self.known.set_name(handle.into().0, name);
    }

    /// Takes an HMAC session that from now on goes with every command that is given no authorizations of its own: it
    /// authorizes the first handle that needs it, and encrypts and audits as its attributes say. With a salted session that
    /// encrypts, no auth value and no secret travels in the clear. Returns the session before it.
    pub fn set_companion(&mut self, session: Option<Session>) -> Option<Session> {
        std::mem::replace(&mut self.companion, session)
    }

    /// Runs a command. Handles that need authorization get a password session with the auth value that
    /// [`Tpm::set_auth`] made known, or an empty one; but see [`Tpm::set_companion`].
    ///
    /// # Errors
    /// [`ClientError::Tpm`] with the TPM's response code; whatever the transport may give.
    pub fn run<C: Command>(&mut self, command: &C) -> Result<C::Response, ClientError> {
        self.run_with(command, &mut [])
    }

    /// Runs a command with these authorizations. Handles beyond them get password sessions as in [`Tpm::run`]; sessions
    /// beyond the handles that need authorization serve encryption and audit.
    ///
    /// # Errors
    /// As [`Tpm::run`]; [`ClientError::ResponseHmac`] if the response is not authentic; [`ClientError::Usage`] for
    /// sessions that cannot go together.
    pub fn run_with<C: Command>(&mut self, command: &C, auths: &mut [Auth<'_>]) -> Result<C::Response, ClientError> {
        match self.companion.take() {
            Some(mut session) if auths.is_empty() && session.serves(&C::INFO) => {
                let result = self.run_exactly(command, &mut [Auth::Session(&mut session)]);
                self.companion = Some(session).filter(|session| !session.ended);
                result
            }
            companion => {
                self.companion = companion;
                self.run_exactly(command, auths)
            }
        }
    }

    /// Runs a command without the companion.
    pub(crate) fn run_exactly<C: Command>(
        &mut self,
        command: &C,
        auths: &mut [Auth<'_>],
    ) -> Result<C::Response, ClientError> {
        let answer = self.answer(command, auths)?;
        unmarshal::<C>(&answer.handle, &answer.parameters)
    }

    /// Runs a command and leaves the response's parameters as bytes.
    pub(crate) fn answer<C: Command>(&mut self, command: &C, auths: &mut [Auth<'_>]) -> Result<Answer, ClientError> {
        let handles = command.handles();
        let names = if auths.iter().any(|auth| matches!(auth, Auth::Session(_))) {
            handles.iter().map(|handle| self.name(*handle)).collect::<Result<Vec<_>, _>>()?
        } else {
            Vec::new()
        };
        let mut parameters = Zeroizing::new(Vec::with_capacity(4096));
        command.marshal_parameters(&mut parameters);
        let values: Vec<_> =
            handles.iter().take(C::INFO.authorized_handles()).map(|handle| self.known.auth(*handle)).collect();
        let effects = effects::of(C::INFO.code, &handles, &parameters);
        let auths_after = effects.auths_after(&values);
        let call = Call { info: &C::INFO, handles, names, auths: values, parameters, auths_after };
        let answer = call.perform(&mut *self.transport, auths)?;
        effects.apply(&mut self.known);
        if let Some(handle) = answer.handle.first_chunk() {
            // A new entity: whatever was known about the handle was about another.
            self.known.forget(u32::from_be_bytes(*handle));
        }
        Ok(answer)
    }

    /// Sends a command as bytes and returns the response as bytes, whatever it says.
    ///
    /// # Errors
    /// Whatever the transport may give.
    pub fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ClientError> {
        self.transport.transmit(command)
    }

    /// The name of an entity, asked from the TPM if it is not known.
    pub(crate) fn name(&mut self, handle: u32) -> Result<Vec<u8>, ClientError> {
        if let Some(name) = self.known.name(handle) {
            return Ok(name);
        }
        let name = match TpmHandle(handle).kind() {
            HandleKind::NvIndex => {
                let public = self.run_exactly(&NvReadPublic { nv_index: TpmiRhNvIndex(handle) }, &mut [])?.nv_public;
                names::nv_name(&public.0)
            }
            _ => {
                let response = self.run_exactly(&ReadPublic { object_handle: TpmiDhObject(handle) }, &mut [])?;
                names::object_name(&response.out_public.0.0)
            }
        };
        self.known.set_name(handle, &name);
        Ok(name.to_vec())
    }
}

impl std::fmt::Debug for Tpm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tpm({})", self.transport.endpoint())
    }
}

fn unmarshal<C: Command>(handle: &[u8], parameters: &[u8]) -> Result<C::Response, ClientError> {
    let mut handle = Reader::new(handle, &Rules::ALL);
    let mut parameters = Reader::new(parameters, &Rules::ALL);
    C::Response::unmarshal(&mut handle, &mut parameters)
        .map_err(|rc: TpmRc| ClientError::Malformed { what: C::INFO.name, rc })
}
