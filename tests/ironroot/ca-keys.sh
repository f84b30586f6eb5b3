#!/usr/bin/env bash
# The identity CA's key in a PKCS #11 token (SoftHSM), in a TPM, and in a file under a passphrase: `ironroot provision serve`
# comes up with each, OpenSSL accepts its certificate, and the same key finds the same CA again.
. "$(dirname "$0")/../lib.sh"

serve_pid=
trap 'status=$?; [ -z "$serve_pid" ] || kill -s KILL $serve_pid 2>/dev/null; rm -rf "$work"; exit $status' EXIT
serve() {
    local folder=$1
    shift
    : >serve.json
    "$PEER_TPM" provision serve --state "$folder" --listen 127.0.0.1:0 --trusted-root maker.pem --json "$@" >serve.json 2>serve.log &
    serve_pid=$!
    for _ in $(seq 400); do
        [ -s serve.json ] && return
        kill -0 $serve_pid 2>/dev/null || die "did not come up: $(cat serve.log)"
        sleep 0.05
    done
    die "not up after 20 s: $(cat serve.log)"
}
end() {
    kill -s INT $serve_pid
    wait $serve_pid || die "did not end in order: $(cat serve.log)"
    serve_pid=
}
# Comes up with this key, with a certificate that OpenSSL verifies and whose key is as wanted; and again, unchanged.
works() {
    local folder=$1 wanted=$2 url
    shift 2
    serve "$folder" "$@"
    url=$(sed 's/.*"service":"\([^"]*\)".*/\1/' serve.json)
    curl -sSf "$url/v1/ca" >"$folder.pem"
    openssl verify -check_ss_sig -x509_strict -CAfile "$folder.pem" "$folder.pem"
    openssl x509 -in "$folder.pem" -noout -text | finds -E "$wanted" || die "$folder: no $wanted in the certificate"
    end
    if ls "$folder"/ca*.key 2>/dev/null; then die "$folder: the CA key is on the disk"; fi
    serve "$folder" "$@"
    curl -sSf "$(sed 's/.*"service":"\([^"]*\)".*/\1/' serve.json)/v1/ca" >again.pem
    same "$folder.pem" again.pem
    end
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout maker.key -out maker.pem -subj /CN=maker -days 30 2>/dev/null

# A token with keys of three kinds.
module=/usr/lib/softhsm/libsofthsm2.so
export SOFTHSM2_CONF=$work/softhsm2.conf
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$work" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label "line 1" --so-pin 87654321 --pin 12345678 >/dev/null
for kind in EC:prime256v1 EC:secp384r1 rsa:2048; do
    pkcs11-tool --module $module --token-label "line 1" --login --pin 12345678 --keypairgen --key-type $kind \
        --label "ca ${kind#*:}" --id "$(printf %s "$kind" | xxd -p | tail -c 5)" >/dev/null 2>&1
done
printf 12345678 >pin && chmod 600 pin
uri="pkcs11:token=line%201;object=ca%20"
works p256 'ecdsa-with-SHA256' --ca-key "${uri}prime256v1?module-path=$module&pin-source=file:$work/pin"
works p384 'ecdsa-with-SHA384' --ca-key "${uri}secp384r1?module-path=$module" --ca-pin file=pin
works rsa 'sha256WithRSAEncryption' --ca-key "${uri}2048;type=private" --pkcs11-module $module --ca-pin file=pin

# Another key is not this CA's; wrong PINs, tokens and keys say so; a PIN on the command line is refused.
common=(provision serve --state p256 --listen 127.0.0.1:0 --trusted-root maker.pem)
says 'for another key than was given' "$PEER_TPM" "${common[@]}" --ca-key "${uri}2048?module-path=$module" --ca-pin file=pin
printf 00000000 >wrong && chmod 600 wrong
says 'the PIN is wrong' "$PEER_TPM" "${common[@]}" --ca-key "${uri}prime256v1?module-path=$module" --ca-pin file=wrong
says 'without a PIN' "$PEER_TPM" "${common[@]}" --ca-key "${uri}prime256v1?module-path=$module"
says 'no such private key' "$PEER_TPM" "${common[@]}" --ca-key "${uri}other?module-path=$module" --ca-pin file=pin
says 'the module has "line 1"' "$PEER_TPM" "${common[@]}" --ca-key "pkcs11:token=x;object=y?module-path=$module" --ca-pin file=pin
says 'pin-value shows the PIN' "$PEER_TPM" "${common[@]}" --ca-key "${uri}prime256v1?pin-value=12345678"
says 'cannot be used' "$PEER_TPM" "${common[@]}" --ca-key "${uri}prime256v1?module-path=/nowhere.so" --ca-pin file=pin

# In the TPM: by name, by handle, in a TSS2 file.
export IRONROOT_KEY_LIST=$work/keys.json
"$PEER_TPM" key create ca >/dev/null
works named 'ecdsa-with-SHA256' --ca-key ca
"$PEER_TPM" key export-handle ca 0x81000042 >/dev/null
works named 'ecdsa-with-SHA256' --ca-key handle:0x81000042
"$PEER_TPM" key create --stored ca-tpm.pem --rsa 2048 >/dev/null
works stored 'sha256WithRSAEncryption' --ca-key file:ca-tpm.pem

# In a file under a passphrase, made by the program, or by OpenSSL.
echo 'correct horse battery staple' >words && chmod 600 words
works file 'ecdsa-with-SHA256' --ca-key file:bench.pem --ca-pin file=words
openssl pkey -in bench.pem -passin file:words -noout -text | finds P-256
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -aes256 -pass file:words -out openssl-key.pem 2>/dev/null && chmod 600 openssl-key.pem
works theirs 'ecdsa-with-SHA384' --ca-key file:openssl-key.pem --ca-pin file=words
says 'passphrase is wrong' "$PEER_TPM" "${common[@]/p256/file}" --ca-key file:bench.pem --ca-pin file=wrong
says 'give its passphrase' "$PEER_TPM" "${common[@]/p256/file}" --ca-key file:bench.pem

# In plain text: only for a demonstration, and the log says so.
serve plain
end
finds 'plain text' <serve.log || die "no warning: $(cat serve.log)"
ok
