#!/usr/bin/env bash
# tpm2-pytss: every command that its ESAPI has.
. "$(dirname "$0")/../lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
/usr/bin/python3 -B "$here/esapi.py" "$TPM2TOOLS_TCTI"
ok
