#!/usr/bin/env bash
# HMAC with TPM keys: imported key bytes give OpenSSL's result; long input goes by a sequence.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
printf '%s' 0123456789abcdef0123456789abcdef >key
tpm2_import --parent-context=parent.ctx --key-algorithm=hmac --input=key --public=key.pub --private=key.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
flush
printf 'a message' >short
head -c 5000 /dev/urandom >long
for file in short long; do
    tpm2_hmac --key-context=key.ctx --hash-algorithm=sha256 --output=tpm.mac $file
    flush
    openssl dgst -sha256 -mac HMAC -macopt key:"$(cat key)" -binary -out openssl.mac $file
    same tpm.mac openssl.mac
done

# A key that the TPM made.
tpm2_create --parent-context=parent.ctx --key-algorithm=hmac --public=made.pub --private=made.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=made.pub --private=made.priv --key-context=made.ctx >/dev/null
flush
tpm2_hmac --key-context=made.ctx --output=one short
flush
tpm2_hmac --key-context=made.ctx --output=two short
flush
same one two
if cmp -s one tpm.mac; then die "two keys, one result"; fi

ok
