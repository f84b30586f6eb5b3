#!/usr/bin/env bash
# Credential activation with RSA and ECC endorsement keys: the secret arrives, for that key and no other.
. "$(dirname "$0")/../lib.sh"

for algorithm in rsa ecc; do
    tpm2_createek --ek-context=ek.ctx --key-algorithm=$algorithm --public=ek.pub >/dev/null
    flush
    tpm2_createak --ek-context=ek.ctx --ak-context=ak.ctx --key-algorithm=ecc --hash-algorithm=sha256 --signing-algorithm=ecdsa \
        --public=ak.pub --ak-name=ak.name >/dev/null
    flush
    head -c 32 /dev/urandom >secret
    tpm2_makecredential --encryption-key=ek.pub --secret=secret --name="$(xxd -p -c 100 ak.name)" --credential-blob=blob >/dev/null
    flush
    activate() {
        tpm2_startauthsession --policy-session --session=ek.session
        tpm2_policysecret --session=ek.session --object-context=e >/dev/null
        "$@" tpm2_activatecredential --credentialedkey-context=ak.ctx --credentialkey-context=ek.ctx --credential-blob=blob \
            --certinfo-data=opened --credentialkey-auth=session:ek.session
        tpm2_flushcontext ek.session
        flush
    }
    activate >/dev/null
    same secret opened

    # Without the endorsement hierarchy's consent: TPM_RC_AUTH_UNAVAILABLE or a policy error, never the secret.
    rm opened
    refused tpm2_activatecredential --credentialedkey-context=ak.ctx --credentialkey-context=ek.ctx --credential-blob=blob \
        --certinfo-data=opened
    [ ! -s opened ] || die "a secret came out"
    flush

    # For another name, the integrity check fails.
    other=$(sed 's/./\x01/40' ak.name | xxd -p -c 100)
    tpm2_makecredential --encryption-key=ek.pub --secret=secret --name="000b$(openssl rand -hex 32)" --credential-blob=blob >/dev/null
    flush
    [ -n "$other" ]
    activate refused
    grep -qiE '\(0x1df\)' .refused || die "wanted TPM_RC_INTEGRITY of parameter 1: $(cat .refused)"
done

ok
