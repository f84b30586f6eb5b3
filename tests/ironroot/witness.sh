#!/usr/bin/env bash
# A counter on another machine: an old copy of everything on this one is refused; so is a witness that is away, somebody else,
# made anew, or put back; strangers get nowhere; and the documented way on. The wire format is checked by a second program,
# which was written from docs/witness.md.
. "$(dirname "$0")/../lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
stop_tpm TERM

# `serve FOLDER [PORT]`: a witness, its address in $address and its process in $witness.
serve() {
    rm -f served
    "$PEER_TPM" -v witness serve --state "$1" --listen "127.0.0.1:${2:-0}" --json >served 2>witness.log &
    witness=$!
    # Where the script stops, the witness may have ended already.
    trap 'status=$?; kill -s KILL $witness 2>/dev/null || :; rm -rf "$work"; exit $status' EXIT
    for _ in $(seq 200); do
        [ -s served ] && break
        kill -0 $witness 2>/dev/null || die "the witness did not start: $(cat witness.log)"
        sleep 0.02
    done
    address=$(sed -n 's/.*"address":"\([^"]*\)".*/\1/p' served)
    [ -n "$address" ] || die "no address in: $(cat served)"
    finds '"files":"restricted"' <served || finds '"files":"partly' <served || die "no sandbox: $(cat served)"
}
leave() {
    kill -s "${1:-TERM}" $witness
    wait $witness || [ "${1:-}" = KILL ] || die "the witness did not stop in order: $(cat witness.log)"
}
# All numbers that it keeps, added up.
number() { echo $(("$("$PEER_TPM" witness list --state w --json | grep -o '"number":[0-9]*' | cut -d : -f 2 | paste -s -d +)")); }

