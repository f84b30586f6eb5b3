#!/usr/bin/env bash
# TSS2 PRIVATE KEY files, in this TPM and in swtpm: keys of their own, brought from outside, encrypted to a TPM elsewhere, under policies;
# exchanged both ways with OpenSSL's tpm2 provider and tpm2-tools, and read by OpenSSL as the ASN.1 that the format's specification has.
. "$(dirname "$0")/../lib.sh"
ironroot=$PEER_TPM
ours=$TPM2TOOLS_TCTI
export IRONROOT_KEY_LIST=$work/keys.json
printf 'a message' >message
printf '1234\n' >pin
printf '4321\n' >wrong

# `to TCTI`: from here on everybody talks to that TPM.
to() { export TPM2TOOLS_TCTI=$1 TPM2OPENSSL_TCTI=$1 at=$2; }
public() { "$ironroot" key show "file:$1" "${@:2}" | sed -n '/BEGIN/,$p'; }
# The key signs with Ironroot (a request, which OpenSSL verifies): `requests FILE OPTION…`.
requests() {
    "$ironroot" csr "file:$1" --subject CN=dev1 --output "$1.csr" "${@:2}"
    openssl req -in "$1.csr" -verify -noout >said 2>&1 || die "$at: request of $1: $(cat said)"
}
# The key signs with the provider, for the public key that Ironroot says: `provider_signs FILE OPTION…`.
provider_signs() {
    public "$1" >"$1.pub"
    tpm dgst -sha256 -sign "$1" -out signature message
    openssl dgst -sha256 -verify "$1.pub" -signature signature message
}
nothing_left() {
    equal "$at: objects left" "" "$(tpm2_getcap handles-transient)"
    equal "$at: sessions left" "" "$(tpm2_getcap handles-loaded-session)"
}
# A field of the file, as OpenSSL reads ASN.1: the context-specific tags.
tags() { openssl asn1parse -in "$1" -i | sed -n 's/.*d=1 .*cont \[ \([0-9]\) \].*/\1/p' | tr '\n' ' '; }
kind() { openssl asn1parse -in "$1" | sed -n 's/.*OBJECT *://p' | head -n 1; }

