//! `require "ironroot"`: what a script sees is `ironroot.lua`; what it stands on is here, and each function is one of
//! `ironroot-application` with Lua's types around it.
//!
//! A function here gives its values, or `nil` and a table with the error's `message`, `kind` and `response_code`; `ironroot.lua` raises that.

mod json;
mod tls;
mod tpm;

use ironroot_application::{Error, ErrorKind};
use mlua::prelude::*;

/// The module.
#[mlua::lua_module]
fn ironroot(lua: &Lua) -> LuaResult<LuaValue> {
    let native = lua.create_table()?;
    native.set("version", env!("CARGO_PKG_VERSION"))?;
    native.set("connect", lua.create_function(tpm::connect)?)?;
    native.set("start", lua.create_function(tpm::start)?)?;
    native.set("key_kinds", lua.create_function(tpm::key_kinds)?)?;
    native.set("encrypt", lua.create_function(tpm::encrypt)?)?;
    native.set("jwt_verify", lua.create_function(tpm::jwt_verify)?)?;
    native.set("tls_client", lua.create_function(tls::client)?)?;
    native.set("json_encode", lua.create_function(json::encode)?)?;
    native.set("json_decode", lua.create_function(json::decode)?)?;
    native.set("equal", lua.create_function(tpm::equal)?)?;
    native.set("read_file", lua.create_function(tpm::read_file)?)?;
    native.set("replace_file", lua.create_function(tpm::replace_file)?)?;
    lua.load(include_str!("ironroot.lua")).set_name("=ironroot").call(native)
}

/// Values, or `nil` and the error.
fn outcome<T: IntoLuaMulti>(lua: &Lua, result: Result<T, Error>) -> LuaResult<LuaMultiValue> {
    match result {
        Ok(value) => value.into_lua_multi(lua),
        Err(error) => {
            let table = lua.create_table()?;
            table.set("message", error.to_string())?;
            table.set("kind", kind(error.kind()))?;
            table.set("response_code", error.response_code())?;
            (LuaNil, table).into_lua_multi(lua)
        }
    }
}

/// Bytes, or `nil` and the error.
fn bytes(lua: &Lua, result: Result<impl AsRef<[u8]>, Error>) -> LuaResult<LuaMultiValue> {
    match result {
        Ok(bytes) => lua.create_string(bytes)?.into_lua_multi(lua),
        Err(error) => outcome::<()>(lua, Err(error)),
    }
}

const fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Argument => "argument",
        ErrorKind::Connection => "connection",
        ErrorKind::Tpm => "tpm",
        ErrorKind::Key => "key",
        ErrorKind::File => "file",
        ErrorKind::Refused => "refused",
        ErrorKind::Initialization => "initialization",
        ErrorKind::State => "state",
        ErrorKind::System => "system",
        ErrorKind::Defect => "defect",
    }
}
