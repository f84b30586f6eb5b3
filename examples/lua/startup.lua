-- Start-up code of a product without a TPM chip and without a daemon: a TPM in this process, from the product's secret and a value of
-- the device. It gives `ba.tpm` to scripts that were written for the Barracuda App Server:
--
--   lua5.4 -l startup script.lua FOLDER        (with FOLDER in the variable DEVICE_FOLDER)
local ironroot = require "ironroot"

-- A product reads this from its protected storage, or names a file with white-box tables (productfile).
local secret = ("x"):rep(32):gsub("()x", function(at) return string.char(7 * (at - 1) + 1) end)
-- A product reads its fuses, or asks for a source by name (devicesource="nvmem:…").
local value = os.getenv("DEVICE_VALUE") or "\3\14\25\36\47\58\69\80\91\102\113\124\135\146\157\168"

ba = { tpm = ironroot.start({
  folder = assert(os.getenv("DEVICE_FOLDER"), "DEVICE_FOLDER is not set"),
  productsecret = secret,
  devicevalue = value,
  grade = "fused",
}) }
return ba.tpm
