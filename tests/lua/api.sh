#!/usr/bin/env bash
# The Lua module on stock Lua 5.4: its calls, on this TPM, on Debian's swtpm and on one in the process, with results judged by OpenSSL and
# PyJWT; the examples as they are.
. "$(dirname "$0")/../lib.sh"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -n "${IRONROOT_LUA:-}" ] || die "IRONROOT_LUA has to name the folder with ironroot.so, which cargo xtask install-lua makes"
export LUA_CPATH_5_4="$IRONROOT_LUA/?.so;;" LUA_PATH_5_4="$source/examples/lua/?.lua;;" IRONROOT_KEY_LIST=$work/keys.json
# Nothing of Lua's is inside, and nothing but its entry goes out.
refused finds 'lua_newstate' <<<"$(nm -D --defined-only "$IRONROOT_LUA/ironroot.so")"
finds -w luaopen_ironroot <<<"$(nm -D --defined-only "$IRONROOT_LUA/ironroot.so")"

judge() {
    openssl dgst -sha256 -verify web.pem -signature web.sig message >/dev/null
    openssl dgst -sha256 -verify web.pem -signature digest.sig message >/dev/null
    openssl dgst -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -verify old.pem -signature old.sig message >/dev/null
    equal "x and y" "$(openssl pkey -pubin -in web.pem -outform DER | tail -c 64 | xxd -p -c 64)" "$(xxd -p -c 64 web.xy)"
    for request in plain web old; do
        openssl req -in $request.csr -verify -noout -text -nameopt RFC2253,-esc_msb >$request.text 2>&1
        finds 'verify OK' <$request.text || die "$(cat $request.text)"
    done
    finds -F 'emailAddress=a@b.example' <plain.text
    finds -F 'O=A\, B \+ \"C\"' <plain.text
    finds -F 'OU=\#1' <plain.text
    finds -F 'DNS:dev1.example, DNS:dev1, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:urn:dev:1, email:a@b.example' <web.text
    finds 'Digital Signature, Key Agreement' <web.text
    finds 'TLS Web Client Authentication, TLS Web Server Authentication' <web.text
    finds 'Signature Algorithm: sha512WithRSAEncryption' <old.text
    openssl verify -x509_strict -purpose sslserver -verify_hostname dev1 -CAfile ca.pem web.crt random.crt >/dev/null
    openssl verify -x509_strict -purpose sslclient -CAfile self.crt self.crt >/dev/null
    equal "the serial number" serial=1267 "$(openssl x509 -in web.crt -noout -serial)"
    equal "a random one" 40 "$(openssl x509 -in random.crt -noout -serial | wc -c)"
    equal "the dates" "notBefore=Feb 29 00:00:00 2024 GMT" "$(openssl x509 -in ca.pem -noout -startdate)"
    openssl x509 -in web.crt -noout -text >web.text
    finds 'Digital Signature, Key Agreement' <web.text
    finds 'CA:FALSE' <web.text
    finds 'ecdsa-with-SHA384' <web.text
    /usr/bin/python3 - <<'PYTHON'
import jwt
token = jwt.decode(open("token").read(), open("web.pem").read(), ["ES256"])
assert token["sub"] == "dev1" and token["roles"] == ["a", "b"], token
assert jwt.decode(open("old.token").read(), open("old.pem").read(), ["PS256"]) and jwt.get_unverified_header(open("old.token").read())["kid"] == "k1"
signed = jwt.api_jws.decode_complete(open("jws").read(), open("web.pem").read(), ["ES256"])
assert signed["payload"] == b"" and signed["header"] == {"alg": "ES256", "url": "https://acme.example/", "nonce": "n"}, signed
PYTHON
    equal "the store is the owner's" 600 "$(stat -c %a users.encrypted)"
    refused grep -q -a -e qwerty -e guest -e admin users.encrypted sealed
    rm -f users.encrypted
}
lua5.4 "$source/tests/lua/api.lua" client | finds '^all$'
judge
# The same secret, and the same key, as the command gives.
same unique <("$PEER_TPM" secret unique wifi 32 --raw)
"$PEER_TPM" key show web --ecc p256 | sed -n '/BEGIN/,$p' >cli.pem
same web.pem cli.pem
# The store of users, without our code.
"$PEER_TPM" secret unique "ironroot/protected/v1 dashboard" 32 --raw >store.key
equal "the store" '{"admin":{"pwd":"qwerty","roles":{}}}' "$(/usr/bin/python3 "$source/tests/lua/protected.py" store.key sealed)"
lua5.4 "$source/examples/lua/token.lua" | finds '^ey'
equal "objects left" "" "$(tpm2_getcap handles-transient)"
equal "sessions left" "" "$(tpm2_getcap handles-loaded-session)"

