#!/usr/bin/env bash
# Hashes in one command and by a sequence, as OpenSSL computes them, with tickets only where they may be.
. "$(dirname "$0")/../lib.sh"

printf 'a message' >short
head -c 4000 /dev/urandom >long
for hash in sha256 sha384 sha512; do
    for file in short long; do
        tpm2_hash --hierarchy=o --hash-algorithm=$hash --hex --output=tpm --ticket=ticket $file
        equal "$hash of $file" "$(openssl dgst -$hash -r $file | cut -d ' ' -f 1)" "$(cat tpm)"
    done
done

# A message that starts with TPM_GENERATED_VALUE gets a null ticket: a restricted key must not sign it.
{ printf '\xffTCG'; cat short; } >forged
tpm2_hash --hierarchy=o --hash-algorithm=sha256 --output=digest --ticket=good short
tpm2_hash --hierarchy=o --hash-algorithm=sha256 --output=forged.digest --ticket=null forged
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
tpm2_create --parent-context=parent.ctx --key-algorithm=ecc256:ecdsa-sha256:null --public=key.pub --private=key.priv \
    --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|restricted|noda' >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
flush
tpm2_sign --key-context=key.ctx --hash-algorithm=sha256 --digest --ticket=good --signature=sig digest
flush
fails_with 0x3e0 tpm2_sign --key-context=key.ctx --hash-algorithm=sha256 --digest --ticket=null --signature=bad forged.digest

ok
