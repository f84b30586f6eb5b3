#!/usr/bin/env bash
# An old copy of a state that is put back: refused with both numbers, through the daemon; the counter cannot be left out; and the
# documented way on.
. "$(dirname "$0")/../lib.sh"

hash() { sha256sum "$1" | cut -d ' ' -f 1; }
no() {
    local pattern=$1
    shift
    if "$@" >said 2>&1; then die "succeeded, though it must not: $*: $(cat said)"; fi
    finds -iE "$pattern" <said || die "no reason like '$pattern' in: $(cat said)"
}
stop_tpm TERM

for advance in commit sessions; do
    rm -rf tpm tpm.product-secret old counter
    mkdir counter
    starts tpm --counter "file=counter,advance=$advance" || die "$(cat said)"
    "$PEER_TPM" state inspect --state tpm >said
    finds 'rollback defence: a file in a second place' <said || die "$(cat said)"
    cp -r tpm old
    starts tpm || die "the recorded counter is not found: $(cat said)"
    starts tpm --start clear || die "$(cat said)"

    # The old copy, put back.
    cp -r tpm latest
    cp old/state tpm/state
    before=$(hash tpm/state)
    refuses 'an old copy of the state was put back: its sequence number is [0-9]+, but its counter .* has reached [0-9]+' tpm
    no 'old copy' "$PEER_TPM" state verify --state tpm
    "$PEER_TPM" state inspect --state tpm --json >said
    finds '"reason":"rollback"' <said
    no 'old copy' "$PEER_TPM" doctor --state tpm
    equal "the old copy" "$before" "$(hash tpm/state)"

    # Without its counter; with an empty folder in its place; with another counter; with a damaged one.
    mv counter away
    refuses 'expects a counter that is not there' tpm
    mkdir counter
    refuses 'expects a counter that is not there' tpm
    rmdir counter
    mv away counter
    mkdir -p empty
    refuses 'expects a counter that is not there' tpm --counter file=empty
    cp -r counter damaged
    for slot in 32 544; do corrupt "$(echo damaged/*)" $slot; done
    refuses 'counter of this state cannot be trusted.*damaged' tpm --counter file=damaged
    rm -r damaged
    equal "the old copy" "$before" "$(hash tpm/state)"

    # Cut short at any length: a part of it, or an older state that is whole.
    length=$(($(xxd -p -c 1 latest/state | grep -n -v '^00$' | tail -n 1 | cut -d : -f 1)))
    for size in 0 7 8 511 512 $(seq 600 97 $((length - 512))) $((length - 1)); do
        head -c "$size" latest/state >tpm/state
        cut=$(hash tpm/state)
        refuses 'not an Ironroot state|damaged at byte|an old copy' tpm
        equal "the state of $size bytes" "$cut" "$(hash tpm/state)"
    done

    # The latest state, put back.
    cp latest/state tpm/state
    starts tpm || die "the latest state is refused: $(cat said)"

    # It is lost: the way on takes a reason, and is kept.
    cp old/state tpm/state
    no 'reason' "$PEER_TPM" state accept-rollback --state tpm
    no 'needs a reason' "$PEER_TPM" state accept-rollback --state tpm --reason ' '
    "$PEER_TPM" state accept-rollback --state tpm --reason 'the disk died' >said 2>/dev/null
    starts tpm || die "does not go on: $(cat said)"
    "$PEER_TPM" state inspect --state tpm | finds 'rollback accepted.*the disk died'
    no 'nothing to accept' "$PEER_TPM" state accept-rollback --state tpm --reason again
    # From now on what was the latest state is an old copy.
    cp tpm/state keep
    cp latest/state tpm/state
    refuses 'an old copy' tpm
    cp keep tpm/state
    starts tpm || die "$(cat said)"

    # The counter is lost.
    rm -r counter
    refuses 'expects a counter that is not there' tpm
    "$PEER_TPM" state accept-rollback --state tpm --reason 'lost the stick' --new-counter "file=counter2,advance=$advance" >said 2>/dev/null
    starts tpm || die "does not go on with another counter: $(cat said)"
    rm -r counter2 latest
done

# A TPM without a counter says so, is not taken for one with, and gets one.
starts plain || die "$(cat said)"
refuses 'expects none' plain --counter file=counter3
"$PEER_TPM" doctor --state plain | finds 'rollback defence: none'
no "state's own folder" "$PEER_TPM" state rekey --state plain --new-counter file=plain/counter
"$PEER_TPM" state rekey --state plain --new-counter file=counter3 >/dev/null
cp plain/state old.state
starts plain --start clear || die "$(cat said)"
cp plain/state latest.state
cp old.state plain/state
cmp -s old.state latest.state || refuses 'an old copy' plain
cp latest.state plain/state
refuses 'durability power' plain --durability process
"$PEER_TPM" state rekey --state plain --remove-counter >/dev/null
starts plain --durability process || die "$(cat said)"

start_tpm
ok
