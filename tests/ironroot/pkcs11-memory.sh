#!/usr/bin/env bash
# The private key is not in the process that uses it: a TPM whose keys are known by docs/derivations.md, a TLS client with our PKCS #11 module,
# and a search of all its memory; the same client with the same key in a file is the control.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../module.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The product secret and the device value of the document's vectors.
seq 0 31 | while read -r n; do printf %02x "$n"; done | xxd -r -p >tpm.product-secret
chmod 600 tpm.product-secret
printf 3d1219c7c4c5404aaa1f6d2a48adfda4 >value
"$PEER_TPM" tpm --state tpm --device-source "file:$work/value" --swtpm "unix:$work/tpm.sock" >tpm.log 2>&1 &
tpm=$!
for _ in $(seq 500); do
    grep -q '^export ' tpm.log && break
    sleep 0.01
done
export TPM2TOOLS_TCTI=swtpm:path=$work/tpm.sock
mkdir "$certificates"
"$ironroot" key create web >/dev/null
"$ironroot" cert self-signed web --subject CN=web --output "$certificates/web.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem -days 1 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
port=$(free_port)
openssl s_server -accept $port -cert server.pem -key server.key -CAfile "$certificates/web.pem" -Verify 1 -verify_return_error -quiet \
    >server.log 2>&1 &
server=$!
/usr/bin/python3 -B "$here/pkcs11-memory.py" "$module" "$certificates/web.pem" $port
# A program of OpenSSL dies of the signal; the TPM ends in order.
ends $server 143
ends $tpm 0
ok
