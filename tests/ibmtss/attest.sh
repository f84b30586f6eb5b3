#!/usr/bin/env bash
# Attestation: certificates of keys, creation, PCR, time and NV; credentials; duplication and rewrapping.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/tss.inc"

one_bank
tss createprimary -hi o -ecc nistp256
tss evictcontrol -hi o -ho "$handle" -hp 81000001
drop "$handle"
root=81000001
echo "asked for" >question

tss create -hp $root -sir -ecc nistp256 -opu ak.pub -opr ak.priv -opem ak.pem -tk ticket -ch creation -kt f -kt p
tss load -hp $root -ipu ak.pub -ipr ak.priv
ak=$handle
# What is signed is verified outside.
outside() {
    tss verifysignature -ipem ak.pem -ecc -halg sha256 -if attest -is signature
}
tss certifycreation -ho "$ak" -hk "$ak" -salg ecc -qd question -tk ticket -ch creation -os signature -oa attest
outside
tss certify -ho $root -hk "$ak" -salg ecc -qd question -os signature -oa attest
outside
event -ha 16 -ic event
tss quote -hp 16 -hp 0 -hk "$ak" -salg ecc -palg sha256 -qd question -os signature -oa attest
outside
tss gettime -hk "$ak" -salg ecc -qd question -os signature -oa attest
outside
tss nvdefinespace -ha 01000000 -hi o -sz 16 -pwdn index
tss_fails TPM_RC_NV_UNINITIALIZED nvcertify -ha 01000000 -pwdn index -hk "$ak" -salg ecc -sz 16
tss nvwrite -ha 01000000 -pwdn index -ic 0123456789abcdef
tss nvcertify -ha 01000000 -pwdn index -hk "$ak" -salg ecc -sz 16 -os signature -oa attest
outside
echo other >>attest
tss_fails TPM_RC_SIGNATURE\|Signature\|signature verifysignature -hk "$ak" -ecc -halg sha256 -if attest -is signature
tss nvundefinespace -ha 01000000 -hi o
drop "$ak"

# A credential for the key that is named, and no other.
tss create -hp $root -si -ecc nistp256 -opu other.pub -opr other.priv -kt f -kt p
tss load -hp $root -ipu ak.pub -ipr ak.priv
ak=$handle
cp "$TPM_DATA_DIR/h$ak.bin" ak.name
printf '0123456789abcdef' >credential
tss makecredential -ha $root -icred credential -in ak.name -ocred blob -os secret
tss activatecredential -ha "$ak" -hk $root -icred blob -is secret -ocred opened
same credential opened
drop "$ak"
tss load -hp $root -ipu other.pub -ipr other.priv
tss_fails TPM_RC_INTEGRITY activatecredential -ha "$handle" -hk $root -icred blob -is secret
drop "$handle"

# Duplication under its policy, to a second parent and on to the first.
printf '%s\n' "0000016c0000014b" >statement
tss policymaker -if statement -of policy
tss createprimary -hi p -ecc nistp256
second=$handle
tss create -hp $root -si -ecc nistp256 -pol policy -pwdk key -opu key.pub -opr key.priv -kt nf -kt np
tss load -hp $root -ipu key.pub -ipr key.priv
key=$handle
cp "$TPM_DATA_DIR/h$key.bin" key.name
tss startauthsession -se p
session=$handle
tss policycommandcode -ha "$session" -cc 14b
tss duplicate -ho "$key" -hp "$second" -od duplicate -oss seed -se0 "$session" 1
drop "$session" "$key"
tss rewrap -ho "$second" -hn $root -id duplicate -in key.name -iss seed -od duplicate2 -oss seed2
tss import -hp $root -ipu key.pub -id duplicate2 -iss seed2 -opr key.new
tss load -hp $root -ipu key.pub -ipr key.new
tss sign -hk "$handle" -pwdk key -halg sha256 -ecc -if question
drop "$handle" "$second"
ok
