#!/usr/bin/env bash
# A state on a raw block device (a loop device where one can be had, a file of fixed size in any case): the same TPM after each start,
# nobody else's contents overwritten, one process at a time, an old copy refused by its counter.
. "$(dirname "$0")/../lib.sh"

stop_tpm TERM
loop=
trap 'status=$?; [ -z "$loop" ] || losetup -d "$loop"; rm -rf "$work"; exit $status' EXIT

walk() {
    local device=$1
    rm -rf tpm tpm.product-secret tpm.device-value counter
    mkdir counter
    dd if=/dev/zero of="$device" bs=4096 count=65 conv=notrunc status=none
    starts tpm --state-device "$device" --counter file=counter || die "$(cat said)"
    [ ! -e tpm/state ] || die "there is a state in the folder, too"
    dd if="$device" bs=1024 count=1 status=none | finds -a IRBLOCKS || die "nothing on the device"
    dd if="$device" of=old bs=4096 count=65 status=none
    for _ in 1 2 3; do starts tpm --state-device "$device" --start clear || die "$(cat said)"; done
    refuses 'state' tpm
    # An old copy of the device, and the latest one again.
    dd if="$device" of=latest bs=4096 count=65 status=none
    dd if=old of="$device" bs=4096 conv=notrunc status=none
    refuses 'an old copy of the state was put back' tpm --state-device "$device"
    dd if="$device" bs=4096 count=65 status=none | cmp - old || die "the old copy was changed"
    dd if=latest of="$device" bs=4096 conv=notrunc status=none
    starts tpm --state-device "$device" || die "$(cat said)"
    # One process at a time.
    "$PEER_TPM" tpm --state tpm --state-device "$device" --swtpm "unix:$work/first.sock" >first 2>&1 &
    local first=$!
    for _ in $(seq 200); do grep -q '^export ' first && break; sleep 0.05; done
    refuses 'another process|in use' tpm --state-device "$device"
    kill $first
    wait $first || die "$(cat first)"
    # What is somebody else's.
    head -c 266240 /dev/urandom >random
    dd if=random of="$device" bs=4096 conv=notrunc status=none
    refuses 'not an Ironroot state' tpm --state-device "$device"
    dd if="$device" bs=4096 count=65 status=none | cmp - random || die "somebody else's device was written"
}

truncate --size 266240 image
walk image
if [ "$(id -u)" = 0 ] && truncate --size 266240 disk && loop=$(losetup --find --show disk 2>/dev/null); then
    walk "$loop"
    echo "a file and $loop"
else
    loop=
    echo "a file; no loop device can be had here"
fi
truncate --size 9000 small
rm -rf tpm tpm.product-secret tpm.device-value
refuses 'too small' tpm --state-device small
ok
