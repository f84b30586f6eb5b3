//! Response codes (Part 2, clause 6.6).

use core::fmt;

/// `TPM_RC`: a response code, with the position of the error where it has one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TpmRc(pub u32);

impl TpmRc {
    const FMT1: u32 = 0x080;
    const P: u32 = 0x040;
    const S: u32 = 0x800;
    const POSITION: u32 = 0xF40;

    /// The code without its position: what the table in Part 2 lists.
    #[must_use]
    pub const fn base(self) -> Self {
        if self.0 & Self::FMT1 != 0 { Self(self.0 & !Self::POSITION) } else { self }
    }

    const fn positioned(self, position: u32) -> Self {
        if self.0 & Self::FMT1 != 0 && self.0 & Self::POSITION == 0 { Self(self.0 | position) } else { self }
    }

    /// The code for handle `number` (1 to 7). A code that has no position field, or has one already, stays as it is.
    #[must_use]
    pub const fn handle(self, number: u32) -> Self {
        self.positioned((number & 7) << 8)
    }

    /// The code for parameter `number` (1 to 15), under the same rule.
    #[must_use]
    pub const fn parameter(self, number: u32) -> Self {
        self.positioned(Self::P | (number & 15) << 8)
    }

    /// The code for session `number` (1 to 7), under the same rule.
    #[must_use]
    pub const fn session(self, number: u32) -> Self {
        self.positioned(Self::S | (number & 7) << 8)
    }

    /// The parameter that the code names, if it names one.
    #[must_use]
    pub const fn parameter_number(self) -> Option<u32> {
        if self.0 & Self::FMT1 != 0 && self.0 & Self::P != 0 { Some((self.0 >> 8) & 15) } else { None }
    }

    /// The session that the code names, if it names one.
    #[must_use]
    pub const fn session_number(self) -> Option<u32> {
        if self.0 & Self::FMT1 != 0 && self.0 & Self::P == 0 && self.0 & Self::S != 0 {
            Some((self.0 >> 8) & 7)
        } else {
            None
        }
    }

    /// The handle that the code names, if it names one.
    #[must_use]
    pub const fn handle_number(self) -> Option<u32> {
        if self.0 & Self::FMT1 != 0 && self.0 & (Self::P | Self::S) == 0 && self.0 & 0x700 != 0 {
            Some((self.0 >> 8) & 7)
        } else {
            None
        }
    }
}

macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident = $value:literal;)*) => {
        impl TpmRc {
            $(#[doc = $doc] pub const $name: Self = Self($value);)*

            /// The name in Part 2 (with `TPM_RC_` in front) and its meaning, for the code without its position.
            #[must_use]
            pub fn describe(self) -> Option<(&'static str, &'static str)> {
                $(if self.base() == Self::$name {
                    return Some((concat!("TPM_RC_", stringify!($name)), $doc));
                })*
                None
            }
        }
    };
}

