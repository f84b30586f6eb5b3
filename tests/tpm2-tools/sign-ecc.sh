#!/usr/bin/env bash
# ECDSA on every NIST curve, verified outside with OpenSSL; digests given; a wrong PIN counts.
. "$(dirname "$0")/../lib.sh"

printf 'a message' >message
printf 'another message' >other
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
for pair in ecc256:sha256 ecc384:sha384 ecc521:sha512; do
    curve=${pair%:*} hash=${pair#*:}
    # Debian's libtpms has P-521 only in some builds.
    if ! tpm2_testparms "$curve" 2>/dev/null; then
        [ "$PEER_TPM" = swtpm ] || die "no $curve"
        continue
    fi
    tpm2_create --parent-context=parent.ctx --key-algorithm="$curve:ecdsa-$hash" --public=key.pub --private=key.priv \
        --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
    flush
    tpm2_readpublic --object-context=key.ctx --format=pem --output=key.pem >/dev/null
    flush
    tpm2_sign --key-context=key.ctx --hash-algorithm=$hash --format=plain --signature=der.sig message
    flush
    openssl dgst -$hash -verify key.pem -signature der.sig message
    refused openssl dgst -$hash -verify key.pem -signature der.sig other

    # The same from a digest that was computed outside.
    openssl dgst -$hash -binary -out digest message
    tpm2_sign --key-context=key.ctx --digest --hash-algorithm=$hash --format=plain --signature=digest.sig digest
    flush
    openssl dgst -$hash -verify key.pem -signature digest.sig message
    if cmp -s der.sig digest.sig; then die "ECDSA signed twice with the same nonce"; fi

    tpm2_sign --key-context=key.ctx --hash-algorithm=$hash --signature=tpm.sig message
    flush
    tpm2_verifysignature --key-context=key.ctx --hash-algorithm=$hash --message=message --signature=tpm.sig
    flush
    fails_with 0x2db tpm2_verifysignature --key-context=key.ctx --hash-algorithm=$hash --message=other --signature=tpm.sig
    flush
done

# A key with dictionary-attack protection answers TPM_RC_AUTH_FAIL and counts the failure.
tpm2_create --parent-context=parent.ctx --key-algorithm=ecc256 --public=pin.pub --private=pin.priv --key-auth=1234 \
    --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=pin.pub --private=pin.priv --key-context=pin.ctx >/dev/null
flush
counter() {
    tpm2_getcap properties-variable | sed -n 's/^TPM2_PT_LOCKOUT_COUNTER: *//p'
}
equal "failures before" 0x0 "$(counter)"
fails_with 0x98e tpm2_sign --key-context=pin.ctx --auth=4321 --hash-algorithm=sha256 --signature=bad.sig message
equal "failures after" 0x1 "$(counter)"
flush
tpm2_sign --key-context=pin.ctx --auth=1234 --hash-algorithm=sha256 --signature=good.sig message

ok