# Another TPM 2.0.
rm -f ./*.json
another_tpm
TPM2TOOLS_TCTI=$another lua5.4 "$source/tests/lua/api.lua" client | finds '^all$'
judge
refused cmp -s web.pem cli.pem
end_another_tpm

# In the process.
lua5.4 "$source/tests/lua/api.lua" process "$work/state" | finds '^all$'
judge

# Scripts for the Barracuda App Server, with the start-up of a product before them.
export DEVICE_FOLDER=$work/device
script() {
    lua5.4 -l startup "$source/examples/lua/$1.lua" "${@:2}"
}
script users | finds '^admin,guest.viewer$'
equal "the store is the owner's" 600 "$(stat -c %a users.encrypted)"
script acme_account >account.json
script authority
openssl verify -x509_strict -purpose sslserver -verify_ip 127.0.0.1 -CAfile authority.crt server.crt >/dev/null
/usr/bin/python3 - <<'PYTHON'
import json, jwt
jws = json.load(open("account.json"))
token = ".".join((jws["protected"], jws["payload"], jws["signature"]))
header = jwt.get_unverified_header(token)
key = jwt.algorithms.ECAlgorithm.from_jwk(json.dumps(header["jwk"]))
assert jwt.decode(token, key, ["ES256"])["contact"] == ["mailto:admin@example.com"], header
PYTHON
# HTTPS with curl and with OpenSSL's server, both ends verified; a client without a certificate is refused.
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout peer.key -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -addext extendedKeyUsage=clientAuth,serverAuth -out peer.csr 2>/dev/null
lua5.4 -l startup - <<'LUA'
local function read(path) return assert(io.open(path)):read("a") end
local now = os.time()
local issued = ba.tpm.createcertificate("example.authority.1", read("peer.csr"), read("authority.crt"), now - 60, now + 86400)
assert(assert(io.open("peer.crt", "w")):write(issued))
LUA
script https_server 2 >serving &
serving=$!
for _ in $(seq 500); do
    [ -s serving ] && break
    sleep 0.01
done
url=https://localhost:$(head -n 1 serving)/
equal "curl, without a certificate" 56 "$(curl -s -o answer --cacert authority.crt "$url" || echo $?)"
curl -sS --cacert authority.crt --cert peer.crt --key peer.key "$url" | finds -x 'hello from a TPM'
wait $serving || die "the server: $(cat serving)"
finds -i 'certificate' <serving || die "no reason for the refusal: $(cat serving)"
for version in -tls1_3 -tls1_2; do
    printf 'hello from OpenSSL\n' >hello
    openssl s_server -accept 0 $version -cert peer.crt -key peer.key -CAfile authority.crt -Verify 1 -verify_return_error -WWW -naccept 1 \
        >s_server 2>&1 &
    s_server=$!
    for _ in $(seq 500); do
        finds '^ACCEPT' <s_server && break
        sleep 0.01
    done
    script https_client "$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' s_server)" >answer
    finds 'hello from OpenSSL' <answer || die "$(cat answer s_server)"
    finds -x "TLSv${version#-tls}" <<<"$(tr _ . <answer | sed 's/TLSv1\.\([23]\)/TLSv1_\1/')" || die "$(cat answer)"
    wait $s_server || die "$(cat s_server)"
done
ok
