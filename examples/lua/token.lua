-- A signed token from the key "cloud" of this machine's TPM.
local tpm = require("ironroot").connect()
if not tpm.haskey("cloud") then tpm.createkey("cloud", { key = "ecc", curve = "SECP256R1" }) end
print((tpm.jwtsign({ sub = "dev1", exp = os.time() + 3600 }, "cloud")))
