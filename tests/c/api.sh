#!/usr/bin/env bash
# The C API, installed as a package would have it: a program with every warning an error, on this TPM and on Debian's swtpm, plain, under
# valgrind and with AddressSanitizer; results judged by OpenSSL; a TPM in the process, which has to be the daemon's.
. "$(dirname "$0")/../lib.sh"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -n "${IRONROOT_C:-}" ] || die "IRONROOT_C has to name the prefix that cargo xtask install-c has written"
export PKG_CONFIG_PATH=$IRONROOT_C/lib/pkgconfig IRONROOT_KEY_LIST=$work/keys.json
# As a distribution would check it.
equal "soname" libironroot.so.0 "$(objdump -p "$IRONROOT_C/lib/libironroot.so" | sed -n 's/^ *SONAME *//p')"
symbols=$(nm -D --defined-only "$IRONROOT_C/lib/libironroot.so" | cut -d ' ' -f 3)
finds -x ironroot_connect <<<"$symbols"
equal "symbols of others" "" "$(awk '!/^ironroot_/' <<<"$symbols")"
strict="-std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -g -pthread"
flags=$(pkg-config --cflags --libs ironroot)
link="-Wl,-rpath,$IRONROOT_C/lib"
gcc $strict -pedantic -o api "$source/tests/c/api.c" $flags $link
gcc $strict -fsanitize=address,undefined -o api-asan "$source/tests/c/api.c" $flags $link
gcc $strict -pedantic -o jwt "$source/examples/c/jwt.c" $flags $link
gcc $strict -pedantic -o startup "$source/examples/c/startup.c" $flags $link
# The header is C++, too; and there is a static library.
printf '#include <ironroot.h>\nint main() { return ironroot_version() == nullptr; }\n' >plus.cpp
g++ -Wall -Wextra -Werror -o plus plus.cpp $flags $link
./plus
gcc $strict -o jwt-static "$source/examples/c/jwt.c" $(pkg-config --cflags ironroot) "$IRONROOT_C/lib/libironroot.a" \
    $(pkg-config --static --libs-only-l ironroot | sed 's/-lironroot//')

grind() {
    valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
        --fair-sched=yes "$@"
}
judge() {
    printf 'a message' >message
    openssl dgst -sha256 -verify public.pem -signature signature message >/dev/null
    openssl req -in dev.csr -verify -noout -text >said 2>&1
    finds 'verify OK' <said && finds 'DNS:dev1.example, DNS:dev1' <said || die "request: $(cat said)"
    openssl verify -CAfile ca.pem leaf.pem >/dev/null
    /usr/bin/python3 -c 'import jwt,sys; print(jwt.decode(open("token").read(), open("public.pem").read(), ["ES256"], audience="cloud")["sub"])' |
        finds '^dev1$'
}
./api client
judge
rm keys.json
grind ./api client
judge
rm keys.json
./api-asan client
./api global ""
"$PEER_TPM" key show web --ecc p256 | sed -n '/BEGIN/,$p' >cli.pem
same public.pem cli.pem
equal "a token in three lines" 3 "$(./jwt | tr . '\n' | wc -l)"
./jwt-static | finds '^ey'
equal "objects left" "" "$(tpm2_getcap handles-transient)"
equal "sessions left" "" "$(tpm2_getcap handles-loaded-session)"

# Another TPM 2.0.
rm keys.json
another_tpm
TPM2TOOLS_TCTI=$another ./api client
judge
end_another_tpm

# A TPM in the process: the document's key, for ever; another device has another key and the same global secret.
printf 'a device value of a file' >value
grind ./api order "$work/order"
product=$(seq -f %02.0f 0 31 | while read -r n; do printf %02x $((10#$n)); done)
value=3d1219c7c4c5404aaa1f6d2a48adfda4
vector=$(sed -n 's/^fingerprint of "web", ecc-p256 = //p' "$source/docs/derivations.md")
./api-asan start "$work/one-device" $value >first
equal "the document's key" "$vector" "$(cut -d ' ' -f 1 first)"
./api start "$work/one-device" $value >again
same first again
rm -r "$work/one-device"
./api start "$work/one-device" $value >again
same first again
./api start "$work/other-device" another-device >second
[ "$(cut -d ' ' -f 1 first)" != "$(cut -d ' ' -f 1 second)" ] || die "another device has the same key"
equal "the global secret" "$(cut -d ' ' -f 2 first)" "$(cut -d ' ' -f 2 second)"
./startup "$work/example" >one.csr
./startup "$work/example" >two.csr
openssl req -in one.csr -verify -noout 2>said && finds 'verify OK' <said
same <(openssl req -in one.csr -noout -pubkey) <(openssl req -in two.csr -noout -pubkey)
# And the same as the daemon's, with the secret that the factory gives.
printf %s "$product" | xxd -r -p >product-secret
chmod 600 product-secret
"$PEER_TPM" secret provision --product-secret product-secret >/dev/null
./api global "$(cut -d ' ' -f 2 first)"
ok
