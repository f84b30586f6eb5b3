#!/usr/bin/env bash
# A taken port, a folder in use, read-only or full: a clear error, nothing lost, and no half-made TPM.
. "$(dirname "$0")/../lib.sh"

# The runner's TPM listens on this port, and holds this folder.
refuses 'in use|taken' mine --mssim "127.0.0.1:$PEER_PORT"
refuses 'in use|lock|another' "$PEER_STATE" --product-secret "$PEER_STATE.product-secret"
tpm2_getrandom 4 >/dev/null

# Root may write anywhere: then an ordinary user runs the program, on its own copy of it.
as_user=()
mkdir open
cp "$PEER_TPM" open/ironroot
if [ "$(id -u)" = 0 ]; then
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chown 65534:65534 open
    chmod 711 "$work"
fi
mkdir open/locked
chmod 555 open/locked
[ ${#as_user[@]} = 0 ] || chown 65534:65534 open/locked
if "${as_user[@]}" "$PWD/open/ironroot" tpm --state "$PWD/open/locked/tpm" --product-secret "$PWD/open/secret" \
    --swtpm "unix:$PWD/open/sock" >said 2>&1; then
    die "started in a folder that it may not write to"
fi
finds -iE 'permission|read-only' <said || die "no reason in: $(cat said)"
if finds panicked <said; then die "a panic: $(cat said)"; fi

# A full disk, while making a TPM and while using one. A limit on the size of files stands in for a disk that is full
# where nobody may mount one.
mkdir disk
if mount -t tmpfs -o size=256k none disk 2>/dev/null; then
    trap 'status=$?; umount "$work/disk" 2>/dev/null; rm -rf "$work"; exit $status' EXIT
    head -c 300000 /dev/zero >disk/filler 2>/dev/null || :
    refuses 'space|full' disk/tpm --product-secret "$work/disk.secret"
    rm -rf disk/filler disk/tpm disk.secret
    starts disk/tpm --product-secret "$work/disk.secret" || die "no TPM on the small disk: $(cat said)"
    "$PEER_TPM" tpm --state disk/tpm --product-secret "$work/disk.secret" --swtpm 127.0.0.1:$((PEER_PORT + 100)) >disk.log 2>&1 &
    pid=$!
    tcti=$TPM2TOOLS_TCTI
    export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$((PEER_PORT + 100))
    for _ in $(seq 100); do tpm2_startup --clear 2>/dev/null && break; sleep 0.05; done
    tpm2_nvdefine 0x1500001 --hierarchy=o --size=1000 --attributes='ownerwrite|ownerread' >/dev/null
    head -c 1000 /dev/urandom >kept
    tpm2_nvwrite 0x1500001 --hierarchy=o --input=kept
    head -c 300000 /dev/zero >disk/filler 2>/dev/null || :
    # Until a write no longer fits; what was acknowledged last is what is there.
    for number in $(seq 400); do
        head -c 1000 /dev/urandom >next
        if tpm2_nvwrite 0x1500001 --hierarchy=o --input=next 2>>disk.errors; then cp next kept; else break; fi
    done
    [ "$number" -lt 400 ] || die "the disk never filled"
    tpm2_nvread 0x1500001 --hierarchy=o --output=read
    same kept read
    kill -s KILL $pid
    wait $pid 2>/dev/null || :
    rm disk/filler
    "$PEER_TPM" tpm --state disk/tpm --product-secret "$work/disk.secret" --swtpm 127.0.0.1:$((PEER_PORT + 100)) >disk.log 2>&1 &
    pid=$!
    for _ in $(seq 100); do tpm2_startup --clear 2>/dev/null && break; sleep 0.05; done
    tpm2_nvread 0x1500001 --hierarchy=o --output=read
    same kept read
    tpm2_nvwrite 0x1500001 --hierarchy=o --input=next
    kill -s TERM $pid
    wait $pid || die "did not stop in order: $(cat disk.log)"
    export TPM2TOOLS_TCTI=$tcti
else
    echo "may not mount a small disk here: a limit on file sizes stands in for it"
    (ulimit -f 8; trap '' XFSZ; refuses 'large|space|full|size' small --product-secret "$work/small.secret")
fi

ok
