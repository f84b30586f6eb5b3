#!/usr/bin/env bash
# Mutual TLS with a named key from our PKCS #11 module: GnuTLS with OpenSSL (TLS 1.3 and 1.2), and two OpenVPNs.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../module.sh"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem -days 1 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -addext extendedKeyUsage=serverAuth 2>/dev/null
# Waits until a program has said something: `until_said PATTERN FILE PID`.
until_said() {
    for _ in $(seq 500); do
        if grep -q "$1" "$2"; then return; fi
        kill -0 "$3" 2>/dev/null || die "ended: $(cat "$2")"
        sleep 0.02
    done
    die "never said '$1': $(cat "$2")"
}
port=$(free_port)

# A request to OpenSSL's server, which asks for a certificate of our CA: `request NAME PRIORITY`.
request() {
    local token="pkcs11:token=ironroot;object=$1"
    printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 gnutls-cli --provider "$module" --priority "$2" --x509keyfile "$token;type=private" \
        --x509certfile "$token;type=cert" --x509cafile server.pem --port $port localhost >answer 2>&1
}
tls() {
    openssl s_server -accept $port -cert server.pem -key server.key -CAfile ca.pem -Verify 1 -verify_return_error \
        -www >server.log 2>&1 &
    server=$!
    until_said ACCEPT server.log $server
    for key in web big; do
        request $key NORMAL || die "TLS 1.3 with $key: $(cat answer)"
        finds 'TLS1.3-X.509' <answer && finds "Subject:.*CN=$key" <answer || die "$(cat answer)"
        request $key 'NORMAL:-VERS-TLS1.3' || die "TLS 1.2 with $key: $(cat answer)"
        finds 'TLS1.2-X.509' <answer && finds "Subject:.*CN=$key" <answer || die "$(cat answer)"
    done
    # Without the key of the certificate there is no way in.
    refused timeout 20 gnutls-cli --x509cafile server.pem --port $port localhost </dev/null
    ends $server 143
}

# Two ends of OpenVPN without a device: what is tried is the handshake.
vpn() {
    local id common=(--dev null --proto udp --local 127.0.0.1 --remote 127.0.0.1 --verb 3)
    id=$(openvpn --show-pkcs11-ids "$module" | grep -A 3 'CN=web' | sed -n 's/.*Serialized id: *//p')
    openvpn "${common[@]}" --lport $port --rport $((port + 1)) --tls-server --dh none --ca ca.pem --cert server.pem --key server.key \
        >server.log 2>&1 &
    server=$!
    openvpn "${common[@]}" --lport $((port + 1)) --rport $port --tls-client --ca server.pem --pkcs11-providers "$module" \
        --pkcs11-id "$id" >client.log 2>&1 &
    client=$!
    until_said 'Initialization Sequence Completed' client.log $client
    until_said 'VERIFY OK: depth=0, CN=web' server.log $server
    ends $client 0
    ends $server 0
}

walk() {
    "$ironroot" key create ca >/dev/null
    "$ironroot" key create web >/dev/null
    "$ironroot" key create big --rsa 2048 >/dev/null
    "$ironroot" key export-handle big 0x81000020 >/dev/null
    mkdir -p "$certificates"
    "$ironroot" cert self-signed ca --ca --subject CN=ca --output ca.pem
    for key in web big; do
        "$ironroot" csr $key --subject CN=$key --output request.pem
        "$ironroot" cert issue ca --ca-cert ca.pem --csr request.pem --usage client --output "$certificates/$key.pem"
    done
    tls
    vpn
}
walk
use_swtpm
walk
end_another_tpm
ok
