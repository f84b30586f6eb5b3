#!/usr/bin/env bash
# NV: define, write, read, parts, auth values, policies' refusals, undefine; it is there after a restart.
. "$(dirname "$0")/../lib.sh"

index=0x1500001
head -c 700 /dev/urandom >data
tpm2_nvdefine $index --hierarchy=o --size=700 --attributes='ownerwrite|ownerread|authread|authwrite' --index-auth=pin >/dev/null
# Not written yet: TPM_RC_NV_UNINITIALIZED.
fails_with 0x14a tpm2_nvread $index --hierarchy=o --size=4
tpm2_nvwrite $index --hierarchy=o --input=data
tpm2_nvread $index --hierarchy=o --output=read
same data read

# A part, by the index's own auth value.
printf 'HELLO' | tpm2_nvwrite $index --auth=pin --offset=100 --input=-
equal "a part" HELLO "$(tpm2_nvread $index --auth=pin --offset=100 --size=5)"
fails_with 0x98e tpm2_nvread $index --auth=wrong --size=4
refused tpm2_nvwrite $index --hierarchy=o --offset=698 --input=data

tpm2_nvreadpublic $index >public
grep -q 'size: 700' public || die "the size is not in: $(cat public)"
grep -q 'ownerwrite.*written' public || die "TPMA_NV_WRITTEN is not in: $(cat public)"
fails_with 0x14c tpm2_nvdefine $index --hierarchy=o --size=8

tpm2_nvread $index --hierarchy=o --output=before
power_cycle
tpm2_nvread $index --hierarchy=o --output=after
same before after
power_cycle hard
tpm2_nvread $index --hierarchy=o --output=after
same before after

tpm2_getcap handles-nv-index | finds -i "$index" || die "not listed"
tpm2_nvundefine $index --hierarchy=o
fails_with 0x18b tpm2_nvread $index --hierarchy=o --size=4

ok
