#!/usr/bin/env bash
# Programs that use OpenSSL, with the one configuration of examples/openssl and keys in the TPM: nginx, curl, Python's ssl and requests, a C
# program, the openssl program; with TSS2 files and, where a program takes a store's name for a key, a persistent handle.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/../lib.sh"
examples=$root/examples/openssl
for program in nginx curl gcc /usr/bin/python3; do
    command -v $program >/dev/null || PATH=$PATH:/usr/sbin command -v $program >/dev/null || die "$program is missing"
done
PATH=$PATH:/usr/sbin

# Several processes share the TPM here, so they need a resource manager, as on any machine.
. "$root/tests/resource-manager.inc"
resource_manager

export OPENSSL_CONF=$examples/openssl.cnf
soft() { env -u OPENSSL_CONF openssl "$@"; }
soft req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=CA 2>/dev/null
certify() {
    soft x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -days 2 -out "$1.crt" -extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
}
# `make NAME ALGORITHM OPTION`: the openssl program makes a key, the request and, by the CA outside, the certificate.
make() {
    openssl genpkey -algorithm "$2" -pkeyopt "$3" -out "$1.key"
    head -n 1 "$1.key" | finds 'BEGIN TSS2 PRIVATE KEY' || die "the $1's key is not in the TPM"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    certify "$1"
}
make server RSA bits:2048
make client EC group:P-256
make rsa-client RSA bits:2048
# The same at a handle: a key that the TPM keeps.
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
tpm2_create --parent-context=parent.ctx --key-algorithm=ecc256:ecdsa-sha256 --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda' \
    --public=kept.pub --private=kept.priv --key-context=kept.ctx >/dev/null
tpm2_evictcontrol --hierarchy=o --object-context=kept.ctx 0x81000010 >/dev/null
openssl req -new -key handle:0x81000010 -subj /CN=kept -out kept.csr
certify kept
# A client that the CA does not know, with a key outside.
soft req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout stranger.key -out stranger.crt -days 2 -subj /CN=stranger 2>/dev/null

# nginx: its key in the TPM; clients have to show a certificate.
serve() {
    local try
    for try in 1 2 3 4 5; do
        port=$(free_port)
        sed "s/127.0.0.1:8443/127.0.0.1:$port/" "$examples/nginx.conf" >nginx.conf
        : >error.log
        nginx -p "$work" -c nginx.conf >nginx.log 2>&1 &
        daemons+=($!)
        for _ in $(seq 200); do
            (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
            kill -0 "${daemons[-1]}" 2>/dev/null || break
            sleep 0.05
        done
    done
    die "no nginx: $(cat nginx.log error.log)"
}
serve
url=https://localhost:$port/
get() { curl --silent --show-error --max-time 60 --cacert ca.crt "$@" "$url"; }

# curl: EC over TLS 1.3, RSA over both. (OpenSSL 3.0 with keys of a provider offers no NIST curves: EC certificates are for TLS 1.3 then.)
equal "curl, EC, TLS 1.3" "hello, CN=client" "$(get --tlsv1.3 --cert client.crt --key client.key)"
equal "curl, RSA, TLS 1.3" "hello, CN=rsa-client" "$(get --tlsv1.3 --cert rsa-client.crt --key rsa-client.key)"
equal "curl, RSA, TLS 1.2" "hello, CN=rsa-client" "$(get --tls-max 1.2 --cert rsa-client.crt --key rsa-client.key)"
env -u OPENSSL_CONF curl --silent --cacert ca.crt "$url" | finds 'No required SSL certificate was sent'
env -u OPENSSL_CONF curl --silent --cacert ca.crt --cert stranger.crt --key stranger.key "$url" | finds 'SSL certificate error'
# What examples/openssl/README.md says of keys outside in such a program.
soft req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout outside.key -out outside.csr -subj /CN=outside 2>/dev/null
certify outside
says 'cannot sign' get --cert outside.crt --key outside.key
env -u OPENSSL_CONF curl --silent --cacert ca.crt --cert outside.crt --key outside.key "$url" | finds 'hello, CN=outside'

# Python.
/usr/bin/python3 "$examples/client.py" "$url" ca.crt client.crt client.key >python.out
equal "Python" "ssl: hello, CN=client
requests: hello, CN=client" "$(cat python.out)"

# A C program: a file, and a handle.
gcc -Wall -Wextra -Werror "$examples/client.c" -lssl -lcrypto -o c-client
for key in client.key handle:0x81000010; do
    who=client
    [ $key = client.key ] || who=kept
    ./c-client localhost:$port ca.crt $who.crt $key >page 2>&1 || die "the C program with $key: $(cat page)"
    finds "hello, CN=$who" <page || die "the C program with $key: $(cat page)"
done
refused ./c-client localhost:$port ca.crt kept.crt client.key

# The openssl program: a handle in a handshake.
printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' | timeout 60 openssl s_client -connect localhost:$port -CAfile ca.crt -verify_return_error \
    -key handle:0x81000010 -cert kept.crt -ign_eof >page 2>&1 || die "openssl s_client: $(cat page)"
finds 'hello, CN=kept' <page || die "openssl s_client: $(cat page)"

# The server goes on after many clients, and ends in order; nobody leaves anything in the TPM.
for _ in 1 2 3; do get --cert client.crt --key client.key >/dev/null; done
kill -s QUIT "$(cat nginx.pid)"
wait "${daemons[-1]}" || die "nginx did not end in order: $(cat error.log)"
equal "what nginx had to say" "" "$(grep -E 'emerg|alert|crit' error.log || :)"

ok
