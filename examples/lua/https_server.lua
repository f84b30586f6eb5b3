-- An HTTPS server whose key is in the TPM, over LuaSocket; clients have to show a certificate of the CA. For `ba.tpm`; it takes
-- authority.crt and server.crt (authority.lua has made them). It serves as many requests as the first argument says.
local socket = require "socket"
local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local context = ba.tpm.sharkcert("example.server", read("server.crt")):server({ ca = read("authority.crt") })
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
print(port)
io.stdout:flush()
for _ = 1, tonumber(arg[1]) do
  local stream = assert(listener:accept())
  stream:settimeout(10)
  local ok, why = pcall(function()
    local connection <close> = context:wrap(stream)
    connection:receive()
    connection:send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello from a TPM\n")
  end)
  if not ok then
    stream:close()
    print(why)
  end
end
