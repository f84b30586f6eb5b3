#!/usr/bin/env bash
# TPM2_PolicySigned: a signature made outside opens; another key's does not.
. "$(dirname "$0")/../lib.sh"

for kind in rsa ecc; do
    if [ $kind = rsa ]; then
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out signer.key 2>/dev/null
        scheme=rsassa
    else
        openssl ecparam -name prime256v1 -genkey -noout -out signer.key
        scheme=ecdsa
    fi
    openssl pkey -in signer.key -pubout -out signer.pem
    tpm2_loadexternal --hierarchy=o --key-algorithm=$kind --public=signer.pem --key-context=signer.ctx --name=signer.name >/dev/null
    flush
    # aHash with no nonce, no expiry, no cpHash, no policyRef: SHA-256(00 00 00 00).
    printf '\0\0\0\0' | openssl dgst -sha256 -sign signer.key -out signature

    tpm2_startauthsession --session=trial.ctx
    tpm2_policysigned --session=trial.ctx --key-context=signer.ctx --signature=signature --hash-algorithm=sha256 --format=$scheme \
        --policy=policy >/dev/null
    tpm2_flushcontext trial.ctx
    flush
    # SHA-256(SHA-256(zeros || TPM_CC_PolicySigned || name) || policyRef).
    { head -c 32 /dev/zero; printf '\x00\x00\x01\x60'; cat signer.name; } | openssl dgst -sha256 -binary |
        openssl dgst -sha256 -binary -out expected
    same expected policy

    tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
    flush
    printf 'secret' >secret
    tpm2_create --parent-context=parent.ctx --sealing-input=secret --policy=policy --public=s.pub --private=s.priv >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
    flush
    tpm2_startauthsession --policy-session --session=s.session
    tpm2_policysigned --session=s.session --key-context=signer.ctx --signature=signature --hash-algorithm=sha256 \
        --format=$scheme >/dev/null
    flush_objects() { tpm2_flushcontext --transient-object; }
    flush_objects
    tpm2_unseal --object-context=s.ctx --auth=session:s.session --output=opened
    tpm2_flushcontext s.session
    flush
    same secret opened

    # Another key's signature: TPM_RC_POLICY_FAIL, of libtpms TPM_RC_SIGNATURE. (Only while the session is not a trial session.)
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out thief.key 2>/dev/null
    [ $kind = rsa ] || openssl ecparam -name prime256v1 -genkey -noout -out thief.key
    printf '\0\0\0\0' | openssl dgst -sha256 -sign thief.key -out forged
    tpm2_startauthsession --policy-session --session=s.session
    fails_with '0x5dd|0x5db' tpm2_policysigned --session=s.session --key-context=signer.ctx --signature=forged \
        --hash-algorithm=sha256 --format=$scheme
    tpm2_flushcontext s.session
    flush
done

ok
