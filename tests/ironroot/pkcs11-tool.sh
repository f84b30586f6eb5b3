#!/usr/bin/env bash
# Our PKCS #11 module under pkcs11-tool, p11tool and NSS, none of which knows it: objects, signatures that OpenSSL verifies, the PIN.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../module.sh"
p11() { pkcs11-tool --module "$module" "$@"; }
# A key's CKA_ID: the beginning of its fingerprint. (pkcs11-tool signs with no label.)
id() { "$ironroot" key show "$1" --json | sed 's/.*"fingerprint":"\([0-9a-f]\{40\}\).*/\1/'; }
url=pkcs11:token=ironroot
echo "a message" >message
openssl dgst -sha256 -binary message >digest
(printf '3031300d060960864801650304020105000420' | xxd -r -p; cat digest) >digest-info

# Whatever the kind of TPM: named keys are objects, and sign. $1 is what it calls itself.
walk() {
    p11 --show-info >said 2>&1
    finds 'Cryptoki version *[23]' <said && finds 'Manufacturer *Ironroot' <said || die "$(cat said)"
    p11 --list-slots >said 2>&1
    finds "token manufacturer *: $1" <said && finds 'token label *: ironroot' <said || die "$(cat said)"
    refused finds 'login required' <said
    [ -z "$(p11 --list-objects 2>/dev/null)" ] || die "objects without names: $(p11 --list-objects)"

    # Made by our program, and by theirs.
    "$ironroot" key create web >/dev/null
    "$ironroot" key create "big one" --rsa 2048 >/dev/null
    p11 --keypairgen --key-type EC:secp384r1 --label theirs >said 2>&1 || die "$(cat said)"
    "$ironroot" key list | finds '^theirs  *ecc-p384'
    p11 --list-objects >objects 2>&1
    equal "objects" 6 "$(grep -c '^\(Private\|Public\) Key Object' objects)"
    finds 'sensitive, always sensitive, never extractable, local' <objects || die "$(cat objects)"

    # The public key is the one that our program shows.
    local web theirs big
    web=$(id web) theirs=$(id theirs) big=$(id "big one")
    p11 --read-object --type pubkey --id "$web" --output-file web.der
    openssl pkey -pubin -inform DER -in web.der -out web.pem
    public web >shown.pem
    same web.pem shown.pem

    p11 --sign --mechanism ECDSA-SHA256 --signature-format openssl --id "$web" --input-file message --output-file signature
    openssl dgst -sha256 -verify web.pem -signature signature message
    p11 --sign --mechanism ECDSA --signature-format openssl --id "$web" --input-file digest --output-file signature
    openssl dgst -sha256 -verify web.pem -signature signature message
    corrupt signature 20
    refused openssl dgst -sha256 -verify web.pem -signature signature message
    public theirs >theirs.pem
    p11 --sign --mechanism ECDSA-SHA384 --signature-format openssl --id "$theirs" --input-file message --output-file signature
    openssl dgst -sha384 -verify theirs.pem -signature signature message
    public "big one" >rsa.pem
    p11 --sign --mechanism SHA256-RSA-PKCS --id "$big" --input-file message --output-file signature
    openssl dgst -sha256 -verify rsa.pem -signature signature message
    p11 --verify --mechanism SHA256-RSA-PKCS --id "$big" --input-file message --signature-file signature |
        finds 'Signature is valid'
    corrupt signature 20
    # The tool's status is that of a success.
    p11 --verify --mechanism SHA256-RSA-PKCS --id "$big" --input-file message --signature-file signature |
        finds 'Invalid signature'
    p11 --sign --mechanism RSA-PKCS --id "$big" --input-file digest-info --output-file signature
    openssl dgst -sha256 -verify rsa.pem -signature signature message
    refused p11 --sign --mechanism RSA-PKCS --id "$big" --input-file message --output-file signature
    finds 'only a DigestInfo' <"$IRONROOT_PKCS11_LOG"
    p11 --sign --mechanism RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 --id "$big" --input-file digest \
        --output-file signature
    openssl dgst -sha256 -verify rsa.pem -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -signature signature message
    p11 --generate-random 100 --output-file random
    [ "$(wc -c <random)" = 100 ] || die "100 bytes were asked for"
    p11 --hash --mechanism SHA256 --input-file message --output-file hashed
    same hashed digest

    # OpenSC's own test.
    p11 --test >said 2>&1 || die "pkcs11-tool --test: $(cat said)"
    finds 'No errors' <said || die "$(cat said)"
    equal "mechanisms that worked" 5 "$(grep -c 'RSA-PKCS: OK' said)"

    # What it refuses, it says.
    refused p11 --write-object web.der --type pubkey --label x
    finds 'named keys are made by the TPM' <"$IRONROOT_PKCS11_LOG"
    refused p11 --keypairgen --key-type EC:secp384r1 --label web
    finds 'would be another key' <"$IRONROOT_PKCS11_LOG"
    refused p11 --init-token --label x --so-pin 12345678

    # GnuTLS: the same keys; and with a certificate, which is for web.
    mkdir -p "$certificates"
    "$ironroot" cert self-signed web --subject "CN=dev1,O=Example" --dns dev1.example --output "$certificates/web.pem"
    p11tool --provider "$module" --list-all "$url" >said
    equal "what p11tool lists" 7 "$(grep -c '^Object' said)"
    # With --batch it would stop at a PIN prompt; there is none.
    p11tool --provider "$module" --batch --test-sign "$url;object=web;type=private" >said 2>&1 || die "$(cat said)"
    finds 'Verifying against public key in the token... ok' <said || die "$(cat said)"
    p11tool --provider "$module" --batch --test-sign --sign-params=RSA-PSS --hash=SHA256 "$url;object=big%20one;type=private" >said 2>&1 ||
        die "$(cat said)"
    p11tool --provider "$module" --export "$url;object=web;type=cert" >cert.pem
    openssl x509 -in cert.pem -out cert.pem
    openssl x509 -in "$certificates/web.pem" -out wanted.pem
    same cert.pem wanted.pem

    # NSS: the module is loaded into a database; the certificate is a user's, because its key is there.
    mkdir nssdb
    certutil -N -d sql:nssdb --empty-password
    modutil -dbdir sql:nssdb -force -add ironroot -libfile "$module" >said 2>&1 || die "$(cat said)"
    modutil -dbdir sql:nssdb -list ironroot >said 2>&1
    finds 'Token Name: ironroot' <said || die "$(cat said)"
    certutil -d sql:nssdb -h ironroot -K >said 2>&1 || die "$(cat said)"
    equal "keys in NSS" 3 "$(grep -c '^<' said)"
    certutil -d sql:nssdb -h ironroot -L >said 2>&1
    finds 'ironroot:web *u,u,u' <said || die "$(cat said)"
    rm -r nssdb
}

