//! A CA key in a PKCS #11 token: it signs there, and never leaves it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use der::{
    Decode as _,
    asn1::{ObjectIdentifier, OctetStringRef},
};
use ironroot_attest::x509::{PublicKey, oids};
use ironroot_crypto::digest;
use ironroot_wire::TpmEccCurve;
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::{AuthorityError, CertificateSigner, SignatureKind, ecdsa_signature, pkcs11_uri::Pkcs11Uri};

/// Modules that were initialized: PKCS #11 allows that once in a process.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// A private key in a token.
pub struct Pkcs11Key {
    uri: Pkcs11Uri,
    module: Pkcs11,
    slot: Slot,
    pin: Option<AuthPin>,
    /// One signature at a time; none while the token is away.
    session: Mutex<Option<(Session, ObjectHandle)>>,
    public: PublicKey,
    kind: SignatureKind,
}

impl Pkcs11Key {
    /// The key that the URI names, in a token that the PIN opens.
    ///
    /// # Errors
    /// [`AuthorityError::Key`]: which module, token or key, and why.
    pub fn open(uri: Pkcs11Uri, pin: Option<&[u8]>) -> Result<Self, AuthorityError> {
        let refuse = |why: String| AuthorityError::Key { key: uri.to_string(), why };
        let path = uri.module.as_deref().ok_or_else(|| {
            refuse("it does not name the token's module: add ?module-path=/usr/lib/…/MODULE.so".into())
        })?;
        let module =
            module(path).map_err(|error| refuse(format!("the module {} cannot be used: {error}", path.display())))?;
        let slot = find_slot(&module, &uri).map_err(&refuse)?;
        let pin = pin
            .map(|pin| std::str::from_utf8(pin).map(|pin| AuthPin::new(pin.into())))
            .transpose()
            .map_err(|_| refuse("the PIN is not UTF-8".into()))?;
        let (session, handle) = log_in(&module, slot, pin.as_ref(), &uri).map_err(&refuse)?;
        let public = public_key(&session, handle).map_err(&refuse)?;
        let kind = SignatureKind::of(&public).map_err(|why| refuse(why.into()))?;
        Ok(Self { uri, module, slot, pin, session: Mutex::new(Some((session, handle))), public, kind })
    }

    fn sign_once(&self, session: &Session, key: ObjectHandle, message: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let refuse = |error: Error| AuthorityError::Key { key: self.uri.to_string(), why: error.to_string() };
        match self.kind {
            SignatureKind::Rsa => session.sign(&Mechanism::Sha256RsaPkcs, key, message).map_err(refuse),
            SignatureKind::Ecdsa(hash) => {
                let signature = session.sign(&Mechanism::Ecdsa, key, &digest(hash, &[message])).map_err(refuse)?;
                let half = signature.len().div_ceil(2);
                let (r, s) = signature.split_at_checked(half).unwrap_or_default();
                ecdsa_signature(r, s)
            }
        }
    }
}

