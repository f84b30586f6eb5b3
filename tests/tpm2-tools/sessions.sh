#!/usr/bin/env bash
# Sessions: HMAC, salted, bound, audited, with encrypted parameters; what an eavesdropper must not see is not on the wire.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=rsa2048 --key-context=salt-rsa.ctx >/dev/null
flush
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=salt-ecc.ctx >/dev/null
flush
tpm2_create --parent-context=salt-ecc.ctx --key-algorithm=ecc256 --public=key.pub --private=key.priv --key-auth=pin \
    --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' >/dev/null
flush
tpm2_load --parent-context=salt-ecc.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
flush
tpm2_readpublic --object-context=key.ctx --format=pem --output=key.pem >/dev/null
flush
printf 'a message' >message
printf 'sealed words' >secret

# An HMAC session proves the PIN without sending it: plain, salted with RSA, salted with ECC, bound to the key.
uses() {
    tpm2_sign --key-context=key.ctx --auth=session:s.session+pin --hash-algorithm=sha256 --format=plain --signature=sig message
    tpm2_flushcontext s.session
    flush
    openssl dgst -sha256 -verify key.pem -signature sig message
}
tpm2_startauthsession --hmac-session --session=s.session; uses
for salt in salt-rsa salt-ecc; do
    tpm2_startauthsession --hmac-session --tpmkey-context=$salt.ctx --session=s.session
    tpm2_flushcontext --transient-object
    uses
done
tpm2_startauthsession --hmac-session --bind-context=key.ctx --bind-auth=pin --session=s.session
tpm2_flushcontext --transient-object
uses
tpm2_startauthsession --hmac-session --session=s.session
fails_with 0x98e tpm2_sign --key-context=key.ctx --auth=session:s.session+wrong --hash-algorithm=sha256 --signature=sig message
tpm2_flushcontext s.session
flush

# Parameter encryption both ways with AES-CFB, the only one that the tools speak: the secret goes in and comes out.
for salt in salt-rsa salt-ecc; do
    tpm2_startauthsession --hmac-session --tpmkey-context=$salt.ctx --key-algorithm=aes --session=s.session
    tpm2_flushcontext --transient-object
    tpm2_sessionconfig s.session --enable-decrypt --enable-encrypt
    tpm2_create --parent-context=salt-ecc.ctx --parent-auth=session:s.session --sealing-input=secret \
        --public=s.pub --private=s.priv --attributes='fixedtpm|fixedparent|userwithauth' >/dev/null
    tpm2_flushcontext --transient-object
    tpm2_load --parent-context=salt-ecc.ctx --auth=session:s.session --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
    tpm2_flushcontext --transient-object
    tpm2_unseal --object-context=s.ctx --auth=session:s.session --output=opened
    tpm2_flushcontext s.session
    flush
    same secret opened
done

# The tools' own encrypting session for random numbers.
tpm2_startauthsession --hmac-session --tpmkey-context=salt-ecc.ctx --session=enc.session
tpm2_flushcontext --transient-object
tpm2_sessionconfig enc.session --enable-encrypt
tpm2_getrandom 24 --session=enc.session --output=random
equal "encrypted random bytes" 24 "$(stat -c %s random)"
tpm2_flushcontext enc.session

# An audit session; rpHash is SHA-256(response code || command code || parameters), computed here for TPM2_GetRandom.
tpm2_startauthsession --audit-session --session=audit.session
tpm2_getrandom 8 --session=audit.session --output=random --rphash=rp.hash
tpm2_getrandom 8 --session=audit.session --output=random --rphash=rp.hash
{ printf '\0\0\0\0\x00\x00\x01\x7b\x00\x08'; cat random; } | openssl dgst -sha256 -binary -out expected
tail -c 32 rp.hash >got
same expected got
tpm2_flushcontext audit.session

ok
