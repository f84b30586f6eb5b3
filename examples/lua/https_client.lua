-- HTTPS with a client certificate whose key is in the TPM, over LuaSocket: `lua5.4 -l startup https_client.lua PORT`. For `ba.tpm`; it
-- takes authority.crt and server.crt (authority.lua has made them).
local socket = require "socket"
local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local context = ba.tpm.sharkcert("example.server", read("server.crt")):client({ ca = read("authority.crt") })
local stream = assert(socket.connect("127.0.0.1", tonumber(arg[1])))
local connection <close> = context:wrap(stream, "localhost")
connection:send("GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n")
print(connection:receive())
print(connection:info().version)
