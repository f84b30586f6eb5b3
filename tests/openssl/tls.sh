#!/usr/bin/env bash
# TLS 1.2 and 1.3 with client authentication, the server's or the client's private key in the TPM; strangers are refused.
. "$(dirname "$0")/../lib.sh"

# One end at a time has its key in the TPM: each keeps a connection to it open, and there is no resource manager here.
# The authority and the other end are plain OpenSSL.
openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -subj '/CN=Test CA' \
    -days 2 -out ca.pem 2>/dev/null
# A key is named by a file or, in the TPM, by a persistent handle that the file holds.
key_of() {
    if grep -q '^handle:' "$1.key"; then cat "$1.key"; else echo "$1.key"; fi
}
# `persistent KIND`: a new key in the TPM; prints how OpenSSL names it. Persistent, so that it takes no transient slot:
# the provider verifies the other end's certificate in the TPM, and that takes three.
handle=$((0x81000100))
persistent() {
    local algorithm=rsa2048
    [ "$1" = rsa ] || algorithm=ecc256
    tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
    flush
    tpm2_create --parent-context=parent.ctx --key-algorithm=$algorithm --public=new.pub --private=new.priv \
        --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|decrypt|noda' >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=new.pub --private=new.priv --key-context=new.ctx >/dev/null
    tpm2_evictcontrol --hierarchy=o --object-context=new.ctx $handle >/dev/null
    flush
    printf 'handle:0x%x\n' $handle
}
# `certify END TOOL`: a certificate for END's key, the request signed with TOOL (tpm or openssl).
certify() {
    "$2" req -new -key "$(key_of "$1")" -subj "/CN=$1" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" 2>/dev/null
}
# `make END KIND TOOL`: a key and its certificate.
make() {
    case $2-$3 in
    rsa-openssl) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    ec-openssl) openssl genpkey -algorithm EC -pkeyopt group:P-256 -out "$1.key" ;;
    *-tpm)
        persistent "$2" >"$1.key"
        handle=$((handle + 1))
        ;;
    esac
    certify "$1" "$3"
}

server_pid=
trap 'status=$?; [ -z "$server_pid" ] || kill $server_pid 2>/dev/null; rm -rf "$work"; exit $status' EXIT
# `serve TOOL OPTION…`: a server on a free port; its output in server.log.
serve() {
    local tool=$1 try
    shift
    for try in 1 2 3 4 5; do
        port=$((33000 + RANDOM % 20000))
        : >server.log
        "$tool" s_server -accept 127.0.0.1:$port -key "$(key_of server)" -cert server.pem -CAfile ca.pem -Verify 1 \
            -verify_return_error -www "$@" >server.log 2>&1 &
        server_pid=$!
        for _ in $(seq 100); do
            grep -q ACCEPT server.log && return
            kill -0 $server_pid 2>/dev/null || break
            sleep 0.05
        done
    done
    die "no server: $(cat server.log)"
}
stop() {
    # The tool may be a function, and so a subshell whose child does the work.
    pkill -P $server_pid 2>/dev/null || kill $server_pid
    wait $server_pid 2>/dev/null || :
    server_pid=
}
# `connect TOOL KEY OPTION…`: one request; the page, or what was said instead, in `page`.
connect() {
    local tool=$1 key=$2
    shift 2
    printf 'GET / HTTP/1.0\r\n\r\n' | "$tool" s_client -connect 127.0.0.1:$port -CAfile ca.pem -verify_return_error \
        -key "$(key_of "$key")" -cert "$key.pem" -ign_eof "$@" >page 2>&1
}

openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout stranger.key -subj '/CN=stranger' \
    -days 2 -out stranger.pem 2>/dev/null
for kind in rsa ec; do
    for ends in 'tpm openssl' 'openssl tpm'; do
        read -r at_server at_client <<<"$ends"
        make server $kind "$at_server"
        make client $kind "$at_client"
        for version in 3 2; do
            where="$kind, TLS 1.$version, server's key: $at_server, client's key: $at_client"
            serve "$at_server" -tls1_$version
            connect "$at_client" client -tls1_$version || die "$where: $(cat page server.log)"
            grep -q 'Verify return code: 0 (ok)' page || die "$where: the server was not verified: $(cat page)"
            grep -q 'HTTP/1.0 200' page || die "$where: no page: $(cat page)"
            grep -q "TLSv1.$version" page || die "$where: another version: $(cat page)"
            # The server shows the client that it authenticated.
            grep -q 'CN *= *client' page || die "$where: no client certificate arrived: $(cat page)"
            # A client whose certificate another authority signed gets no page.
            connect openssl stranger -tls1_$version || :
            if grep -q 'HTTP/1.0 200' page; then die "$where: the stranger got in"; fi
            stop
        done
    done
done

ok
