#!/usr/bin/env bash
# Requests and certificates with keys in the TPM, verified by OpenSSL alone.
. "$(dirname "$0")/../lib.sh"

make() {
    case $1 in
    rsa) tpm genpkey -algorithm RSA -pkeyopt bits:2048 -out "$2" ;;
    ec) tpm genpkey -algorithm EC -pkeyopt group:P-256 -out "$2" ;;
    esac
}
for kind in rsa ec; do
    make $kind ca.key
    tpm req -new -x509 -key ca.key -subj "/CN=Test CA $kind" -days 2 -out ca.pem
    openssl verify -CAfile ca.pem ca.pem
    make $kind leaf.key
    tpm req -new -key leaf.key -subj "/CN=localhost" -out leaf.csr
    openssl req -in leaf.csr -verify -noout
    # The CA's key, in the TPM too, signs the request.
    tpm x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out leaf.pem
    openssl verify -CAfile ca.pem leaf.pem
    tpm pkey -in leaf.key -pubout -out leaf.pub
    openssl x509 -in leaf.pem -pubkey -noout >certified.pub
    same leaf.pub certified.pub
    # A request that was changed after it was signed.
    openssl req -in leaf.csr -outform DER -out leaf.der
    corrupt leaf.der 30
    # (This tool ends with 0 either way.)
    if openssl req -in leaf.der -inform DER -verify -noout 2>&1 | finds 'verify OK'; then die "a changed request verifies"; fi
done

ok
