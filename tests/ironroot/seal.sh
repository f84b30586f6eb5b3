#!/usr/bin/env bash
# Sealed data: passwords, PCRs, approvals signed by OpenSSL; on this TPM and on swtpm; tpm2-tools load the same objects.
. "$(dirname "$0")/../lib.sh"
ironroot=$PEER_TPM
another_tpm
printf 'the key of the disk' >secret
printf 'open sesame\n' >password
printf 'wrong\n' >wrong
openssl ecparam -name prime256v1 -genkey -noout -out ec.key
openssl pkey -in ec.key -pubout -out ec.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
openssl pkey -in rsa.key -pubout -out rsa.pem
here=$TPM2TOOLS_TCTI
extend() { tpm2_pcrextend "$1:sha256=$(printf '%064d' 1)"; }

for tcti in "$here" "$another"; do
    export TPM2TOOLS_TCTI=$tcti
    # This script is wrong more often than a TPM would bear.
    tpm2_dictionarylockout --setup-parameters --max-tries=32 --recovery-time=1000 --lockout-recovery-time=1000
    # Without conditions; with a password.
    "$ironroot" seal --input secret --output plain.pem
    head -n 1 plain.pem | finds 'BEGIN TSS2 PRIVATE KEY'
    openssl asn1parse -in plain.pem | finds '2.23.133.10.1.5'
    "$ironroot" unseal plain.pem >opened
    same secret opened
    "$ironroot" seal --input secret --password file=password >password.pem
    rm -f opened
    "$ironroot" unseal password.pem --password file=password --output opened --json | finds '"bytes":19'
    equal "the mode of what was secret" 600 "$(stat -c %a opened)"
    same secret opened
    says 'sealed with a password' "$ironroot" unseal password.pem
    says 'password is wrong' "$ironroot" unseal password.pem --password file=wrong
    # PCRs, alone and with a password.
    "$ironroot" seal --input secret --pcr sha256:7,16 --output pcr.pem
    "$ironroot" seal --input secret --pcr sha256:7,16 --password file=password --output both.pem
    "$ironroot" unseal pcr.pem >opened
    same secret opened
    "$ironroot" unseal both.pem --password file=password >opened
    same secret opened
    says 'password is wrong' "$ironroot" unseal both.pem --password file=wrong
    says 'sealed with a password' "$ironroot" unseal both.pem
    # A signer, before the values are known; tpm2-tools' own word on the policy that is signed.
    for kind in ec rsa; do
        "$ironroot" seal --input secret --signed-by $kind.pem --output $kind-signed.pem
        "$ironroot" seal --input secret --signed-by $kind.pem --password file=password --output $kind-both.pem
    done
    extend 16
    says 'PCRs have other values' "$ironroot" unseal pcr.pem
    says 'PCRs have other values' "$ironroot" unseal both.pem --password file=password
    "$ironroot" policy --pcr sha256:7,16 --output policy
    tpm2_startauthsession --session=trial.ctx
    tpm2_policypcr --session=trial.ctx --pcr-list=sha256:7,16 --policy=tools.policy >/dev/null
    tpm2_flushcontext trial.ctx
    same policy tools.policy
    for kind in ec rsa; do
        openssl dgst -sha256 -sign $kind.key -out $kind.sig policy
        "$ironroot" unseal $kind-signed.pem --pcr sha256:7,16 --approval $kind.sig >opened
        same secret opened
        "$ironroot" unseal $kind-both.pem --pcr sha256:7,16 --approval $kind.sig --password file=password >opened
        same secret opened
        says 'password is wrong' "$ironroot" unseal $kind-both.pem --pcr sha256:7,16 --approval $kind.sig --password file=wrong
        says 'a signer approves' "$ironroot" unseal $kind-signed.pem
        says "not the signer's signature" "$ironroot" unseal $kind-signed.pem --pcr sha256:7 --approval $kind.sig
    done
    says "not the signer's signature" "$ironroot" unseal ec-signed.pem --pcr sha256:7,16 --approval rsa.sig
    openssl ecparam -name prime256v1 -genkey -noout -out stranger.key
    openssl dgst -sha256 -sign stranger.key -out stranger.sig policy
    says "not the signer's signature" "$ironroot" unseal ec-signed.pem --pcr sha256:7,16 --approval stranger.sig
    extend 16
    says "not the signer's signature" "$ironroot" unseal ec-signed.pem --pcr sha256:7,16 --approval ec.sig
    equal "objects left" "" "$(tpm2_getcap handles-transient)"
    equal "sessions left" "" "$(tpm2_getcap handles-loaded-session)"
done

# Misuse.
head -c 129 /dev/zero >large
says '1 to 128 bytes, not 129' "$ironroot" seal --input large
says '1 to 128 bytes, not 0' "$ironroot" seal --input /dev/null
says 'no bank of PCRs' "$ironroot" seal --input secret --pcr md5:0
says 'no PCR from 0 to 23' "$ironroot" seal --input secret --pcr sha256:24
says 'cannot be used with' "$ironroot" seal --input secret --pcr sha256:0 --signed-by ec.pem
says 'key file cannot be used' "$ironroot" unseal secret
openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out ed.pem
says 'RSA or ECDSA, not Ed25519' "$ironroot" seal --input secret --signed-by ed.pem
# Another TPM's; and Clear is the end of it.
"$ironroot" seal --input secret --output there.pem
export TPM2TOOLS_TCTI=$here
says 'sealed by another TPM' "$ironroot" unseal there.pem
"$ironroot" seal --input secret --output plain.pem
tpm2_clear
says 'before TPM2_Clear' "$ironroot" unseal plain.pem
# A key file is no sealed data.
tpm genpkey -algorithm EC -pkeyopt group:P-256 -out key.pem
says 'holds a key and no sealed data' "$ironroot" unseal key.pem
end_another_tpm
ok
