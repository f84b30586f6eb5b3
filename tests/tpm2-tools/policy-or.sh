#!/usr/bin/env bash
# TPM2_PolicyOR: either of two PCR states opens a secret, a third does not.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
printf 'secret' >secret
policy_of() {
    tpm2_pcrreset 23
    printf '%s' "$1" | tpm2_pcrevent 23 >/dev/null
    tpm2_startauthsession --session=trial.ctx
    tpm2_policypcr --session=trial.ctx --pcr-list=sha256:23 --policy="$2" >/dev/null
    tpm2_flushcontext trial.ctx
}
policy_of red red.policy
policy_of green green.policy
tpm2_startauthsession --session=trial.ctx
tpm2_policyor --session=trial.ctx --policy=or.policy sha256:red.policy,green.policy >/dev/null
tpm2_flushcontext trial.ctx
# The digest, computed again: SHA-256(zeros || TPM_CC_PolicyOR || digests).
{ head -c 32 /dev/zero; printf '\x00\x00\x01\x71'; cat red.policy green.policy; } | openssl dgst -sha256 -binary -out expected
same expected or.policy

tpm2_create --parent-context=parent.ctx --sealing-input=secret --policy=or.policy --public=s.pub --private=s.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
flush
for colour in red green; do
    tpm2_pcrreset 23
    printf '%s' $colour | tpm2_pcrevent 23 >/dev/null
    tpm2_startauthsession --policy-session --session=s.session
    tpm2_policypcr --session=s.session --pcr-list=sha256:23 >/dev/null
    tpm2_policyor --session=s.session sha256:red.policy,green.policy >/dev/null
    tpm2_unseal --object-context=s.ctx --auth=session:s.session --output=opened
    tpm2_flushcontext s.session
    flush
    same secret opened
done
tpm2_pcrreset 23
printf 'blue' | tpm2_pcrevent 23 >/dev/null
tpm2_startauthsession --policy-session --session=s.session
tpm2_policypcr --session=s.session --pcr-list=sha256:23 >/dev/null
fails_with 0x1c4 tpm2_policyor --session=s.session sha256:red.policy,green.policy

ok
