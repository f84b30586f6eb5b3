-- Users and passwords that only this device reads. For `ba.tpm`.
local store = ba.tpm.jsonuser("dashboard", false)

-- As in the Barracuda App Server, the application keeps the store, and it is encrypted whenever it leaves.
local encrypted = store.setuser("admin", "qwerty")
encrypted = store.setuser("guest", { pwd = "guest", roles = { "viewer" } })

-- After a restart:
local again = ba.tpm.jsonuser("dashboard", false)
assert(again.setdb(encrypted))
local auth = again.getauth()
assert(auth:getpwd("admin") == "qwerty" and auth:verify("admin", "qwerty") and not auth:verify("admin", "Qwerty"))
print(table.concat(again.users(), ","), select(2, auth:getpwd("guest"))[1])

-- Or in a file, which is replaced as a whole at each change.
local kept = ba.tpm.jsonuser("dashboard", false, os.getenv("USERS") or "users.encrypted")
kept.setuser("admin", "qwerty")
