-- What a script sees. The calls on a TPM are functions in a table, as in the Barracuda App Server: `tpm.haskey("cloud")`, with a dot.
-- docs/lua.md says what each takes and gives. What fails is raised as an error with `message`, `kind` and `response_code`.
local native = ...

local Error = {}
Error.__index = Error
Error.__tostring = function(err) return err.where .. err.message end
Error.__concat = function(left, right) return tostring(left) .. tostring(right) end

-- The place in the script, as error() says it: the first one that is not in here.
local function place()
  for level = 2, 32 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.currentline > 0 and info.source ~= "=ironroot" then
      return info.short_src .. ":" .. info.currentline .. ": "
    end
  end
  return ""
end

local function raise(kind, message, response_code)
  error(setmetatable({ kind = kind, message = message, response_code = response_code, where = place() }, Error), 0)
end

-- The values of a native function, or its error.
local function check(value, err, ...)
  if value == nil and type(err) == "table" and err.message then raise(err.kind, err.message, err.response_code) end
  return value, err, ...
end

local function expect(what, value, wanted, optional)
  if type(value) ~= wanted and not (optional and value == nil) then
    raise("argument", what .. " is a " .. wanted .. ", not a " .. type(value))
  end
  return value
end

-- The fields of a table of options: a name that is not known is a mistake, and not ignored.
local function options(call, given, known)
  expect(call .. ": what it takes", given, "table")
  for name, value in pairs(given) do
    local wanted = known[name]
    if not wanted then raise("argument", call .. " takes no " .. tostring(name)) end
    expect(call .. ": " .. name, value, wanted)
  end
  return given
end

-- Kinds of keys ---------------------------------------------------------------------------------------------------------------------

local CURVES = {
  SECP256R1 = "ecc-p256", SECP384R1 = "ecc-p384", SECP521R1 = "ecc-p521",
  ["P-256"] = "ecc-p256", ["P-384"] = "ecc-p384", ["P-521"] = "ecc-p521", ED25519 = "ed25519",
}

-- {key="ecc", curve="SECP256R1"} or {key="rsa", bits=2048}; or a kind by its name here.
local function kind_of(op)
  if op == nil then return "ecc-p256" end
  if type(op) == "string" then return op end
  options("createkey", op, { key = "string", curve = "string", bits = "number", keyname = "string" })
  if op.key == "rsa" then
    if op.curve then raise("argument", "createkey: an RSA key has no curve, but bits") end
    return ("rsa-%d"):format(op.bits or 2048)
  elseif op.key == nil or op.key == "ecc" then
    if op.bits then raise("argument", "createkey: an ECC key has no bits, but a curve") end
    return CURVES[op.curve or "SECP256R1"] or raise("argument", "createkey: no curve " .. op.curve .. " here")
  end
  raise("argument", 'createkey: key is "ecc" or "rsa", not "' .. op.key .. '"')
end

-- Certificates ----------------------------------------------------------------------------------------------------------------------

local ATTRIBUTES = {
  { "CN", "commonname" }, { "OU", "unit", "organizationalunit" }, { "O", "organization" }, { "L", "locality", "city" },
  { "ST", "province", "state" }, { "C", "countryname", "country" }, { "1.2.840.113549.1.9.1", "emailaddress", "email" },
  { "SN", "surname" },
}

-- A value as RFC 4514, 2.4 writes it.
local function escaped(value)
  value = value:gsub('[,+"\\<>;=]', "\\%0"):gsub("^[# ]", "\\%0")
  return (value:gsub(" $", "\\ "))
end

