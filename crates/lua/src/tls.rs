//! TLS without sockets; `ironroot.lua` brings what wraps one.

use ironroot_application::{Key, TlsConnection, TlsContext};
use mlua::prelude::*;

use crate::{bytes, outcome};

/// A client's or a server's side.
pub struct Context(TlsContext);

/// One connection.
struct Connection(TlsConnection);

/// `tls_client(roots, alpn)`: a client without a certificate.
pub fn client(lua: &Lua, (roots, alpn): (String, Vec<String>)) -> LuaResult<LuaMultiValue> {
    outcome(lua, TlsContext::client(&roots, None, &names(&alpn)).map(Context))
}

impl Context {
    /// A client that shows a certificate.
    pub fn client_with(
        key: &Key,
        chain: &str,
        roots: &str,
        alpn: &[String],
    ) -> Result<Self, ironroot_application::Error> {
        TlsContext::client(roots, Some((key, chain)), &names(alpn)).map(Self)
    }

    /// A server, which with CAs demands a certificate of its clients.
    pub fn server(
        key: &Key,
        chain: &str,
        roots: Option<&str>,
        alpn: &[String],
    ) -> Result<Self, ironroot_application::Error> {
        TlsContext::server(key, chain, roots, &names(alpn)).map(Self)
    }
}

fn names(alpn: &[String]) -> Vec<&str> {
    alpn.iter().map(String::as_str).collect()
}

impl LuaUserData for Context {
    fn add_methods<M: LuaUserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("connection", |lua, this, server_name: Option<String>| {
            outcome(lua, this.0.connection(server_name.as_deref()).map(Connection))
        });
    }
}

impl LuaUserData for Connection {
    fn add_methods<M: LuaUserDataMethods<Self>>(methods: &mut M) {
        methods.add_method_mut("incoming", |lua, this, data: LuaString| {
            outcome(lua, this.0.incoming(&data.as_bytes()).map(|()| true))
        });
        methods.add_method_mut("outgoing", |lua, this, ()| bytes(lua, this.0.outgoing()));
        methods.add_method("is_handshaking", |_, this, ()| Ok(this.0.is_handshaking()));
        methods.add_method_mut("read", |lua, this, most: usize| lua.create_string(this.0.read(most)));
        methods.add_method("pending", |_, this, ()| Ok(this.0.pending()));
        methods.add_method("has_ended", |_, this, ()| Ok(this.0.has_ended()));
        methods.add_method_mut("write", |lua, this, data: LuaString| outcome(lua, this.0.write(&data.as_bytes())));
        methods.add_method_mut("close", |_, this, ()| {
            this.0.close();
            Ok(())
        });
        methods.add_method("peer_certificate", |lua, this, ()| {
            this.0.peer_certificate().map(|der| lua.create_string(der)).transpose()
        });
        methods.add_method("version", |_, this, ()| Ok(this.0.version()));
        methods.add_method("cipher", |_, this, ()| Ok(this.0.cipher()));
        methods.add_method("alpn", |_, this, ()| Ok(this.0.alpn()));
    }
}
