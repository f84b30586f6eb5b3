#!/usr/bin/env bash
# Persistent keys by handle: OpenSSL signs, decrypts and certifies with handle:0x81…
. "$(dirname "$0")/../lib.sh"

printf 'a message' >message
printf 'a secret' >secret
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
number=0
for algorithm in rsa2048 ecc256; do
    number=$((number + 1))
    handle=0x8100003$number
    tpm2_create --parent-context=parent.ctx --key-algorithm=$algorithm --public=key.pub --private=key.priv \
        --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|decrypt|noda' >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
    tpm2_evictcontrol --hierarchy=o --object-context=key.ctx $handle >/dev/null
    flush
    tpm pkey -in handle:$handle -pubout -out key.pem
    tpm2_readpublic --object-context=$handle --format=pem --output=tools.pem >/dev/null
    openssl pkey -pubin -in tools.pem -pubout -out tools.normal
    same key.pem tools.normal
    tpm dgst -sha256 -sign handle:$handle -out sig message
    openssl dgst -sha256 -verify key.pem -signature sig message
    tpm req -new -x509 -key handle:$handle -subj '/CN=by handle' -days 2 -out cert.pem
    openssl verify -CAfile cert.pem cert.pem
done
tpm pkey -in handle:0x81000031 -pubout -out rsa.pem
openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in secret -out sealed
tpm pkeyutl -decrypt -inkey handle:0x81000031 -in sealed -out opened
same secret opened
# No such handle.
refused tpm dgst -sha256 -sign handle:0x81000099 -out sig message

ok