-- {commonname="dev1", organization="Example"} as RFC 4514 writes it; a string is that already.
local function distinguished_name(dn)
  if type(dn) == "string" then return dn end
  expect("a distinguished name", dn, "table")
  local known, parts = {}, {}
  for _, attribute in ipairs(ATTRIBUTES) do
    for at = 2, #attribute do
      local value = dn[attribute[at]]
      known[attribute[at]] = true
      if value ~= nil then parts[#parts + 1] = attribute[1] .. "=" .. escaped(expect(attribute[at], value, "string")) end
    end
  end
  for name in pairs(dn) do
    if not known[name] then raise("argument", "a distinguished name has no " .. tostring(name) .. " here") end
  end
  if #parts == 0 then raise("argument", "a distinguished name needs at least a commonname") end
  return table.concat(parts, ",")
end

local PURPOSES = { SSL_CLIENT = "clientAuth", SSL_SERVER = "serverAuth", EMAIL = "emailProtection", OBJECT_SIGNING = "codeSigning" }
local AUTHORITIES = { SSL_CA = true, EMAIL_CA = true, OBJECT_SIGNING_CA = true }
local KEY_USAGE = {
  DIGITAL_SIGNATURE = "digitalSignature", NON_REPUDIATION = "nonRepudiation", KEY_ENCIPHERMENT = "keyEncipherment",
  DATA_ENCIPHERMENT = "dataEncipherment", KEY_AGREEMENT = "keyAgreement", KEY_CERT_SIGN = "keyCertSign", CRL_SIGN = "cRLSign",
}

-- dn [, san] [, certtype] [, keyusage] [, hash]: the first string is the alternative names, a later one the hash.
local function wanted_certificate(dn, ...)
  local wanted = { subject = distinguished_name(dn), names = {}, key_usage = {}, purposes = {}, ca = false }
  for at = 1, select("#", ...) do
    local value = select(at, ...)
    if type(value) == "string" and at == 1 then
      for name in value:gmatch("[^;]+") do wanted.names[#wanted.names + 1] = (name:gsub("^%s+", ""):gsub("%s+$", "")) end
    elseif type(value) == "string" then
      wanted.hash = value
    elseif type(value) == "table" then
      for _, word in ipairs(value) do
        if PURPOSES[word] then
          table.insert(wanted.purposes, PURPOSES[word])
        elseif KEY_USAGE[word] then
          table.insert(wanted.key_usage, KEY_USAGE[word])
        elseif AUTHORITIES[word] then
          wanted.ca = true
        else
          raise("argument", "createcsr: no certificate type and no key usage is called " .. tostring(word))
        end
      end
    elseif value ~= nil then
      raise("argument", "createcsr takes alternative names, certificate types, key usage and a hash, and no " .. type(value))
    end
  end
  return wanted
end

-- Days from 1970-01-01 to a date of the Gregorian calendar; the year begins in March, so that leap days come last.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
end

-- A time in UTC as seconds of the UNIX epoch: a number, a table as os.date("!*t") gives it, "YYYYMMDDhhmmss" or "YYYY-MM-DDThh:mm:ssZ".
local function seconds(what, time)
  if math.type(time) == "integer" then return time end
  local t = time
  if type(time) == "string" then
    local y, mo, d, h, mi, s = time:match("^(%d%d%d%d)%-?(%d%d)%-?(%d%d)[T ]?(%d%d):?(%d%d):?(%d%d)Z?$")
    if not y then raise("argument", what .. " is no time: " .. time .. "; write YYYYMMDDhhmmss in UTC") end
    t = { year = y, month = mo, day = d, hour = h, min = mi, sec = s }
  end
  expect(what, t, "table")
  local function field(name, default, low, high)
    local value = math.tointeger(tonumber(t[name] or default))
    if not value or value < low or value > high then raise("argument", what .. " has an impossible " .. name) end
    return value
  end
  local year, month = field("year", nil, 1970, 9999), field("month", nil, 1, 12)
  -- A table may count days beyond its month, as os.time takes them.
  local date = days(year, month, 1) + field("day", nil, -100000, 100000) - 1
  return date * 86400 + field("hour", 0, 0, 23) * 3600 + field("min", 0, 0, 59) * 60 + field("sec", 0, 0, 60)
end

-- TLS -------------------------------------------------------------------------------------------------------------------------------

local Connection = {}
Connection.__index = Connection

-- Sends what has to go to the peer.
local function flush(self)
  local out = check(self.tls:outgoing())
  if #out > 0 then
    local sent, why = self.stream:send(out)
    if not sent then raise("connection", "the connection broke: " .. tostring(why)) end
  end
end

-- Takes one record from the peer: 5 bytes that say how long it is (RFC 8446, 5.1), and the rest.
local function record(self)
  local head, why = self.stream:receive(5)
  if not head then return nil, why end
  local high, low = head:byte(4, 5)
  local body
  body, why = self.stream:receive(high * 256 + low)
  if not body then return nil, why end
  local ok, err = self.tls:incoming(head .. body)
  if not ok then
    pcall(flush, self) -- The alert that tells the peer why.
    check(ok, err)
  end
  flush(self)
  return true
end

-- Up to so many bytes (16,384); nil when the peer has ended.
function Connection:receive(most)
  while self.tls:pending() == 0 do
    if self.tls:has_ended() then return nil, "closed" end
    local ok, why = record(self)
    -- An end without close_notify may be an attacker's.
    if not ok then raise("refused", "TLS: the connection ended without saying so: " .. tostring(why)) end
  end
  return self.tls:read(most or 16384)
end

-- Sends all of it.
function Connection:send(data)
  local at = 1
  while at <= #data do
    at = at + check(self.tls:write(data:sub(at)))
    flush(self)
  end
  return #data
end

-- Says that nothing more will come, and closes the socket.
function Connection:close()
  self.tls:close()
  pcall(flush, self)
  self.stream:close()
end
Connection.__close = Connection.close

-- The protocol's version, the cipher suite, the application's protocol, the peer's certificate (DER).
function Connection:info()
  return { version = self.tls:version(), cipher = self.tls:cipher(), alpn = self.tls:alpn(), peer = self.tls:peer_certificate() }
end

local Context = {}
Context.__index = Context

-- TLS over a connected, blocking stream with send, receive and close as LuaSocket has them. A client says with whom.
function Context:wrap(stream, server_name)
  local tls = check(self.context:connection(expect("the server's name", server_name, "string", true)))
  local connection = setmetatable({ tls = tls, stream = stream }, Connection)
  flush(connection)
  while tls:is_handshaking() do
    local ok, why = record(connection)
    if not ok then raise("connection", "TLS: the peer went away in the handshake: " .. tostring(why)) end
  end
  return connection
end

-- The same without a stream, for those who bring their own loop: incoming, outgoing, read, write, …
function Context:connection(server_name)
  return check(self.context:connection(expect("the server's name", server_name, "string", true)))
end

local function context(made, err) return setmetatable({ context = check(made, err) }, Context) end

local TLS = { ca = "string", alpn = "table" }

local Certificate = {}
Certificate.__index = Certificate

-- A server that shows this certificate; with ca (PEM), its clients have to show one of that CA.
function Certificate:server(op)
  op = options("server", op or {}, TLS)
  return context(self.handle:tls_server(self.keyname, self.certificate, op.ca, op.alpn or {}))
end

-- A client that shows this certificate, to servers of the CAs in ca (PEM).
function Certificate:client(op)
  op = options("client", op or {}, TLS)
  return context(self.handle:tls_client(self.keyname, self.certificate, expect("client: ca", op.ca, "string"), op.alpn or {}))
end

-- Users -----------------------------------------------------------------------------------------------------------------------------

-- The users of a store, encrypted under a named secret; with a path, kept in that file.
local function json_users(handle, name, global, path)
  expect("jsonuser: the key's name", name, "string")
  global = global == true
  local db = {}

  local function seal(users) return check(handle:protect(name, global, check(native.json_encode(users)))) end

  local function valid(users)
    if type(users) ~= "table" then return nil, "it does not hold users" end
    for user, entry in pairs(users) do
      if type(user) ~= "string" or type(entry) ~= "table" then return nil, "it does not hold users" end
      if type(entry.pwd) ~= "string" and type(entry.pwd) ~= "table" then return nil, "a user has no password" end
      if entry.roles == nil then entry.roles = {} end
    end
    return users
  end

  local auth = {}
  -- The password and the roles of a user; nil if there is none.
  function auth:getpwd(user)
    local entry = db[user]
    if entry then return entry.pwd, entry.roles end
  end
  -- Whether it is this user's password, in a time that does not tell how much of it is right.
  function auth:verify(user, password)
    local entry = db[user]
    if type(password) ~= "string" or not entry or type(entry.pwd) ~= "string" then return false end
    return native.equal(entry.pwd, password)
  end

  local store = {}
  function store.users()
    local users = {}
    for user in pairs(db) do users[#users + 1] = user end
    table.sort(users)
    return users
  end
  -- Sets or, without a password, removes a user; the encrypted store.
  function store.setuser(user, password)
    expect("setuser: the user", user, "string")
    local changed = {}
    for other, entry in pairs(db) do changed[other] = entry end
    if type(password) == "string" then password = { pwd = password, roles = {} } end
    changed[user] = expect("setuser: the password", password, "table", true)
    local users, why = valid(changed)
    if not users then raise("argument", "setuser: " .. why) end
    local sealed = seal(users)
    if path then check(native.replace_file(path, sealed)) end
    db = users
    return sealed
  end
  -- Takes an encrypted store; nil and why, if it is not ours or has been changed.
  function store.setdb(encrypted)
    expect("setdb: the store", encrypted, "string")
    local plain, err = handle:unprotect(name, global, encrypted)
    if plain == nil and err.kind ~= "refused" then check(plain, err) end
    if plain == nil then return nil, err.message end
    local users, why = native.json_decode(plain)
    if users ~= nil then users, why = valid(users) end
    if users == nil then return nil, type(why) == "table" and why.message or why end
    db = users
    return true
  end
  function store.getauth() return auth end

  if expect("jsonuser: the file", path, "string", true) then
    local content = check(native.read_file(path))
    if content then
      local ok, why = store.setdb(content)
      if not ok then raise("refused", path .. ": " .. why) end
    end
  end
  return store
end

-- A TPM ------------------------------------------------------------------------------------------------------------------------------

local function calls(handle)
  local tpm = {}
  local function key(name) return expect("the key's name", name, "string") end

  function tpm.haskey(name) return check(handle:has_key(key(name))) end
  function tpm.createkey(name, op) return check(handle:create_key(key(name), kind_of(op))) end
  function tpm.keyparams(name) return check(handle:numbers(key(name))) end
  function tpm.createcsr(name, dn, ...) return check(handle:request(key(name), wanted_certificate(dn, ...))) end

  -- csr [, cacert], from, to [, serial] [, hash]
  function tpm.createcertificate(name, csr, ...)
    local ca, from, to, serial, hash = ...
    if type(ca) ~= "string" or not ca:find("BEGIN CERTIFICATE", 1, true) then
      ca, from, to, serial, hash = nil, ...
    end
    if expect("createcertificate: the serial number", serial, "number", true) and math.type(serial) ~= "integer" then
      raise("argument", "createcertificate: a serial number is an integer")
    end
    return check(handle:certify(key(name), expect("createcertificate: the request", csr, "string"), {
      ca_certificate = ca,
      not_before = seconds("createcertificate: from", from),
      not_after = seconds("createcertificate: to", to),
      serial = serial,
      hash = expect("createcertificate: the hash", hash, "string", true),
    }))
  end

  function tpm.sharkcert(name, certificate)
    local cert = { handle = handle, keyname = key(name), certificate = expect("sharkcert: the certificate", certificate, "string") }
    check(handle:tls_check(name, certificate)) -- Says if it is not for this key.
    return setmetatable(cert, Certificate)
  end

  -- message [, {scheme="ecdsa-sha256", digest=true}]
  function tpm.sign(name, message, op)
    op = options("sign", op or {}, { scheme = "string", digest = "boolean" })
    return check(handle:sign(key(name), expect("sign: the message", message, "string"), op.scheme, op.digest == true))
  end

  -- The token, and its parts.
  function tpm.jwtsign(payload, name, header)
    if type(name) == "table" then name = options("jwtsign: the key", name, { name = "string" }).name end
    if type(payload) == "table" then
      header = header or { typ = "JWT" }
      payload = check(native.json_encode(payload))
    end
    expect("jwtsign: the payload", payload, "string")
    header = check(native.json_encode(expect("jwtsign: the header", header, "table", true) or {}))
    local protected, body, signature = check(handle:jws_sign(key(name), payload, header))
    return protected .. "." .. body .. "." .. signature, { protected = protected, payload = body, signature = signature }
  end

  local function secret(name, length, global)
    expect("the secret's name", name, "string")
    if math.type(length) ~= "integer" or length < 0 then raise("argument", "a secret's length is a number of bytes") end
    return check(handle:secret(name, length, global))
  end
  function tpm.globalkey(name, length) return secret(name, length, true) end
  function tpm.uniquekey(name, length) return secret(name, length, false) end
  function tpm.jsonuser(name, global, path) return json_users(handle, name, global, path) end

  -- What Barracuda's has not.
  function tpm.keys() return check(handle:key_names()) end
  function tpm.removekey(name) return check(handle:remove_key(key(name))) end
  function tpm.publickey(name) return check(handle:public_pem(key(name))) end
  function tpm.schemes(name) return check(handle:schemes(key(name))) end
  function tpm.random(length) return check(handle:random(length)) end
  function tpm.seal(data, op)
    op = options("seal", op or {}, { password = "string", pcrs = "string", signer = "string" })
    return check(handle:seal(expect("seal: the data", data, "string"), op))
  end
  function tpm.unseal(pem, op)
    op = options("unseal", op or {}, { password = "string" })
    return check(handle:unseal(expect("unseal: the file", pem, "string"), op))
  end
  function tpm.encryptionkey(name) return check(handle:encryption_key(key(name))) end
  function tpm.decrypt(name, data) return check(handle:decrypt(key(name), expect("decrypt: the data", data, "string"))) end
  function tpm.close() check(handle:close()) end
  return setmetatable(tpm, { __close = tpm.close, __name = "ironroot TPM" })
end

-- The module --------------------------------------------------------------------------------------------------------------------------

local M = { _VERSION = native.version }

-- A TPM by its TCTI string, or by tcti, keylist, endorsementauth and ownerauth; without one, what the environment names.
function M.connect(how)
  if type(how) == "string" then how = { tcti = how } end
  how = options("connect", how or {}, { tcti = "string", keylist = "string", endorsementauth = "string", ownerauth = "string" })
  return calls(check(native.connect({
    tcti = how.tcti, key_list = how.keylist, endorsement_auth = how.endorsementauth, owner_auth = how.ownerauth,
  })))
end

-- A TPM in this process, from a product secret and a device value: the start-up, before anything else uses keys.
function M.start(how)
  options("start", how, {
    folder = "string", productsecret = "string", productfile = "string", devicevalue = "string", devicesource = "string",
    grade = "string", how = "string",
  })
  return calls(check(native.start({
    folder = expect("start: folder", how.folder, "string"),
    product_secret = how.productsecret, product_file = how.productfile,
    device_value = how.devicevalue, device_source = how.devicesource,
    grade = how.grade or "disk", how = how.how or "either",
  })))
end

function M.jwtverify(token, public_key, rules)
  rules = options("jwtverify", rules or {}, { audience = "string", issuer = "string", leeway = "number", endless = "boolean" })
  expect("jwtverify: the token", token, "string")
  return native.json_decode(check(native.jwt_verify(token, expect("jwtverify: the public key", public_key, "string"), rules)))
end

function M.encrypt(public_key, data)
  return check(native.encrypt(expect("encrypt: the public key", public_key, "string"), expect("encrypt: the data", data, "string")))
end

-- A TLS client without a certificate of its own, for servers of the CAs in ca (PEM).
function M.tlsclient(op)
  op = options("tlsclient", op or {}, TLS)
  return context(native.tls_client(expect("tlsclient: ca", op.ca, "string"), op.alpn or {}))
end

function M.keykinds() return native.key_kinds() end

return M
