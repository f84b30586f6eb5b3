#!/usr/bin/env bash
# Duplication: a key moves to a new parent under its policy, with and without inner wrapping, and signs there.
. "$(dirname "$0")/../lib.sh"

printf 'a message' >message
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=here.ctx >/dev/null
flush
tpm2_createprimary --hierarchy=e --key-algorithm=rsa2048 --key-context=there.ctx >/dev/null
tpm2_readpublic --object-context=there.ctx --name=there.name >/dev/null
flush
tpm2_startauthsession --session=trial.ctx
tpm2_policycommandcode --session=trial.ctx --policy=policy TPM2_CC_Duplicate >/dev/null
tpm2_flushcontext trial.ctx
tpm2_create --parent-context=here.ctx --key-algorithm=ecc256 --policy=policy --public=key.pub --private=key.priv \
    --attributes='sensitivedataorigin|userwithauth|sign|noda' >/dev/null
flush
tpm2_load --parent-context=here.ctx --public=key.pub --private=key.priv --key-context=key.ctx --name=key.name >/dev/null
flush
tpm2_readpublic --object-context=key.ctx --format=pem --output=key.pem >/dev/null
flush

move() {
    tpm2_startauthsession --policy-session --session=d.session
    tpm2_policycommandcode --session=d.session TPM2_CC_Duplicate >/dev/null
    tpm2_duplicate --parent-context=there.ctx --key-context=key.ctx --auth=session:d.session \
        --private=dup.priv --encrypted-seed=dup.seed "$@"
    tpm2_flushcontext d.session
    flush
}
lands() {
    tpm2_import --parent-context=there.ctx --public=key.pub --input=dup.priv --private=moved.priv --seed=dup.seed "$@" >/dev/null
    flush
    tpm2_load --parent-context=there.ctx --public=key.pub --private=moved.priv --key-context=moved.ctx --name=moved.name >/dev/null
    flush
    same key.name moved.name
    tpm2_sign --key-context=moved.ctx --hash-algorithm=sha256 --format=plain --signature=moved.sig message
    flush
    openssl dgst -sha256 -verify key.pem -signature moved.sig message
}
move --wrapper-algorithm=null
lands
head -c 16 /dev/urandom >inner.key
move --wrapper-algorithm=aes --encryptionkey-in=inner.key
lands --encryption-key=inner.key

# One wrong bit in the outer wrapping, and the new parent refuses.
move --wrapper-algorithm=null
corrupt dup.priv 40
refused tpm2_import --parent-context=there.ctx --public=key.pub --input=dup.priv --private=moved.priv --seed=dup.seed
grep -qiE '\(0x3(df|d5|c4)\)' .refused || die "not an integrity error of parameter 3: $(cat .refused)"
flush

# The duplication role takes a policy and nothing else: TPM_RC_AUTH_TYPE.
fails_with 0x124 tpm2_duplicate --parent-context=there.ctx --key-context=key.ctx --wrapper-algorithm=null \
    --private=dup.priv --encrypted-seed=dup.seed
flush

# PolicyDuplicationSelect: only to this parent.
tpm2_startauthsession --session=trial.ctx
tpm2_policyduplicationselect --session=trial.ctx --parent-name=there.name --policy=select.policy >/dev/null
tpm2_flushcontext trial.ctx
tpm2_create --parent-context=here.ctx --key-algorithm=ecc256 --policy=select.policy --public=sel.pub --private=sel.priv \
    --attributes='sensitivedataorigin|userwithauth|sign|noda' >/dev/null
flush
tpm2_load --parent-context=here.ctx --public=sel.pub --private=sel.priv --key-context=sel.ctx --name=sel.name >/dev/null
flush
tpm2_startauthsession --policy-session --session=d.session
tpm2_policyduplicationselect --session=d.session --object-name=sel.name --parent-name=there.name >/dev/null
tpm2_duplicate --parent-context=there.ctx --key-context=sel.ctx --auth=session:d.session --wrapper-algorithm=null \
    --private=dup.priv --encrypted-seed=dup.seed
tpm2_flushcontext d.session
flush
tpm2_startauthsession --policy-session --session=d.session
tpm2_policyduplicationselect --session=d.session --object-name=sel.name --parent-name=there.name >/dev/null
refused tpm2_duplicate --parent-context=here.ctx --key-context=sel.ctx --auth=session:d.session --wrapper-algorithm=null \
    --private=dup.priv --encrypted-seed=dup.seed

ok
