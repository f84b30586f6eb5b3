#!/usr/bin/env bash
# The private key is not in the process that signs with it: a C program, Python and Lua with a TPM behind a socket, and a search of all their
# memory. The control is the same program with the same TPM in the process, where the key is, of course.
. "$(dirname "$0")/../lib.sh"
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for variable in IRONROOT_C IRONROOT_PYTHON IRONROOT_LUA; do
    [ -n "${!variable:-}" ] || die "$variable is not set (cargo xtask peers sets it)"
done

# The product secret and the device value of the vectors in docs/derivations.md.
seq 0 31 | while read -r n; do printf %02x "$n"; done | xxd -r -p >product
chmod 600 product
value=3d1219c7c4c5404aaa1f6d2a48adfda4
printf $value >value
cp product tpm.product-secret
"$PEER_TPM" tpm --state tpm --device-source "file:$work/value" --swtpm "unix:$work/tpm.sock" >tpm.log 2>&1 &
tpm=$!
for _ in $(seq 500); do
    grep -q '^export ' tpm.log && break
    sleep 0.01
done
export TPM2TOOLS_TCTI=swtpm:path=$work/tpm.sock IRONROOT_KEY_LIST=$work/keys.json
"$PEER_TPM" key create web >/dev/null
"$PEER_TPM" key show web | sed -n '/BEGIN/,$p' >web.pem

export PKG_CONFIG_PATH=$IRONROOT_C/lib/pkgconfig LUA_CPATH_5_4="$IRONROOT_LUA/?.so;;"
gcc -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -o holds "$tests/c/holds.c" $(pkg-config --cflags --libs ironroot) \
    "-Wl,-rpath,$IRONROOT_C/lib"
cat >holds.lua <<'LUA'
local ironroot = require "ironroot"
local tpm = arg[1] and ironroot.start({ folder = arg[1], productfile = arg[2], devicevalue = arg[3], grade = "fused" }) or ironroot.connect()
tpm.createkey("web")
tpm.sign("web", "m")
print("ready")
io.stdout:flush()
io.read()
LUA
mkdir ironroot
cp "$tests"/../crates/python/ironroot/*.py ironroot/
cp "$IRONROOT_PYTHON" ironroot/_native.abi3.so
cat >holds.py <<'PYTHON'
import pathlib, sys
import ironroot

words = sys.argv[1:]
tpm = ironroot.start(words[0], product=pathlib.Path(words[1]), device=words[2].encode(), grade="fused") if words else ironroot.connect()
key = tpm.create_key("web")
key.sign(b"m")
print("ready", flush=True)
input()
PYTHON

look() {
    /usr/bin/python3 -B "$tests/memory.py" web web.pem "$@"
}
for client in "./holds" "lua5.4 holds.lua" "/usr/bin/python3 -B holds.py"; do
    equal "the private key in the memory of $client" 0 "$(look $client)"
    inside=$(look $client "$work/in-${client##*[ /]}" product $value)
    [ "$inside" -gt 0 ] || die "the search does not find the key of $client where it is"
    echo "$client: 0 places with the key behind a socket, $inside with the TPM in the process"
done
ends $tpm 0
ok
