//! What is timed: pairs of classes of inputs whose times must not differ. Both classes' inputs are prepared in the same way
//! and copied to one place before the clock starts.

use std::hint::black_box;

use ironroot_crypto::{CryptoError, PORTABLE, Provider, RsaPrivateKey, rsa};
use ironroot_crypto_host::HOST;
use ironroot_wire::{TpmEccCurve, TpmRc};

use crate::{
    Numbers,
    cases::{
        controls::early_exit,
        rsa::{OAEP, Padding, ciphertext, key},
    },
    counter,
    tpm::{Machine, code, right_hmac, rsa_decrypt, with_hmac, with_password},
};

/// What a difference would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There must be none.
    Equal,
    /// There is one, and it must be found.
    Control,
    /// The classes end in different answers, so the caller knows the class anyway.
    Told,
}

/// Times the operation once with an input of the first or the second class.
pub type Timer = Box<dyn FnMut(bool) -> u64>;

/// A pair of classes.
pub struct Timed {
    /// What is compared.
    pub name: String,
    /// What a difference would mean.
    pub kind: Kind,
    /// As many samples as are taken if nobody says how many.
    pub samples: u64,
    /// Makes ready.
    pub prepare: Box<dyn Fn() -> Timer>,
}

const MILLION: u64 = 1_000_000;
/// Inputs of a class where each has to be made beforehand.
const POOL: usize = 256;
const AUTH: [u8; 32] = *b"thirty-two bytes that owner know";

