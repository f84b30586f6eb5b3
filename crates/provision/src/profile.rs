//! Certificate profiles: what a key and a subject must be, and what the certificate says. Profiles are data.

use der::oid::ObjectIdentifier;
use ironroot_attest::IdentityKeyPolicy;
use x509_cert::name::Name;

use crate::refusal::Refusal;

/// `id-kp-clientAuth` (RFC 5280).
pub const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// `id-kp-serverAuth` (RFC 5280).
pub const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// One kind of certificate that the service issues.
#[derive(Debug, Clone)]
pub struct CertificateProfile {
    /// The name that requests use.
    pub name: String,
    /// What the identity key must be.
    pub key: IdentityKeyPolicy,
    /// How the subject must look.
    pub subject: SubjectRules,
    /// The extended key usages of the certificate.
    pub extended_key_usage: Vec<ObjectIdentifier>,
    /// How long a certificate holds, in seconds.
    pub validity: u64,
    /// How long before its end a certificate is replaced when its holder asks again, in seconds.
    pub renewal: u64,
}

impl CertificateProfile {
    /// A device's certificate for TLS client authentication, for a year.
    #[must_use]
    pub fn tls_client() -> Self {
        Self {
            name: "tls-client".into(),
            key: IdentityKeyPolicy::tls(),
            subject: SubjectRules::default(),
            extended_key_usage: vec![CLIENT_AUTH],
            validity: 365 * DAY,
            renewal: 30 * DAY,
        }
    }
}

/// How a subject must look: one common name, and perhaps other attributes, all short and printable.
#[derive(Debug, Clone)]
pub struct SubjectRules {
    /// Attribute types besides the common name.
    pub attributes: Vec<ObjectIdentifier>,
    /// Characters of the longest value (RFC 5280's `ub-common-name` is 64).
    pub longest: usize,
}

impl Default for SubjectRules {
    fn default() -> Self {
        let attributes = [
            "2.5.4.5",  // serialNumber
            "2.5.4.6",  // countryName
            "2.5.4.10", // organizationName
            "2.5.4.11", // organizationalUnitName
        ];
        Self { attributes: attributes.map(ObjectIdentifier::new_unwrap).to_vec(), longest: 64 }
    }
}

impl SubjectRules {
    /// Checks a subject and returns its common name.
    ///
    /// # Errors
    /// [`Refusal`] with the code `subject_empty`, `subject_attribute`, `subject_value` or `subject_common_name`.
    pub fn check(&self, subject: &Name) -> Result<String, Refusal> {
        const HINT: &str = "Ask for a subject with one common name, and only attributes that the profile allows.";
        let refuse = |code, message: String| Err(Refusal::forbidden(code, message, HINT));
        if subject.is_empty() {
            return refuse("subject_empty", "the request has no subject".into());
        }
        let mut common_names = Vec::new();
        for rdn in subject.iter_rdn() {
            if rdn.len() != 1 {
                return refuse("subject_attribute", "the subject has a part with several attributes".into());
            }
            for attribute in rdn.iter() {
                if attribute.oid != COMMON_NAME && !self.attributes.contains(&attribute.oid) {
                    return refuse(
                        "subject_attribute",
                        format!("the subject attribute {} is not allowed", attribute.oid),
                    );
                }
                let value = attribute_text(attribute).unwrap_or_default();
                let length = value.chars().count();
                if length == 0 || length > self.longest || value.chars().any(char::is_control) || value.trim() != value
                {
                    let message = format!("the value of the subject attribute {} is not acceptable", attribute.oid);
                    return refuse("subject_value", message);
                }
                if attribute.oid == COMMON_NAME {
                    common_names.push(value);
                }
            }
        }
        match <[String; 1]>::try_from(common_names) {
            Ok([name]) => Ok(name),
            Err(_) => refuse("subject_common_name", "the subject does not have exactly one common name".into()),
        }
    }
}

/// The value of an attribute, if it is a UTF8String or PrintableString.
fn attribute_text(attribute: &x509_cert::attr::AttributeTypeAndValue) -> Option<String> {
    use der::{Tag, Tagged, asn1::PrintableStringRef};
    match attribute.value.tag() {
        Tag::Utf8String => std::str::from_utf8(attribute.value.value()).ok().map(str::to_owned),
        Tag::PrintableString => Some(PrintableStringRef::new(attribute.value.value()).ok()?.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn name(text: &str) -> Name {
        if text.is_empty() { Name::default() } else { Name::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}")) }
    }

    #[test]
    fn subjects_are_held_to_the_rules() {
        let check = |text: &str| SubjectRules::default().check(&name(text)).map_err(|refusal| refusal.code);
        assert_eq!(check("CN=pump 7,O=Acme"), Ok("pump 7".into()));
        assert_eq!(check(""), Err("subject_empty"));
        assert_eq!(check("O=Acme"), Err("subject_common_name"));
        assert_eq!(check("CN=a,CN=b"), Err("subject_common_name"));
        assert_eq!(check("CN=a,UID=root"), Err("subject_attribute"));
        assert_eq!(check("CN=a+O=b"), Err("subject_attribute"));
        assert_eq!(check("CN=a\\00b"), Err("subject_value"));
        assert_eq!(check(&format!("CN={}", "x".repeat(65))), Err("subject_value"));
        // A BMPString, which is not a text that everybody shows alike.
        assert_eq!(check("CN=#1e020041"), Err("subject_value"));
    }
}
