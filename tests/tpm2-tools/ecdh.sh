#!/usr/bin/env bash
# ECDH: both sides agree, and OpenSSL computes the same; a point off the curve is refused.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
for curve in ecc256 ecc384; do
    tpm2_create --parent-context=parent.ctx --key-algorithm=$curve:ecdh --public=key.pub --private=key.priv \
        --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt|noda' >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
    flush
    tpm2_ecdhkeygen --context=key.ctx --public=ephemeral.pub --output=z.generated
    flush
    tpm2_ecdhzgen --key-context=key.ctx --public=ephemeral.pub --output=z.computed
    flush
    same z.generated z.computed
done

# The other side in software: a TPM2B_ECC_POINT is size, size of x, x, size of y, y.
tpm2_readpublic --object-context=key.ctx --format=pem --output=key.pem >/dev/null
flush
openssl ecparam -name secp384r1 -genkey -noout -out peer.key
openssl pkey -in peer.key -pubout -outform DER | tail -c 96 >xy
{ printf '\x00\x64\x00\x30'; head -c 48 xy; printf '\x00\x30'; tail -c 48 xy; } >peer.pub
tpm2_ecdhzgen --key-context=key.ctx --public=peer.pub --output=z.tpm
flush
openssl pkeyutl -derive -inkey peer.key -peerkey key.pem -out z.openssl
# z.tpm is a TPM2B_ECC_POINT, whose x is the shared secret.
tail -c +5 z.tpm | head -c 48 >z.x
same z.x z.openssl

corrupt peer.pub 60
fails_with 0x1e7 tpm2_ecdhzgen --key-context=key.ctx --public=peer.pub --output=z.bad

ok
