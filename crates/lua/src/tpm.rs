//! A TPM. `ironroot.lua` has checked the types of what comes here.

use std::{
    cell::{RefCell, RefMut},
    path::Path,
};

use ironroot_application::{
    Application, Certification, DeviceIs, Error, ErrorKind, JwtRules, Key, ProductIs, Request, SealOptions, Settings,
    SignOptions, UnsealOptions, private_file,
};
use mlua::prelude::*;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{bytes, outcome, tls::Context};

/// A TPM, until it is closed.
pub struct Tpm(RefCell<Option<Open>>);

struct Open {
    application: Application,
    /// The key that was used last stays loaded. One only, for a TPM has few places for objects.
    last: Option<(String, Key)>,
}

impl Open {
    fn key(&mut self, name: &str) -> Result<Key, Error> {
        if let Some((loaded, key)) = &self.last
            && loaded == name
        {
            return Ok(key.clone());
        }
        // The place that it has may be the one that is needed.
        self.last = None;
        // A name in the list is a name, whatever else it looks like.
        let listed = self.application.has_key(name)?;
        let reference = if listed { format!("name:{name}") } else { name.to_owned() };
        let key = self.application.open_key(&reference, None, None)?;
        self.last = Some((name.to_owned(), key.clone()));
        Ok(key)
    }
}

impl Tpm {
    fn new(application: Application) -> Self {
        Self(RefCell::new(Some(Open { application, last: None })))
    }

    fn open(&self) -> Result<RefMut<'_, Open>, Error> {
        RefMut::filter_map(self.0.borrow_mut(), Option::as_mut)
            .map_err(|_| Error::new(ErrorKind::State, "the TPM has been closed by this script: connect again"))
    }

    fn key(&self, name: &str) -> Result<Key, Error> {
        self.open()?.key(name)
    }
}

fn text(value: &LuaString) -> Result<String, Error> {
    value.to_str().map(|text| text.to_string()).map_err(|_| Error::argument("a name or a text is not UTF-8"))
}

fn refs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn optional(table: &LuaTable, name: &str) -> LuaResult<Option<String>> {
    table.get(name)
}

fn secret(table: &LuaTable, name: &str) -> LuaResult<Option<Zeroizing<Vec<u8>>>> {
    Ok(table.get::<Option<LuaString>>(name)?.map(|bytes| Zeroizing::new(bytes.as_bytes().to_vec())))
}

/// `connect{tcti, key_list, endorsement_auth, owner_auth}`.
pub fn connect(lua: &Lua, how: LuaTable) -> LuaResult<LuaMultiValue> {
    let settings = Settings {
        tcti: optional(&how, "tcti")?,
        key_list: optional(&how, "key_list")?.map(Into::into),
        endorsement_auth: secret(&how, "endorsement_auth")?,
        owner_auth: secret(&how, "owner_auth")?,
    };
    outcome(lua, Application::connect(&settings).map(Tpm::new))
}

/// `start{folder, product_secret or product_file, device_value or device_source, grade, how}`.
pub fn start(lua: &Lua, how: LuaTable) -> LuaResult<LuaMultiValue> {
    let (folder, grade, way): (String, String, String) = (how.get("folder")?, how.get("grade")?, how.get("how")?);
    let (mut product, value) = (secret(&how, "product_secret")?, secret(&how, "device_value")?);
    let (file, source) = (optional(&how, "product_file")?, optional(&how, "device_source")?);
    let one = |what: &str| Error::argument(format!("start takes either {what}"));
    let product = match (&mut product, &file) {
        (Some(secret), None) => ProductIs::Secret(secret),
        (None, Some(path)) => ProductIs::File(Path::new(path)),
        _ => return outcome::<()>(lua, Err(one("productsecret (32 bytes) or productfile"))),
    };
    let device = match (&value, &source) {
        (Some(value), None) => DeviceIs::Value(value),
        (None, Some(source)) => DeviceIs::Source(source),
        _ => return outcome::<()>(lua, Err(one("devicevalue or devicesource"))),
    };
    outcome(lua, ironroot_application::start(Path::new(&folder), product, device, &grade, &way).map(Tpm::new))
}

/// The kinds of keys.
pub fn key_kinds(lua: &Lua, (): ()) -> LuaResult<LuaTable> {
    lua.create_sequence_from(ironroot_application::key_kinds())
}

/// `encrypt(public_key, data)`.
pub fn encrypt(lua: &Lua, (public_key, data): (String, LuaString)) -> LuaResult<LuaMultiValue> {
    bytes(lua, ironroot_application::encrypt(&public_key, &data.as_bytes()))
}

