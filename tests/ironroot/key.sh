#!/usr/bin/env bash
# Named keys: the same after Clear, restart and a wiped disk; another on another device or TPM; judged by OpenSSL and tpm2-tools.
. "$(dirname "$0")/../lib.sh"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ironroot=$PEER_TPM
export IRONROOT_KEY_LIST=$work/keys.json
print() { "$ironroot" key show "$@" --json | sed 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/'; }

# Every kind: created, listed, shown; the public key is the one that OpenSSL hashes to the fingerprint.
kinds="ecc-p256 ecc-p384 ecc-p521 ed25519 rsa-2048 rsa-3072 ml-dsa-44 ml-dsa-65 ml-dsa-87"
option() {
    case $1 in
    ed25519) echo "--ecc ed25519" ;;
    ml-dsa-*) echo "--ml-dsa ${1#ml-dsa-}" ;;
    *) echo "--${1%-*} ${1#*-}" ;;
    esac
}
for kind in $kinds; do
    "$ironroot" key create "my $kind" $(option $kind) | finds "^my $kind: $kind, fingerprint [0-9a-f]\{64\}"
    "$ironroot" key create "my $kind" $(option $kind) --json | finds '"new":false'
    case $kind in
    ml-dsa-*) ;; # OpenSSL 3.0 has no ML-DSA.
    *)
        "$ironroot" key show "my $kind" | sed -n '/BEGIN/,$p' >public.pem
        openssl pkey -pubin -in public.pem -outform DER -out public.der
        equal "fingerprint of $kind" "$(sha256sum public.der | cut -d ' ' -f 1)" "$(print "my $kind")"
        "$ironroot" csr "my $kind" --subject "CN=dev1,O=Example" --dns dev1.example --output dev.csr
        openssl req -in dev.csr -verify -noout -text >said 2>&1
        finds 'verify OK' <said && finds 'DNS:dev1.example' <said || die "request of $kind: $(cat said)"
        ;;
    esac
done
equal "names in the list" 9 "$("$ironroot" key list | grep -c '^my ')"
"$ironroot" csr "my ecc-p256" --json | finds '"subject":"CN=my ecc-p256"'

# At a handle: for tpm2-tools and OpenSSL the same key.
"$ironroot" key export-handle "my ecc-p256" 0x81000010 >/dev/null
tpm2_readpublic --object-context=0x81000010 --format=pem --output=tools.pem >/dev/null
"$ironroot" key show "my ecc-p256" | sed -n '/BEGIN/,$p' >public.pem
same public.pem tools.pem
printf 'a message' >message
tpm dgst -sha256 -sign handle:0x81000010 -out signature message
openssl dgst -sha256 -verify public.pem -signature signature message
says 'another object is there' "$ironroot" key export-handle "my ecc-p384" 0x81000010
"$ironroot" key remove "my ecc-p256" | finds 'out of 0x81000010'
equal "persistent handles" "" "$(tpm2_getcap handles-persistent)"

# What it survives. (The name is off the list; only its kind has to be said.)
before=$(print "my ecc-p256" --ecc p256)
"$ironroot" key create rsa --rsa 2048 >/dev/null
rsa=$(print rsa)
power_cycle
equal "after a restart" "$before" "$(print "my ecc-p256" --ecc p256)"
tpm2_clear
equal "after TPM2_Clear" "$before $rsa" "$(print "my ecc-p256" --ecc p256) $(print rsa)"

# With an endorsement auth value, and without it.
tpm2_changeauth --object-context=endorsement 'e-auth'
printf 'e-auth\n' >e-auth
says '"rsa".*--endorsement-auth' "$ironroot" key show rsa
equal "with endorsementAuth" "$rsa" "$(print rsa --endorsement-auth file=e-auth)"
says 'endorsement-auth' env WRONG=x "$ironroot" key show rsa --endorsement-auth env=WRONG
says 'no-such-file.*cannot be read' "$ironroot" key show rsa --endorsement-auth file=no-such-file
equal "sessions left" "" "$(tpm2_getcap handles-loaded-session)"
equal "objects left" "" "$(tpm2_getcap handles-transient)"
tpm2_changeauth --object-context=endorsement --object-auth='e-auth'

