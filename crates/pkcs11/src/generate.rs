//! `C_GenerateKeyPair` and `C_DestroyObject`: names come onto the list and leave it.

use cryptoki_sys::*;
use ironroot_client::wire::TpmHandle;
use ironroot_keys::{KeyAlgorithm, KeyReference};

use crate::{
    attributes::{Attribute, to_number},
    config::Config,
    error::{Result, Rv, refuse},
    mechanisms::Request,
    objects::Key,
    public::{self, hex},
    token::Token,
};

/// What is to be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub name: String,
    pub algorithm: KeyAlgorithm,
}

/// What a program asks for with its two templates. A named key has no other choices than its name and its kind: what asks for the
/// impossible (a private key that can be read) is refused; what asks for uses that it does not have is answered by its attributes.
pub(crate) fn wanted(request: &Request, public: &[Attribute], private: &[Attribute]) -> Result<Wanted> {
    if !request.parameter.is_empty() {
        return Err(Rv(CKR_MECHANISM_PARAM_INVALID));
    }
    let find = |kind| private.iter().chain(public).find(|(known, _)| *known == kind).map(|(_, value)| value.as_slice());
    let is = |template: &[Attribute], kind, wanted: CK_BBOOL| {
        template.iter().any(|(known, value)| *known == kind && value.as_slice() == [wanted])
    };
    if is(private, CKA_TOKEN, CK_FALSE) || is(public, CKA_TOKEN, CK_FALSE) {
        return refuse(CKR_TEMPLATE_INCONSISTENT, "a named key is the token's, not a session's: CKA_TOKEN is true");
    }
    if is(private, CKA_EXTRACTABLE, CK_TRUE) || is(private, CKA_SENSITIVE, CK_FALSE) {
        return refuse(CKR_TEMPLATE_INCONSISTENT, "the private key of a named key never leaves the TPM");
    }
    let algorithm = match request.kind {
        CKM_RSA_PKCS_KEY_PAIR_GEN => rsa(find(CKA_MODULUS_BITS), find(CKA_PUBLIC_EXPONENT))?,
        CKM_EC_KEY_PAIR_GEN | CKM_EC_EDWARDS_KEY_PAIR_GEN => {
            let params = find(CKA_EC_PARAMS).ok_or(Rv(CKR_TEMPLATE_INCOMPLETE))?;
            let is_edwards = request.kind == CKM_EC_EDWARDS_KEY_PAIR_GEN;
            match public::from_ec_params(params) {
                Some(algorithm) if (algorithm == KeyAlgorithm::Ed25519) == is_edwards => algorithm,
                _ => {
                    let text =
                        format!("CKA_EC_PARAMS {} with mechanism {:#x}: no such keys", hex(params), request.kind);
                    return refuse(CKR_CURVE_NOT_SUPPORTED, text);
                }
            }
        }
        other => return refuse(CKR_MECHANISM_INVALID, format!("mechanism {other:#x} makes no named keys")),
    };
    let name = match find(CKA_LABEL) {
        Some(label) if !label.is_empty() => {
            std::str::from_utf8(label).map_err(|_| Rv(CKR_ATTRIBUTE_VALUE_INVALID))?.to_owned()
        }
        _ => return refuse(CKR_TEMPLATE_INCOMPLETE, "a named key needs a name: CKA_LABEL"),
    };
    Ok(Wanted { name, algorithm })
}

fn rsa(bits: Option<&[u8]>, exponent: Option<&[u8]>) -> Result<KeyAlgorithm> {
    let number =
        |bytes: &[u8]| bytes.iter().try_fold(0_u32, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()));
    if exponent.is_some_and(|exponent| number(exponent) != Some(65_537)) {
        return refuse(CKR_ATTRIBUTE_VALUE_INVALID, "the public exponent is 65537");
    }
    let bits = bits.ok_or(Rv(CKR_TEMPLATE_INCOMPLETE))?;
    match to_number(bits) {
        Some(2048) => Ok(KeyAlgorithm::Rsa2048),
        Some(3072) => Ok(KeyAlgorithm::Rsa3072),
        Some(4096) => Ok(KeyAlgorithm::Rsa4096),
        _ => Err(Rv(CKR_KEY_SIZE_RANGE)),
    }
}

