#!/usr/bin/env bash
# Secrets by name and encryption to a device: judged by tpm2-tools' HMAC and by an HPKE written in Python from RFC 9180.
. "$(dirname "$0")/../lib.sh"
ironroot=$PEER_TPM
export IRONROOT_KEY_LIST=$work/keys.json
another_tpm
there=(--tcti "$another")

# Unique: the same after a restart and Clear; another by name, by length, on another TPM; by program the same.
for tpm in here elsewhere; do
    where=()
    [ $tpm = here ] || where=("${there[@]}")
    wifi=$("$ironroot" secret unique wifi 32 "${where[@]}")
    [[ $wifi =~ ^[0-9a-f]{64}$ ]] || die "not 32 bytes: $wifi"
    equal "again" "$wifi" "$("$ironroot" secret unique wifi 32 "${where[@]}")"
    long=$("$ironroot" secret unique wifi 100 "${where[@]}")
    equal "length" 200 ${#long}
    [ "${long:0:64}" != "$wifi" ] || die "a short secret is the beginning of a long one"
    [ "$("$ironroot" secret unique wifj 32 "${where[@]}")" != "$wifi" ] || die "two names, one secret"
    "$ironroot" secret unique wifi 32 --raw "${where[@]}" | xxd -p | tr -d '\n' >raw
    equal "raw" "$wifi" "$(cat raw)"
    eval "$tpm=\$wifi"
done
equal "the longest" 16320 "$("$ironroot" secret unique wifi 8160 | tr -d '\n' | wc -c)"
[ "$here" != "$elsewhere" ] || die "two TPMs, one secret"
power_cycle
tpm2_clear
equal "after a restart and Clear" "$here" "$("$ironroot" secret unique wifi 32)"
TPM2TOOLS_TCTI=$another tpm2_clear
equal "swtpm after Clear" "$elsewhere" "$("$ironroot" secret unique wifi 32 "${there[@]}")"
for length in 0 8161; do says '1 to 8160 bytes' "$ironroot" secret unique wifi $length; done
says 'is empty' "$ironroot" secret unique '' 16

# Global: equal on TPMs that have nothing in common but the product secret, and with the value computed from the file alone.
head -c 32 /dev/urandom >product
chmod 600 product
says 'has not been given' "$ironroot" secret global fleet 48
file=$("$ironroot" secret global fleet 48 --product-secret product)
"$ironroot" secret provision --product-secret product | finds 'leaves it alone'
"$ironroot" secret provision --product-secret product --hierarchy owner "${there[@]}" | finds 'provision again'
equal "global, this TPM" "$file" "$("$ironroot" secret global fleet 48)"
equal "global, swtpm" "$file" "$("$ironroot" secret global fleet 48 "${there[@]}")"
# tpm2-tools computes the same with the base: HKDF-Expand by hand, its first block.
printf 'ironroot/named-secret/v1\0\0\0\0\5fleet\0\0\0\060\1' >message
equal "by tpm2_hmac" "${file:0:64}" "$(tpm2_hmac --key-context=0x81804952 --hash-algorithm=sha256 --hex message)"
# The platform's place survives Clear, the owner's does not.
power_cycle
tpm2_clear
equal "global after Clear" "$file" "$("$ironroot" secret global fleet 48)"
TPM2TOOLS_TCTI=$another tpm2_clear
says 'has not been given' "$ironroot" secret global fleet 48 "${there[@]}"
# Another product's replaces it.
head -c 32 /dev/urandom >product2
chmod 600 product2
"$ironroot" secret provision --product-secret product2 --json | finds '"survives_clear":true'
[ "$("$ironroot" secret global fleet 48)" != "$file" ] || die "another product has the same secret"
says 'not 32' "$ironroot" secret provision --product-secret message
# A platform that is closed, as a computer's firmware leaves it.
tpm2_changeauth --object-context=platform closed
says 'platform hierarchy is closed.*--hierarchy owner' "$ironroot" secret provision --product-secret product
tpm2_changeauth --object-context=platform --object-auth=closed

# Encryption: both ways with a program of its own; a flipped bit anywhere.
cat >hpke.py <<'END'
"""RFC 9180, base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305: seals standard input to a PEM file's key."""
import hashlib, hmac, sys
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

def mac(key, data): return hmac.new(key, data, hashlib.sha256).digest()
def extract(suite, salt, label, ikm): return mac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)
def expand(suite, prk, label, info, size):
    info = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    out = block = b""
    while len(out) < size:
        block = mac(prk, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:size]
def raw(key): return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

receiver = load_pem_public_key(open(sys.argv[1], "rb").read())
ephemeral = ec.generate_private_key(ec.SECP256R1())
enc = raw(ephemeral.public_key())
kem, suite = b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x03"
shared = expand(kem, extract(kem, b"", b"eae_prk", ephemeral.exchange(ec.ECDH(), receiver)), b"shared_secret", enc + raw(receiver), 32)
context = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", b"ironroot/encrypt/v1")
secret = extract(suite, shared, b"secret", b"")
key, nonce = expand(suite, secret, b"key", context, 32), expand(suite, secret, b"base_nonce", context, 12)
sys.stdout.buffer.write(enc + ChaCha20Poly1305(key).encrypt(nonce, sys.stdin.buffer.read(), None))
END
printf 'the configuration of one device' >plain
"$ironroot" key show config --encryption >config.pem
for _ in 1 2 3; do
    /usr/bin/python3 -B hpke.py config.pem <plain >sealed
    "$ironroot" decrypt config --input sealed --output opened
    same plain opened
done
"$ironroot" encrypt config --input plain --output sealed
"$ironroot" decrypt config <sealed >opened
same plain opened
# (Without any TPM: there is none at this address.)
TPM2TOOLS_TCTI=swtpm:port=1 "$ironroot" encrypt --public-key config.pem --input plain >sealed2
cmp -s sealed sealed2 && die "two encryptions are equal"
"$ironroot" decrypt config --input sealed2 --output opened --json | finds '"bytes":31'
same plain opened
head -c 3000000 /dev/urandom >large
"$ironroot" encrypt config <large | "$ironroot" decrypt config >opened
same large opened
size=$(stat -c %s sealed)
for offset in 0 1 33 64 65 80 $((size - 1)); do
    cp sealed changed
    corrupt changed $offset
    rm -f opened
    says 'cannot be decrypted' "$ironroot" decrypt config --input changed --output opened
    [ ! -e opened ] || die "something was written though byte $offset is wrong"
done
head -c 40 sealed >short
says 'cannot be decrypted' "$ironroot" decrypt config --input short
says 'cannot be decrypted' "$ironroot" decrypt other --input sealed
says 'cannot be decrypted' "$ironroot" decrypt config --input sealed "${there[@]}"
openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out ed.pem
says 'keys on P-256' "$ironroot" encrypt --public-key ed.pem --input plain
tpm2_clear
"$ironroot" decrypt config --input sealed --output opened
same plain opened

equal "objects left" "" "$(tpm2_getcap handles-transient)"
equal "sessions left" "" "$(tpm2_getcap handles-loaded-session)"
end_another_tpm
ok
