#!/usr/bin/env bash
# Persistent objects: made, listed, used after a restart, removed.
. "$(dirname "$0")/../lib.sh"

handle=0x81000010
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=primary.ctx >/dev/null
tpm2_evictcontrol --hierarchy=o --object-context=primary.ctx $handle >/dev/null
flush
tpm2_getcap handles-persistent | finds $handle || die "not listed"
tpm2_readpublic --object-context=$handle --name=before.name >/dev/null
tpm2_create --parent-context=$handle --key-algorithm=ecc256 --public=key.pub --private=key.priv --key-auth=pin >/dev/null
tpm2_load --parent-context=$handle --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
tpm2_evictcontrol --hierarchy=o --object-context=key.ctx 0x81000011 >/dev/null
flush
tpm2_readpublic --object-context=0x81000011 --format=pem --output=key.pem >/dev/null
# The handle is taken: TPM_RC_NV_DEFINED.
tpm2_createprimary --hierarchy=o --key-algorithm=ecc384 --key-context=other.ctx >/dev/null
fails_with 0x14c tpm2_evictcontrol --hierarchy=o --object-context=other.ctx $handle
flush

printf 'a message' >message
for how in '' hard; do
    power_cycle $how
    tpm2_readpublic --object-context=$handle --name=after.name >/dev/null
    same before.name after.name
    tpm2_sign --key-context=0x81000011 --auth=pin --hash-algorithm=sha256 --format=plain --signature=sig message
    openssl dgst -sha256 -verify key.pem -signature sig message
done

tpm2_evictcontrol --hierarchy=o --object-context=0x81000011 >/dev/null
fails_with 0x18b tpm2_readpublic --object-context=0x81000011
equal "what is left" "- $handle" "$(tpm2_getcap handles-persistent | tr 'A-F' 'a-f')"

ok
