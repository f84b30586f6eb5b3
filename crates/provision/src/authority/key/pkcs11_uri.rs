//! PKCS #11 URIs (RFC 7512): which key of which token of which module.

use std::{fmt, path::PathBuf, str::FromStr};

/// What a URI says of a private key. The attributes that are given have to match; a PIN is never part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// `token`: the token's label.
    pub token: Option<String>,
    /// `manufacturer`: the token's manufacturer.
    pub manufacturer: Option<String>,
    /// `model`: the token's model.
    pub model: Option<String>,
    /// `serial`: the token's serial number.
    pub serial: Option<String>,
    /// `slot-id`: the slot's number.
    pub slot: Option<u64>,
    /// `object`: the key's label (`CKA_LABEL`).
    pub object: Option<String>,
    /// `id`: the key's identifier (`CKA_ID`).
    pub id: Option<Vec<u8>>,
    /// `module-path`: the module's file.
    pub module: Option<PathBuf>,
    /// `pin-source`: the file with the PIN.
    pub pin_file: Option<PathBuf>,
    text: String,
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pkcs11Uri {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("pkcs11:").ok_or("a PKCS #11 URI begins with pkcs11:")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self { text: text.into(), ..Self::default() };
        for attribute in path.split(';').filter(|attribute| !attribute.is_empty()) {
            let (name, value) = pair(attribute)?;
            uri.path_attribute(name, value)?;
        }
        for attribute in query.split('&').filter(|attribute| !attribute.is_empty()) {
            let (name, value) = pair(attribute)?;
            uri.query_attribute(name, value)?;
        }
        if uri.object.is_none() && uri.id.is_none() {
            return Err("name the key: object=LABEL or id=%01 (RFC 7512)".into());
        }
        Ok(uri)
    }
}

impl Pkcs11Uri {
    fn path_attribute(&mut self, name: &str, value: Vec<u8>) -> Result<(), String> {
        match name {
            "token" => once(&mut self.token, name, words(name, value)?),
            "manufacturer" => once(&mut self.manufacturer, name, words(name, value)?),
            "model" => once(&mut self.model, name, words(name, value)?),
            "serial" => once(&mut self.serial, name, words(name, value)?),
            "object" => once(&mut self.object, name, words(name, value)?),
            "id" => once(&mut self.id, name, value),
            "slot-id" => {
                let number = words(name, value)?.parse().map_err(|_| "slot-id is no number".to_owned())?;
                once(&mut self.slot, name, number)
            }
            "type" if value == b"private" => Ok(()),
            "type" => Err("type=private is the only type of key that signs".into()),
            // Of the module, which is named by its file.
            "library-manufacturer"
            | "library-description"
            | "library-version"
            | "slot-manufacturer"
            | "slot-description" => Err(format!("{name} is not supported: name the module by ?module-path=FILE")),
            // RFC 7512, clause 2.3: an unknown attribute of the path makes the URI one that matches nothing.
            _ => Err(format!("{name} is no attribute of a PKCS #11 URI (RFC 7512)")),
        }
    }

    fn query_attribute(&mut self, name: &str, value: Vec<u8>) -> Result<(), String> {
        match name {
            "module-path" => once(&mut self.module, name, words(name, value)?.into()),
            "pin-source" => {
                let place = words(name, value)?;
                let path = place.strip_prefix("file:").unwrap_or(&place);
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.starts_with('|') {
                    return Err("pin-source names a program, which is not run: name a file".into());
                }
                once(&mut self.pin_file, name, path.into())
            }
            "pin-value" => Err("pin-value shows the PIN to every user of this machine: keep it in a file, and name \
                                that file"
                .into()),
            "module-name" => Err("module-name is not supported: name the module's file by module-path".into()),
            // RFC 7512, clause 2.3: unknown attributes of the query are ignored.
            _ => Ok(()),
        }
    }
}

fn pair(attribute: &str) -> Result<(&str, Vec<u8>), String> {
    let (name, value) = attribute.split_once('=').ok_or_else(|| format!("{attribute} is not NAME=VALUE"))?;
    Ok((name, unescape(value)?))
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    if place.replace(value).is_some() { Err(format!("{name} is there twice")) } else { Ok(()) }
}

fn words(name: &str, value: Vec<u8>) -> Result<String, String> {
    String::from_utf8(value).map_err(|_| format!("{name} is not UTF-8"))
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push(u8::try_from(high << 4 | low).unwrap_or_default()),
            _ => return Err(format!("{text}: two hexadecimal digits belong behind each %")),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_rfc_7512() {
        let uri: Pkcs11Uri = "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;\
                              model=1.0;object=my-certificate;type=private;id=%69%95%3E%5C%F4%BD%EC%91;serial=;slot-id=327\
                              ?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/token&vendor=x"
            .parse()
            .unwrap();
        assert_eq!(uri.token.as_deref(), Some("The Software PKCS#11 Softtoken"));
        assert_eq!(uri.manufacturer.as_deref(), Some("Snake Oil, Inc."));
        assert_eq!(uri.object.as_deref(), Some("my-certificate"));
        assert_eq!(uri.id.as_deref(), Some(&[0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91][..]));
        assert_eq!(uri.serial.as_deref(), Some(""));
        assert_eq!(uri.slot, Some(327));
        assert_eq!(uri.module, Some("/usr/lib/softhsm/libsofthsm2.so".into()));
        assert_eq!(uri.pin_file, Some("/etc/token".into()));
        let slashes: Pkcs11Uri = "pkcs11:object=a?pin-source=file:///etc/pin".parse().unwrap();
        assert_eq!(slashes.pin_file, Some("/etc/pin".into()));
    }

    #[test]
    fn what_is_refused_and_why() {
        for (text, why) in [
            ("object=a", "pkcs11:"),
            ("pkcs11:", "name the key"),
            ("pkcs11:token=a", "name the key"),
            ("pkcs11:object=a?pin-value=1234", "every user"),
            ("pkcs11:object=a?pin-source=|cat", "program"),
            ("pkcs11:object=a;object=b", "twice"),
            ("pkcs11:object=%4", "hexadecimal"),
            ("pkcs11:object=%zz", "hexadecimal"),
            ("pkcs11:object=%ff", "UTF-8"),
            ("pkcs11:object=a;type=cert", "type=private"),
            ("pkcs11:object=a;colour=red", "no attribute"),
            ("pkcs11:object", "NAME=VALUE"),
            ("pkcs11:object=a;slot-id=x", "number"),
        ] {
            let error = text.parse::<Pkcs11Uri>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("1234"), "the PIN is repeated");
        }
    }
}
