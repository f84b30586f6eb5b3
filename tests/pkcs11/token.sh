#!/usr/bin/env bash
# tpm2-pkcs11 with pkcs11-tool: a token, keys of both kinds, signatures that OpenSSL verifies, decryption.
. "$(dirname "$0")/../lib.sh"

export TPM2_PKCS11_TCTI=$TPM2TOOLS_TCTI TPM2_PKCS11_STORE=$work/store TPM2_PKCS11_LOG_LEVEL=0
mkdir "$TPM2_PKCS11_STORE"
module=$(find /usr/lib -name 'libtpm2_pkcs11.so.1' | head -n 1)
p11() {
    pkcs11-tool --module "$module" --token-label token "$@"
}

pkcs11-tool --module "$module" --slot-index 0 --init-token --label token --so-pin sopin
p11 --login --login-type so --so-pin sopin --init-pin --pin userpin
p11 --list-token-slots | finds token
echo "a message" >message

for kind in rsa:2048 EC:prime256v1; do
    id=$([ $kind = rsa:2048 ] && echo 01 || echo 02)
    p11 --login --pin userpin --keypairgen --key-type $kind --label "$id" --id $id
    p11 --read-object --type pubkey --id $id --output-file key.der
    openssl pkey -pubin -inform DER -in key.der -out key.pub
    case $kind in
    rsa*)
        p11 --login --pin userpin --sign --mechanism SHA256-RSA-PKCS --id $id --input-file message --output-file signature
        openssl dgst -sha256 -verify key.pub -signature signature message
        openssl dgst -sha256 -binary message >digest
        p11 --login --pin userpin --sign --mechanism RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 --id $id \
            --input-file digest --output-file signature
        openssl dgst -sha256 -verify key.pub -sigopt rsa_padding_mode:pss -signature signature message
        openssl pkeyutl -encrypt -pubin -inkey key.pub -in message -out cipher
        p11 --login --pin userpin --decrypt --mechanism RSA-PKCS --id $id --input-file cipher --output-file opened
        same message opened
        ;;
    EC*)
        p11 --login --pin userpin --sign --mechanism ECDSA-SHA256 --signature-format openssl --id $id \
            --input-file message --output-file signature
        openssl dgst -sha256 -verify key.pub -signature signature message
        ;;
    esac
    corrupt signature 20
    refused openssl dgst -sha256 -verify key.pub -signature signature message
done

# The wrong PIN opens nothing; the right one still does, in a new process and after a power cycle.
refused p11 --login --pin wrong --sign --mechanism ECDSA-SHA256 --id 02 --input-file message --output-file signature
power_cycle
p11 --login --pin userpin --sign --mechanism ECDSA-SHA256 --signature-format openssl --id 02 --input-file message \
    --output-file signature
openssl dgst -sha256 -verify key.pub -signature signature message
p11 --generate-random 32 --output-file random
[ "$(wc -c <random)" = 32 ] || die "32 bytes were asked for"
p11 --login --pin userpin --delete-object --type privkey --id 02
refused p11 --login --pin userpin --sign --mechanism ECDSA-SHA256 --id 02 --input-file message --output-file signature
ok
