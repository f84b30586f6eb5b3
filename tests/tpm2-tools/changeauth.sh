#!/usr/bin/env bash
# Auth values change: hierarchies, objects, NV indices, with encrypted sessions too.
. "$(dirname "$0")/../lib.sh"

for hierarchy in owner endorsement lockout; do
    tpm2_changeauth --object-context=$hierarchy first
    tpm2_changeauth --object-context=$hierarchy --object-auth=first second
    refused tpm2_changeauth --object-context=$hierarchy --object-auth=first third
    if [ $hierarchy != lockout ]; then
        grep -qi '(0x9a2)' .refused || die "wanted TPM_RC_BAD_AUTH: $(cat .refused)"
        tpm2_changeauth --object-context=$hierarchy --object-auth=second
    fi
done

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
tpm2_create --parent-context=parent.ctx --key-algorithm=ecc256 --public=key.pub --private=key.priv --key-auth=old \
    --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda' >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
flush
tpm2_changeauth --parent-context=parent.ctx --object-context=key.ctx --object-auth=old --private=new.priv new
flush
tpm2_load --parent-context=parent.ctx --public=key.pub --private=new.priv --key-context=new.ctx >/dev/null
flush
printf 'a message' >message
tpm2_sign --key-context=new.ctx --auth=new --hash-algorithm=sha256 --signature=sig message
flush
fails_with 0x9a2 tpm2_sign --key-context=new.ctx --auth=old --hash-algorithm=sha256 --signature=sig message
flush

# An NV index's auth value changes under a policy for exactly that command.
tpm2_startauthsession --session=trial.ctx
tpm2_policycommandcode --session=trial.ctx --policy=policy TPM2_CC_NV_ChangeAuth >/dev/null
tpm2_flushcontext trial.ctx
tpm2_nvdefine 0x150000a --hierarchy=o --size=4 --policy=policy --index-auth=old --attributes='authread|authwrite' >/dev/null
printf 'data' | tpm2_nvwrite 0x150000a --auth=old --input=-
tpm2_startauthsession --policy-session --session=s.session
tpm2_policycommandcode --session=s.session TPM2_CC_NV_ChangeAuth >/dev/null
tpm2_changeauth --object-context=0x150000a --object-auth=session:s.session new
tpm2_flushcontext s.session
equal "with the new value" data "$(tpm2_nvread 0x150000a --auth=new)"
fails_with 0x98e tpm2_nvread 0x150000a --auth=old

ok
