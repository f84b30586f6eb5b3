#!/usr/bin/env bash
# TPM2_PolicyNV and TPM2_PolicyAuthorizeNV: what an NV index holds decides.
. "$(dirname "$0")/../lib.sh"

index=0x1500020
tpm2_nvdefine $index --hierarchy=o --size=8 --attributes='ownerwrite|ownerread|authread|authwrite' >/dev/null
printf '\0\0\0\0\0\0\0\x05' | tpm2_nvwrite $index --hierarchy=o --input=-
printf '\0\0\0\0\0\0\0\x05' >five
tpm2_startauthsession --session=trial.ctx
tpm2_policynv --session=trial.ctx --input=five --policy=policy --hierarchy=o $index eq >/dev/null
tpm2_flushcontext trial.ctx
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
printf 'secret' >secret
tpm2_create --parent-context=parent.ctx --sealing-input=secret --policy=policy --public=s.pub --private=s.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
flush
tpm2_startauthsession --policy-session --session=s.session
tpm2_policynv --session=s.session --input=five --hierarchy=o $index eq >/dev/null
tpm2_unseal --object-context=s.ctx --auth=session:s.session --output=opened
tpm2_flushcontext s.session
flush
same secret opened

# Each comparison, both ways; a false one is TPM_RC_POLICY.
expect() {
    printf "\\0\\0\\0\\0\\0\\0\\0\\x$2" >operand
    tpm2_startauthsession --policy-session --session=s.session
    if [ "$3" = holds ]; then
        tpm2_policynv --session=s.session --input=operand --hierarchy=o $index "$1" >/dev/null
    else
        fails_with 0x126 tpm2_policynv --session=s.session --input=operand --hierarchy=o $index "$1"
    fi
    tpm2_flushcontext s.session
}
expect eq 05 holds; expect eq 06 fails
expect neq 06 holds; expect neq 05 fails
expect ugt 04 holds; expect ugt 05 fails
expect uge 05 holds; expect uge 06 fails
expect ult 06 holds; expect ult 05 fails
expect ule 05 holds; expect ule 04 fails
expect sgt 04 holds; expect sgt 05 fails
expect bs 05 holds; expect bs 02 fails
expect bc 02 holds; expect bc 05 fails

# The policy itself in NV: TPM2_PolicyAuthorizeNV.
printf '\0\0\0\0\0\0\0\x06' | tpm2_nvwrite $index --hierarchy=o --input=-
store=0x1500021
tpm2_nvdefine $store --hierarchy=o --size=34 --attributes='ownerwrite|ownerread|authread|authwrite' >/dev/null
tpm2_startauthsession --session=trial.ctx
tpm2_policypassword --session=trial.ctx --policy=password.policy >/dev/null
tpm2_flushcontext trial.ctx
{ printf '\x00\x0b'; cat password.policy; } | tpm2_nvwrite $store --hierarchy=o --input=-
tpm2_startauthsession --session=trial.ctx
tpm2_policyauthorizenv --session=trial.ctx --hierarchy=o --policy=nv.policy $store >/dev/null
tpm2_flushcontext trial.ctx
tpm2_create --parent-context=parent.ctx --sealing-input=secret --policy=nv.policy --key-auth=pin --public=s.pub --private=s.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
flush
tpm2_startauthsession --policy-session --session=s.session
tpm2_policypassword --session=s.session >/dev/null
tpm2_policyauthorizenv --session=s.session --hierarchy=o $store >/dev/null
tpm2_unseal --object-context=s.ctx --auth=session:s.session+pin --output=opened
tpm2_flushcontext s.session
flush
same secret opened

ok
