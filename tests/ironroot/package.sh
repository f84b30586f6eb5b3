#!/usr/bin/env bash
# Application packages: built with a key of this TPM and of swtpm, read by other people's ZIP programs, refused where a byte differs.
. "$(dirname "$0")/../lib.sh"
ironroot=$PEER_TPM
another_tpm
here=$TPM2TOOLS_TCTI
export IRONROOT_KEY_LIST=$work/keys.json
mkdir -p source/bin source/share
printf '#!/bin/sh\necho app\n' >source/bin/app
chmod 755 source/bin/app
head -c 3000000 /dev/urandom >source/share/data
: >source/empty
head -c 32 /dev/urandom >product
chmod 600 product

built() { # FILE NUMBER OPTION…
    local file=$1 number=$2
    shift 2
    "$ironroot" package build signer source --package app --number "$number" --output "$file" "$@"
}
for tcti in "$here" "$another"; do
    export TPM2TOOLS_TCTI=$tcti
    rm -rf ./*.zip ./*.pem out keys.json
    "$ironroot" key create signer >/dev/null
    "$ironroot" key show signer | sed -n '/BEGIN/,$p' >signer.pem
    openssl pkey -pubin -in signer.pem -noout

    # For everybody: other programs read the archive, names, modes and all.
    built plain.zip 1 --json | finds '"files":3'
    python3 - plain.zip <<'PY'
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
assert z.read("share/data") == open("source/share/data", "rb").read()
assert z.getinfo("bin/app").external_attr >> 16 == 0o100755
print(z.read("META-INF/manifest.json").decode())
PY
    "$ironroot" package verify plain.zip --signed-by signer.pem | finds 'every byte'
    says 'would pack itself' built source/share/inside.zip 1
    [ ! -e source/share/inside.zip ] || die "a package that packs itself was begun"
    "$ironroot" package open plain.zip out --signed-by signer.pem --package app
    diff -r source out
    [ -x out/bin/app ] || die "the program is not executable"
    says 'there already' "$ironroot" package open plain.zip out --signed-by signer.pem
    rm -r out
    "$ironroot" package open - out --signed-by signer.pem <plain.zip
    diff -r source out
    rm -r out
    says 'not "other"' "$ironroot" package open plain.zip out --signed-by signer.pem --package other

    # One bit anywhere.
    size=$(stat -c %s plain.zip)
    for offset in 0 40 200 700 $((size / 2)) $((size - 200)) $((size - 1)); do
        cp plain.zip bad.zip
        corrupt bad.zip "$offset"
        says 'refused' "$ironroot" package verify bad.zip --signed-by signer.pem
        says 'refused' "$ironroot" package open bad.zip out --signed-by signer.pem
        [ ! -e out ] || die "something of a changed package was released"
    done

    # For the product: with the TPM's base, and with the secret itself.
    "$ironroot" secret provision --product-secret product --hierarchy owner
    built product.zip 2 --to-product --product-secret product
    refused grep -q 'echo app' product.zip
    "$ironroot" package open product.zip out --signed-by signer.pem
    diff -r source out && rm -r out
    built same.zip 2 --to-product
    "$ironroot" package open same.zip out --signed-by signer.pem --product-secret product
    diff -r source out && rm -r out

    # For this device; the other one does not open it.
    "$ironroot" key show package --encryption >device.pem
    built device.zip 3 --to-device device.pem
    "$ironroot" package open device.zip out --signed-by signer.pem --package app --floor 0x01500001
    diff -r source out && rm -r out
    says 'not for this device' "$ironroot" package open device.zip out --signed-by signer.pem --decrypt-as other

    # Never older.
    says 'has had version 3' "$ironroot" package open plain.zip out --signed-by signer.pem --package app --floor 0x01500001
    built newer.zip 4
    "$ironroot" package open newer.zip out --signed-by signer.pem --package app --floor 0x01500001
    says 'has had version 4' "$ironroot" package open device.zip again --signed-by signer.pem --package app --floor 0x01500001
    rm -r out
    mv signer.pem "signer-${tcti%%:*}.pem"
    mv device.zip "device-${tcti%%:*}.zip"
done
end_another_tpm
ok
