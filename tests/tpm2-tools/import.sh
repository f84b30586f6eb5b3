#!/usr/bin/env bash
# Keys from outside: imported under a parent or loaded in the clear; they sign and decrypt as their originals do.
. "$(dirname "$0")/../lib.sh"

printf 'a message' >message
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out ecc.key
openssl ecparam -name secp384r1 -genkey -noout -out ecc384.key
for key in rsa ecc ecc384; do
    openssl pkey -in $key.key -pubout -out $key.pem
    tpm2_import --parent-context=parent.ctx --key-algorithm=${key%384} --input=$key.key --public=i.pub --private=i.priv \
        --key-auth=pin >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=i.pub --private=i.priv --key-context=i.ctx >/dev/null
    flush
    tpm2_sign --key-context=i.ctx --auth=pin --hash-algorithm=sha256 --format=plain --signature=sig message
    flush
    openssl dgst -sha256 -verify $key.pem -signature sig message
done

# Loaded in the clear, private part included, into the null hierarchy.
for key in rsa ecc; do
    tpm2_loadexternal --hierarchy=n --key-algorithm=$key --private=$key.key --key-context=x.ctx >/dev/null
    flush
    tpm2_sign --key-context=x.ctx --hash-algorithm=sha256 --format=plain --signature=sig message
    flush
    openssl dgst -sha256 -verify $key.pem -signature sig message
done

# A private part that does not belong to its public part: TPM_RC_BINDING.
openssl ecparam -name prime256v1 -genkey -noout -out other.key
openssl pkey -in other.key -pubout -out other.pem
tpm2_loadexternal --hierarchy=o --key-algorithm=ecc --public=other.pem --key-context=other.ctx --name=other.name >/dev/null
flush
refused tpm2_import --parent-context=parent.ctx --key-algorithm=ecc --input=message --public=i.pub --private=i.priv

ok