codes! {
    #[doc = "the command succeeded"] SUCCESS = 0x000;
    #[doc = "a tag that is not a command's (TPM 1.2 format)"] BAD_TAG = 0x01E;
    #[doc = "TPM not initialized by TPM2_Startup or already initialized"] INITIALIZE = 0x100;
    #[doc = "commands not being accepted because of a TPM failure"] FAILURE = 0x101;
    #[doc = "improper use of a sequence handle"] SEQUENCE = 0x103;
    #[doc = "not currently used"] PRIVATE = 0x10B;
    #[doc = "not currently used"] HMAC = 0x119;
    #[doc = "the command is disabled"] DISABLED = 0x120;
    #[doc = "command failed because audit sequence required exclusivity"] EXCLUSIVE = 0x121;
    #[doc = "authorization handle is not correct for command"] AUTH_TYPE = 0x124;
    #[doc = "command requires an authorization session for handle and it is not present"] AUTH_MISSING = 0x125;
    #[doc = "policy failure in math operation or an invalid authPolicy value"] POLICY = 0x126;
    #[doc = "PCR check fail"] PCR = 0x127;
    #[doc = "PCR have changed since checked"] PCR_CHANGED = 0x128;
    #[doc = "the TPM is in field upgrade mode"] UPGRADE = 0x12D;
    #[doc = "context ID counter is at maximum"] TOO_MANY_CONTEXTS = 0x12E;
    #[doc = "authValue or authPolicy is not available for selected entity"] AUTH_UNAVAILABLE = 0x12F;
    #[doc = "a _TPM_Init and Startup(CLEAR) is required before the TPM can resume operation"] REBOOT = 0x130;
    #[doc = "the protection algorithms (hash and symmetric) are not reasonably balanced"] UNBALANCED = 0x131;
    #[doc = "commandSize is inconsistent with the contents or the size of the command buffer"] COMMAND_SIZE = 0x142;
    #[doc = "command code not supported"] COMMAND_CODE = 0x143;
    #[doc = "the value of authorizationSize is out of range or there are too many bytes in the authorization area"] AUTHSIZE = 0x144;
    #[doc = "use of an authorization session with a context command or another command that cannot have one"] AUTH_CONTEXT = 0x145;
    #[doc = "NV offset+size is out of range"] NV_RANGE = 0x146;
    #[doc = "requested allocation size is larger than allowed"] NV_SIZE = 0x147;
    #[doc = "NV access locked"] NV_LOCKED = 0x148;
    #[doc = "NV access authorization fails in command actions"] NV_AUTHORIZATION = 0x149;
    #[doc = "an NV index is used before being initialized, or the state saved by TPM2_Shutdown(STATE) could not be restored"] NV_UNINITIALIZED = 0x14A;
    #[doc = "insufficient space for NV allocation"] NV_SPACE = 0x14B;
    #[doc = "NV index or persistent object already defined"] NV_DEFINED = 0x14C;
    #[doc = "context in TPM2_ContextLoad() is not valid"] BAD_CONTEXT = 0x150;
    #[doc = "cpHash value already set or not correct for use"] CPHASH = 0x151;
    #[doc = "handle for parent is not a valid parent"] PARENT = 0x152;
    #[doc = "some function needs testing"] NEEDS_TEST = 0x153;
    #[doc = "an internal function cannot process a request due to an unspecified problem"] NO_RESULT = 0x154;
    #[doc = "the sensitive area did not unmarshal correctly after decryption"] SENSITIVE = 0x155;
    #[doc = "the command is not available in Read-Only mode"] READ_ONLY = 0x156;

    #[doc = "asymmetric algorithm not supported or not correct"] ASYMMETRIC = 0x081;
    #[doc = "inconsistent attributes"] ATTRIBUTES = 0x082;
    #[doc = "hash algorithm not supported or not appropriate"] HASH = 0x083;
    #[doc = "value is out of range or is not correct for the context"] VALUE = 0x084;
    #[doc = "hierarchy is not enabled or is not correct for the use"] HIERARCHY = 0x085;
    #[doc = "key size is not supported"] KEY_SIZE = 0x087;
    #[doc = "mask generation function not supported"] MGF = 0x088;
    #[doc = "mode of operation not supported"] MODE = 0x089;
    #[doc = "the type of the value is not appropriate for the use"] TYPE = 0x08A;
    #[doc = "the handle is not correct for the use"] HANDLE = 0x08B;
    #[doc = "unsupported key derivation function or function not appropriate for use"] KDF = 0x08C;
    #[doc = "value was out of allowed range"] RANGE = 0x08D;
    #[doc = "the authorization HMAC check failed and DA counter incremented"] AUTH_FAIL = 0x08E;
    #[doc = "invalid nonce size or nonce value mismatch"] NONCE = 0x08F;
    #[doc = "authorization requires assertion of PP"] PP = 0x090;
    #[doc = "unsupported or incompatible scheme"] SCHEME = 0x092;
    #[doc = "structure is the wrong size"] SIZE = 0x095;
    #[doc = "unsupported symmetric algorithm or key size, or not appropriate for instance"] SYMMETRIC = 0x096;
    #[doc = "incorrect structure tag"] TAG = 0x097;
    #[doc = "union selector is incorrect"] SELECTOR = 0x098;
    #[doc = "the TPM was unable to unmarshal a value because there were not enough octets in the input buffer"] INSUFFICIENT = 0x09A;
    #[doc = "the signature is not valid"] SIGNATURE = 0x09B;
    #[doc = "key fields are not compatible with the selected use"] KEY = 0x09C;
    #[doc = "a policy check failed"] POLICY_FAIL = 0x09D;
    #[doc = "integrity check failed"] INTEGRITY = 0x09F;
    #[doc = "invalid ticket"] TICKET = 0x0A0;
    #[doc = "reserved bits not set to zero as required"] RESERVED_BITS = 0x0A1;
    #[doc = "authorization failure without DA implications"] BAD_AUTH = 0x0A2;
    #[doc = "the policy has expired"] EXPIRED = 0x0A3;
    #[doc = "the commandCode in the policy is not the commandCode of the command, or the command code in a policy command references a command that is not implemented"] POLICY_CC = 0x0A4;
    #[doc = "public and sensitive portions of an object are not cryptographically bound"] BINDING = 0x0A5;
    #[doc = "curve not supported"] CURVE = 0x0A6;
    #[doc = "point is not on the required curve"] ECC_POINT = 0x0A7;
    #[doc = "the hierarchy is firmware-limited but the Firmware Secret is unavailable"] FW_LIMITED = 0x0A8;
    #[doc = "the hierarchy is SVN-limited but the Firmware SVN Secret is unavailable"] SVN_LIMITED = 0x0A9;
    #[doc = "parameter set not supported or not correct"] PARMS = 0x0AA;
    #[doc = "external Mu is not supported or not allowed for the key"] EXT_MU = 0x0AB;
    #[doc = "the signature scheme takes the message in one piece"] ONE_SHOT_SIGNATURE = 0x0AC;
    #[doc = "the key is not the one that the sequence was started with"] SIGN_CONTEXT_KEY = 0x0AD;
    #[doc = "the command must come over a secure channel"] CHANNEL = 0x0B0;
    #[doc = "the secure channel was not established with the required key"] CHANNEL_KEY = 0x0B1;

    #[doc = "gap for context ID is too large"] CONTEXT_GAP = 0x901;
    #[doc = "out of memory for object contexts"] OBJECT_MEMORY = 0x902;
    #[doc = "out of memory for session contexts"] SESSION_MEMORY = 0x903;
    #[doc = "out of shared object/session memory or need space for internal operations"] MEMORY = 0x904;
    #[doc = "out of session handles"] SESSION_HANDLES = 0x905;
    #[doc = "out of object handles"] OBJECT_HANDLES = 0x906;
    #[doc = "bad locality"] LOCALITY = 0x907;
    #[doc = "the TPM has suspended operation on the command; forward progress was made and the command may be retried"] YIELDED = 0x908;
    #[doc = "the command was canceled"] CANCELED = 0x909;
    #[doc = "TPM is performing self-tests"] TESTING = 0x90A;
    #[doc = "the 1st handle in the handle area references a transient object or session that is not loaded"] REFERENCE_H0 = 0x910;
    #[doc = "the 2nd handle in the handle area references a transient object or session that is not loaded"] REFERENCE_H1 = 0x911;
    #[doc = "the 3rd handle in the handle area references a transient object or session that is not loaded"] REFERENCE_H2 = 0x912;
    #[doc = "the 1st authorization session handle references a session that is not loaded"] REFERENCE_S0 = 0x918;
    #[doc = "the 2nd authorization session handle references a session that is not loaded"] REFERENCE_S1 = 0x919;
    #[doc = "the 3rd authorization session handle references a session that is not loaded"] REFERENCE_S2 = 0x91A;
    #[doc = "the TPM is rate-limiting accesses to prevent wearout of NV"] NV_RATE = 0x920;
    #[doc = "authorizations for objects subject to DA protection are not allowed at this time because the TPM is in DA lockout mode"] LOCKOUT = 0x921;
    #[doc = "the TPM was not able to start the command"] RETRY = 0x922;
    #[doc = "the command may require writing of NV and NV is not currently accessible"] NV_UNAVAILABLE = 0x923;
}

impl fmt::Display for TpmRc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.describe() {
            Some((name, meaning)) => {
                write!(f, "{name}")?;
                if let Some(number) = self.parameter_number() {
                    write!(f, " (parameter {number})")?;
                } else if let Some(number) = self.session_number() {
                    write!(f, " (session {number})")?;
                } else if let Some(number) = self.handle_number() {
                    write!(f, " (handle {number})")?;
                }
                write!(f, ": {meaning} [{:#05x}]", self.0)
            }
            None => write!(f, "unknown response code {:#010x}", self.0),
        }
    }
}

impl fmt::Debug for TpmRc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for TpmRc {}
