#!/usr/bin/env bash
# Symmetric keys: what the TPM encrypts OpenSSL decrypts, in several modes and in long messages.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
head -c 3000 /dev/urandom >plain
head -c 16 /dev/urandom >iv
iv=$(xxd -p iv)
for bits in 128 256; do
    head -c $((bits / 8)) /dev/urandom >raw
    tpm2_import --parent-context=parent.ctx --key-algorithm=aes --input=raw --public=key.pub --private=key.priv >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
    flush
    for mode in cfb ctr cbc ofb; do
        padding=
        [ $mode != cbc ] || padding=-nopad
        head -c 2992 plain >input
        tpm2_encryptdecrypt --key-context=key.ctx --mode=$mode --iv=iv --output=sealed input
        flush
        openssl enc -d -aes-$bits-$mode -K "$(xxd -p -c 64 raw)" -iv "$iv" $padding -in sealed -out opened
        same input opened
        tpm2_encryptdecrypt --key-context=key.ctx --mode=$mode --iv=iv --decrypt --output=opened sealed
        flush
        same input opened
    done
done

# A key that the TPM made, one way and back.
tpm2_create --parent-context=parent.ctx --key-algorithm=aes128cfb --public=made.pub --private=made.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=made.pub --private=made.priv --key-context=made.ctx >/dev/null
flush
tpm2_encryptdecrypt --key-context=made.ctx --iv=iv --output=sealed plain
flush
if cmp -s plain sealed; then die "not encrypted"; fi
tpm2_encryptdecrypt --key-context=made.ctx --iv=iv --decrypt --output=opened sealed
same plain opened

ok
