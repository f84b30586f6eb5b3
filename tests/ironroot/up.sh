#!/usr/bin/env bash
# `ironroot up`: TPM and service come up, the settings that it prints work, Ctrl-C ends both in order, and the second
# start finds the same TPM.
. "$(dirname "$0")/../lib.sh"

up_pid=
trap 'status=$?; [ -z "$up_pid" ] || kill -s KILL $up_pid 2>/dev/null; rm -rf "$work"; exit $status' EXIT
up() {
    # What an earlier start said must not be taken for what this one says.
    : >up.json
    "$PEER_TPM" up --state plant --mssim 127.0.0.1:0 --swtpm "unix:$work/up.sock" --service 127.0.0.1:0 --json >up.json 2>up.log &
    up_pid=$!
    for _ in $(seq 400); do
        [ -s up.json ] && return
        kill -0 $up_pid 2>/dev/null || die "did not come up: $(cat up.log)"
        sleep 0.05
    done
    die "not up after 20 s: $(cat up.log)"
}
# What a user's Ctrl-C does.
down() {
    kill -s INT $up_pid
    wait $up_pid || die "did not end in order: $(cat up.log)"
    up_pid=
}
settings() {
    "$PEER_TPM" env --state plant >settings
    . ./settings
}

fails_to_tell=0
"$PEER_TPM" env --state plant >settings 2>said || fails_to_tell=1
equal "env before up" 1 $fails_to_tell
finds 'ironroot up' <said || die "does not say what to do: $(cat said)"

up
settings
tpm2_startup --clear
equal "random bytes" 16 "$(tpm2_getrandom --hex 8 | tr -d '\n' | wc -c)"
tpm2_createek --ek-context=ek.ctx --key-algorithm=ecc --public=ek.first --format=pem >/dev/null
flush
# The factory has put the base of the product's global secrets into the TPM.
equal "a global secret" "$("$PEER_TPM" secret global wifi 16 --product-secret plant/product/secret)" "$("$PEER_TPM" secret global wifi 16)"
# The service answers, and answers nonsense with a clear refusal.
status=$(curl --silent --show-error --output answer --write-out '%{http_code}' --header 'content-type: application/json' \
    --data '{"nonsense":' "$IRONROOT_SERVICE/v1/challenge")
case $status in 4??) ;; *) die "nonsense was answered with $status: $(cat answer)" ;; esac
[ -s answer ] || die "a refusal without a word"
down
refused "$PEER_TPM" env --state plant

up
settings
tpm2_startup --clear
tpm2_createek --ek-context=ek.ctx --key-algorithm=ecc --public=ek.second --format=pem >/dev/null
same ek.first ek.second
down

ok