walk IRRT
# Ed25519, which Debian's swtpm has not; made by our program, and by theirs.
"$ironroot" key create edwards --ecc ed25519 >/dev/null
public edwards >edwards.pem
p11 --sign --mechanism EDDSA --id "$(id edwards)" --input-file message --output-file signature
openssl pkeyutl -verify -pubin -inkey edwards.pem -rawin -in message -sigfile signature
p11tool --provider "$module" --batch --test-sign --hash=SHA512 "$url;object=edwards;type=private" 2>&1 | finds 'Verifying.*ok'
p11 --keypairgen --key-type EC:edwards25519 --label theirs25519 >said 2>&1 || die "$(cat said)"
"$ironroot" key list | finds '^theirs25519  *ed25519'
# The TPM is switched off and on between two programs: the keys come back by themselves.
power_cycle
p11 --sign --mechanism ECDSA-SHA256 --signature-format openssl --id "$(id web)" --input-file message --output-file signature
openssl dgst -sha256 -verify shown.pem -signature signature message

# The PIN is the endorsement hierarchy's auth value.
tpm2_changeauth --object-context=endorsement 1234
p11 --list-slots | finds 'login required'
sign=(--sign --mechanism ECDSA-SHA256 --signature-format openssl --input-file message --output-file signature)
printf 1234 >auth
web=$("$ironroot" key show web --endorsement-auth file=auth --json | sed 's/.*"fingerprint":"\([0-9a-f]\{40\}\).*/\1/')
refused p11 "${sign[@]}" --id "$web"
refused p11 --login --pin 4321 "${sign[@]}" --id "$web"
finds CKR_PIN_INCORRECT <.refused
p11 --login --pin 1234 "${sign[@]}" --id "$web"
openssl dgst -sha256 -verify shown.pem -signature signature message
p11tool --provider "$module" --login --test-sign "$url;object=web;type=private?pin-value=1234" 2>&1 | finds 'Verifying.*ok'
# In a configuration file, instead; it names one key of the three, and the TPM, which no variable does now.
printf '%s\n' "tcti = $TPM2TOOLS_TCTI" "list = $IRONROOT_KEY_LIST" "label = other" "key = web" "endorsement-auth = $work/auth" >conf
quiet=(env -u TPM2TOOLS_TCTI -u IRONROOT_KEY_LIST -u IRONROOT_PKCS11_LOG IRONROOT_PKCS11_CONFIG="$work/conf")
"${quiet[@]}" pkcs11-tool --module "$module" "${sign[@]}" --id "$web"
openssl dgst -sha256 -verify shown.pem -signature signature message
equal "keys of the configuration" 1 "$("${quiet[@]}" pkcs11-tool --module "$module" --list-objects --type privkey | grep -c '^Private')"
echo 'pin = 1234' >>conf
refused "${quiet[@]}" pkcs11-tool --module "$module" --list-objects
finds '"pin" is not known' <.refused
tpm2_changeauth --object-context=endorsement --object-auth=1234

