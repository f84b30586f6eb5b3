#!/usr/bin/env bash
# OpenSSL with the tpm2 provider: keys made in the TPM as TSS2 PRIVATE KEY files, with and without a PIN; sign, decrypt, derive.
. "$(dirname "$0")/../lib.sh"

printf 'a message' >message
printf 'a secret' >secret

# RSA.
tpm genpkey -algorithm RSA -pkeyopt bits:2048 -out rsa.key
head -n 1 rsa.key | finds 'BEGIN TSS2 PRIVATE KEY' || die "not a TSS2 key file: $(head -n 1 rsa.key)"
tpm pkey -in rsa.key -pubout -out rsa.pem
for mode in pkcs1 pss; do
    tpm dgst -sha256 -sign rsa.key -sigopt rsa_padding_mode:$mode -out sig message
    openssl dgst -sha256 -verify rsa.pem -sigopt rsa_padding_mode:$mode -signature sig message
    corrupt sig 100
    refused openssl dgst -sha256 -verify rsa.pem -sigopt rsa_padding_mode:$mode -signature sig message
done
# (Debian's provider has no OAEP on this path; tpm2-tools/rsa-encrypt covers it.)
openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in secret -out sealed
tpm pkeyutl -decrypt -inkey rsa.key -in sealed -out opened
same secret opened
openssl dgst -sha256 -binary -out digest message
tpm pkeyutl -sign -inkey rsa.key -pkeyopt digest:sha256 -in digest -out sig
openssl pkeyutl -verify -pubin -inkey rsa.pem -pkeyopt digest:sha256 -in digest -sigfile sig

# EC.
for curve in P-256 P-384; do
    tpm genpkey -algorithm EC -pkeyopt group:$curve -out ec.key
    head -n 1 ec.key | finds 'BEGIN TSS2 PRIVATE KEY' || die "not a TSS2 key file: $(head -n 1 ec.key)"
    tpm pkey -in ec.key -pubout -out ec.pem
    tpm dgst -sha256 -sign ec.key -out sig message
    openssl dgst -sha256 -verify ec.pem -signature sig message
    corrupt message 0
    refused openssl dgst -sha256 -verify ec.pem -signature sig message
    corrupt message 0
done

# The private key does not stand in the file: OpenSSL alone makes nothing of it.
refused openssl pkey -in rsa.key -noout
refused openssl pkey -in ec.key -noout

# A key with a PIN.
tpm genpkey -algorithm EC -pkeyopt group:P-256 -pkeyopt user-auth:1234 -out pin.key
tpm pkey -in pin.key -passin pass:1234 -pubout -out pin.pem
tpm dgst -sha256 -sign pin.key -passin pass:1234 -out sig message
openssl dgst -sha256 -verify pin.pem -signature sig message
refused tpm dgst -sha256 -sign pin.key -passin pass:4321 -out sig message

# Randomness and digests from the TPM.
openssl rand -provider tpm2 -hex 16 | finds -E '^[0-9a-f]{32}$' || die "no random bytes"
# After a restart the key files still work.
power_cycle
tpm dgst -sha256 -sign rsa.key -out sig message
openssl dgst -sha256 -verify rsa.pem -signature sig message

ok
