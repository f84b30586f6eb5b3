#!/usr/bin/env bash
# tpm2-pytss: provisioning by FAPI, and what applications do with a TPM that it has provisioned.
. "$(dirname "$0")/../lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Algorithms that tpm2-tss has no name for are newer than it is.
tpm2_getcap algorithms >algorithms
export ALGORITHMS=known
if finds '^unknown' <algorithms; then ALGORITHMS=unknown; fi
for profile in P_ECCP256SHA256 P_RSA2048SHA256; do
    mkdir -p "$work/$profile/user" "$work/$profile/system" "$work/$profile/log"
    cat >"$work/$profile/config.json" <<CONFIG
{
    "profile_name": "$profile",
    "profile_dir": "/etc/tpm2-tss/fapi-profiles/",
    "user_dir": "$work/$profile/user",
    "system_dir": "$work/$profile/system",
    "log_dir": "$work/$profile/log",
    "tcti": "$TPM2TOOLS_TCTI",
    "ek_cert_less": "yes",
    "system_pcrs": []
}
CONFIG
    TSS2_FAPICONF=$work/$profile/config.json /usr/bin/python3 -B "$here/fapi.py" $profile
    # The next one provisions anew.
    flush
    tpm2_clear --auth-hierarchy=p
    tpm2_dictionarylockout --clear-lockout
done
ok