/// `jwt_verify(token, public_key, rules)`: the claims as JSON.
pub fn jwt_verify(lua: &Lua, (token, key, rules): (String, String, LuaTable)) -> LuaResult<LuaMultiValue> {
    let (audience, issuer) = (optional(&rules, "audience")?, optional(&rules, "issuer")?);
    let leeway = rules.get::<Option<u64>>("leeway")?.unwrap_or_default();
    let endless = rules.get::<Option<bool>>("endless")?.unwrap_or_default();
    let rules = JwtRules { audience: audience.as_deref(), issuer: issuer.as_deref(), leeway, endless };
    outcome(lua, ironroot_application::jwt_verify(&token, &key, &rules))
}

/// `equal(a, b)`: in a time that tells nothing but the lengths.
pub fn equal(_: &Lua, (a, b): (LuaString, LuaString)) -> LuaResult<bool> {
    Ok(a.as_bytes().ct_eq(&b.as_bytes()).into())
}

/// `read_file(path)`: what it holds, `false` if there is none.
pub fn read_file(lua: &Lua, path: String) -> LuaResult<LuaMultiValue> {
    match private_file::read(Path::new(&path)) {
        Ok(None) => false.into_lua_multi(lua),
        Ok(Some(content)) => bytes(lua, Ok(content)),
        Err(error) => outcome::<()>(lua, Err(error)),
    }
}

/// `replace_file(path, content)`.
pub fn replace_file(lua: &Lua, (path, content): (String, LuaString)) -> LuaResult<LuaMultiValue> {
    outcome(lua, private_file::replace(Path::new(&path), &content.as_bytes()).map(|()| true))
}

impl LuaUserData for Tpm {
    fn add_methods<M: LuaUserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("close", |lua, this, ()| {
            // Certificates may still hold keys.
            let closed = this.0.borrow_mut().take().map_or(Ok(()), |open| open.application.close());
            outcome(lua, closed.map(|()| true))
        });
        add_names(methods);
        add_signatures(methods);
        add_certificates(methods);
        add_secrets(methods);
    }
}

fn add_names<M: LuaUserDataMethods<Tpm>>(methods: &mut M) {
    methods.add_method("has_key", |lua, this, name: LuaString| {
        outcome(lua, text(&name).and_then(|name| this.open()?.application.has_key(&name)))
    });
    methods.add_method("create_key", |lua, this, (name, kind): (LuaString, Option<String>)| {
        let made = text(&name).and_then(|name| {
            let mut open = this.open()?;
            open.last = None;
            let key = open.application.create_key(&name, kind.as_deref())?;
            open.last = Some((name, key));
            Ok(true)
        });
        outcome(lua, made)
    });
    methods.add_method("remove_key", |lua, this, name: LuaString| {
        let removed = text(&name).and_then(|name| {
            let mut open = this.open()?;
            open.last = None;
            open.application.remove_key(&name)
        });
        outcome(lua, removed)
    });
    methods.add_method("key_names", |lua, this, ()| match this.open().and_then(|open| open.application.key_names()) {
        Ok(names) => lua.create_table_from(names)?.into_lua_multi(lua),
        Err(error) => outcome::<()>(lua, Err(error)),
    });
    methods.add_method("public_pem", |lua, this, name: LuaString| {
        outcome(lua, text(&name).and_then(|name| this.key(&name)?.public_pem()))
    });
    methods.add_method("schemes", |lua, this, name: LuaString| {
        outcome(lua, text(&name).and_then(|name| Ok(this.key(&name)?.schemes())))
    });
    methods.add_method("numbers", |lua, this, name: LuaString| {
        match text(&name).and_then(|name| this.key(&name)?.numbers()) {
            Ok((first, second)) => (lua.create_string(first)?, lua.create_string(second)?).into_lua_multi(lua),
            Err(error) => outcome::<()>(lua, Err(error)),
        }
    });
}

fn add_signatures<M: LuaUserDataMethods<Tpm>>(methods: &mut M) {
    methods.add_method(
        "sign",
        |lua, this, (name, data, scheme, digest): (LuaString, LuaString, Option<String>, bool)| {
            let options = SignOptions { scheme: scheme.as_deref() };
            let signature = text(&name).and_then(|name| {
                let key = this.key(&name)?;
                if digest { key.sign_digest(&data.as_bytes(), &options) } else { key.sign(&data.as_bytes(), &options) }
            });
            bytes(lua, signature)
        },
    );
    methods.add_method("jws_sign", |lua, this, (name, payload, header): (LuaString, LuaString, String)| {
        let signed = text(&name).and_then(|name| this.key(&name)?.jws_sign(&payload.as_bytes(), &header));
        outcome(lua, signed.map(|jws| (jws.protected, jws.payload, jws.signature)))
    });
}

