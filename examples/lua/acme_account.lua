-- The first message of an ACME client (RFC 8555, 7.3): a JWS with the account's public key in its header. For `ba.tpm`.
local name, options = "$account", { key = "ecc", curve = "SECP256R1" }
if not ba.tpm.haskey(name) then ba.tpm.createkey(name, options) end

local function base64url(bytes)
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  return (bytes:gsub("..?.?", function(part)
    local a, b, c = part:byte(1, 3)
    local number, out = a << 16 | (b or 0) << 8 | (c or 0), ""
    for digit = 0, #part do
      local at = (number >> (18 - 6 * digit) & 63) + 1
      out = out .. alphabet:sub(at, at)
    end
    return out
  end))
end

local x, y = ba.tpm.keyparams(name)
local header = {
  alg = "ES256", nonce = "6S8IqOGY7eL2lsGoTZYifg", url = "https://acme.example/new-account",
  jwk = { kty = "EC", crv = "P-256", x = base64url(x), y = base64url(y) },
}
local payload = { termsOfServiceAgreed = true, contact = { "mailto:admin@example.com" } }
local token, parts = ba.tpm.jwtsign(payload, name, header)
print(('{"protected":"%s","payload":"%s","signature":"%s"}'):format(parts.protected, parts.payload, parts.signature))
return token
