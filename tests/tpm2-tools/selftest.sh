#!/usr/bin/env bash
# Self tests, test results, parameter tests, start-up and shutdown.
. "$(dirname "$0")/../lib.sh"

tpm2_selftest --fulltest
tpm2_selftest
tpm2_incrementalselftest rsa ecc sha256 aes >log
tpm2_gettestresult >result
grep -qi 'success' result || die "test result: $(cat result)"

tpm2_testparms rsa2048
tpm2_testparms ecc256:ecdsa-sha256:null
tpm2_testparms aes128cfb
tpm2_testparms hmac
refused tpm2_testparms ecc256:rsassa
refused tpm2_testparms aes127cfb

# A second start-up is no harm (TPM_RC_INITIALIZE, which the tool takes for success); shutdown of both kinds.
tpm2_startup --clear
tpm2_shutdown
tpm2_shutdown --clear
tpm2_getrandom 4 >/dev/null

ok
