//! The policies of the endorsement key templates, computed from what they mean (TCG EK Credential Profile, annex B.6).
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

use ironroot_attest::ek_template::{POLICY_A_SHA256, POLICY_B_SHA256, POLICY_B_SHA384, POLICY_B_SHA512};
use ironroot_crypto::digest;
use ironroot_wire::TpmiAlgHash;

const POLICY_SECRET: u32 = 0x0000_0151;
const POLICY_OR: u32 = 0x0000_0171;
const RH_ENDORSEMENT: u32 = 0x4000_000b;

fn policy_a(hash: TpmiAlgHash) -> Vec<u8> {
    let zero = vec![0; hash.digest_size()];
    let first = digest(hash, &[&zero, &POLICY_SECRET.to_be_bytes(), &RH_ENDORSEMENT.to_be_bytes()]);
    digest(hash, &[&first]).to_vec()
}

/// "PolicyC", `PolicyAuthorizeNV` with the policy index of the hash: the profile's table of digests.
fn policy_c(hash: TpmiAlgHash) -> Vec<u8> {
    let hex = match hash {
        TpmiAlgHash::Sha256 => "3767e2edd43ff45a3a7e1eaefcef78643dca964632e7aad82c673a30d8633fde",
        TpmiAlgHash::Sha384 => {
            "d6032ce61f2fb3c240eb3cf6a33237ef2b6a16f4293c22b455e261cffd217ad5b4947c2d73e63005eed2dc2b3593d165"
        }
        _ => {
            "589ee1e146544716e8deafe6db247b01b81e9f9c7dd16b814aa159138749105fba5388dd1dea702f35240c184933121e\
             2c61b8f50d3ef91393a49a38c3f73fc8"
        }
    };
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn policy_b(hash: TpmiAlgHash) -> Vec<u8> {
    let zero = vec![0; hash.digest_size()];
    digest(hash, &[&zero, &POLICY_OR.to_be_bytes(), &policy_a(hash), &policy_c(hash)]).to_vec()
}

#[test]
fn policies_are_what_they_mean() {
    assert_eq!(policy_a(TpmiAlgHash::Sha256), POLICY_A_SHA256);
    assert_eq!(policy_b(TpmiAlgHash::Sha256), POLICY_B_SHA256);
    assert_eq!(policy_b(TpmiAlgHash::Sha384), POLICY_B_SHA384);
    assert_eq!(policy_b(TpmiAlgHash::Sha512), POLICY_B_SHA512);
}
