#!/usr/bin/env bash
# NV locks: written once, read until the next start, and none of it undone by asking.
. "$(dirname "$0")/../lib.sh"

printf 'data' >data
tpm2_nvdefine 0x1500005 --hierarchy=o --size=4 --attributes='ownerwrite|ownerread|writedefine' >/dev/null
tpm2_nvwrite 0x1500005 --hierarchy=o --input=data
tpm2_nvwritelock 0x1500005 --hierarchy=o
# TPM_RC_NV_LOCKED.
fails_with 0x148 tpm2_nvwrite 0x1500005 --hierarchy=o --input=data

tpm2_nvdefine 0x1500006 --hierarchy=o --size=4 --attributes='ownerwrite|ownerread|read_stclear|write_stclear' >/dev/null
tpm2_nvwrite 0x1500006 --hierarchy=o --input=data
tpm2_nvreadlock 0x1500006 --hierarchy=o
fails_with 0x148 tpm2_nvread 0x1500006 --hierarchy=o
tpm2_nvwritelock 0x1500006 --hierarchy=o
fails_with 0x148 tpm2_nvwrite 0x1500006 --hierarchy=o --input=data

# After a restart: WRITEDEFINE stays locked, STCLEAR locks are gone.
power_cycle
fails_with 0x148 tpm2_nvwrite 0x1500005 --hierarchy=o --input=data
equal "read again" data "$(tpm2_nvread 0x1500006 --hierarchy=o)"
tpm2_nvwrite 0x1500006 --hierarchy=o --input=data

ok
