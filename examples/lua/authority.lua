-- A CA whose key never leaves the TPM, and a server's certificate from it. For `ba.tpm`: authority.crt, server.csr and server.crt.
local function ensure(name, options)
  if not ba.tpm.haskey(name) then ba.tpm.createkey(name, options) end
  return name
end
local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- From yesterday on, for slow clocks.
local from, to = os.date("!*t", os.time() - 86400), os.date("!*t", os.time() + 86400 * 3650)

local ca = ensure("example.authority.1", { key = "ecc", curve = "SECP384R1" })
local request = assert(ba.tpm.createcsr(ca, { commonname = "Example CA", organization = "Example", countryname = "DE" },
  { "SSL_CA" }, { "KEY_CERT_SIGN", "CRL_SIGN" }, "sha384"))
local authority = assert(ba.tpm.createcertificate(ca, request, from, to, 1, "sha384"))
write("authority.crt", authority)

local server = ensure("example.server", { key = "ecc", curve = "SECP256R1" })
local csr = assert(ba.tpm.createcsr(server, { commonname = "localhost" }, "localhost;IP:127.0.0.1;URI:urn:example:dev1",
  { "SSL_SERVER", "SSL_CLIENT" }, { "DIGITAL_SIGNATURE" }, "sha256"))
write("server.csr", csr)
local year = os.date("!%Y%m%d%H%M%S", os.time() + 86400 * 365)
write("server.crt", assert(ba.tpm.createcertificate(ca, csr, authority, from, year, 2, "sha384")))
