#!/usr/bin/env bash
# Bytes that are no commands, too long, cut off: answered or dropped; the TPM goes on for the next client.
. "$(dirname "$0")/../lib.sh"

raw() { # sends stdin to the command port and prints what comes back within a second
    exec 9<>"/dev/tcp/127.0.0.1/$PEER_PORT"
    cat >&9
    { timeout 1 dd bs=4096 count=1 status=none <&9 || :; } | xxd -p | tr -d '\n'
    exec 9>&- 9<&-
}
alive() { tpm2_getrandom 4 >/dev/null || die "the TPM is gone after: $1"; }

# A whole command with a wrong tag, an unknown code, a size that does not fit.
equal "an unknown command" 80010000000a00000143 "$(printf '\x80\x01\0\0\0\x0a\x2f\xff\xff\xff' | raw)"
equal "a bad tag" 00c40000000a0000001e "$(printf '\x12\x34\0\0\0\x0a\0\0\x01\x7b' | raw)"
alive "odd headers"
printf '\x80\x01\0\0\x10' | raw >/dev/null
alive "half a header"
printf '\x80\x01\0\0\0\x0c\0\0\x01\x7b' | raw >/dev/null
alive "a command cut short"
printf '\x80\x01\xff\xff\xff\xff\0\0\x01\x7b\0\x08' | raw >/dev/null
alive "a size of four gigabytes"
head -c 100000 /dev/urandom | raw >/dev/null 2>&1 || :
alive "a hundred kilobytes of noise"
for _ in $(seq 50); do
    exec 9<>"/dev/tcp/127.0.0.1/$PEER_PORT"
    exec 9>&- 9<&-
done
alive "fifty clients that say nothing"

ok
