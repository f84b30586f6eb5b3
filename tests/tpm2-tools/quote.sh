#!/usr/bin/env bash
# Quotes: verified by tpm2_checkquote and by OpenSSL; changed quotes, PCRs, nonces and signatures are refused.
. "$(dirname "$0")/../lib.sh"

for algorithm in rsa ecc; do
    tpm2_createek --ek-context=ek.ctx --key-algorithm=rsa >/dev/null
    flush
    signing=rsassa
    [ $algorithm = rsa ] || signing=ecdsa
    tpm2_createak --ek-context=ek.ctx --ak-context=ak.ctx --key-algorithm=$algorithm --hash-algorithm=sha256 \
        --signing-algorithm=$signing --public=ak.pem --format=pem >/dev/null
    flush
    printf 'boot' | tpm2_pcrevent 10 >/dev/null
    nonce=$(openssl rand -hex 16)
    tpm2_quote --key-context=ak.ctx --pcr-list=sha256:0,1,10+sha384:10 --qualification="$nonce" \
        --message=quote.msg --signature=quote.sig --pcr=quote.pcr --hash-algorithm=sha256 >/dev/null
    flush
    tpm2_checkquote --public=ak.pem --message=quote.msg --signature=quote.sig --pcr=quote.pcr \
        --qualification="$nonce" --hash-algorithm=sha256 >/dev/null

    # OpenSSL says the same of the bytes alone, and the quoted digest is the digest of the PCRs as read.
    tpm2_quote --key-context=ak.ctx --pcr-list=sha256:0,1,10 --qualification="$nonce" --format=plain \
        --message=plain.msg --signature=plain.sig --hash-algorithm=sha256 >/dev/null
    flush
    openssl dgst -sha256 -verify ak.pem -signature plain.sig plain.msg
    tpm2_pcrread sha256:0,1,10 --output=pcrs >/dev/null
    equal "the quoted digest" "$(openssl dgst -sha256 -r pcrs | cut -d ' ' -f 1)" "$(tail -c 32 plain.msg | xxd -p -c 64)"

    # Each kind of lie.
    refused tpm2_checkquote --public=ak.pem --message=quote.msg --signature=quote.sig --pcr=quote.pcr \
        --qualification="$(openssl rand -hex 16)" --hash-algorithm=sha256
    for file in quote.msg quote.sig quote.pcr; do
        cp $file honest
        # In the PCR file the first digest starts at byte 142, after the selection; the end is padding.
        at=150
        [ $file = quote.pcr ] || at=$(($(stat -c %s $file) - 20))
        corrupt $file $at
        refused tpm2_checkquote --public=ak.pem --message=quote.msg --signature=quote.sig --pcr=quote.pcr \
            --qualification="$nonce" --hash-algorithm=sha256
        cp honest $file
    done
done

# An attestation key is restricted: it signs nothing that the TPM did not make.
printf '\xffTCG and whatever I like' >forged
refused tpm2_sign --key-context=ak.ctx --hash-algorithm=sha256 --signature=forged.sig forged

ok
