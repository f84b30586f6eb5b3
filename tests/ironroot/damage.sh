#!/usr/bin/env bash
# One wrong bit at each of 1,000 places of the state file: refused with the reason, the file left as it is.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
tpm2_evictcontrol --hierarchy=o --object-context=parent.ctx 0x81000001 >/dev/null
flush
tpm2_nvdefine 0x1500001 --hierarchy=o --size=1000 --attributes='ownerwrite|ownerread' >/dev/null
head -c 1000 /dev/urandom | tpm2_nvwrite 0x1500001 --hierarchy=o --input=-
tpm2_shutdown --clear
stop_tpm TERM
cp -r "$PEER_STATE" folder
cp "$PEER_STATE.product-secret" folder.product-secret
starts folder || die "the copy does not start: $(cat said)"
cp folder/state whole

# From the first byte to the last that is not padding.
length=$(($(xxd -p -c 1 whole | grep -n -v '^00$' | tail -n 1 | cut -d : -f 1)))
[ $length -gt 1000 ] || die "a state of $length bytes"
for number in $(seq 0 999); do
    place=$((number * (length - 1) / 999))
    cp whole folder/state
    corrupt folder/state $place
    cp folder/state damaged
    if starts folder; then die "started with a wrong bit in byte $place of $length"; fi
    refuses 'state' folder
    same damaged folder/state
done

# Cut short into its first record, empty, and not ours at all. (A last record that is cut short is what a power cut
# leaves of a write that was never acknowledged: the state before it comes up.)
for size in 0 1 511 512 1000; do
    head -c $size whole >folder/state
    cp folder/state damaged
    if starts folder; then die "started with $size bytes of $length"; fi
    refuses 'state' folder
    same damaged folder/state
done
head -c $length /dev/urandom >folder/state
refuses 'state' folder

cp whole folder/state
starts folder || die "the undamaged state does not start: $(cat said)"

ok