walk() {
    # Wrong auth values are tried below, more of them than a new TPM forgives.
    tpm2_dictionarylockout --setup-parameters --max-tries=32 --recovery-time=1000 --lockout-recovery-time=1000
    # Keys of their own, of each kind that OpenSSL knows: made here, used there.
    local kind
    for kind in "ecc p256" "ecc p384" "rsa 2048"; do
        rm -f own.pem
        "$ironroot" key create --stored own.pem --${kind% *} ${kind#* } | finds 'Only this TPM can'
        equal "kind of file" 2.23.133.10.1.3 "$(kind own.pem)"
        equal "mode of file" 600 "$(stat -c %a own.pem)"
        requests own.pem
        provider_signs own.pem
        says 'File exists' "$ironroot" key create --stored own.pem
        refused openssl pkey -in own.pem -noout
    done
    nothing_left
    "$ironroot" jwt sign file:own.pem --claim a=1 >token
    "$ironroot" jwt verify "$(cat token)" --key file:own.pem | finds '"a": 1'
    "$ironroot" cert self-signed file:own.pem --output own.crt
    openssl verify -CAfile own.crt own.crt | finds OK

    # Under a persistent parent, and under an RSA parent in the hierarchy. (Debian's provider makes P-256 parents only.)
    tpm2_createprimary --hierarchy=o --key-algorithm=rsa2048 --key-context=parent.ctx >/dev/null
    tpm2_evictcontrol --hierarchy=o --object-context=parent.ctx 0x81000001 >/dev/null
    flush
    rm -f under.pem rsa-parent.pem
    "$ironroot" key create --stored under.pem --parent 0x81000001 >/dev/null
    requests under.pem
    provider_signs under.pem
    "$ironroot" key create --stored rsa-parent.pem --rsa-parent >/dev/null
    requests rsa-parent.pem
    equal "tags with an RSA parent" "0 5 " "$(tags rsa-parent.pem)"

    # With an auth value.
    rm -f pin.pem
    "$ironroot" key create --stored pin.pem --auth file=pin >/dev/null
    requests pin.pem --key-auth file=pin
    says 'has an auth value, and none was given' "$ironroot" csr file:pin.pem
    says 'AUTH_FAIL|authorization' "$ironroot" csr file:pin.pem --key-auth file=wrong
    public pin.pem --key-auth file=pin >pin.pub
    tpm dgst -sha256 -sign pin.pem -passin pass:1234 -out signature message
    openssl dgst -sha256 -verify pin.pub -signature signature message
    refused tpm dgst -sha256 -sign pin.pem -passin pass:4321 -out signature message
    nothing_left

    # The provider's keys, used here.
    tpm genpkey -algorithm EC -pkeyopt group:P-256 -out theirs.pem
    requests theirs.pem
    provider_signs theirs.pem
    tpm genpkey -algorithm RSA -pkeyopt bits:2048 -out theirs-rsa.pem
    requests theirs-rsa.pem
    tpm genpkey -algorithm EC -pkeyopt group:P-256 -pkeyopt user-auth:1234 -out theirs-pin.pem
    requests theirs-pin.pem --key-auth file=pin
    tpm genpkey -algorithm EC -pkeyopt group:P-256 -pkeyopt parent:0x81000001 -out theirs-under.pem
    requests theirs-under.pem

    # tpm2-tools' keys, used here; ours, used there.
    tpm2_create --parent-context=0x81000001 --key-algorithm=ecc256:ecdsa --public=tools.pub --private=tools.priv >/dev/null
    tpm2_encodeobject --parent=0x81000001 --public=tools.pub --private=tools.priv --output=tools.pem 2>said ||
        die "$at: tpm2_encodeobject: $(cat said)"
    flush
    # These tools say of every key that it has an auth value.
    requests tools.pem --key-auth file=/dev/null
    # The two octet strings of the file are what tpm2_load takes.
    parts under.pem
    tpm2_load --parent-context=0x81000001 --public=part.pub --private=part.priv --key-context=loaded.ctx >/dev/null
    tpm2_sign --key-context=loaded.ctx --hash-algorithm=sha256 --format=plain --signature=signature message
    flush
    openssl dgst -sha256 -verify under.pem.pub -signature signature message

    # From outside: PKCS #8, PKCS #1 and SEC 1, into this TPM; the public key stays what it was.
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out plain-p256.pem
    openssl ecparam -name secp384r1 -genkey -out plain-p384.pem
    openssl genrsa -traditional -out plain-rsa.pem 2048 2>/dev/null
    local plain
    for plain in p256 p384 rsa; do
        rm -f "in-$plain.pem"
        "$ironroot" key import plain-$plain.pem --stored in-$plain.pem 2>warned >/dev/null
        finds 'warning: this key was outside' <warned
        openssl pkey -in plain-$plain.pem -pubout -out plain.pub
        provider_signs in-$plain.pem
        same plain.pub in-$plain.pem.pub
        requests in-$plain.pem
    done
    rm -f in-std.pem
    "$ironroot" key import - --stored in-std.pem --auth file=pin <plain-p256.pem >/dev/null 2>&1
    requests in-std.pem --key-auth file=pin
    nothing_left

    # Encrypted to this TPM's parent where there is no TPM: by both kinds of parent.
    "$ironroot" key parent --output ecc-parent.pub
    tpm2_readpublic --object-context=0x81000001 --output=rsa-parent.pub >/dev/null
    tpm2_readpublic --object-context=0x81000001 --format=pem --output=rsa-parent-pem.pub >/dev/null
    away() { env TPM2TOOLS_TCTI=swtpm:port=1 "$ironroot" key export-tss2 "$@" 2>/dev/null; }
    away file:plain-p256.pem --parent-public ecc-parent.pub --output for-ecc.pem --description 'for a device'
    equal "kind of file" 2.23.133.10.1.4 "$(kind for-ecc.pem)"
    equal "tags of a key to be imported" "0 2 4 " "$(tags for-ecc.pem)"
    requests for-ecc.pem
    away file:plain-rsa.pem --parent-public rsa-parent.pub --parent 0x81000001 --output for-rsa.pem
    requests for-rsa.pem
    away file:plain-p256.pem --parent-public rsa-parent-pem.pub --parent 0x81000001 --auth file=pin --output for-pin.pem
    requests for-pin.pem --key-auth file=pin
    # tpm2_import judges the wrapper; it takes the file's parts as they are.
    parts for-rsa.pem
    tpm2_import --parent-context=0x81000001 --input=part.priv --seed=part.seed --public=part.pub --private=imported.priv >/dev/null
    tpm2_load --parent-context=0x81000001 --public=part.pub --private=imported.priv --key-context=loaded.ctx >/dev/null
    tpm2_sign --key-context=loaded.ctx --hash-algorithm=sha256 --scheme=rsassa --format=plain --signature=signature message
    flush
    openssl pkey -in plain-rsa.pem -pubout -out plain.pub
    openssl dgst -sha256 -verify plain.pub -signature signature message
    # Made loadable here, for the provider; which then knows the very key.
    rm -f made.pem made.der
    "$ironroot" key export-tss2 file:for-ecc.pem --output made.pem
    equal "kind of file" 2.23.133.10.1.3 "$(kind made.pem)"
    "$ironroot" key export-tss2 file:under.pem --der --output made.der
    openssl asn1parse -inform DER -in made.der | finds 2.23.133.10.1.3
    requests made.der
    # For another parent, and changed: refused.
    away file:plain-p256.pem --parent-public ecc-parent.pub --parent 0x81000001 --output other.pem
    says 'another parent|changed' "$ironroot" csr file:other.pem
    corrupt_pem for-ecc.pem changed.pem
    says 'another parent|changed' "$ironroot" csr file:changed.pem
    nothing_left

    # A key that could never be used is not made.
    says 'password at most' "$ironroot" key create --stored never.pem --ecc ed25519 --pcr sha256:16
    [ ! -e never.pem ] || die "a key was made that cannot sign"
    # Policies: PCRs; PCR values that somebody approves, in the file, the second approval in front of the first.
    tpm2_pcrreset 16
    rm -f pcr.pem signed.pem both.pem
    "$ironroot" key create --stored pcr.pem --pcr sha256:16 >/dev/null
    equal "tags with a policy" "0 1 " "$(tags pcr.pem)"
    requests pcr.pem
    "$ironroot" key create --stored both.pem --pcr sha256:16 --auth file=pin >/dev/null
    requests both.pem --key-auth file=pin
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signer.key
    openssl pkey -in signer.key -pubout -out signer.pub
    "$ironroot" key create --stored signed.pem --signed-by signer.pub >/dev/null
    approve() {
        "$ironroot" policy --pcr sha256:16 --output approvable
        openssl dgst -sha256 -sign "${2:-signer.key}" -out approval approvable
        "$ironroot" key approve "$1" --pcr sha256:16 --approval approval --name "$3"
    }
    says 'no approval is in the file' "$ironroot" csr file:signed.pem
    # A file beside it is somebody else's, whatever it is called; the mode stays.
    echo "another key" >signed.new
    chmod 640 signed.pem
    approve signed.pem signer.key first | finds 'has 1 approvals'
    equal "the file beside it" "another key" "$(cat signed.new)"
    equal "the mode of the approved file" 640 "$(stat -c %a signed.pem)"
    equal "what approving left behind" "" "$(find . -name 'signed.pem.*.tmp')"
    equal "tags with an approval" "0 1 3 " "$(tags signed.pem)"
    requests signed.pem
    says 'not the signer' approve signed.pem plain-p256.pem wrong
    tpm2_pcrextend 16:sha256=$(printf '%064d' 1)
    says 'other values' "$ironroot" csr file:pcr.pem
    says 'other values' "$ironroot" csr file:both.pem --key-auth file=pin
    says 'other values' "$ironroot" csr file:signed.pem
    approve signed.pem signer.key second | finds 'has 2 approvals'
    requests signed.pem
    tpm2_pcrreset 16
    requests signed.pem
    requests pcr.pem
    says 'AUTH_FAIL|authorization' "$ironroot" csr file:both.pem --key-auth file=wrong
    nothing_left
    # Sealed data with an approval in its file.
    rm -f sealed.pem
    "$ironroot" seal --signed-by signer.pub --output sealed.pem <message
    approve sealed.pem signer.key first >/dev/null
    "$ironroot" unseal sealed.pem --output opened
    same message opened
    equal "kind of sealed data" 2.23.133.10.1.5 "$(kind sealed.pem)"
    says 'sealed data and no key' "$ironroot" csr file:sealed.pem

    # At a handle.
    parts under.pem
    tpm2_load --parent-context=0x81000001 --public=part.pub --private=part.priv --key-context=loaded.ctx >/dev/null
    tpm2_evictcontrol --hierarchy=o --object-context=loaded.ctx 0x81000020 >/dev/null
    flush
    "$ironroot" key show handle:0x81000020 | sed -n '/BEGIN/,$p' >handle.pub
    same handle.pub under.pem.pub
    "$ironroot" csr handle:0x81000020 --json | finds 'CN=0x81000020'
    says 'no key is there' "$ironroot" csr handle:0x81000021
    nothing_left
}
# The parts of a file: part.pub, part.priv and, of a key to be imported, part.seed.
parts() {
    openssl asn1parse -in "$1" >asn1
    openssl asn1parse -in "$1" -noout -out part.der
    # Its last two strings; the secret is the one inside [2].
    grep 'd=1 .*OCTET STRING' asn1 | tail -n 2 | head -n 1 | part pub
    grep 'd=1 .*OCTET STRING' asn1 | tail -n 1 | part priv
    { grep -A1 'd=1 .*cont \[ 2 \]' asn1 || :; } | tail -n 1 | part seed
}
part() {
    local line
    read -r line || return 0
    local at=${line%%:*} header=${line#*hl=} length
    length=$(sed 's/.* l= *\([0-9]*\) .*/\1/' <<<"$line")
    tail -c +$((at + ${header%% *} + 1)) part.der | head -c "$length" >"part.$1"
}
# Another bit in the last byte but one of the file's contents.
corrupt_pem() {
    openssl asn1parse -in "$1" -noout -out corrupt.der
    corrupt corrupt.der $(($(stat -c %s corrupt.der) - 2))
    { echo '-----BEGIN TSS2 PRIVATE KEY-----'; openssl base64 -in corrupt.der; echo '-----END TSS2 PRIVATE KEY-----'; } >"$2"
}

to "$ours" ironroot
walk
mv own.pem of-ironroot.pem
another_tpm
to "$another" swtpm
walk
# Another TPM's file.
says 'another TPM' "$ironroot" csr file:of-ironroot.pem
end_another_tpm
to "$ours" ironroot
# Ed25519, which swtpm does not have.
openssl genpkey -algorithm ED25519 -out plain-ed.pem
"$ironroot" key import plain-ed.pem --stored in-ed.pem >/dev/null 2>&1
openssl pkey -in plain-ed.pem -pubout -out plain.pub
public in-ed.pem >ed.pub
same plain.pub ed.pub
requests in-ed.pem

# Misuse, each with its message.
"$ironroot" key create web >/dev/null
says 'gives no private part out.*--stored.*export-handle' "$ironroot" key export-tss2 web
says 'gives no private part out' "$ironroot" key export-tss2 handle:0x81000020
says 'outside of a TPM; ironroot key import' "$ironroot" csr file:plain-p256.pem
says 'TSS2 PRIVATE KEY already' "$ironroot" key import under.pem --stored x.pem
openssl pkcs8 -topk8 -in plain-p256.pem -passout pass:x -out encrypted.pem
says 'it is encrypted: openssl pkey' "$ironroot" key import encrypted.pem --stored x.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out k1.pem
says 'none of P-256' "$ironroot" key import k1.pem --stored x.pem
says 'No such file' "$ironroot" csr file:nosuch.pem
says 'no kind of reference.*file:PATH' "$ironroot" csr pkcs11:token=x
says 'no persistent handle' "$ironroot" csr handle:0x80000001
says 'leave that out' "$ironroot" csr file:under.pem --ecc p256
says 'no auth value of its own' "$ironroot" csr web --key-auth file=pin
says 'is for keys with a file of their own' "$ironroot" key create web --auth file=pin
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256:ecdsa --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' \
    --key-context=parent.ctx >/dev/null
tpm2_readpublic --object-context=parent.ctx --output=no-parent.pub >/dev/null
flush
says 'no storage key' "$ironroot" key export-tss2 file:plain-p256.pem --parent-public no-parent.pub
tpm2_clear
says 'another TPM or another parent|TPM2_Clear' "$ironroot" csr file:made.pem
[ ! -e x.pem ] || die "a file is left of a failure"
ok
