#!/usr/bin/env bash
# Hierarchies switched off and on, their policies, and PCR allocation's rules.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=o.ctx >/dev/null
flush
tpm2_hierarchycontrol --hierarchy=o shEnable clear
# TPM_RC_HIERARCHY, handle 1.
fails_with 0x185 tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=x.ctx
tpm2_hierarchycontrol --hierarchy=p shEnable set
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=x.ctx >/dev/null
flush
tpm2_getcap properties-variable >variable
grep -q 'shEnable: *1' variable || die "not enabled again"

# The platform hierarchy comes back only with a restart.
tpm2_hierarchycontrol --hierarchy=p phEnable clear
fails_with 0x185 tpm2_createprimary --hierarchy=p --key-algorithm=ecc256 --key-context=x.ctx
power_cycle
tpm2_createprimary --hierarchy=p --key-algorithm=ecc256 --key-context=x.ctx >/dev/null
flush

# A policy for the owner hierarchy, satisfied to define an index.
tpm2_startauthsession --session=trial.ctx
tpm2_policycommandcode --session=trial.ctx --policy=policy TPM2_CC_NV_DefineSpace >/dev/null
tpm2_flushcontext trial.ctx
tpm2_setprimarypolicy --hierarchy=o --policy=policy --hash-algorithm=sha256
tpm2_startauthsession --policy-session --session=s.session
tpm2_policycommandcode --session=s.session TPM2_CC_NV_DefineSpace >/dev/null
tpm2_nvdefine 0x150000b --hierarchy=o --hierarchy-auth=session:s.session --size=4 --attributes='ownerread|ownerwrite' >/dev/null
tpm2_flushcontext s.session
tpm2_getcap handles-nv-index | finds -i 0x150000b || die "not defined under the policy"

ok