fn add_certificates<M: LuaUserDataMethods<Tpm>>(methods: &mut M) {
    methods.add_method("request", |lua, this, (name, wanted): (LuaString, LuaTable)| {
        let words = |field: &str| wanted.get::<Vec<String>>(field);
        let (names, usage, purposes) = (words("names")?, words("key_usage")?, words("purposes")?);
        let (names, usage, purposes) = (refs(&names), refs(&usage), refs(&purposes));
        let (subject, hash) = (optional(&wanted, "subject")?, optional(&wanted, "hash")?);
        let request = Request {
            subject: subject.as_deref(),
            names: &names,
            ca: wanted.get("ca")?,
            key_usage: &usage,
            purposes: &purposes,
            hash: hash.as_deref(),
        };
        outcome(lua, text(&name).and_then(|name| this.key(&name)?.request(&request)))
    });
    methods.add_method("certify", |lua, this, (name, request, how): (LuaString, String, LuaTable)| {
        let (ca, hash) = (optional(&how, "ca_certificate")?, optional(&how, "hash")?);
        let how = Certification {
            ca_certificate: ca.as_deref(),
            not_before: how.get("not_before")?,
            not_after: how.get("not_after")?,
            serial: how.get("serial")?,
            hash: hash.as_deref(),
        };
        outcome(lua, text(&name).and_then(|name| this.key(&name)?.certify(&request, &how)))
    });
    methods.add_method(
        "tls_client",
        |lua, this, (name, chain, roots, alpn): (LuaString, String, String, Vec<String>)| {
            outcome(lua, text(&name).and_then(|name| Context::client_with(&this.key(&name)?, &chain, &roots, &alpn)))
        },
    );
    methods.add_method("tls_check", |lua, this, (name, chain): (LuaString, String)| {
        let checked = text(&name).and_then(|name| Context::server(&this.key(&name)?, &chain, None, &[]));
        outcome(lua, checked.map(|_| true))
    });
    methods.add_method(
        "tls_server",
        |lua, this, (name, chain, roots, alpn): (LuaString, String, Option<String>, Vec<String>)| {
            outcome(
                lua,
                text(&name).and_then(|name| Context::server(&this.key(&name)?, &chain, roots.as_deref(), &alpn)),
            )
        },
    );
}

fn add_secrets<M: LuaUserDataMethods<Tpm>>(methods: &mut M) {
    methods.add_method("secret", |lua, this, (name, length, global): (LuaString, usize, bool)| {
        let secret = text(&name).and_then(|name| {
            let open = this.open()?;
            if global {
                open.application.global_secret(&name, length)
            } else {
                open.application.unique_secret(&name, length)
            }
        });
        bytes(lua, secret)
    });
    methods.add_method("protect", |lua, this, (name, global, data): (LuaString, bool, LuaString)| {
        bytes(lua, text(&name).and_then(|name| this.open()?.application.protect(&name, global, &data.as_bytes())))
    });
    methods.add_method("unprotect", |lua, this, (name, global, data): (LuaString, bool, LuaString)| {
        bytes(lua, text(&name).and_then(|name| this.open()?.application.unprotect(&name, global, &data.as_bytes())))
    });
    methods.add_method("random", |lua, this, length: usize| {
        bytes(lua, this.open().and_then(|open| open.application.random(length)))
    });
    methods.add_method("seal", |lua, this, (data, how): (LuaString, LuaTable)| {
        let (password, pcrs, signer) = (secret(&how, "password")?, optional(&how, "pcrs")?, optional(&how, "signer")?);
        let password = password.unwrap_or_default();
        let options = SealOptions { password: &password, pcrs: pcrs.as_deref(), signer: signer.as_deref() };
        outcome(lua, this.open().and_then(|open| open.application.seal(&data.as_bytes(), &options)))
    });
    methods.add_method("unseal", |lua, this, (pem, how): (String, LuaTable)| {
        let password = secret(&how, "password")?.unwrap_or_default();
        let options = UnsealOptions { password: &password, approval: None };
        bytes(lua, this.open().and_then(|open| open.application.unseal(&pem, &options)))
    });
    methods.add_method("encryption_key", |lua, this, name: LuaString| {
        outcome(lua, text(&name).and_then(|name| this.open()?.application.encryption_key(&name)))
    });
    methods.add_method("decrypt", |lua, this, (name, ciphertext): (LuaString, LuaString)| {
        bytes(lua, text(&name).and_then(|name| this.open()?.application.decrypt(&name, &ciphertext.as_bytes())))
    });
}