/// Makes the key, and puts its name onto the list.
pub(crate) fn create(token: &mut Token, config: &Config, wanted: &Wanted) -> Result<()> {
    if !config.keys.is_empty() && !config.keys.contains(&KeyReference::Name(wanted.name.clone())) {
        let text = format!("the configuration shows other keys alone: add \"key = name:{}\"", wanted.name);
        return refuse(CKR_TEMPLATE_INCONSISTENT, text);
    }
    token.named(config, |list, named| list.create(named, &wanted.name, wanted.algorithm).map(|_| ()))?;
    Ok(())
}

/// Takes the name off the list, and the key out of its persistent handle.
pub(crate) fn remove(token: &mut Token, config: &Config, key: &Key) -> Result<()> {
    if !matches!(key.reference, KeyReference::Name(_)) {
        let text =
            format!("{} is not on the list of names: it is there because the configuration says so", key.reference);
        return refuse(CKR_ACTION_PROHIBITED, text);
    }
    token.named(config, |list, named| {
        if let Some(handle) = key.handle.map(TpmHandle)
            && named.at_handle(handle, &key.fingerprint)?.is_some()
        {
            named.evict(handle)?;
        }
        list.remove(&key.name).map(|_| ())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::number;

    fn ask(kind: CK_MECHANISM_TYPE, public: &[Attribute], private: &[Attribute]) -> Result<Wanted> {
        wanted(&Request { kind, parameter: Vec::new() }, public, private)
    }

    #[test]
    fn templates_say_name_and_kind() {
        let label = (CKA_LABEL, b"web".to_vec());
        let p256 = (CKA_EC_PARAMS, public::ec_params(KeyAlgorithm::EccP256).unwrap());
        let bits = |bits| (CKA_MODULUS_BITS, number(bits));
        let ok = |algorithm| Ok(Wanted { name: "web".into(), algorithm });
        let both = [label.clone(), p256.clone()];
        assert_eq!(ask(CKM_EC_KEY_PAIR_GEN, &both, &[]), ok(KeyAlgorithm::EccP256));
        let rsa = [bits(3072), (CKA_PUBLIC_EXPONENT, vec![1, 0, 1])];
        assert_eq!(ask(CKM_RSA_PKCS_KEY_PAIR_GEN, &rsa, std::slice::from_ref(&label)), ok(KeyAlgorithm::Rsa3072));
        assert_eq!(ask(CKM_EC_KEY_PAIR_GEN, std::slice::from_ref(&p256), &[]), Err(Rv(CKR_TEMPLATE_INCOMPLETE)));
        assert_eq!(ask(CKM_EC_KEY_PAIR_GEN, std::slice::from_ref(&label), &[]), Err(Rv(CKR_TEMPLATE_INCOMPLETE)));
        assert_eq!(ask(CKM_EC_EDWARDS_KEY_PAIR_GEN, &both, &[]), Err(Rv(CKR_CURVE_NOT_SUPPORTED)));
        assert_eq!(ask(CKM_RSA_PKCS_KEY_PAIR_GEN, &[bits(1024)], &[label]), Err(Rv(CKR_KEY_SIZE_RANGE)));
        assert_eq!(ask(CKM_AES_KEY_GEN, &both, &[]), Err(Rv(CKR_MECHANISM_INVALID)));
        for (kind, value) in [(CKA_EXTRACTABLE, 1), (CKA_SENSITIVE, 0), (CKA_TOKEN, 0)] {
            let private = [(kind, vec![value])];
            assert_eq!(ask(CKM_EC_KEY_PAIR_GEN, &both, &private), Err(Rv(CKR_TEMPLATE_INCONSISTENT)));
        }
    }
}
