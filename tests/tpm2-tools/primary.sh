#!/usr/bin/env bash
# Primary keys: reproducible from the seed, different templates, different hierarchies, and gone with TPM2_Clear.
. "$(dirname "$0")/../lib.sh"

for algorithm in rsa2048 ecc256 ecc384; do
    tpm2_createprimary --hierarchy=o --key-algorithm=$algorithm --key-context=first.ctx >/dev/null
    tpm2_readpublic --object-context=first.ctx --format=pem --output=first.pem --name=first.name >/dev/null
    flush
    tpm2_createprimary --hierarchy=o --key-algorithm=$algorithm --key-context=second.ctx >/dev/null
    tpm2_readpublic --object-context=second.ctx --format=pem --output=second.pem --name=second.name >/dev/null
    flush
    same first.pem second.pem
    same first.name second.name
    openssl pkey -pubin -in first.pem -noout
    for other in e p n; do
        tpm2_createprimary --hierarchy=$other --key-algorithm=$algorithm --key-context=other.ctx >/dev/null
        tpm2_readpublic --object-context=other.ctx --format=pem --output=other.pem >/dev/null
        flush
        if cmp -s first.pem other.pem; then die "the $algorithm key is the same in hierarchies o and $other"; fi
    done
done

# `unique` makes another key of the same template.
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=p.ctx --format=pem --output=plain.pem >/dev/null
flush
printf 'one' | tpm2_createprimary --hierarchy=o --key-algorithm=rsa2048 --unique-data=- --key-context=u.ctx --format=pem --output=unique.pem >/dev/null
flush
tpm2_createprimary --hierarchy=o --key-algorithm=rsa2048 --key-context=r.ctx --format=pem --output=rsa.pem >/dev/null
flush
if cmp -s unique.pem rsa.pem; then die "unique data made no difference"; fi

# After TPM2_Clear the owner's keys are others.
tpm2_clear
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=c.ctx --format=pem --output=cleared.pem >/dev/null
if cmp -s plain.pem cleared.pem; then die "TPM2_Clear left the owner seed as it was"; fi

ok
