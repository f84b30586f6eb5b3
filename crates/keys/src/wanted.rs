//! What a certificate request asks for beside its key: names, key usage and purposes, written as OpenSSL and RFC 5280 write them.

use std::{net::IpAddr, str::FromStr};

use der::{
    Decode as _,
    asn1::{Ia5String, ObjectIdentifier, OctetString, SetOfVec},
    oid::AssociatedOid,
};
use ironroot_attest::x509::issuance::extension;
use ironroot_client::wire::TpmiAlgHash;
use x509_cert::{
    attr::Attribute,
    ext::{
        Extension,
        pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName},
    },
    request::{CertReqInfo, ExtensionReq},
};

use crate::KeyError;

/// What a certificate request asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The subject as RFC 4514 writes names (`CN=dev1,O=Example`).
    pub subject: &'a str,
    /// Alternative names with their kind before them, as OpenSSL writes them: `DNS:`, `IP:`, `URI:` or `email:`; without one, DNS names.
    pub names: &'a [&'a str],
    /// Whether it is for a CA.
    pub ca: bool,
    /// The key's uses by their names in RFC 5280, 4.2.1.3 (`digitalSignature`, …); none are asked for if it is empty.
    pub key_usage: &'a [&'a str],
    /// Purposes by their names in RFC 5280, 4.2.1.12: `serverAuth`, `clientAuth`, `codeSigning`, `emailProtection`.
    pub purposes: &'a [&'a str],
    /// The hash of the signature; the one that suits the key if `None`.
    pub hash: Option<TpmiAlgHash>,
}

const PURPOSES: [(&str, ObjectIdentifier); 4] = [
    ("serverAuth", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1")),
    ("clientAuth", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2")),
    ("codeSigning", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3")),
    ("emailProtection", ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4")),
];

const USES: [(&str, KeyUsages); 7] = [
    ("digitalSignature", KeyUsages::DigitalSignature),
    ("nonRepudiation", KeyUsages::NonRepudiation),
    ("keyEncipherment", KeyUsages::KeyEncipherment),
    ("dataEncipherment", KeyUsages::DataEncipherment),
    ("keyAgreement", KeyUsages::KeyAgreement),
    ("keyCertSign", KeyUsages::KeyCertSign),
    ("cRLSign", KeyUsages::CRLSign),
];

impl Wanted<'_> {
    /// The attributes of a request that asks for it.
    pub(crate) fn attributes(&self) -> Result<SetOfVec<Attribute>, KeyError> {
        let failed = || KeyError::encoding("the request's extensions");
        let mut attributes = SetOfVec::new();
        let extensions = self.extensions()?;
        if !extensions.is_empty() {
            let attribute = Attribute::try_from(ExtensionReq(extensions)).map_err(failed())?;
            attributes.insert(attribute).map_err(failed())?;
        }
        Ok(attributes)
    }

    fn extensions(&self) -> Result<Vec<Extension>, KeyError> {
        let failed = || KeyError::encoding("the request's extensions");
        let mut all = Vec::new();
        if self.ca {
            all.push(extension(true, &BasicConstraints { ca: true, path_len_constraint: None }).map_err(failed())?);
        }
        if !self.key_usage.is_empty() {
            let mut usage = KeyUsage(Default::default());
            for name in self.key_usage {
                usage.0 |= *known(&USES, name, "use of a key")?;
            }
            all.push(extension(true, &usage).map_err(failed())?);
        }
        if !self.purposes.is_empty() {
            let purposes: Result<_, _> =
                self.purposes.iter().map(|name| known(&PURPOSES, name, "purpose").copied()).collect();
            all.push(extension(false, &ExtendedKeyUsage(purposes?)).map_err(failed())?);
        }
        if !self.names.is_empty() {
            let names: Result<_, _> = self.names.iter().map(|name| general_name(name)).collect();
            all.push(extension(false, &SubjectAltName(names?)).map_err(failed())?);
        }
        Ok(all)
    }
}

fn known<'a, T>(all: &'a [(&str, T)], name: &str, what: &str) -> Result<&'a T, KeyError> {
    all.iter().find(|(known, _)| *known == name).map(|(_, value)| value).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
        refuse(format!("\"{}\" is no {what} that is known here: {}", name.escape_debug(), names.join(", ")))
    })
}

