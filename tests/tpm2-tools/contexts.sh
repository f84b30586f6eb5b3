#!/usr/bin/env bash
# Saved contexts: objects and sessions out and in; damaged ones and ones from before a reset are refused.
. "$(dirname "$0")/../lib.sh"

printf 'a message' >message
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
# More keys than there are slots, each used in turn.
for number in $(seq 8); do
    tpm2_create --parent-context=parent.ctx --key-algorithm=ecc256 --public=$number.pub --private=$number.priv >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=$number.pub --private=$number.priv --key-context=$number.ctx >/dev/null
    flush
    tpm2_readpublic --object-context=$number.ctx --format=pem --output=$number.pem >/dev/null
    flush
done
for number in $(seq 8); do
    tpm2_sign --key-context=$number.ctx --hash-algorithm=sha256 --format=plain --signature=sig message
    flush
    openssl dgst -sha256 -verify $number.pem -signature sig message
done

# One wrong bit in the saved context: TPM_RC_INTEGRITY or TPM_RC_VALUE of the context, never an object.
cp 1.ctx broken.ctx
# The TPM's part stands between the tool's header and the library's notes.
corrupt broken.ctx 100
refused tpm2_sign --key-context=broken.ctx --hash-algorithm=sha256 --signature=sig message
flush

# A session that is saved and loaded again goes on where it was; its first context is stale then.
tpm2_startauthsession --policy-session --session=s.session
cp s.session stale.session
tpm2_policycommandcode --session=s.session TPM2_CC_Sign >/dev/null
refused tpm2_policycommandcode --session=stale.session TPM2_CC_Sign
tpm2_flushcontext s.session
flush

# stClear and contexts: after a TPM Reset every saved context is void.
power_cycle
refused tpm2_sign --key-context=1.ctx --hash-algorithm=sha256 --signature=sig message
flush
# The key itself comes back from its parent, which the same seed makes again.
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=1.pub --private=1.priv --key-context=1.ctx >/dev/null
flush
tpm2_sign --key-context=1.ctx --hash-algorithm=sha256 --format=plain --signature=sig message
flush
openssl dgst -sha256 -verify 1.pem -signature sig message

ok
