#!/usr/bin/env bash
# How many TLS handshakes a second: with a key in the TPM beside a key in a file, for rustls and OpenSSL; and what a thousand named keys cost.
#
#   xtask/handshakes.sh IRONROOT MUTUAL_TLS [SECONDS]
#
# IRONROOT is the program; MUTUAL_TLS the example of crates/keys. Prints a table. Full handshakes, P-256, TLS 1.3, one after another.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,6p' "$0" >&2; exit 2; }
ironroot=$(realpath "$1") rustls=$(realpath "$2") seconds=${3:-5}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || :; rm -rf "$work"' EXIT
cd "$work"
export IRONROOT_KEY_LIST=$work/keys.json TSS2_LOG=all+none

"$ironroot" tpm --state state --swtpm "unix:$work/ironroot.sock" >ironroot.log 2>&1 &
pids+=($!)
mkdir swtpm
swtpm socket --tpm2 --tpmstate "dir=$work/swtpm" --flags not-need-init,startup-clear --server "type=unixio,path=$work/swtpm.sock" \
    --ctrl "type=unixio,path=$work/swtpm.sock.ctrl" >swtpm.log 2>&1 &
pids+=($!)
for tpm in ironroot swtpm; do
    for _ in $(seq 500); do [ -S $tpm.sock ] && break; sleep 0.01; done
done
row() { printf '| %-44s | %10s |\n' "$1" "$2"; }
row "handshakes per second" ""
row ":---" "---:"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout plain.key -days 2 -out plain.crt -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE 2>/dev/null
row "rustls, both ends sign: keys in a file" "$("$rustls" handshakes $seconds plain:plain.key plain.crt plain.crt)"
for tpm in ironroot swtpm; do
    export TPM2TOOLS_TCTI=swtpm:path=$work/$tpm.sock IRONROOT_KEY_LIST=$work/$tpm.json
    "$ironroot" cert self-signed web --ecc p256 --subject CN=localhost --dns localhost >$tpm-web.crt
    "$ironroot" key create web >/dev/null
    "$ironroot" key create --stored $tpm.pem >/dev/null
    "$ironroot" cert self-signed file:$tpm.pem --subject CN=localhost --dns localhost >$tpm.crt
    row "rustls, both ends sign: named key in $tpm" "$("$rustls" handshakes $seconds web $tpm-web.crt $tpm-web.crt)"
    row "rustls, both ends sign: TSS2 file, $tpm" "$("$rustls" handshakes $seconds file:$tpm.pem $tpm.crt $tpm.crt)"
done

# `openssl_row WHAT KEY CERTIFICATE`: s_server signs; s_time counts.
openssl_row() {
    local port=$((33000 + RANDOM % 20000)) server
    openssl s_server -accept 127.0.0.1:$port -key "$2" -cert "$3" -tls1_3 -www -quiet >server.log 2>&1 &
    server=$!
    pids+=($server)
    for _ in $(seq 200); do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.05; done
    row "$1" "$(env -u OPENSSL_CONF openssl s_time -connect 127.0.0.1:$port -new -time "$seconds" 2>/dev/null |
        sed -n 's/^\([0-9]*\) connections in \([0-9]*\) real seconds.*/\1 \2/p' | awk '{printf "%.1f", $1 / $2}')"
    kill $server
    wait $server 2>/dev/null || :
}
openssl_row "openssl s_server: key in a file" plain.key plain.crt
for tpm in ironroot swtpm; do
    export TPM2OPENSSL_TCTI=swtpm:path=$work/$tpm.sock TPM2TOOLS_TCTI=swtpm:path=$work/$tpm.sock
    export OPENSSL_CONF=$root/examples/openssl/openssl.cnf
    openssl_row "openssl s_server: TSS2 file, $tpm" $tpm.pem $tpm.crt
    unset OPENSSL_CONF
    tpm2_flushcontext --transient-object 2>/dev/null || :
done

# A thousand names.
export TPM2TOOLS_TCTI=swtpm:path=$work/ironroot.sock IRONROOT_KEY_LIST=$work/thousand.json
ms() {
    local begin=$EPOCHREALTIME n
    for n in $(seq "$1"); do "${@:2}" >/dev/null; done
    awk -v a="${begin/,/.}" -v b="${EPOCHREALTIME/,/.}" -v n="$1" 'BEGIN {printf "%.1f", (b - a) * 1000 / n}'
}
"$ironroot" key create name-0 >/dev/null
row "" ""
row "named keys, a run of the program: ms" ""
one=$(ms 50 "$ironroot" jwt sign name-0 --claim a=1)
row "sign with one name in the list" "$one"
begin=$EPOCHREALTIME
for n in $(seq 999); do "$ironroot" key create "name-$n" >/dev/null; done
row "create a name, of 999 more" "$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", (b - a) * 1000 / 999}')"
[ "$("$ironroot" key list | grep -c '^name-')" = 1000 ] || { echo "the list has no thousand names" >&2; exit 1; }
row "list a thousand names" "$(ms 20 "$ironroot" key list)"
row "sign with a thousand names in the list" "$(ms 50 "$ironroot" jwt sign name-500 --claim a=1)"
row "the program alone (--version)" "$(ms 50 "$ironroot" --version)"