/// One alternative name, as OpenSSL writes it.
pub(crate) fn general_name(text: &str) -> Result<GeneralName, KeyError> {
    let ia5 = |value: &str, what| Ia5String::new(value).map_err(KeyError::encoding(what));
    match text.split_once(':') {
        Some(("DNS", name)) => Ok(GeneralName::DnsName(ia5(name, "a DNS name")?)),
        Some(("URI", uri)) => Ok(GeneralName::UniformResourceIdentifier(ia5(uri, "a URI")?)),
        Some(("email", address)) => Ok(GeneralName::Rfc822Name(ia5(address, "an e-mail address")?)),
        Some(("IP", address)) => {
            let address = IpAddr::from_str(address)
                .map_err(|_| refuse(format!("\"{}\" is no IP address", address.escape_debug())))?;
            let bytes = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            Ok(GeneralName::IpAddress(OctetString::new(bytes).map_err(KeyError::encoding("an IP address"))?))
        }
        Some(_) => Err(refuse(format!(
            "\"{}\" is no alternative name that is known here: write DNS:, IP:, URI: or email: before it",
            text.escape_debug()
        ))),
        None => Ok(GeneralName::DnsName(ia5(text, "a DNS name")?)),
    }
}

/// What a request that has come asks for.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) names: Vec<GeneralName>,
    pub(crate) ca: bool,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) purposes: Option<ExtendedKeyUsage>,
}

impl Asked {
    /// Of a request whose signature has been verified. Extensions that are not known here are left out, as RFC 2986 allows.
    pub(crate) fn of(info: &CertReqInfo) -> der::Result<Self> {
        let mut asked = Self::default();
        for attribute in info.attributes.iter().filter(|attribute| attribute.oid == ExtensionReq::OID) {
            for value in attribute.values.iter() {
                let extensions: ExtensionReq = value.decode_as()?;
                for extension in extensions.0 {
                    asked.take(extension.extn_id, extension.extn_value.as_bytes())?;
                }
            }
        }
        Ok(asked)
    }

    fn take(&mut self, oid: ObjectIdentifier, value: &[u8]) -> der::Result<()> {
        match oid {
            SubjectAltName::OID => self.names.extend(SubjectAltName::from_der(value)?.0),
            BasicConstraints::OID => self.ca |= BasicConstraints::from_der(value)?.ca,
            KeyUsage::OID => self.key_usage = Some(KeyUsage::from_der(value)?),
            ExtendedKeyUsage::OID => self.purposes = Some(ExtendedKeyUsage::from_der(value)?),
            _ => {}
        }
        Ok(())
    }

    /// Purposes that are not known here: a CA does not certify what it does not understand.
    pub(crate) fn unknown_purpose(&self) -> Option<String> {
        let purposes = self.purposes.as_ref()?;
        let known = |oid| PURPOSES.iter().any(|(_, known)| *known == oid);
        purposes.0.iter().find(|oid| !known(**oid)).map(ToString::to_string)
    }
}

fn refuse(reason: String) -> KeyError {
    KeyError::Certificate(reason)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use der::Encode as _;

    #[test]
    fn names_are_written_as_openssl_writes_them() {
        for (text, der) in [
            ("dev1.example", "820c646576312e6578616d706c65"),
            ("DNS:dev1", "820464657631"),
            ("IP:192.0.2.1", "8704c0000201"),
            ("IP:2001:db8::1", "871020010db8000000000000000000000001"),
            ("URI:urn:dev:1", "860975726e3a6465763a31"),
            ("email:a@b.example", "810b6140622e6578616d706c65"),
        ] {
            let got: String =
                general_name(text).unwrap().to_der().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(got, der, "{text}");
        }
        for text in ["IP:300.0.0.1", "IP:", "dns:a", "RID:1.2", "DNS:\u{e9}"] {
            assert!(general_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        let wanted = Wanted { key_usage: &["digital"], ..Wanted::default() };
        assert!(wanted.attributes().unwrap_err().to_string().contains("digitalSignature"));
        let wanted = Wanted { purposes: &["any"], ..Wanted::default() };
        assert!(wanted.attributes().unwrap_err().to_string().contains("serverAuth"));
    }
}