"$PEER_TPM" witness enrol --state w --output machine.key --label 'a test' --states 4 >/dev/null
equal "the mode of the key" 600 "$(stat -c %a machine.key)"
says 'File exists' "$PEER_TPM" witness enrol --state w --output machine.key
serve w
port=${address##*:}
says 'another process keeps this witness' "$PEER_TPM" witness serve --state w --listen 127.0.0.1:0

for advance in commit sessions; do
    rm -rf tpm tpm.* old latest
    refuses 'key=FILE' tpm --counter "witness=$address"
    rm -rf tpm tpm.*
    starts tpm --counter "witness=$address,key=machine.key,advance=$advance" || die "$(cat said)"
    "$PEER_TPM" state inspect --state tpm | finds 'rollback defence: a witness on another machine (good' || die "not said"
    "$PEER_TPM" doctor --state tpm | finds "witness $address answers" || die "doctor says nothing of the witness"
    # The key is not needed any more, nor is the option.
    mv machine.key away.key
    cp -r tpm old
    starts tpm --start clear || die "the recorded witness is not found: $(cat said)"
    starts tpm --counter "witness=$address,key=machine.key" || die "$(cat said)"
    mv away.key machine.key

    # An old copy of everything that this machine has.
    cp -r tpm latest
    rm -r tpm && cp -r old tpm
    before=$(sha256sum tpm/state)
    refuses "an old copy of the state was put back: its sequence number is [0-9]+, but its counter \(a witness on another machine, witness $address\) has reached [0-9]+" tpm
    says 'old copy' "$PEER_TPM" state verify --state tpm
    says 'old copy' "$PEER_TPM" doctor --state tpm
    equal "the old copy" "$before" "$(sha256sum tpm/state)"
    "$PEER_TPM" state accept-rollback --state tpm --reason 'the disk died' >said 2>/dev/null
    starts tpm || die "does not go on: $(cat said)"
    rm -r tpm && cp -r latest tpm
    refuses 'an old copy' tpm
done
rm -r tpm tpm.*

# A TPM in use: every change waits for the witness.
starts tpm --counter "witness=$address,key=machine.key" || die "$(cat said)"
"$PEER_TPM" tpm --state tpm --swtpm unix:"$work/s" >daemon.log 2>&1 &
daemon=$!
runner=$TPM2TOOLS_TCTI
export TPM2TOOLS_TCTI=swtpm:path=$work/s
for _ in $(seq 200); do tpm2_startup --clear 2>/dev/null && break; sleep 0.02; done
tpm2_nvdefine 0x1500001 --size 4 --attributes 'ownerread|ownerwrite' >/dev/null
before=$(number)
echo 1234 | head -c 4 | tpm2_nvwrite 0x1500001 --hierarchy o --input -
[ "$(number)" -gt "$before" ] || die "a change did not advance the counter"
# It is away: changes are refused (TPM_RC_NV_UNAVAILABLE), what changes nothing goes on, the old value stays.
leave KILL
fails_with 0x923 sh -c 'echo 5678 | head -c 4 | tpm2_nvwrite 0x1500001 --hierarchy o --input -'
equal "the value" 1234 "$(tpm2_nvread 0x1500001 --hierarchy o)"
tpm2_getrandom --hex 4 >/dev/null
# It is back, and nothing has to be started anew.
serve w "$port"
echo 9abc | head -c 4 | tpm2_nvwrite 0x1500001 --hierarchy o --input -
equal "the value" 9abc "$(tpm2_nvread 0x1500001 --hierarchy o)"
# The daemon's helper can do one thing, and ends with it.
helper=$(pgrep -P $daemon)
equal "seccomp of the helper" 2 "$(sed -n 's/^Seccomp:\t//p' /proc/"$helper"/status)"
finds 'Seccomp:.2' </proc/$daemon/status
kill -s TERM $daemon
wait $daemon || die "did not stop in order: $(cat daemon.log)"
for _ in $(seq 100); do [ -d "/proc/$helper" ] || break; sleep 0.02; done
[ ! -d "/proc/$helper" ] || die "the helper goes on without its daemon"

# Away at the start: refused, and the state stays as it is.
leave
before=$(sha256sum tpm/state)
refuses "counter of this state cannot be reached.*$address" tpm
says "cannot be reached" "$PEER_TPM" doctor --state tpm
equal "the state" "$before" "$(sha256sum tpm/state)"
# Somebody who takes connections and says nothing.
python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1]))); print("listens", flush=True); time.sleep(60)' "$port" >silent &
silent=$!
for _ in $(seq 500); do [ -s silent ] && break; sleep 0.02; done
begin=$(date +%s)
refuses 'does not answer in time' tpm
[ $(($(date +%s) - begin)) -lt 8 ] || die "waited too long for a silent witness"
kill $silent
wait $silent 2>/dev/null || equal "how it ended: by TERM" 143 $?
# Somebody else, with a key of their own, at the same address.
serve w2 "$port"
refuses 'not signed with the key of the witness that this state is bound to' tpm
leave
# The right witness without its memory; and with one from earlier.
mv w/ledger kept
says 'No such file' "$PEER_TPM" witness serve --state w --listen 127.0.0.1:0
head -c 512 kept >w/ledger
serve w "$port"
refuses 'expects a counter that is not there.*does not count for this state' tpm
leave
# Damage of both of a state's blocks: it is as if it were not known.
cp kept w/ledger
for at in $(seq 520 512 "$(stat -c %s kept)"); do corrupt w/ledger "$at"; done
serve w "$port"
finds 'places are damaged' <witness.log
refuses 'expects a counter that is not there' tpm
leave
equal "the state" "$before" "$(sha256sum tpm/state)"
# Lost for good: another witness, with a reason.
"$PEER_TPM" witness enrol --state w3 --output w3.key >/dev/null
serve w3
"$PEER_TPM" state accept-rollback --state tpm --reason 'the witness burned down' \
    --new-counter "witness=$address,key=w3.key" >said 2>/dev/null || die "$(cat said)"
starts tpm || die "$(cat said)"
# From a witness to a file and back again.
"$PEER_TPM" state rekey --state tpm --new-counter file=counter >/dev/null
refuses 'names another kind' tpm --counter "witness=$address"
"$PEER_TPM" state rekey --state tpm --new-counter "witness=$address,key=w3.key" >/dev/null
starts tpm || die "$(cat said)"
# A key that was withdrawn, and one that is used up.
"$PEER_TPM" witness withdraw --state w3 "$(sed -n 's/^enrolment = //p' w3.key)" >/dev/null
says 'unknown to it, withdrawn, or used up' "$PEER_TPM" state rekey --state tpm --new-counter "witness=$address,key=w3.key"
starts tpm || die "a withdrawn key stopped a state that was registered: $(cat said)"
"$PEER_TPM" witness enrol --state w3 --output one.key --states 1 >/dev/null
"$PEER_TPM" state rekey --state tpm --new-counter "witness=$address,key=one.key" >/dev/null
says 'used up' "$PEER_TPM" state rekey --state tpm --new-counter "witness=$address,key=one.key"

# A client written from the page of the format: vectors, a counter of its own, forgeries, floods.
"$PEER_TPM" witness enrol --state w3 --output peer.key --states 2 >/dev/null
python3 "$here/witness_peer.py" "$address" peer.key || die "the second client"
starts tpm || die "after strangers: $(cat said)"
leave

export TPM2TOOLS_TCTI=$runner
start_tpm
ok
