#!/usr/bin/env bash
# TLS 1.2 and 1.3 with both private keys in the TPM: server and client authenticate each other; a stranger is refused.
. "$(dirname "$0")/../lib.sh"

# Two processes share the TPM here, and the provider verifies certificates in it too, so they need a resource manager,
# as on any machine: tpm2-abrmd, on a message bus of its own.
. "$(dirname "$0")/../resource-manager.inc"
resource_manager

# The authority is plain OpenSSL: only the two ends have their keys in the TPM.
authority() {
    openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -subj "/CN=$1" \
        -days 2 -out "$1.pem" 2>/dev/null
}
authority ca
authority stranger
# `make END KIND`: a key file and its certificate.
make() {
    if [ "$2" = rsa ]; then
        tpm genpkey -algorithm RSA -pkeyopt bits:2048 -out "$1.key" 2>/dev/null
    else
        tpm genpkey -algorithm EC -pkeyopt group:P-256 -out "$1.key"
    fi
    grep -q 'TSS2 PRIVATE KEY' "$1.key" || die "the $1's key is not in the TPM"
    tpm req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" 2>/dev/null
}

# A server on a free port; its output in server.log.
serve() {
    local try
    for try in 1 2 3 4 5; do
        port=$(free_port)
        : >server.log
        # Not by the function: the process that we end must be the server itself.
        openssl s_server "${provider[@]}" -accept 127.0.0.1:$port -key server.key -cert server.pem -CAfile ca.pem \
            -Verify 1 -verify_return_error -www "$@" >server.log 2>&1 &
        server=$!
        daemons[2]=$server
        for _ in $(seq 200); do
            grep -q ACCEPT server.log && return
            kill -0 $server 2>/dev/null || break
            sleep 0.05
        done
    done
    die "no server: $(cat server.log)"
}
stop() {
    kill $server
    wait $server 2>/dev/null || :
    unset 'daemons[2]'
}
# `connect KEY OPTION…`: one request; the page, or what was said instead, in `page`.
connect() {
    local key=$1
    shift
    printf 'GET / HTTP/1.0\r\n\r\n' | timeout 30 openssl s_client "${provider[@]}" -connect 127.0.0.1:$port -CAfile ca.pem \
        -verify_return_error -key "$key.key" -cert "$key.pem" -ign_eof "$@" >page 2>&1
}

for kind in rsa ec; do
    # OpenSSL offers a key-exchange group only if its keys come from the group's own provider. Asked to prefer tpm2 for
    # EC keys it offers no NIST curve, and TLS 1.2 then refuses certificates on them, whatever the TPM.
    versions='3 2'
    [ $kind = rsa ] || versions=3
    make server $kind
    make client $kind
    for version in $versions; do
        where="$kind, TLS 1.$version"
        serve -tls1_$version
        connect client -tls1_$version || die "$where: $(cat page server.log)"
        grep -q 'Verify return code: 0 (ok)' page || die "$where: the server was not verified: $(cat page)"
        grep -q 'HTTP/1.0 200' page || die "$where: no page: $(cat page)"
        grep -q "TLSv1.$version" page || die "$where: another version: $(cat page)"
        # The server shows the client that it authenticated.
        grep -q 'CN *= *client' page || die "$where: no client certificate arrived: $(cat page)"
        # A client whose certificate another authority signed gets no page.
        connect stranger -tls1_$version || :
        if grep -q 'HTTP/1.0 200' page; then die "$where: the stranger got in"; fi
        grep -q 'certificate verify failed' server.log || die "$where: another reason: $(cat page server.log)"
        stop
    done
done

ok
