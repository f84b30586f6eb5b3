#!/usr/bin/env bash
# Policies: each assertion lets a sealed object open, or not.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/tss.inc"

echo "a secret" >secret
tss createprimary -hi o -ecc nistp256
tss evictcontrol -hi o -ho "$handle" -hp 81000001
drop "$handle"
root=81000001

# Seals under the policy of a trial session that `assertions SESSION` was called with, and opens in a real one.
opens() {
    tss startauthsession -se t
    local trial=$handle
    "$1" "$trial"
    tss policygetdigest -ha "$trial" -of policy
    drop "$trial"
    tss create -hp $root -bl -if secret -pol policy -pwdk item -opu item.pub -opr item.priv ${2:--uwa}
    tss load -hp $root -ipu item.pub -ipr item.priv
    item=$handle
    tss startauthsession -se p -on nonce
    session=$handle
    tss_fails TPM_RC_POLICY_FAIL unseal -ha "$item" -se0 "$session" 1
    "$1" "$session"
    tss unseal -ha "$item" -pwd "${3:-}" -of opened -se0 "$session" 0
    same secret opened
    drop "$item"
}

command_code() { tss policycommandcode -ha "$1" -cc 15e; }
opens command_code
locality_free() { tss policynvwritten -hs "$1" -ws y && tss policyrestart -ha "$1" && command_code "$1"; }
opens locality_free
pcr() { tss policypcr -ha "$1" -halg sha256 -bm 10000; }
opens pcr
auth_value() { tss policyauthvalue -ha "$1"; }
opens auth_value -uwa item
password() { tss policypassword -ha "$1"; }
opens password -uwa item
secret_of_owner() { tss policysecret -ha 40000001 -hs "$1"; }
opens secret_of_owner
timer() { tss policycountertimer -ha "$1" -ic 0 -op 3 -off 0; }
printf '\0\0\0\0' >zero
timer() { tss policycountertimer -ha "$1" -if zero -op 7 -off 0; }
opens timer

# PCR that have changed.
tss startauthsession -se p
session=$handle
pcr "$session"
tss pcrextend -ha 0 -ic change
tss_fails TPM_RC_PCR_CHANGED policypcr -ha "$session" -halg sha256 -bm 10000
drop "$session"

# One of two.
command_code_digest() {
    tss startauthsession -se t
    "$1" "$handle"
    tss policygetdigest -ha "$handle" -of "$2"
    drop "$handle"
}
command_code_digest command_code one
command_code_digest auth_value two
either() { command_code "$1" && tss policyor -ha "$1" -if one -if two; }
opens either

# An index.
tss nvdefinespace -ha 01000001 -hi o -sz 8 -pwdn index
tss nvwrite -ha 01000001 -pwdn index -ic 01234567
index() { tss policynv -ha 01000001 -pwda index -hs "$1" -ic 01234567 -op 0; }
opens index
tss startauthsession -se p
tss_fails TPM_RC_POLICY policynv -ha 01000001 -pwda index -hs "$handle" -ic 76543210 -op 0
drop "$handle"
tss nvundefinespace -ha 01000001 -hi o

# The policy in an index.
tss nvdefinespace -ha 01000002 -hi o -sz 34 -pwdn index
{ printf '\0\013' && cat one; } >contents
tss nvwrite -ha 01000002 -pwdn index -if contents
in_index() { command_code "$1" && tss policyauthorizenv -ha 01000002 -pwda index -hs "$1"; }
opens in_index
tss nvundefinespace -ha 01000002 -hi o

# A signature, a ticket of it, and a policy that a key approves.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out signer.pem 2>/dev/null
openssl rsa -in signer.pem -aes128 -passout pass:rrrr -traditional -out signer.key 2>/dev/null
openssl rsa -in signer.pem -pubout -out signer.pub 2>/dev/null
tss loadexternal -hi o -halg sha256 -nalg sha256 -rsa -ipem signer.pub
signer=$handle
signed() { tss policysigned -hk "$signer" -ha "$1" -sk signer.key -pwdk rrrr -halg sha256; }
opens signed
tss startauthsession -se p -on nonce
tss policysigned -hk "$signer" -ha "$handle" -in nonce -exp -200 -sk signer.key -pwdk rrrr -halg sha256 -tk ticket -to timeout
drop "$handle"
cp "$TPM_DATA_DIR/h$signer.bin" signer.name
tss startauthsession -se p
tss policyticket -ha "$handle" -to timeout -na signer.name -tk ticket
drop "$handle"
openssl dgst -sha256 -sign signer.pem -out approval one
tss verifysignature -hk "$signer" -halg sha256 -rsa -if one -is approval -raw -tk approved
approved() { command_code "$1" && tss policyauthorize -ha "$1" -appr one -skn signer.name -tk approved; }
opens approved
drop "$signer"
ok