# Misuse, each with its message.
says 'has no "nosuch".*--ecc' "$ironroot" key show nosuch
says 'rsa-2048.*would be another key' "$ironroot" key create rsa --ecc p256
says 'control characters' "$ironroot" key create "$(printf 'a\tb')"
says 'nothing to remove' "$ironroot" key remove nosuch
says 'expected p256, p384, p521 or ed25519' "$ironroot" key create x --ecc p512
says 'cannot be used with' "$ironroot" key create x --ecc --rsa
says 'connection refused' "$ironroot" key show rsa --tcti swtpm:port=1
says 'subject' "$ironroot" csr rsa --subject "no name at all"
# ChangeEPS is the end of a key, and the list notices.
tpm2_changeeps
says 'not the one that the list' "$ironroot" key show rsa
flush

# A daemon of our own, on known secrets: $1 is the folder, $2 its product secret, $3 its device value.
own() {
    local port
    printf %s "$2" | xxd -r -p >"$1.product-secret"
    chmod 600 "$1.product-secret"
    printf %s "$3" >"$1.value"
    : >"$1.log"
    "$PEER_TPM" tpm --state "$1" --device-source "file:$work/$1.value" --swtpm "unix:$work/$1.sock" >"$1.log" 2>&1 &
    echo $! >"$1.pid"
    for _ in $(seq 500); do
        if grep -q '^export ' "$1.log"; then return; fi
        sleep 0.01
    done
    die "did not start: $(cat "$1.log")"
}
end() {
    kill -s TERM "$(cat "$1.pid")"
    wait "$(cat "$1.pid")" || die "$1 did not end in order: $(cat "$1.log")"
}
at() { print web $(option "$1") --tcti "swtpm:path=$work/$2.sock"; }
product=$(seq -f %02.0f 0 31 | while read -r n; do printf %02x $((10#$n)); done)
value=3d1219c7c4c5404aaa1f6d2a48adfda4
vector() { sed -n "s/^fingerprint of \"web\", $1 = //p" "$source/docs/derivations.md"; }
# The document's vectors, on the product secret and device value that it names.
own first "$product" $value
for kind in ecc-p256 ecc-p384 ed25519; do
    equal "vector of $kind" "$(vector $kind)" "$(at $kind first)"
done
web=$(at ecc-p256 first) rsa=$(at rsa-2048 first) pq=$(at ml-dsa-65 first)
end first
# Wiped and reinstalled: a TPM manufactured anew.
rm -r first
own first "$product" $value
equal "after a wiped disk" "$web $rsa $pq" "$(at ecc-p256 first) $(at rsa-2048 first) $(at ml-dsa-65 first)"
end first
# Another device; another product.
own device "$product" another-device-value
[ "$web" != "$(at ecc-p256 device)" ] || die "another device has the same key"
end device
own product "$(printf %s "$product" | tr 0-8 1-9)" $value
[ "$web" != "$(at ecc-p256 product)" ] || die "another product has the same key"
end product

# swtpm is another TPM 2.0: a key of its own there, which survives Clear, too.
another_tpm
there=$(at ecc-p256 another) there_rsa=$(at rsa-2048 another)
[ "$there" != "$web" ] || die "swtpm has the same key"
TPM2TOOLS_TCTI=$another tpm2_clear
equal "swtpm after TPM2_Clear" "$there $there_rsa" "$(at ecc-p256 another) $(at rsa-2048 another)"
says 'does not make keys of the kind ed25519' "$ironroot" key show web --ecc ed25519 --tcti "$another"
end_another_tpm

/usr/bin/python3 -B "$source/crates/keys/tests/vectors.py"
ok
