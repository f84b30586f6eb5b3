#!/usr/bin/env bash
# Dictionary attacks: after the set number of wrong PINs nothing opens, until the lockout authority resets.
. "$(dirname "$0")/../lib.sh"

tpm2_dictionarylockout --setup-parameters --max-tries=3 --recovery-time=1000 --lockout-recovery-time=1000
# The parent itself is without protection, or a lockout would keep us from loading anything.
parent() {
    tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx \
        --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda' >/dev/null
}
tpm2_getcap properties-variable >variable
grep -q 'TPM2_PT_MAX_AUTH_FAIL: 0x3' variable || die "max tries: $(grep MAX_AUTH variable)"
grep -q 'TPM2_PT_LOCKOUT_INTERVAL: 0x3E8' variable || die "recovery time: $(grep INTERVAL variable)"
parent
flush
printf 'secret' >secret
tpm2_create --parent-context=parent.ctx --sealing-input=secret --key-auth=1234 --public=s.pub --private=s.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
flush
for try in 1 2 3; do
    fails_with 0x98e tpm2_unseal --object-context=s.ctx --auth=000$try
    flush
done
# The right PIN no longer helps: TPM_RC_LOCKOUT. A restart does not either.
fails_with 0x921 tpm2_unseal --object-context=s.ctx --auth=1234
flush
tpm2_getcap properties-variable | finds 'inLockout: *1' || die "inLockout is not set"
power_cycle
parent
flush
tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
flush
fails_with 0x921 tpm2_unseal --object-context=s.ctx --auth=1234
flush
tpm2_dictionarylockout --clear-lockout
equal "after the reset" secret "$(tpm2_unseal --object-context=s.ctx --auth=1234)"
flush
# Objects without protection (noDA) never minded.
tpm2_getcap properties-variable | finds 'TPM2_PT_LOCKOUT_COUNTER: 0x0' || die "the counter was not reset"

ok
