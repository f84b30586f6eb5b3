#!/usr/bin/env bash
# What is not about a key or an index: hashes, PCR, hierarchies, the clock, dictionary attacks, capabilities.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/tss.inc"

one_bank
printf 'a message' >message
tss getrandom -by 16 -of random
[ "$(wc -c <random)" = 16 ] || die "16 bytes were asked for"
tss stirrandom -if message
for hash in sha1 sha256 sha384; do
    tss hash -hi o -halg $hash -if message -oh digest -tk ticket
    openssl dgst -$hash -binary message >expected
    same expected digest
done
tss hashsequencestart -halg sha256 -pwda sequence
tss sequenceupdate -hs "$handle" -pwds sequence -if message
tss sequencecomplete -hs "$handle" -pwds sequence -of digest
openssl dgst -sha256 -binary message >expected
same expected digest

# PCR, by extension, event and event sequence.
tss pcrread -ha 16 -halg sha256 -of before
tss pcrextend -ha 16 -halg sha256 -if message
tss pcrread -ha 16 -halg sha256 -of after
{ cat before message && head -c $((32 - 9)) /dev/zero; } | openssl dgst -sha256 -binary >expected
same expected after
tss pcrreset -ha 16
tss pcrread -ha 16 -halg sha256 -of cleared
same before cleared
if [ "$PEER_TPM" != swtpm ]; then
    event -ha 16 -if message
    tss hashsequencestart -halg null
    tss eventsequencecomplete -ha 16 -hs "$handle" -if message
    tss pcrread -ha 16 -halg sha256 -of twice
    openssl dgst -sha256 -binary message >event
    { { cat before event; } | openssl dgst -sha256 -binary && cat event; } | openssl dgst -sha256 -binary >expected
    same expected twice
fi
tss_fails TPM_RC_LOCALITY pcrreset -ha 0

# Hierarchies: authorization values and policies, off and on.
tss hierarchychangeauth -hi o -pwdn owner
tss_fails TPM_RC_BAD_AUTH createprimary -hi o -ecc nistp256
tss createprimary -hi o -pwdp owner -ecc nistp256
drop "$handle"
printf '%s\n' "0000016c00000131" >statement
tss policymaker -if statement -of policy
tss setprimarypolicy -hi o -pwda owner -pol policy -halg sha256
tss startauthsession -se p
tss policycommandcode -ha "$handle" -cc 131
tss createprimary -hi o -ecc nistp256 -se0 "$handle" 0
drop "$handle"
tss hierarchycontrol -hi p -he o -state 0
tss_fails TPM_RC_HIERARCHY createprimary -hi o -pwdp owner -ecc nistp256
tss hierarchycontrol -hi p -he o -state 1
tss clearcontrol -hi p -state 1
tss_fails TPM_RC_DISABLED clear -hi l
tss clearcontrol -hi p -state 0
tss clear -hi l
tss createprimary -hi o -ecc nistp256
drop "$handle"

tss readclock
tss clockset -hi o -time 1000000
tss readclock
finds 'clock *100[0-9]\{4\}' <"$work/said" || die "the clock was set: $(cat "$work/said")"
tss_fails TPM_RC_VALUE clockset -hi o -time 1
tss clockrateadjust -hi o -adj 1
tss clockrateadjust -hi o -adj 0
tss dictionaryattackparameters -nmt 5 -nrt 60 -lr 60
tss dictionaryattacklockreset
for capability in 0 1 2 6; do
    tss getcapability -cap $capability -pr $([ $capability = 1 ] && echo 80000000 || echo 0)
done
# Curves that the library knows: it takes a list with any other one for malformed.
tss getcapability -cap 8 -pr 3 -pc 2
tss eccparameters -cv nistp256
tss pcrallocate -sha256
tss shutdown -c
tss_fails 'TPM_RC_INITIALIZE' startup -c
ok
