#!/usr/bin/env bash
# Certify, certify creation, NV certify, time: the attestations say what is true and verify outside.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
tpm2_create --parent-context=parent.ctx --key-algorithm=ecc256:ecdsa-sha256:null --public=ak.pub --private=ak.priv \
    --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|restricted' >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=ak.pub --private=ak.priv --key-context=ak.ctx >/dev/null
flush
tpm2_readpublic --object-context=ak.ctx --format=pem --output=ak.pem >/dev/null
flush
tpm2_create --parent-context=parent.ctx --key-algorithm=rsa2048 --public=key.pub --private=key.priv \
    --creation-data=creation.data --creation-hash=creation.hash --creation-ticket=creation.ticket >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx --name=key.name >/dev/null
flush

tpm2_certify --certifiedkey-context=key.ctx --signingkey-context=ak.ctx --hash-algorithm=sha256 \
    --attestation=attest --signature=sig --format=plain
flush
openssl dgst -sha256 -verify ak.pem -signature sig attest
xxd -p attest | tr -d '\n' | finds "$(xxd -p key.name | tr -d '\n')" || die "the key's name is not in the attestation"
corrupt attest 30
refused openssl dgst -sha256 -verify ak.pem -signature sig attest

tpm2_certifycreation --certifiedkey-context=key.ctx --signingkey-context=ak.ctx --creation-hash=creation.hash \
    --ticket=creation.ticket --attestation=attest --signature=sig --format=plain --hash-algorithm=sha256 --scheme=ecdsa
flush
openssl dgst -sha256 -verify ak.pem -signature sig attest
corrupt creation.hash 3
# TPM_RC_TICKET, parameter 4.
fails_with 0x4e0 tpm2_certifycreation --certifiedkey-context=key.ctx --signingkey-context=ak.ctx --creation-hash=creation.hash \
    --ticket=creation.ticket --attestation=attest --signature=sig --format=plain --hash-algorithm=sha256 --scheme=ecdsa
flush

tpm2_nvdefine 0x1500008 --hierarchy=o --size=8 --attributes='ownerwrite|ownerread|authread' >/dev/null
printf 'nv bytes' | tpm2_nvwrite 0x1500008 --hierarchy=o --input=-
tpm2_nvcertify --signingkey-context=ak.ctx --hash-algorithm=sha256 --format=plain --attestation=attest --signature=sig \
    --nvauthobj-context=o --size=8 --scheme=ecdsa 0x1500008
flush
openssl dgst -sha256 -verify ak.pem -signature sig attest
grep -q 'nv bytes' attest || die "the NV bytes are not in the attestation"

tpm2_gettime --key-context=ak.ctx --hash-algorithm=sha256 --qualification=abcd --attestation=attest --signature=sig --format=plain >/dev/null
flush
openssl dgst -sha256 -verify ak.pem -signature sig attest
xxd -p attest | tr -d '\n' | finds '^ff5443478019' || die "not a time attestation"

ok
