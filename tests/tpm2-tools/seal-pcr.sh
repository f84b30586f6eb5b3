#!/usr/bin/env bash
# Sealing: to an auth value and to a PCR; when the PCR moves on, the secret stays shut.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
printf 'correct horse battery staple' >secret

# To an auth value, without and with dictionary-attack protection.
for protection in '|noda' ''; do
    tpm2_create --parent-context=parent.ctx --sealing-input=secret --key-auth=pin --public=seal.pub --private=seal.priv \
        --attributes="fixedtpm|fixedparent|userwithauth$protection" >/dev/null
    flush
    tpm2_load --parent-context=parent.ctx --public=seal.pub --private=seal.priv --key-context=seal.ctx >/dev/null
    flush
    tpm2_unseal --object-context=seal.ctx --auth=pin --output=opened
    flush
    same secret opened
    code=0x98e
    [ -z "$protection" ] || code=0x9a2
    fails_with $code tpm2_unseal --object-context=seal.ctx --auth=wrong --output=opened
    flush
done

# To PCRs 0 and 16 in the SHA-256 bank.
printf 'state' | tpm2_pcrevent 16 >/dev/null
tpm2_pcrread sha256:0,16 --output=pcr.bin >/dev/null
tpm2_createpolicy --policy-pcr --pcr-list=sha256:0,16 --pcr=pcr.bin --policy=policy >/dev/null
tpm2_create --parent-context=parent.ctx --sealing-input=secret --policy=policy --public=seal.pub --private=seal.priv \
    --attributes='fixedtpm|fixedparent' >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=seal.pub --private=seal.priv --key-context=seal.ctx >/dev/null
flush
tpm2_unseal --object-context=seal.ctx --auth=pcr:sha256:0,16 --output=opened
flush
same secret opened

# Without the policy, no auth value opens it.
fails_with 0x99d tpm2_unseal --object-context=seal.ctx --output=opened
flush

# A PCR changes between the policy and its use: TPM_RC_PCR_CHANGED. (PCR 16 would not count: debugging is exempt.)
tpm2_startauthsession --policy-session --session=session.ctx
tpm2_policypcr --session=session.ctx --pcr-list=sha256:0,16 >/dev/null
printf 'a measurement' | tpm2_pcrevent 9 >/dev/null
fails_with 0x128 tpm2_unseal --object-context=seal.ctx --auth=session:session.ctx --output=opened
tpm2_flushcontext session.ctx
flush

# With another PCR 16 the digest does not match: TPM_RC_POLICY_FAIL, session 1.
printf 'an intruder' | tpm2_pcrevent 16 >/dev/null
fails_with 0x99d tpm2_unseal --object-context=seal.ctx --auth=pcr:sha256:0,16 --output=opened
flush

# Back to the state that was sealed to.
tpm2_pcrreset 16
printf 'state' | tpm2_pcrevent 16 >/dev/null
tpm2_unseal --object-context=seal.ctx --auth=pcr:sha256:0,16 --output=opened
same secret opened

ok
