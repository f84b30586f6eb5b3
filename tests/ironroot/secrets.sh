#!/usr/bin/env bash
# The state folder holds no secret in the clear: keys, sealed data, auth values, NV contents, the product secret.
. "$(dirname "$0")/../lib.sh"

# Secrets whose bytes we know.
printf 'sealed-words-7c1f0e22' >sealed
printf 'nv-contents-93b2aa41' >nv
auth=auth-value-55d0c0de-x
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out ec.key
head -c 32 /dev/urandom >hmac.raw

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
tpm2_evictcontrol --hierarchy=o --object-context=parent.ctx 0x81000001 >/dev/null
flush
keep() {
    tpm2_load --parent-context=0x81000001 --public="$1.pub" --private="$1.priv" --key-context="$1.ctx" >/dev/null
    tpm2_evictcontrol --hierarchy=o --object-context="$1.ctx" "$2" >/dev/null
    flush
}
tpm2_import --parent-context=0x81000001 --key-algorithm=rsa --input=rsa.key --public=rsa.pub --private=rsa.priv --key-auth=$auth >/dev/null
keep rsa 0x81000002
tpm2_import --parent-context=0x81000001 --key-algorithm=ecc --input=ec.key --public=ec.pub --private=ec.priv >/dev/null
keep ec 0x81000003
tpm2_import --parent-context=0x81000001 --key-algorithm=hmac --input=hmac.raw --public=hmac.pub --private=hmac.priv >/dev/null
keep hmac 0x81000004
tpm2_create --parent-context=0x81000001 --sealing-input=sealed --public=sealed.pub --private=sealed.priv >/dev/null
keep sealed 0x81000005
tpm2_nvdefine 0x1500001 --hierarchy=o --size=20 --index-auth=$auth --attributes='ownerwrite|ownerread|authread' >/dev/null
tpm2_nvwrite 0x1500001 --hierarchy=o --input=nv
tpm2_changeauth --object-context=endorsement $auth

# As hexadecimal, so that any byte can be looked for. Of RSA keys both primes, of EC keys the scalar.
hex() { xxd -p "$1" | tr -d '\n'; }
part() { openssl pkey -in "$1" -noout -text | sed -n "/^$2:/,/^[a-z]/p" | grep '^ ' | tr -d ' :\n' | sed 's/^00//'; }
{
    hex sealed; echo
    hex nv; echo
    printf %s "$auth" | xxd -p; echo
    hex hmac.raw; echo
    part rsa.key prime1; echo
    part rsa.key prime2; echo
    part rsa.key privateExponent; echo
    part ec.key priv; echo
    hex "$PEER_STATE.product-secret"; echo
} | grep . >secrets
equal "secrets to look for" 9 "$(wc -l <secrets)"
[ "$(awk 'length < 40' secrets | wc -l)" = 0 ] || die "a secret is missing: $(cat secrets)"

look() {
    local file
    find "$1" -type f | while read -r file; do
        if hex "$file" | finds --fixed-strings --file=secrets; then echo "$file"; fi
    done
}
power_cycle
equal "files with a secret in them" "" "$(look "$PEER_STATE")"
[ "$(du -sb "$PEER_STATE" | cut -f 1)" -gt 4096 ] || die "the state is not in $PEER_STATE"
# The search finds what is there.
mkdir planted
cp "$PEER_STATE"/* planted
for number in $(seq 9); do
    cp "$(find planted -name state)" planted/with-one
    sed -n ${number}p secrets | xxd -r -p | dd of=planted/with-one bs=1 seek=1111 conv=notrunc status=none
    equal "planted secret $number" planted/with-one "$(look planted)"
done

# Nor may others read the files.
equal "files that others may read" "" "$(find "$PEER_STATE" "$PEER_STATE.product-secret" -type f -perm /077)"

ok
