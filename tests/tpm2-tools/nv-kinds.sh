#!/usr/bin/env bash
# NV counters, bit fields and extended indices.
. "$(dirname "$0")/../lib.sh"

tpm2_nvdefine 0x1500002 --hierarchy=o --attributes='nt=counter|ownerwrite|ownerread' >/dev/null
fails_with 0x14a tpm2_nvread 0x1500002 --hierarchy=o
tpm2_nvincrement 0x1500002 --hierarchy=o
first=$((16#$(tpm2_nvread 0x1500002 --hierarchy=o | xxd -p)))
for _ in 1 2 3; do tpm2_nvincrement 0x1500002 --hierarchy=o; done
equal "three increments" $((first + 3)) $((16#$(tpm2_nvread 0x1500002 --hierarchy=o | xxd -p)))
# No write to a counter: TPM_RC_ATTRIBUTES.
printf '12345678' >eight
refused tpm2_nvwrite 0x1500002 --hierarchy=o --input=eight
# A counter that is deleted and made again starts above every count that there was.
tpm2_nvundefine 0x1500002 --hierarchy=o
tpm2_nvdefine 0x1500002 --hierarchy=o --attributes='nt=counter|ownerwrite|ownerread' >/dev/null
tpm2_nvincrement 0x1500002 --hierarchy=o
again=$((16#$(tpm2_nvread 0x1500002 --hierarchy=o | xxd -p)))
[ "$again" -gt $((first + 3)) ] || die "the counter went back to $again from $((first + 3))"

tpm2_nvdefine 0x1500003 --hierarchy=o --attributes='nt=bits|ownerwrite|ownerread' >/dev/null
tpm2_nvsetbits 0x1500003 --hierarchy=o --bits=0x5
tpm2_nvsetbits 0x1500003 --hierarchy=o --bits=0x8000000000000002
equal "bits" 8000000000000007 "$(tpm2_nvread 0x1500003 --hierarchy=o | xxd -p)"

tpm2_nvdefine 0x1500004 --hierarchy=o --attributes='nt=extend|ownerwrite|ownerread' >/dev/null
printf 'first' | tpm2_nvextend 0x1500004 --hierarchy=o --input=-
printf 'second' | tpm2_nvextend 0x1500004 --hierarchy=o --input=-
{ head -c 32 /dev/zero; printf 'first'; } | openssl dgst -sha256 -binary >one
{ cat one; printf 'second'; } | openssl dgst -sha256 -binary >expected
tpm2_nvread 0x1500004 --hierarchy=o --output=extended
same expected extended

ok