impl CertificateSigner for Pkcs11Key {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn algorithm(&self) -> AlgorithmIdentifierOwned {
        self.kind.algorithm()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let mut place = lock(&self.session);
        if let Some((session, key)) = place.as_ref()
            && let Ok(signature) = self.sign_once(session, *key, message)
        {
            return Ok(signature);
        }
        // The token was away, or has forgotten the session: once more, from the start.
        *place = None;
        let opened = log_in(&self.module, self.slot, self.pin.as_ref(), &self.uri)
            .map_err(|why| AuthorityError::Key { key: self.uri.to_string(), why })?;
        let (session, key) = place.insert(opened);
        self.sign_once(session, *key, message)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn module(path: &Path) -> Result<Pkcs11, Error> {
    let mut modules = lock(&MODULES);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(error),
    }
    modules.insert(path.into(), module.clone());
    Ok(module)
}

/// The one slot whose token is the one that the URI describes.
fn find_slot(module: &Pkcs11, uri: &Pkcs11Uri) -> Result<Slot, String> {
    let mut labels = Vec::new();
    let mut fitting = Vec::new();
    for slot in module.get_slots_with_initialized_token().map_err(|error| error.to_string())? {
        let token = module.get_token_info(slot).map_err(|error| error.to_string())?;
        labels.push(format!("\"{}\"", token.label()));
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        if fits(&uri.token, token.label())
            && fits(&uri.manufacturer, token.manufacturer_id())
            && fits(&uri.model, token.model())
            && fits(&uri.serial, token.serial_number())
            && uri.slot.is_none_or(|number| number == slot.id())
        {
            fitting.push(slot);
        }
    }
    match fitting[..] {
        [slot] => Ok(slot),
        [] => Err(format!(
            "no token fits; the module has {}",
            if labels.is_empty() { "none".into() } else { labels.join(", ") }
        )),
        _ => Err("several tokens fit: say token=LABEL or serial=NUMBER".into()),
    }
}

/// A session in which the key can be used.
fn log_in(
    module: &Pkcs11,
    slot: Slot,
    pin: Option<&AuthPin>,
    uri: &Pkcs11Uri,
) -> Result<(Session, ObjectHandle), String> {
    let session = module.open_ro_session(slot).map_err(|error| error.to_string())?;
    if let Some(pin) = pin {
        match session.login(UserType::User, Some(pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                return Err("the PIN is wrong: each wrong one brings the token nearer to being locked".into());
            }
            Err(error) => return Err(format!("the token does not take the PIN: {error}")),
        }
    }
    let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
    template.extend(uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
    template.extend(uri.id.as_ref().map(|id| Attribute::Id(id.clone())));
    let keys = session.find_objects(&template).map_err(|error| error.to_string())?;
    match keys[..] {
        [key] => Ok((session, key)),
        [] if pin.is_none() => Err("the token shows no such private key without a PIN: give one".into()),
        [] => Err("the token has no such private key".into()),
        _ => Err("several private keys fit: say object=LABEL and id=%NN".into()),
    }
}

/// The public half of a private key, from the token.
fn public_key(session: &Session, private: ObjectHandle) -> Result<PublicKey, String> {
    let failed = |error: Error| format!("the token does not show the public key: {error}");
    let mut kind = None;
    let mut template = vec![Attribute::Class(ObjectClass::PUBLIC_KEY)];
    let about = [AttributeType::KeyType, AttributeType::Id, AttributeType::Label];
    for attribute in session.get_attributes(private, &about).map_err(failed)? {
        match attribute {
            Attribute::KeyType(is) => kind = Some(is),
            Attribute::Id(id) if !id.is_empty() => template.push(Attribute::Id(id)),
            Attribute::Label(label) if template.len() == 1 && !label.is_empty() => {
                template.push(Attribute::Label(label));
            }
            _ => {}
        }
    }
    // Half of the tokens keep the public numbers with the private key, too.
    let public = session.find_objects(&template).map_err(failed)?.first().copied().unwrap_or(private);
    match kind {
        Some(KeyType::RSA) => rsa_key(session, public),
        Some(KeyType::EC) => ecc_key(session, public),
        _ => Err("it is no RSA or EC key".into()),
    }
}

fn rsa_key(session: &Session, key: ObjectHandle) -> Result<PublicKey, String> {
    let (mut modulus, mut exponent) = (Vec::new(), Vec::new());
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    for attribute in session.get_attributes(key, &wanted).map_err(|error| error.to_string())? {
        match attribute {
            Attribute::Modulus(value) => modulus = value,
            Attribute::PublicExponent(value) => exponent = value,
            _ => {}
        }
    }
    let exponent = exponent
        .iter()
        .try_fold(0u32, |number, byte| number.checked_mul(256).map(|number| number | u32::from(*byte)))
        .ok_or("its public exponent is longer than 32 bits")?;
    PublicKey::rsa(&modulus, exponent).map_err(|error| error.to_string())
}

fn ecc_key(session: &Session, key: ObjectHandle) -> Result<PublicKey, String> {
    let (mut curve, mut point) = (Vec::new(), Vec::new());
    let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
    for attribute in session.get_attributes(key, &wanted).map_err(|error| error.to_string())? {
        match attribute {
            Attribute::EcParams(value) => curve = value,
            Attribute::EcPoint(value) => point = value,
            _ => {}
        }
    }
    let curve = match ObjectIdentifier::from_der(&curve) {
        Ok(oids::P256) => TpmEccCurve::NistP256,
        Ok(oids::P384) => TpmEccCurve::NistP384,
        Ok(oids::P521) => TpmEccCurve::NistP521,
        _ => return Err("its curve is none of P-256, P-384 and P-521".into()),
    };
    // PKCS #11 wants an OCTET STRING around the point; some tokens leave it away.
    let point = <&OctetStringRef>::from_der(&point).map_or(point.as_slice(), |inner| inner.as_bytes());
    let coordinates = point.strip_prefix(&[4]).ok_or("the token does not show the public point")?;
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2).ok_or("the public point is cut off")?;
    PublicKey::ecc(curve, x, y).map_err(|error| error.to_string())
}

/// The PIN in the file that the URI names.
///
/// # Errors
/// [`AuthorityError::File`]; a PIN that others may read is an error.
pub fn pin_of(uri: &Pkcs11Uri) -> Result<Option<Zeroizing<Vec<u8>>>, AuthorityError> {
    let Some(path) = &uri.pin_file else { return Ok(None) };
    let mut pin = crate::files::read_secret(path)?
        .ok_or_else(|| AuthorityError::Key { key: uri.to_string(), why: format!("{} is not there", path.display()) })?;
    while pin.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        pin.pop();
    }
    Ok(Some(pin))
}
