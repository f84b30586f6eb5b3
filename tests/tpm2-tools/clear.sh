#!/usr/bin/env bash
# TPM2_Clear: by lockout, by platform, disabled by ClearControl; what it removes and what stays.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=o.ctx >/dev/null
tpm2_evictcontrol --hierarchy=o --object-context=o.ctx 0x81000020 >/dev/null
flush
tpm2_nvdefine 0x1500009 --hierarchy=o --size=4 --attributes='ownerwrite|ownerread' >/dev/null
tpm2_nvdefine 0x1400009 --hierarchy=p --size=4 --attributes='ppwrite|ppread|platformcreate|authread|authwrite' >/dev/null
tpm2_createek --ek-context=ek.ctx --key-algorithm=ecc --public=ek.before --format=pem >/dev/null
flush
tpm2_changeauth --object-context=owner ownerpass
tpm2_changeauth --object-context=lockout lockpass

# Wrong lockout password: TPM_RC_AUTH_FAIL, and then lockout authorization waits (TPM_RC_LOCKOUT) until a restart.
fails_with 0x98e tpm2_clear wrong
fails_with 0x921 tpm2_clear lockpass
tpm2_clear --auth-hierarchy=platform

equal "persistent objects" "" "$(tpm2_getcap handles-persistent)"
equal "NV indices" "- 0x1400009" "$(tpm2_getcap handles-nv-index)"
# Auth values are empty again, and the endorsement key is the same: it belongs to the TPM, not to the owner.
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=o.ctx >/dev/null
flush
tpm2_createek --ek-context=ek.ctx --key-algorithm=ecc --public=ek.after --format=pem >/dev/null
flush
same ek.before ek.after

tpm2_clearcontrol --hierarchy=p s
# TPM_RC_DISABLED.
fails_with 0x120 tpm2_clear
tpm2_clearcontrol --hierarchy=p c
tpm2_clear

ok
