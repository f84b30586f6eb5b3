#!/usr/bin/env bash
# TPM2_PolicySecret: the owner's password opens; a wrong one does not; a ticket stands in for it for a while.
. "$(dirname "$0")/../lib.sh"

tpm2_changeauth --object-context=owner ownerpass
tpm2_createprimary --hierarchy=o --hierarchy-auth=ownerpass --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
tpm2_startauthsession --session=trial.ctx
tpm2_policysecret --session=trial.ctx --object-context=owner --policy=policy ownerpass >/dev/null
tpm2_flushcontext trial.ctx
printf 'secret' >secret
tpm2_create --parent-context=parent.ctx --sealing-input=secret --policy=policy --public=s.pub --private=s.priv >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=s.pub --private=s.priv --key-context=s.ctx >/dev/null
flush

tpm2_startauthsession --policy-session --session=s.session
fails_with 0x9a2 tpm2_policysecret --session=s.session --object-context=owner wrong
tpm2_policysecret --session=s.session --object-context=owner ownerpass >/dev/null
tpm2_unseal --object-context=s.ctx --auth=session:s.session --output=opened
tpm2_flushcontext s.session
flush
same secret opened

# A ticket with an expiry: TPM2_PolicyTicket says again what the password said.
tpm2_startauthsession --policy-session --session=s.session
tpm2_policysecret --session=s.session --object-context=owner --expiration=-300 --ticket=ticket --timeout=timeout \
    --nonce-tpm ownerpass >/dev/null
tpm2_flushcontext s.session
tpm2_readpublic --object-context=parent.ctx --name=unused.name >/dev/null
flush
printf '\x40\x00\x00\x01' >owner.name
tpm2_startauthsession --policy-session --session=s.session
tpm2_policyticket --session=s.session --name=owner.name --ticket=ticket --timeout=timeout >/dev/null
tpm2_unseal --object-context=s.ctx --auth=session:s.session --output=opened
tpm2_flushcontext s.session
flush
same secret opened

ok
