#!/usr/bin/env bash
# Every capability that tpm2_getcap knows, and what some of them must say.
. "$(dirname "$0")/../lib.sh"

for capability in $(tpm2_getcap --list | sed 's/^- //'); do
    case $capability in
    # vendor: nothing standard to ask for.
    vendor*) continue ;;
    esac
    tpm2_getcap "$capability" >"$capability.yaml" || die "tpm2_getcap $capability"
done
grep -q 'TPM2_PT_FAMILY_INDICATOR' properties-fixed.yaml || die "no family"
grep -A 2 'TPM2_PT_FAMILY_INDICATOR' properties-fixed.yaml | finds '"2.0"' || die "not a TPM 2.0"
grep -q 'TPM2_PT_MANUFACTURER' properties-fixed.yaml || die "no manufacturer"
for algorithm in rsa: sha256: sha384: sha512: aes: ecc: ecdsa: ecdh: rsassa: rsapss: oaep: hmac: keyedhash: cfb: xor: kdf1_sp800_108:; do
    grep -q "^$algorithm" algorithms.yaml || die "no algorithm $algorithm"
done
for command in CreatePrimary Create Load Sign VerifySignature RSA_Decrypt ECDH_ZGen Quote Certify NV_Write NV_Read \
    PCR_Extend StartAuthSession PolicyPCR PolicyOR Unseal MakeCredential ActivateCredential ContextSave ContextLoad \
    EvictControl Clear Import Duplicate Rewrap GetRandom StirRandom GetCapability Hash HMAC_Start ReadClock TestParms; do
    grep -qE "TPM2_CC_$command:|^$command:" commands.yaml || [ $command = HMAC_Start ] || die "no command $command"
done
grep -q 'NIST_P256' ecc-curves.yaml || die "no P-256"
grep -q 'NIST_P384' ecc-curves.yaml || die "no P-384"
grep -q 'sha256' pcrs.yaml || die "no SHA-256 bank"
grep -q 'inLockout: *0' properties-variable.yaml || die "not a fresh TPM: in lockout"

# What is loaded shows up, and goes.
equal "no transient objects" "" "$(tpm2_getcap handles-transient)"
tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=p.ctx >/dev/null
equal "one transient object" "- 0x80000000" "$(tpm2_getcap handles-transient)"
flush
equal "none again" "" "$(tpm2_getcap handles-transient)"

tpm2_geteccparameters ecc256 --output=parameters
# TPMS_ALGORITHM_DETAIL_ECC holds the prime of P-256.
xxd -p parameters | tr -d '\n' | finds 'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff' || die "not P-256"

ok
