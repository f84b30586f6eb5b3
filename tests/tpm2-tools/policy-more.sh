#!/usr/bin/env bash
# The other policy assertions: auth value, password, command code, locality, names, parameters, time, template.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
printf 'secret' >secret

# A trial session over the given assertion; its digest in `policy`.
trial() {
    tpm2_startauthsession --session=trial.ctx
    "$@" --session=trial.ctx --policy=policy >/dev/null
    tpm2_flushcontext trial.ctx
}
# A sealed object under `policy`, with the auth value pin.
sealed() {
    tpm2_create --parent-context=parent.ctx --sealing-input=secret --policy=policy --key-auth=pin \
        --public=s.pub --private=s.priv >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx --name=s.name >/dev/null
    flush
}
begin() {
    tpm2_startauthsession --policy-session --session=s.session
}
end() {
    tpm2_flushcontext s.session
    flush
}
opens() {
    tpm2_unseal --object-context=s.ctx --auth="$1" --output=opened
    same secret opened
}

# PolicyAuthValue: proved by HMAC; PolicyPassword: in the clear; the same digest.
trial tpm2_policyauthvalue
cp policy value.policy
trial tpm2_policypassword
same policy value.policy
sealed
begin; tpm2_policyauthvalue --session=s.session >/dev/null; opens session:s.session+pin; end
begin; tpm2_policypassword --session=s.session >/dev/null; opens session:s.session+pin; end
begin; tpm2_policypassword --session=s.session >/dev/null
fails_with 0x98e tpm2_unseal --object-context=s.ctx --auth=session:s.session+wrong
end

# PolicyCommandCode: for TPM2_Unseal and nothing else.
tpm2_startauthsession --session=trial.ctx
tpm2_policycommandcode --session=trial.ctx --policy=policy TPM2_CC_Unseal >/dev/null
tpm2_flushcontext trial.ctx
sealed
begin; tpm2_policycommandcode --session=s.session TPM2_CC_Unseal >/dev/null; opens session:s.session; end
begin; tpm2_policycommandcode --session=s.session TPM2_CC_ObjectChangeAuth >/dev/null
# TPM_RC_POLICY_CC comes before TPM_RC_POLICY_FAIL in the order of Part 3, 5.6; libtpms compares the digest first.
fails_with '0x9a4|0x99d' tpm2_unseal --object-context=s.ctx --auth=session:s.session
end

# PolicyLocality: this connection is locality 0.
tpm2_startauthsession --session=trial.ctx
tpm2_policylocality --session=trial.ctx --policy=policy zero >/dev/null
tpm2_flushcontext trial.ctx
sealed
begin; tpm2_policylocality --session=s.session zero >/dev/null; opens session:s.session; end
tpm2_startauthsession --session=trial.ctx
tpm2_policylocality --session=trial.ctx --policy=policy three >/dev/null
tpm2_flushcontext trial.ctx
sealed
begin; tpm2_policylocality --session=s.session three >/dev/null
fails_with 0x907 tpm2_unseal --object-context=s.ctx --auth=session:s.session
end

# PolicyNameHash and PolicyCpHash: this object, this call. The digests are computed here.
trial tpm2_policyauthvalue
sealed
openssl dgst -sha256 -binary -out name.hash s.name
tpm2_startauthsession --session=trial.ctx
tpm2_policynamehash --session=trial.ctx --policy=names.policy --name=name.hash >/dev/null
tpm2_flushcontext trial.ctx
{ head -c 32 /dev/zero; printf '\x00\x00\x01\x70'; cat name.hash; } | openssl dgst -sha256 -binary -out expected
same expected names.policy
{ printf '\x00\x00\x01\x5e'; cat s.name; } | openssl dgst -sha256 -binary -out cp.digest
{ printf '\x00\x20'; cat cp.digest; } >cp.hash
tpm2_startauthsession --session=trial.ctx
tpm2_policycphash --session=trial.ctx --policy=cp.policy --cphash-input=cp.hash >/dev/null
tpm2_flushcontext trial.ctx
{ head -c 32 /dev/zero; printf '\x00\x00\x01\x6e'; cat cp.digest; } | openssl dgst -sha256 -binary -out expected
same expected cp.policy

# PolicyCounterTimer: the TPM has been reset fewer than 1000 times; and not: it has been on for a million hours.
tpm2_startauthsession --session=trial.ctx
tpm2_policycountertimer --session=trial.ctx --policy=policy --ult resets=1000 >/dev/null
tpm2_flushcontext trial.ctx
sealed
begin; tpm2_policycountertimer --session=s.session --ult resets=1000 >/dev/null; opens session:s.session; end
begin
fails_with 0x126 tpm2_policycountertimer --session=s.session --ugt clock=3600000000000
end

# PolicyNvWritten.
index=0x1500030
tpm2_startauthsession --session=trial.ctx
tpm2_policynvwritten --session=trial.ctx --policy=policy s >/dev/null
tpm2_flushcontext trial.ctx
tpm2_nvdefine $index --hierarchy=o --size=4 --policy=policy --attributes='ownerwrite|policyread|policywrite' >/dev/null
printf 'once' | tpm2_nvwrite $index --hierarchy=o --input=-
begin; tpm2_policynvwritten --session=s.session s >/dev/null
equal "NV under a policy" once "$(tpm2_nvread $index --auth=session:s.session)"
end

# PolicyTemplate: only this template makes a key here.
trial tpm2_policyauthvalue
tpm2_policyrestart_check() {
    begin
    tpm2_policyauthvalue --session=s.session --policy=one >/dev/null
    tpm2_policyrestart --session=s.session
    tpm2_policyauthvalue --session=s.session --policy=two >/dev/null
    same one two
    tpm2_getpolicydigest --session=s.session --output=three >/dev/null
    same two three
    end
}
tpm2_policyrestart_check
openssl dgst -sha256 -binary -out template.hash s.pub
tpm2_startauthsession --session=trial.ctx
tpm2_policytemplate --session=trial.ctx --template-hash=template.hash --policy=template.policy >/dev/null
tpm2_flushcontext trial.ctx
{ head -c 32 /dev/zero; printf '\x00\x00\x01\x90'; cat template.hash; } | openssl dgst -sha256 -binary -out expected
same expected template.policy

ok
