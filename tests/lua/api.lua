-- The Lua module's calls, on the TPM that the environment names (`lua5.4 api.lua client`) or on one in this process
-- (`lua5.4 api.lua process FOLDER`). It leaves files for other people's programs.
local ironroot = require "ironroot"
local kind, folder = arg[1], arg[2]

local function write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(bytes))
end
local function equal(what, wanted, got)
  if wanted ~= got then error(("%s: wanted %s, got %s"):format(what, tostring(wanted), tostring(got)), 2) end
end
-- The call has to fail with an error of this kind whose text has these words, and which names this file.
local function fails(wanted, words, call, ...)
  local ok, err = pcall(call, ...)
  if ok then error("it succeeded, though it must not (" .. words .. ")", 2) end
  if type(err) ~= "table" or err.kind ~= wanted or not tostring(err):find(words, 1, true) then
    error(("wanted %s with '%s', got %s: %s"):format(wanted, words, type(err) == "table" and err.kind or type(err), tostring(err)), 2)
  end
  return err
end

local secret, value = ("\7\9"):rep(16), "\1\2\3\4\5\6\7\8"
local function start(options)
  local all = { folder = folder, productsecret = secret, devicevalue = value, grade = "fused" }
  for name, option in pairs(options or {}) do all[name] = option end
  return ironroot.start(all)
end
local tpm = kind == "process" and start() or ironroot.connect({ keylist = "lua-keys.json" })

