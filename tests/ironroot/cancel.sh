#!/usr/bin/env bash
# The search for an RSA key is cancelled through swtpm's control channel (by swtpm's own swtpm_ioctl) and through the simulator's
# platform port.
. "$(dirname "$0")/../lib.sh"
stop_tpm TERM
export TSS2_LOG=all+none
port=$((PEER_PORT + 2000))

free() { ! (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
while ! free $port || ! free $((port + 1)); do port=$((port + 2)); done
up() {
    "$PEER_TPM" tpm --state state "$@" >said 2>&1 &
    daemon=$!
    for _ in $(seq 500); do
        grep -q '^export ' said && tpm2_startup --clear && return
        kill -0 $daemon 2>/dev/null || break
        sleep 0.02
    done
    die "did not start: $(cat said)"
}
down() {
    kill -s TERM $daemon
    wait $daemon || die "did not stop in order: $(cat said)"
}
# Each key is searched for from another start, so some searches are long.
search() { head -c 8 /dev/urandom | tpm2_createprimary --key-algorithm rsa4096 --unique-data - --key-context key.ctx; }

export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$port
up --swtpm "127.0.0.1:$port"
control() { swtpm_ioctl --tcp "127.0.0.1:$((port + 1))" "$@"; }
for try in $(seq 20); do
    search >found 2>&1 &
    searcher=$!
    sleep 0.05
    control -C
    wait $searcher || break
    flush
done
grep -q '(0x909)' found || die "no search of $try was cancelled: $(cat found)"
# A request that meets no command is not kept for the next one, and the cancelled search left no object.
control -C
for _ in 1 2 3; do
    tpm2_createprimary --key-algorithm rsa --key-context key.ctx >/dev/null
done
flush
down

export TPM2TOOLS_TCTI=mssim:host=127.0.0.1,port=$port
up --mssim "127.0.0.1:$port"
signal() { # its number, on the platform port; the answer is 0
    exec 9<>"/dev/tcp/127.0.0.1/$((port + 1))"
    printf "\\0\\0\\0\\x$(printf %02x "$1")" >&9
    equal "the answer to signal $1" 00000000 "$(timeout 5 dd bs=4 count=1 status=none <&9 | xxd -p)"
    exec 9>&- 9<&-
}
signal 9
fails_with 0x909 search
fails_with 0x909 search
tpm2_getrandom 4 >/dev/null
signal 10
search >/dev/null
down

ok
