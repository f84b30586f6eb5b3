#!/usr/bin/env bash
# Random numbers: right length, never twice the same, more entropy accepted.
. "$(dirname "$0")/../lib.sh"

tpm2_getrandom 32 --output=a
tpm2_getrandom 32 --output=b
equal "length" 32 "$(stat -c %s a)"
if cmp -s a b; then die "twice the same random bytes"; fi
equal "hexadecimal" 16 "$(tpm2_getrandom --hex 8 | tr -d '\n' | wc -c)"

head -c 64 /dev/urandom | tpm2_stirrandom
tpm2_getrandom 16 --output=c
equal "length after stirring" 16 "$(stat -c %s c)"

ok