# Keys that are not on the list: in a TSS2 file of OpenSSL's tpm2 provider, and at a handle.
tpm genpkey -algorithm EC -pkeyopt group:P-256 -out file.pem
tpm pkey -in file.pem -pubout -out file.pub
"$ironroot" key export-handle "big one" 0x81000030 >/dev/null
sed -i '/^pin\|^key/d' conf
printf '%s\n' "key = file:$work/file.pem" "key = handle:0x81000030" "key = handle:0x81000031" "log = $work/conf.log" >>conf
"${quiet[@]}" pkcs11-tool --module "$module" --list-objects --type pubkey >objects 2>&1
equal "keys elsewhere" "label: file label: 0x81000030" "$(echo $(grep label objects))"
finds 'handle:0x81000031 is not shown: .*no key is there' <conf.log
of() { openssl pkey -pubin -in "$1" -outform DER | sha256sum | cut -c 1-40; }
"${quiet[@]}" pkcs11-tool --module "$module" "${sign[@]}" --id "$(of file.pub)"
openssl dgst -sha256 -verify file.pub -signature signature message
"${quiet[@]}" pkcs11-tool --module "$module" --sign --mechanism SHA256-RSA-PKCS --id "$(of rsa.pem)" --input-file message --output-file signature
openssl dgst -sha256 -verify rsa.pem -signature signature message
refused "${quiet[@]}" pkcs11-tool --module "$module" --delete-object --type privkey --id "$(of file.pub)"
"$ironroot" key remove "big one" >/dev/null
equal "objects left" "" "$(tpm2_getcap handles-transient)"
equal "sessions left" "" "$(tpm2_getcap handles-loaded-session)"

# A name is taken off the list; it is the key's again when it comes back.
p11 --delete-object --type privkey --id "$web"
refused p11 "${sign[@]}" --id "$web"
p11 --keypairgen --key-type EC:prime256v1 --label web >said 2>&1
equal "the key after all" "$web" "$(id web)"

# Another TPM 2.0.
use_swtpm
walk IBM
end_another_tpm
ok
