#!/usr/bin/env bash
# RSA signatures: RSASSA and RSAPSS, verified outside with OpenSSL and inside; a changed message is refused.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
tpm2_create --parent-context=parent.ctx --key-algorithm=rsa2048 --public=key.pub --private=key.priv \
    --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda' --key-auth=secret >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
flush
tpm2_readpublic --object-context=key.ctx --format=pem --output=key.pem >/dev/null
flush
printf 'a message' >message
printf 'another message' >other

for hash in sha256 sha384 sha512; do
    tpm2_sign --key-context=key.ctx --auth=secret --hash-algorithm=$hash --scheme=rsassa \
        --format=plain --signature=ssa.sig message
    flush
    openssl dgst -$hash -verify key.pem -signature ssa.sig message
    refused openssl dgst -$hash -verify key.pem -signature ssa.sig other

    tpm2_sign --key-context=key.ctx --auth=secret --hash-algorithm=$hash --scheme=rsapss \
        --format=plain --signature=pss.sig message
    flush
    openssl dgst -$hash -verify key.pem -signature pss.sig -sigopt rsa_padding_mode:pss \
        -sigopt rsa_pss_saltlen:auto message
    refused openssl dgst -$hash -verify key.pem -signature pss.sig -sigopt rsa_padding_mode:pss \
        -sigopt rsa_pss_saltlen:auto other
done

# The TPM verifies its own and OpenSSL's signatures.
tpm2_sign --key-context=key.ctx --auth=secret --hash-algorithm=sha256 --scheme=rsapss --signature=tpm.sig message
flush
tpm2_verifysignature --key-context=key.ctx --hash-algorithm=sha256 --message=message --signature=tpm.sig --ticket=ticket
flush
[ -s ticket ] || die "no ticket"
fails_with 0x2db tpm2_verifysignature --key-context=key.ctx --hash-algorithm=sha256 --message=other --signature=tpm.sig
flush
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out outside.key 2>/dev/null
openssl pkey -in outside.key -pubout -out outside.pem
openssl dgst -sha256 -sign outside.key -out outside.sig message
tpm2_loadexternal --hierarchy=o --key-algorithm=rsa --public=outside.pem --key-context=outside.ctx >/dev/null
flush
tpm2_verifysignature --key-context=outside.ctx --hash-algorithm=sha256 --message=message --signature=outside.sig \
    --scheme=rsassa --format=rsassa
flush

# A wrong auth value on a key without dictionary-attack protection: TPM_RC_BAD_AUTH, session 1.
fails_with 0x9a2 tpm2_sign --key-context=key.ctx --auth=wrong --hash-algorithm=sha256 --signature=bad.sig message

ok
