#!/usr/bin/env bash
# TPM2_PolicyAuthorize: who holds the key may approve another PCR state later.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out vendor.key 2>/dev/null
openssl pkey -in vendor.key -pubout -out vendor.pem
tpm2_loadexternal --hierarchy=o --key-algorithm=rsa --public=vendor.pem --key-context=vendor.ctx --name=vendor.name >/dev/null
flush
tpm2_startauthsession --session=trial.ctx
tpm2_policyauthorize --session=trial.ctx --policy=authorized.policy --name=vendor.name >/dev/null
tpm2_flushcontext trial.ctx
printf 'secret' >secret
tpm2_create --parent-context=parent.ctx --sealing-input=secret --policy=authorized.policy --public=s.pub --private=s.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
flush

# The vendor approves whatever state PCR 23 has now.
printf 'release 2' | tpm2_pcrevent 23 >/dev/null
tpm2_startauthsession --session=trial.ctx
tpm2_policypcr --session=trial.ctx --pcr-list=sha256:23 --policy=pcr.policy >/dev/null
tpm2_flushcontext trial.ctx
openssl dgst -sha256 -sign vendor.key -out pcr.signature pcr.policy
tpm2_verifysignature --key-context=vendor.ctx --hash-algorithm=sha256 --message=pcr.policy --signature=pcr.signature \
    --ticket=ticket --scheme=rsassa --format=rsassa
flush
tpm2_startauthsession --policy-session --session=s.session
tpm2_policypcr --session=s.session --pcr-list=sha256:23 >/dev/null
tpm2_policyauthorize --session=s.session --input=pcr.policy --name=vendor.name --ticket=ticket >/dev/null
tpm2_unseal --object-context=s.ctx --auth=session:s.session --output=opened
tpm2_flushcontext s.session
flush
same secret opened

# A state that nobody approved.
printf 'release 3' | tpm2_pcrevent 23 >/dev/null
tpm2_startauthsession --policy-session --session=s.session
tpm2_policypcr --session=s.session --pcr-list=sha256:23 >/dev/null
fails_with 0x1c4 tpm2_policyauthorize --session=s.session --input=pcr.policy --name=vendor.name --ticket=ticket
tpm2_flushcontext s.session

ok
