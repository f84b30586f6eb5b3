#!/usr/bin/env bash
# `ironroot state`: what a user does with a state beside using it. Looking at it, a damaged one, a backup and its way back, a
# second key and another one, several TPMs of one device.
. "$(dirname "$0")/../lib.sh"

state() { # state COMMAND FOLDER OPTION…: with the product secret beside the folder, as for `ironroot tpm`
    local command=$1 folder=$2
    shift 2
    "$PEER_TPM" state "$command" --state "$folder" "$@"
}
# The command must fail, and say so.
no() {
    local pattern=$1
    shift
    if "$@" >said 2>&1; then die "succeeded, though it must not: $*: $(cat said)"; fi
    finds -iE "$pattern" <said || die "no reason like '$pattern' in: $(cat said)"
    if finds -i panicked <said; then die "a panic: $(cat said)"; fi
}
hash() { sha256sum "$1" | cut -d ' ' -f 1; }

# A TPM with something in it, and the public part of a primary key: its identity.
tpm2_nvdefine 0x1500001 --hierarchy=o --size=8 --attributes='ownerwrite|ownerread' >/dev/null
printf 'contents' | tpm2_nvwrite 0x1500001 --hierarchy=o --input=-
tpm2_createprimary --hierarchy=e --key-algorithm=ecc256 --key-context=ek.ctx --output=identity >/dev/null
# On the running TPM.
state inspect "$PEER_STATE" >said
finds 'rollback defence: none' <said || die "does not say that there is no rollback defence: $(cat said)"
finds 'sealed under the device value alone' <said
state verify "$PEER_STATE" >said
finds 'whole' <said
tpm2_shutdown --clear
stop_tpm TERM
cp -r "$PEER_STATE" one
cp "$PEER_STATE.product-secret" one.product-secret

# `inspect` shows keys and sizes, never values.
state inspect one --json >one.json
/usr/bin/python3 - one.json <<'END'
import json, sys
found = json.load(open(sys.argv[1]))
assert found["format"] == 2 and found["counter"] is None and found["generation"] >= 1, found
assert found["sequence"] > 1 and found["records"] and all(r["bytes"] > 0 for r in found["records"]), found
assert "contents" not in json.dumps(found)
END
if state inspect one | finds contents; then die "a value is shown"; fi

# Damage: `verify` names the place, `inspect` shows it and what can still be read.
corrupt one/state 600
before=$(hash one/state)
no 'damaged at byte 512' state verify one
if state verify one --json >said.json 2>/dev/null; then die "a damaged state is whole"; fi
finds '"reason":"damaged"' <said.json
state inspect one >said
finds 'REFUSED .damaged' <said
equal "the damaged state" "$before" "$(hash one/state)"
corrupt one/state 600
state verify one >/dev/null

# A backup under a passphrase; it opens here and with it only, and the TPM comes back whole.
printf 'a long passphrase\n' >words
printf 'another\n' >wrong-words
chmod 600 words wrong-words
state export one --output backup --backup-key pwdfile=words >said
no 'exists' state export one --output backup --backup-key pwdfile=words
if grep -q contents backup; then die "a value is in the backup"; fi
cp one.product-secret two.product-secret
no 'not the one that it was sealed under' state import two --input backup --backup-key pwdfile=wrong-words
cp backup bad
corrupt bad 300
no 'damaged' state import two --input bad --backup-key pwdfile=words
no 'TPM here already' state import one --input backup --backup-key pwdfile=words
head -c 32 /dev/urandom >three.product-secret
chmod 600 three.product-secret
no 'another device' state import three --input backup --backup-key pwdfile=words
[ ! -e two ] && [ ! -e three ] || die "a refused import left something behind"
state import two --input backup --backup-key pwdfile=words >said
cmp one/device-binding two/device-binding
state verify two >/dev/null
rm -r "$PEER_STATE"
cp -r two "$PEER_STATE"
start_tpm
equal "what the backup holds" contents "$(tpm2_nvread 0x1500001 --hierarchy=o)"
tpm2_createprimary --hierarchy=e --key-algorithm=ecc256 --key-context=ek.ctx --output=identity.imported >/dev/null
same identity identity.imported
tpm2_shutdown --clear
stop_tpm TERM

# A second key: raw, in hexadecimal, from a descriptor; then a passphrase in its place; then none.
head -c 32 /dev/urandom >key
xxd -p -c 32 key >key.hex
head -c 32 /dev/urandom >other-key
chmod 600 key key.hex other-key
state rekey one --new-key file=key >/dev/null
before=$(hash one/state)
refuses 'device value and a key, and only the device is known' one
refuses 'device is the right one, but what was given' one --key file=other-key
refuses 'something else was given' one --key pwdfile=words
equal "the state after refusals" "$before" "$(hash one/state)"
starts one --key file=key || die "$(cat said)"
starts one --key file=key.hex || die "$(cat said)"
starts one --key file=key.hex,format=hex || die "$(cat said)"
starts one --key fd=7 7<key || die "$(cat said)"
no 'chmod|hold' state verify one --key file=words
state rekey one --key file=key --new-key pwdfile=words >/dev/null
refuses 'something else was given' one --key file=key
refuses 'device is the right one' one --key pwdfile=wrong-words
starts one --key pwdfile=words || die "$(cat said)"
starts one --key pwdfd=7 7<words || die "$(cat said)"
state inspect one --key pwdfile=words >said
finds 'sealed under the device value and a passphrase' <said
state rekey one --key pwdfile=words --remove-key >/dev/null
refuses 'under the device value alone' one --key pwdfile=words
starts one || die "$(cat said)"
state inspect one | finds 'sealed anew under the device value and a passphrase'
# The TPM is the same through all of it.
rm -r "$PEER_STATE"
cp -r one "$PEER_STATE"
start_tpm
equal "what it holds" contents "$(tpm2_nvread 0x1500001 --hierarchy=o)"
tpm2_createprimary --hierarchy=e --key-algorithm=ecc256 --key-context=ek.ctx --output=identity.rekeyed >/dev/null
same identity identity.rekeyed
tpm2_shutdown --clear
stop_tpm TERM
# A new TPM is sealed under a key from the beginning.
starts four --key file=key || die "$(cat said)"
refuses 'only the device is known' four

# Two TPMs of one device are two devices, and neither opens the other's state.
cp four.product-secret vm1.product-secret
cp four.product-secret vm2.product-secret
starts vm1 --instance vm1 || die "$(cat said)"
starts vm2 --instance vm2 || die "$(cat said)"
cp vm2/state vm1/state
refuses 'belongs to the instance "vm2", not to the one "vm1"' vm1 --instance vm1
refuses 'belongs to the instance "vm2", not to the one without a name' vm2
starts vm2 --instance vm2 || die "$(cat said)"

ok
