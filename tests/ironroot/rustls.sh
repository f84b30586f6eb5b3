#!/usr/bin/env bash
# rustls with keys in a TPM: from nothing to mutual TLS, then client and server over TLS 1.3 and 1.2 with a named key, a TSS2 file and a
# persistent handle, in this TPM and in swtpm; openssl on the other side, too; and the client's memory, in which no private key is.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/../lib.sh"
. "$root/tests/tls.inc"
ironroot=$PEER_TPM
export IRONROOT_KEY_LIST=$work/keys.json
# PEER_MUTUAL_TLS is the example where it was built already.
if [ -z "${PEER_MUTUAL_TLS:-}" ]; then
    cargo build -q --manifest-path "$root/Cargo.toml" -p ironroot-keys --example mutual-tls
    PEER_MUTUAL_TLS=${CARGO_TARGET_DIR:-$root/target}/debug/examples/mutual-tls
fi
rustls=$PEER_MUTUAL_TLS

# A rustls server with this key; its address is in `address`. It ends with its standard input.
serve() {
    exec {hold}> >(exec "$rustls" serve "$1" "$2" "$3" >served 2>served.err)
    server=$!
    for _ in $(seq 500); do
        address=$(cat served 2>/dev/null)
        [ -n "$address" ] && return
        sleep 0.01
    done
    die "no server with $1: $(cat served.err)"
}
stop() {
    exec {hold}>&-
    wait $server || die "the server did not end in order: $(cat served.err)"
    rm -f served
}

walk() {
    # From nothing to mutual TLS: these lines, and those of the example that open the key and connect.
    "$ironroot" key create authority >/dev/null
    "$ironroot" key create web >/dev/null
    "$ironroot" cert self-signed authority --ca >ca.crt
    "$ironroot" csr web --dns localhost >web.csr
    "$ironroot" cert issue authority --ca-cert ca.crt --csr web.csr >web.crt
    serve web web.crt ca.crt
    "$rustls" get "$address" web web.crt ca.crt | finds 'hello over Some(TLSv1_3) to a client with 1 certificate'
    # A stranger, and a certificate of another key.
    stranger
    refused "$rustls" get "$address" plain:stranger.key stranger.crt ca.crt
    says 'not for this key' "$rustls" get "$address" web ca.crt ca.crt
    stop

    # Each kind of reference on both ends, over both versions.
    rm -f file.pem rsa.pem
    "$ironroot" key create --stored file.pem --ecc p384 >/dev/null
    "$ironroot" key create --stored rsa.pem --rsa >/dev/null
    "$ironroot" key export-handle web 0x81000010 >/dev/null
    local key other
    for key in file:file.pem file:rsa.pem handle:0x81000010; do
        "$ironroot" csr "$key" --subject CN=localhost --dns localhost >"${key##*[:]}.csr"
        "$ironroot" cert issue authority --ca-cert ca.crt --csr "${key##*[:]}.csr" >"${key##*[:]}.crt"
    done
    for key in web file:file.pem file:rsa.pem handle:0x81000010; do
        serve "$key" "${key##*[:]}.crt" ca.crt
        for other in web file:file.pem file:rsa.pem handle:0x81000010; do
            for version in 1.2 1.3; do
                "$rustls" get "$address" "$other" "${other##*[:]}.crt" ca.crt $version >said 2>&1 ||
                    die "$at: $other to $key over $version: $(cat said served.err)"
                finds "TLSv1_${version#1.}) to a client with 1" <said || die "$at: $other to $key: $(cat said)"
            done
        done
        # OpenSSL as the client, with a key of its own.
        client
        printf 'hello\n' | timeout 20 openssl s_client -connect "$address" -CAfile ca.crt -verify_return_error -quiet \
            -key client.key -cert client.crt 2>said.err | finds 'hello over' || die "openssl to $key: $(cat said.err)"
        stop
    done
    equal "$at: objects left" "" "$(tpm2_getcap handles-transient)"
    equal "$at: sessions left" "" "$(tpm2_getcap handles-loaded-session)"
}
# A key outside of the TPM whose certificate the authority in the TPM has issued; and one whose certificate it has not.
client() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -subj /CN=client -out client.csr 2>/dev/null
    "$ironroot" cert issue authority --ca-cert ca.crt --csr client.csr >client.crt
}
stranger() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout stranger.key -subj /CN=stranger -days 2 \
        -out stranger.crt 2>/dev/null
}

# swtpm takes one connection at a time: one end at a time has its key there, or both ends are one process.
walk_alone() {
    local key version
    "$ironroot" key create authority >/dev/null
    "$ironroot" key create web >/dev/null
    "$ironroot" key export-handle web 0x81000010 >/dev/null
    "$ironroot" cert self-signed authority --ca >ca.crt
    rm -f file.pem rsa.pem
    "$ironroot" key create --stored file.pem --ecc p384 >/dev/null
    "$ironroot" key create --stored rsa.pem --rsa >/dev/null
    client
    for key in web file:file.pem file:rsa.pem handle:0x81000010; do
        "$ironroot" csr "$key" --subject CN=localhost --dns localhost >"${key##*[:]}.csr"
        "$ironroot" cert issue authority --ca-cert ca.crt --csr "${key##*[:]}.csr" >"${key##*[:]}.crt"
        serve "$key" "${key##*[:]}.crt" ca.crt
        for version in 1.2 1.3; do
            "$rustls" get "$address" plain:client.key client.crt ca.crt $version >said 2>&1 ||
                die "$at: a client to $key over $version: $(cat said served.err)"
            finds "TLSv1_${version#1.}) to a client with 1" <said || die "$at: a client to $key: $(cat said)"
        done
        stop
        "$rustls" handshakes 1 "$key" "${key##*[:]}.crt" ca.crt >count || die "$at: no mutual handshake with $key"
        [ "$(sed 's/[.].*//' count)" -gt 0 ] || die "$at: no mutual handshake with $key in a second"
    done
}

at=ironroot
walk
# No private key in the client, whatever holds it while it is connected: a key that was brought in, so that we know its bytes.
export PEER_OPENSSL_CNF=$root/examples/openssl/openssl.cnf
memory_of_clients rustls openssl curl
ours=$TPM2TOOLS_TCTI
another_tpm
export TPM2TOOLS_TCTI=$another TPM2OPENSSL_TCTI=$another IRONROOT_KEY_LIST=$work/another.json
at=swtpm
walk_alone
memory_of_clients rustls
end_another_tpm
export TPM2TOOLS_TCTI=$ours
ok
