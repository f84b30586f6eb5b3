//! Times the public-key primitives of both providers: `cargo run --release -p ironroot-crypto-host --example speed`.
//! Medians; for key generation, whose times have a long tail, the mean over equal seeds too.

use std::time::{Duration, Instant};

use ironroot_crypto::{
    CryptoError, Drbg, PORTABLE, Provider, ecc,
    rsa::{self, EncryptionScheme, RsaCrt, SignatureScheme},
};
use ironroot_crypto_host::HOST;
use ironroot_wire::{TpmEccCurve, TpmiAlgHash};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let keys: u32 = std::env::args().nth(1).map_or(Ok(50), |count| count.parse())?;
    for provider in [&HOST as &dyn Provider, &PORTABLE] {
        println!("{}", provider.name());
        generation(provider, 2048, keys)?;
        private_operations(provider)?;
        curves(provider)?;
    }
    Ok(())
}

fn generation(provider: &dyn Provider, bits: u16, keys: u32) -> Result<(), Failure> {
    let mut times = Vec::new();
    let begin = processor_time();
    for seed in 0..keys {
        let mut random = Drbg::from_seed(b"speed", &[&seed.to_be_bytes()]);
        let start = Instant::now();
        RsaCrt::generate(provider, &mut random, bits, rsa::DEFAULT_EXPONENT, &rsa::never)?;
        times.push(start.elapsed());
    }
    let mean = times.iter().sum::<Duration>() / keys;
    println!("  RSA-{bits} key: mean {mean:.1?}, median {:.1?} over {keys} seeds", median(times));
    if let (Some(begin), Some(end)) = (begin, processor_time()) {
        println!("  RSA-{bits} key: mean {:.1?} of processor time", (end - begin) / keys);
    }
    Ok(())
}

/// What this thread has used of the processor so far, where the system tells: on a busy machine that is the better measure.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn private_operations(provider: &dyn Provider) -> Result<(), Failure> {
    for bits in [2048_u16, 3072, 4096] {
        let mut random = Drbg::from_seed(b"speed", &[&bits.to_be_bytes()]);
        let key = RsaCrt::generate(&HOST, &mut random, bits, rsa::DEFAULT_EXPONENT, &rsa::never)?;
        time(&format!("RSA-{bits} load"), || provider.rsa_load(&key))?;
        let prepared = provider.rsa_load(&key)?;
        let scheme = SignatureScheme::Pkcs1(TpmiAlgHash::Sha256);
        time(&format!("RSA-{bits} sign"), || rsa::sign(&*prepared, scheme, &[1; 32], &mut random))?;
        let signature = rsa::sign(&*prepared, scheme, &[1; 32], &mut random)?;
        time(&format!("RSA-{bits} verify"), || rsa::verify(provider, key.public(), scheme, &[1; 32], &signature))?;
        let scheme = EncryptionScheme::Oaep { hash: TpmiAlgHash::Sha256, label: b"SECRET\0" };
        time(&format!("RSA-{bits} OAEP encrypt"), || {
            rsa::encrypt(provider, key.public(), scheme, &[1; 32], &mut random)
        })?;
        time(&format!("RSA-{bits} from one prime"), || RsaCrt::from_prime(&key.n, key.e, &key.q))?;
    }
    Ok(())
}

fn curves(provider: &dyn Provider) -> Result<(), Failure> {
    for curve in [TpmEccCurve::NistP256, TpmEccCurve::NistP384, TpmEccCurve::NistP521] {
        let mut random = Drbg::from_seed(b"speed", &[]);
        let (scalar, point) = ecc::generate(provider, curve, &mut random)?;
        time(&format!("{curve:?} key"), || ecc::generate(provider, curve, &mut random))?;
        time(&format!("{curve:?} sign"), || provider.ecdsa_sign(curve, &scalar, &[1; 32], &mut random))?;
        let (r, s) = provider.ecdsa_sign(curve, &scalar, &[1; 32], &mut random)?;
        time(&format!("{curve:?} verify"), || provider.ecdsa_verify(curve, &point, &[1; 32], &r, &s))?;
        time(&format!("{curve:?} multiply"), || provider.ecc_multiply(curve, &scalar, &point))?;
    }
    Ok(())
}

fn time<T>(name: &str, mut run: impl FnMut() -> Result<T, CryptoError>) -> Result<(), Failure> {
    for _ in 0..5 {
        run()?;
    }
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < 400 && (times.len() < 20 || begin.elapsed() < Duration::from_millis(400)) {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed());
    }
    println!("  {name}: {:.1?}", median(times));
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