-- Keys.
equal("a new list", false, tpm.haskey("web"))
equal("createkey", true, tpm.createkey("web", { key = "ecc", curve = "SECP256R1" }))
equal("haskey", true, tpm.haskey("web"))
equal("once more", true, tpm.createkey("web"))
fails("file", "another key", tpm.createkey, "web", { key = "ecc", curve = "SECP384R1" })
tpm.createkey("old", { key = "rsa", bits = 2048 })
equal("the list", "rsa-2048", tpm.keys().old)
local x, y = tpm.keyparams("web")
equal("x", 32, #x)
equal("y", 32, #y)
local n, e = tpm.keyparams("old")
equal("n", 256, #n)
equal("e", "\1\0\1", e)
write("web.xy", x .. y)
write("web.pem", tpm.publickey("web"))
write("old.pem", tpm.publickey("old"))
equal("by its long name", tpm.publickey("web"), tpm.publickey("name:web"))
fails("file", 'has no "nobody"', tpm.keyparams, "nobody")
fails("file", "no-such-file", tpm.keyparams, "file:no-such-file")
fails("argument", "no curve SECP192R1", tpm.createkey, "x", { curve = "SECP192R1" })
fails("argument", "createkey takes no size", tpm.createkey, "x", { size = 2048 })
fails("argument", 'not "dsa"', tpm.createkey, "x", { key = "dsa" })
fails("argument", "expected one of", tpm.createkey, "x", "dsa")
fails("argument", "empty", tpm.createkey, "")
fails("argument", "not UTF-8", tpm.createkey, "\xff")
local err = fails("argument", "the key's name is a string, not a nil", tpm.createkey)
equal("a kind for programs", "argument", err.kind)
-- An error names the script's line, as error() does, and joins texts as a string does.
local ok, err = pcall(function() tpm.keyparams("nobody") end)
assert(not ok and tostring(err):find("^[^:]*api.lua:%d+: ") and ("failed: " .. err):find("nobody", 1, true), tostring(err))
-- A TPM that refuses says its response code: PCRs that it does not have.
if kind == "client" then assert(fails("connection", "not-there", ironroot.connect, "swtpm:path=not-there").message) end
fails("argument", "tcti", ironroot.connect, { tcti = 1 })
fails("argument", "connect takes no path", ironroot.connect, { path = "x" })

-- Signatures.
write("message", "a message")
write("web.sig", tpm.sign("web", "a message"))
write("old.sig", tpm.sign("old", "a message", { scheme = "rsapss-sha384" }))
local digest = assert(io.popen("openssl dgst -sha256 -binary message")):read("a")
write("digest.sig", tpm.sign("web", digest, { digest = true }))
fails("argument", "rot13", tpm.sign, "web", "m", { scheme = "rot13" })
fails("argument", "no digest of 7 bytes", tpm.sign, "web", "1234567", { digest = true })
fails("key", "has 32 bytes, not 31", tpm.sign, "web", digest:sub(2), { digest = true, scheme = "ecdsa-sha256" })

-- Requests and certificates.
write("plain.csr", tpm.createcsr("web", { commonname = "dev1", organization = "A, B + \"C\"", unit = "#1", emailaddress = "a@b.example" }))
write("web.csr", tpm.createcsr("web", { commonname = "dev1" }, "dev1.example;DNS:dev1;IP:192.0.2.1;IP:2001:db8::1;URI:urn:dev:1;email:a@b.example",
  { "SSL_CLIENT", "SSL_SERVER" }, { "DIGITAL_SIGNATURE", "KEY_AGREEMENT" }, "sha256"))
write("old.csr", tpm.createcsr("old", { commonname = "old" }, { "SSL_CLIENT" }, { "DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT" }, "sha512"))
fails("argument", "SSL_CLINET", tpm.createcsr, "web", { commonname = "x" }, { "SSL_CLINET" })
fails("argument", "no nickname", tpm.createcsr, "web", { nickname = "x" })
fails("argument", "commonname", tpm.createcsr, "web", {})
fails("refused", "300.0.0.1", tpm.createcsr, "web", { commonname = "x" }, "IP:300.0.0.1")
fails("key", "does not suit", tpm.createcsr, "web", { commonname = "x" }, nil, nil, nil, "sha512")
fails("argument", "md5", tpm.createcsr, "web", { commonname = "x" }, nil, nil, nil, "md5")

tpm.createkey("ca", { key = "ecc", curve = "SECP384R1" })
local request = tpm.createcsr("ca", { commonname = "Test CA" }, { "SSL_CA" }, { "KEY_CERT_SIGN", "CRL_SIGN" })
local year = 365 * 86400
local now = os.time()
local authority = tpm.createcertificate("ca", request, "20240229000000", now + 10 * year, 1, "sha384")
write("ca.pem", authority)
local csr = assert(io.open("web.csr")):read("a")
write("web.crt", tpm.createcertificate("ca", csr, authority, os.date("!*t", now - 60), os.date("!%Y-%m-%dT%H:%M:%SZ", now + year), 4711))
write("random.crt", tpm.createcertificate("ca", csr, authority, now, now + year))
write("self.crt", tpm.createcertificate("web", csr, now, now + year))
local function refused(words, ...) fails("refused", words, tpm.createcertificate, ...) end
refused("another key's", "ca", csr, now, now + year)
refused("longer than the CA's", "ca", csr, authority, now, now + 11 * year)
refused("before it begins", "ca", csr, authority, now, now)
refused("start at 1", "ca", csr, authority, now, now + year, 0)
refused("is a CA's", "ca", request, authority, now, now + year)
refused("another key than the CA's", "old", csr, authority, now, now + year)
refused("not a CA's", "web", csr, tpm.createcertificate("web", csr, now, now + year), now, now + year)
refused("not signed by the key", "ca", (csr:gsub("(.)(.)(=*\n%-%-%-%-%-END)", function(a, b, rest)
  return (a == "A" and "B" or "A") .. b .. rest
end)), authority, now, now + year)
refused("no PEM", "ca", "x", authority, now, now + year)
refused("only a CA's key", "web", tpm.createcsr("web", { commonname = "x" }, nil, { "KEY_CERT_SIGN" }), now, now + year)
fails("argument", "impossible month", tpm.createcertificate, "web", csr, "20241301000000", now)
fails("argument", "from is no time", tpm.createcertificate, "web", csr, "yesterday", now)
fails("argument", "integer", tpm.createcertificate, "web", csr, now, now + year, 1.5)

-- A certificate with its key, for TLS: two ends, without a socket.
do
  local ours = tpm.sharkcert("web", tpm.createcertificate("ca", csr, authority, now - 60, now + year))
  fails("key", "not for this key", tpm.sharkcert, "old", ours.certificate)
  local serving, calling = ours:server({ ca = authority }):connection(), ours:client({ ca = authority }):connection("dev1.example")
  for _ = 1, 4 do
    assert(serving:incoming(calling:outgoing()))
    assert(calling:incoming(serving:outgoing()))
  end
  equal("the handshake", false, serving:is_handshaking() or calling:is_handshaking())
  equal("what was sent", 5, serving:write("hello"))
  assert(calling:incoming(serving:outgoing()))
  equal("what came", "hello", calling:read(10))
  equal("the protocol", "TLSv1.3", calling:version())
  local stranger = ironroot.tlsclient({ ca = authority }):connection("dev2.example")
  local other = ours:server():connection()
  other:incoming(stranger:outgoing())
  local fine, why = stranger:incoming(other:outgoing())
  assert(fine == nil and why.kind == "refused" and why.message:find("not valid for name", 1, true), why and why.message)
end
-- Contexts hold their keys, and Debian's swtpm has three places.
collectgarbage()

-- Tokens.
local token, parts = tpm.jwtsign({ sub = "dev1", exp = now + 600, roles = { "a", "b" } }, "web")
write("token", token)
equal("its parts", token, parts.protected .. "." .. parts.payload .. "." .. parts.signature)
equal("its claims", "dev1", ironroot.jwtverify(token, tpm.publickey("web")).sub)
fails("refused", "not one that this key is for", ironroot.jwtverify, token, tpm.publickey("old"))
fails("refused", "no end", ironroot.jwtverify, tpm.jwtsign({ sub = "x" }, { name = "web" }), tpm.publickey("web"))
write("old.token", (tpm.jwtsign({ sub = "dev1", exp = now + 600 }, "old", { alg = "PS256", kid = "k1" })))
write("jws", (tpm.jwtsign("", "web", { alg = "ES256", url = "https://acme.example/", nonce = "n" })))
fails("key", "does not sign with RS256", tpm.jwtsign, "", "web", { alg = "RS256" })
fails("argument", "JSON has no function", tpm.jwtsign, { sub = print }, "web")
local endless = {}
endless.again = endless
fails("argument", "contain themselves", tpm.jwtsign, endless, "web")
fails("argument", "a list or has names", tpm.jwtsign, { 1, 2, x = 3 }, "web")

-- Secrets.
equal("a unique secret", tpm.uniquekey("wifi", 32), tpm.uniquekey("wifi", 32))
equal("its length", 80, #tpm.uniquekey("wifi", 80))
assert(tpm.uniquekey("wifi", 32) ~= tpm.uniquekey("wlan", 32))
fails("argument", "1 to 8160", tpm.uniquekey, "wifi", 0)
fails("argument", "number of bytes", tpm.uniquekey, "wifi", "32")
write("unique", tpm.uniquekey("wifi", 32))
equal("random bytes", 20, #tpm.random(20))
equal("sealed", "s3cret\0", tpm.unseal(tpm.seal("s3cret\0", { password = "p" }), { password = "p" }))
fails("refused", "password", tpm.unseal, tpm.seal("s", { password = "p" }), { password = "q" })
equal("encrypted", "hello", tpm.decrypt("mail", ironroot.encrypt(tpm.encryptionkey("mail"), "hello")))
fails("refused", "another key", tpm.decrypt, "post", ironroot.encrypt(tpm.encryptionkey("mail"), "hello"))

-- Users.
local store = tpm.jsonuser("dashboard", false, "users.encrypted")
equal("nobody yet", 0, #store.users())
local sealed = store.setuser("admin", "qwerty")
store.setuser("guest", { pwd = "guest", roles = { "viewer" } })
local again = tpm.jsonuser("dashboard", false, "users.encrypted")
equal("users", "admin,guest", table.concat(again.users(), ","))
local auth = again.getauth()
equal("a password", "qwerty", (auth:getpwd("admin")))
equal("roles", "viewer", select(2, auth:getpwd("guest"))[1])
equal("nobody", nil, (auth:getpwd("nobody")))
assert(auth:verify("admin", "qwerty") and not auth:verify("admin", "qwert") and not auth:verify("nobody", "") and not auth:verify("admin"))
again.setuser("guest", nil)
equal("one less", "admin", table.concat(tpm.jsonuser("dashboard", false, "users.encrypted").users(), ","))
-- As the original has it: the application keeps the store.
local mine = tpm.jsonuser("dashboard", false)
equal("an earlier store", true, mine.setdb(sealed))
equal("its users", "admin", table.concat(mine.users(), ","))
for _, bad in ipairs({ "", "x", sealed:sub(1, -2), sealed .. "x", "IRPD\2" .. sealed:sub(6), sealed:sub(1, 40) .. "\0" .. sealed:sub(42) }) do
  local ok, why = mine.setdb(bad)
  assert(ok == nil and why:find("changed", 1, true), why)
end
local ok, why = tpm.jsonuser("other", false).setdb(sealed)
assert(ok == nil and why:find("another key", 1, true), why)
equal("and is as it was", "admin", table.concat(mine.users(), ","))
fails("argument", "no password", mine.setuser, "x", { roles = {} })
fails("argument", "is a string", mine.setuser, nil, "x")
fails("file", "no-such-folder", tpm.jsonuser("d", false, "no-such-folder/users").setuser, "x", "y")
write("broken", "x")
fails("refused", "broken: ", tpm.jsonuser, "d", false, "broken")
write("sealed", sealed)

if kind == "process" then
  -- What all devices of the product share, and what they do not.
  local there, params = tpm.globalkey("wifi", 32), tpm.keyparams("web")
  local shared = tpm.jsonuser("shared", true).setuser("u", "p")
  write("global", there)
  fails("file", "lock", start)
  tpm.close()
  fails("state", "closed", tpm.haskey, "web")
  tpm = start({ how = "open" })
  equal("the same key", params, (tpm.keyparams("web")))
  tpm.close()
  fails("initialization", "another", start, { devicevalue = "another one" })
  local second = start({ folder = folder .. "-2", devicevalue = "another one" })
  second.createkey("web")
  assert(second.keyparams("web") ~= params, "another device has the same key")
  equal("a global secret", there, second.globalkey("wifi", 32))
  assert(second.uniquekey("wifi", 32) ~= assert(io.open("unique", "rb")):read("a"), "another device has the same secret")
  equal("a global store", true, second.jsonuser("shared", true).setdb(shared))
  assert(not second.jsonuser("dashboard", false).setdb(sealed), "another device reads the users")
  second.close()
  -- Wiped and made again: the same device.
  os.execute("rm -r '" .. folder .. "'")
  tpm = start({ how = "enroll" })
  equal("a new list", false, tpm.haskey("web"))
  tpm.createkey("web")
  equal("the same key after a wipe", params, (tpm.keyparams("web")))
  equal("the same users after a wipe", true, tpm.jsonuser("dashboard", false).setdb(sealed))
  fails("argument", "32 bytes", start, { folder = folder .. "-3", productsecret = "short" })
  fails("initialization", "never set", start, { folder = folder .. "-3", devicevalue = "\0\0\0\0" })
  fails("argument", "no grade", start, { folder = folder .. "-3", grade = "good" })
  fails("argument", "either productsecret", start, { folder = folder .. "-3", productfile = "x" })
  fails("argument", "folder", ironroot.start, {})
else
  fails("key", "base of global secrets", tpm.globalkey, "wifi", 32)
end
tpm.removekey("web")
equal("off the list", false, tpm.haskey("web"))
tpm.close()
print("all")