/// All of them.
#[must_use]
pub fn all() -> Vec<Timed> {
    let mut all = Vec::new();
    let mut add = |name: String, kind, samples, prepare: Box<dyn Fn() -> Timer>| {
        all.push(Timed { name, kind, samples, prepare });
    };
    add("control: a comparison that stops early".into(), Kind::Control, 100_000, Box::new(|| compare(false)));
    let name = "control: the same after a whole command of the TPM";
    add(name.into(), Kind::Control, MILLION, Box::new(|| compare(true)));
    add("password: right but for its last byte, or random".into(), Kind::Equal, MILLION, Box::new(password));
    add("HMAC of a session: right but for its last byte, or random".into(), Kind::Equal, MILLION, Box::new(hmac));
    for (provider, samples) in [(&HOST as &'static dyn Provider, MILLION), (&PORTABLE, MILLION)] {
        let name = format!("ECDSA P-256, {}: one key, or random ones", provider.name());
        add(name, Kind::Equal, samples, Box::new(move || ecdsa(provider)));
    }
    for (first, second, kind) in OAEP_PAIRS {
        let name = format!("RSA-2048 OAEP through the TPM, host: {first:?} or {second:?}");
        add(name, kind, 200_000, Box::new(move || oaep_in_tpm([first, second])));
    }
    for (first, second, kind) in OAEP_PAIRS {
        let name = format!("RSA-2048 OAEP, portable: {first:?} or {second:?}");
        add(name, kind, 20_000, Box::new(move || oaep(&PORTABLE, [first, second])));
    }
    for (provider, samples) in [(&HOST as &'static dyn Provider, 200_000), (&PORTABLE, 20_000)] {
        let name = format!("RSA-2048 private operation, {}: one number, or random ones", provider.name());
        add(name, Kind::Equal, samples, Box::new(move || private(provider)));
    }
    all
}

/// Manger's question is in the first: whether the first octet was zero.
const OAEP_PAIRS: [(Padding, Padding, Kind); 4] = [
    (Padding::FirstOctet, Padding::Label, Kind::Equal),
    (Padding::FirstOctet, Padding::Separator, Kind::Equal),
    (Padding::FirstOctet, Padding::Filling, Kind::Equal),
    (Padding::Valid, Padding::Label, Kind::Told),
];

fn time<T>(operation: impl FnOnce() -> T) -> u64 {
    let start = counter::now();
    black_box(operation());
    counter::now().wrapping_sub(start)
}

/// Copies one of two inputs, touching both.
fn choose(to: &mut [u8], second: bool, inputs: [&[u8]; 2]) {
    let mask = black_box(0_u8.wrapping_sub(u8::from(second)));
    for ((to, a), b) in to.iter_mut().zip(inputs[0]).zip(inputs[1]) {
        *to = (a & !mask) | (b & mask);
    }
}

/// `AUTH` but for its last byte.
fn nearly() -> [u8; 32] {
    let mut nearly = AUTH;
    nearly[31] ^= 1;
    nearly
}

fn compare(in_command: bool) -> Timer {
    let (mut numbers, mut guess) = (Numbers::new("compare"), vec![0; 32]);
    let mut tpm = Machine::new(&HOST);
    let command = with_password(b"wrong");
    tpm.set_owner_auth(&AUTH, |_| ());
    Box::new(move |second| {
        choose(&mut guess, second, [&nearly(), &numbers.bytes(32)]);
        time(|| {
            if in_command {
                black_box(tpm.execute(&command));
            }
            early_exit(&AUTH, &guess)
        })
    })
}

fn password() -> Timer {
    let mut tpm = Machine::new(&HOST);
    tpm.set_owner_auth(&AUTH, |_| ());
    let (mut numbers, mut command) = (Numbers::new("password"), with_password(&nearly()));
    Box::new(move |second| {
        let mut random = numbers.bytes(32);
        random[31] |= 1; // A zero at the end would not count, and the password be shorter.
        choose(&mut command, second, [&with_password(&nearly()), &with_password(&random)]);
        let mut answer = Vec::new();
        let taken = time(|| answer = tpm.execute(&command));
        assert_eq!(code(&answer), TpmRc::BAD_AUTH.session(1));
        taken
    })
}

fn hmac() -> Timer {
    let mut tpm = Machine::new(&HOST);
    let session = tpm.start_session();
    tpm.set_owner_auth(&AUTH, |_| ());
    let mut nearly = right_hmac(&session, &AUTH);
    if let Some(last) = nearly.last_mut() {
        *last ^= 1;
    }
    let (mut numbers, mut command) = (Numbers::new("hmac"), with_hmac(&session, &nearly));
    Box::new(move |second| {
        let random = numbers.bytes(32);
        choose(&mut command, second, [&with_hmac(&session, &nearly), &with_hmac(&session, &random)]);
        let mut answer = Vec::new();
        let taken = time(|| answer = tpm.execute(&command));
        assert_eq!(code(&answer), TpmRc::BAD_AUTH.session(1));
        taken
    })
}

fn ecdsa(provider: &'static dyn Provider) -> Timer {
    let (mut numbers, mut nonces) = (Numbers::new("keys"), Numbers::new("nonces"));
    let mut fixed = numbers.bytes(32);
    fixed[0] &= 0x7f; // below the order
    let mut scalar = fixed.clone();
    Box::new(move |second| {
        let mut random = numbers.bytes(32);
        random[0] &= 0x7f;
        choose(&mut scalar, second, [&fixed, &random]);
        time(|| provider.ecdsa_sign(TpmEccCurve::NistP256, &scalar, &[0x42; 32], &mut nonces))
    })
}

/// Many ciphertexts with a padding of each kind.
fn pools(paddings: [Padding; 2]) -> [Vec<Vec<u8>>; 2] {
    let mut numbers = Numbers::new("ciphertexts");
    paddings.map(|padding| (0..POOL).map(|_| ciphertext(&HOST, padding, &mut numbers)).collect())
}

/// One of the first and one of the second class.
fn draw<'a>(pools: &'a [Vec<Vec<u8>>; 2], numbers: &mut Numbers) -> [&'a [u8]; 2] {
    let at = usize::from(numbers.bytes(1)[0]) % POOL;
    [&pools[0][at], &pools[1][at]]
}

fn oaep_in_tpm(paddings: [Padding; 2]) -> Timer {
    let mut tpm = Machine::new(&HOST);
    let handle = tpm.load_rsa();
    let (pools, mut numbers, mut input) = (pools(paddings), Numbers::new("draw"), vec![0; 256]);
    let valid = paddings.map(|padding| padding == Padding::Valid);
    Box::new(move |second| {
        choose(&mut input, second, draw(&pools, &mut numbers));
        let command = rsa_decrypt(handle, &input);
        let mut answer = Vec::new();
        let taken = time(|| answer = tpm.execute(&command));
        assert_eq!(code(&answer) == TpmRc::SUCCESS, valid[usize::from(second)]);
        taken
    })
}

fn oaep(provider: &'static dyn Provider, paddings: [Padding; 2]) -> Timer {
    let key = load(provider);
    let (pools, mut numbers, mut input) = (pools(paddings), Numbers::new("draw"), vec![0; 256]);
    let valid = paddings.map(|padding| padding == Padding::Valid);
    Box::new(move |second| {
        choose(&mut input, second, draw(&pools, &mut numbers));
        let mut answer = Err(CryptoError::Internal);
        let taken = time(|| answer = rsa::decrypt(key.as_ref(), OAEP, &input, &mut numbers).map(drop));
        let expected = if valid[usize::from(second)] { Ok(()) } else { Err(CryptoError::Invalid) };
        assert_eq!(answer, expected);
        taken
    })
}

fn private(provider: &'static dyn Provider) -> Timer {
    let key = load(provider);
    let (mut numbers, mut input) = (Numbers::new("inputs"), vec![0; 256]);
    let fixed = vec![1; 256];
    Box::new(move |second| {
        let mut random = numbers.bytes(256);
        random[0] &= 0x7f;
        choose(&mut input, second, [&fixed, &random]);
        time(|| key.private(&input, &mut numbers))
    })
}

fn load(provider: &dyn Provider) -> Box<dyn RsaPrivateKey> {
    provider.rsa_load(&key()).expect("the key is one")
}
