#!/usr/bin/env bash
# NV indices of every type, their locks and their authorizations.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/tss.inc"

index=01000000
tss nvdefinespace -ha $index -hi o -pwdn pin -sz 16 +at wst +at rst
tss_fails TPM_RC_NV_DEFINED nvdefinespace -ha $index -hi o -sz 16
tss nvreadpublic -ha $index
tss_fails TPM_RC_NV_UNINITIALIZED nvread -ha $index -pwdn pin -sz 16
tss startauthsession -se h -bi $index -pwdb pin
session=$handle
tss nvwrite -ha $index -pwdn pin -ic 0123456789abcdef -se0 "$session" 21
tss nvread -ha $index -pwdn pin -sz 16 -of contents -se0 "$session" 41
printf '0123456789abcdef' >expected
same expected contents
drop "$session"
tss_fails TPM_RC_NV_RANGE nvread -ha $index -pwdn pin -sz 16 -off 1
tss nvwritelock -ha $index -pwdn pin
tss_fails TPM_RC_NV_LOCKED nvwrite -ha $index -pwdn pin -ic 0
tss nvreadlock -ha $index -pwdn pin
tss_fails TPM_RC_NV_LOCKED nvread -ha $index -pwdn pin -sz 1
tss nvundefinespace -ha $index -hi o
tss_fails TPM_RC_HANDLE nvreadpublic -ha $index

tss nvdefinespace -ha $index -hi o -pwdn pin -ty c
tss nvincrement -ha $index -pwdn pin
tss nvread -ha $index -pwdn pin
tss_fails TPM_RC_ATTRIBUTES nvwrite -ha $index -pwdn pin -ic 01234567
tss nvundefinespace -ha $index -hi o
tss nvdefinespace -ha $index -hi o -pwdn pin -ty b
tss nvsetbits -ha $index -pwdn pin -bit 4 -bit 0
tss nvread -ha $index -pwdn pin -sz 8 -of contents
printf '\0\0\0\0\0\0\0\021' >expected
same expected contents
tss nvundefinespace -ha $index -hi o
tss nvdefinespace -ha $index -hi o -pwdn pin -ty e
tss nvextend -ha $index -pwdn pin -ic event
tss nvread -ha $index -pwdn pin -sz 32 -of contents
{ head -c 32 /dev/zero && printf event; } | openssl dgst -sha256 -binary >expected
same expected contents
tss nvundefinespace -ha $index -hi o

# A new authorization value takes a policy.
printf '%s\n' "0000016c0000013b" >statement
tss policymaker -if statement -of policy
tss nvdefinespace -ha $index -hi o -pwdn pin -sz 4 -pol policy
tss startauthsession -se p
tss policycommandcode -ha "$handle" -cc 13b
tss nvchangeauth -ha $index -pwdo pin -pwdn new -se0 "$handle" 0
tss nvwrite -ha $index -pwdn new -ic abcd
tss_fails TPM_RC_BAD_AUTH\|TPM_RC_AUTH_FAIL nvwrite -ha $index -pwdn pin -ic abcd
tss nvundefinespace -ha $index -hi o

# PIN indices: the counter of a PIN fail index goes up with failures and down with success.
tss nvdefinespace -ha $index -hi o -hia o -pwdn pin -ty f
tss nvwrite -ha $index -hia o -id 0 2
tss startauthsession -se p
session=$handle
tss_fails 'TPM_RC_(BAD_AUTH|AUTH_FAIL)' policysecret -ha $index -pwde wrong -hs "$session"
tss policysecret -ha $index -pwde pin -hs "$session"
tss_fails 'TPM_RC_(BAD_AUTH|AUTH_FAIL)' policysecret -ha $index -pwde wrong -hs "$session"
tss_fails 'TPM_RC_(BAD_AUTH|AUTH_FAIL)' policysecret -ha $index -pwde wrong -hs "$session"
tss_fails TPM_RC_AUTH_UNAVAILABLE\|TPM_RC_AUTH_FAIL\|TPM_RC_BAD_AUTH policysecret -ha $index -pwde pin -hs "$session"
drop "$session"
tss nvundefinespace -ha $index -hi o
ok
