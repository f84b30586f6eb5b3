#!/usr/bin/env bash
# Tokens and certificates of named keys, judged by Python's jwt and by OpenSSL; and theirs, judged by ours.
. "$(dirname "$0")/../lib.sh"
ironroot=$PEER_TPM
export IRONROOT_KEY_LIST=$work/keys.json
public() { "$ironroot" key show "$1" | sed -n '/BEGIN/,$p'; }
python() { /usr/bin/python3 -B "$@"; }
cat >verify.py <<'END'
import sys, jwt
token, key, algorithm = sys.argv[1], open(sys.argv[2]).read(), sys.argv[3]
print(jwt.decode(token, key, algorithms=[algorithm], audience="backend", issuer="plant")["pump"])
END
cat >sign.py <<'END'
import sys, time, jwt
key, algorithm = open(sys.argv[1]).read(), sys.argv[2]
print(jwt.encode({"exp": int(time.time()) + 300, "pump": 7}, key, algorithm=algorithm))
END

# Every algorithm, and the peer's word on each.
while read -r key option algorithms; do
    "$ironroot" key create "$key" ${option//,/ } >/dev/null
    public "$key" >"$key.pem"
    for algorithm in $algorithms; do
        token=$("$ironroot" jwt sign "$key" --alg "$algorithm" --claim pump=7 --audience backend --issuer plant --key-id "$key")
        equal "$algorithm by Python's jwt" 7 "$(python verify.py "$token" "$key.pem" "$algorithm")"
        "$ironroot" jwt verify "$token" --key "$key" --audience backend --issuer plant --json | finds '"pump":7'
        "$ironroot" jwt verify - --public-key "$key.pem" --audience backend --json <<<"$token" | finds '"pump":7'
        says 'it is for \["backend"\]: say who you are' "$ironroot" jwt verify "$token" --key "$key"
        says 'not for "other"' "$ironroot" jwt verify "$token" --key "$key" --audience other
        says 'its issuer is' "$ironroot" jwt verify "$token" --key "$key" --audience backend --issuer other
        # The second character of the signature; the payload; the header's algorithm.
        case ${token##*.} in ?A*) other=B ;; *) other=A ;; esac
        signature=${token##*.}
        says "is not this key's" "$ironroot" jwt verify "${token%.*}.${signature:0:1}$other${signature:2}" --key "$key" --audience backend
        says "is not this key's" "$ironroot" jwt verify "${token%%.*}.$(printf '{"pump":8}' | base64).${signature}" --key "$key"
        none=$(printf '{"alg":"none"}' | base64 | tr -d =)
        says 'algorithm "none" is not one' "$ironroot" jwt verify "$none.$(cut -d . -f 2 <<<"$token")." --key "$key"
    done
    # A key outside: Python signs, ours verifies.
    algorithm=${algorithms%% *}
    case $algorithm in
    ES256) openssl ecparam -name prime256v1 -genkey -noout -out outside.key ;;
    ES384) openssl ecparam -name secp384r1 -genkey -noout -out outside.key ;;
    ES512) openssl ecparam -name secp521r1 -genkey -noout -out outside.key ;;
    RS256) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out outside.key 2>/dev/null ;;
    EdDSA) openssl genpkey -algorithm ed25519 -out outside.key ;;
    esac
    openssl pkey -in outside.key -pubout -out outside.pem
    for algorithm in $algorithms; do
        token=$(python sign.py outside.key "$algorithm")
        "$ironroot" jwt verify "$token" --public-key outside.pem --json | finds '"pump":7'
        says "is not this key's" "$ironroot" jwt verify "$token" --key "$key"
    done
done <<'END'
p256 --ecc,p256 ES256
p384 --ecc,p384 ES384
p521 --ecc,p521 ES512
ed --ecc,ed25519 EdDSA
rsa --rsa,2048 RS256 PS256
END

# Times, and what is no token.
old=$("$ironroot" jwt sign p256 --claim exp=1000)
says 'expired [0-9]+ seconds ago' "$ironroot" jwt verify "$old" --key p256
young=$("$ironroot" jwt sign p256 --claim nbf=99999999999)
says 'valid only in [0-9]+ seconds' "$ironroot" jwt verify "$young" --key p256
endless=$("$ironroot" jwt sign p256 --endless)
says 'has no end' "$ironroot" jwt verify "$endless" --key p256
"$ironroot" jwt verify "$endless" --key p256 --endless | finds iat
wordy=$("$ironroot" jwt sign p256 --claim 'exp="soon"')
says 'its exp is no time' "$ironroot" jwt verify "$wordy" --key p256
says 'three parts' "$ironroot" jwt verify a.b --key p256
says 'base64url' "$ironroot" jwt verify 'a+/=.b.c' --key p256
says 'does not sign with RS256, but with ES256' "$ironroot" jwt sign p256 --alg RS256
says 'algorithm "ES256" is not one' "$ironroot" jwt verify "$old" --key rsa
says 'expected one of ES256' "$ironroot" jwt sign p256 --alg HS256
says 'write NAME=VALUE' "$ironroot" jwt sign p256 --claim nothing
says 'PUBLIC KEY or CERTIFICATE' "$ironroot" jwt verify "$old" --public-key verify.py
printf '[1]' >array
says 'JSON object' "$ironroot" jwt sign p256 --claims array
printf '{"a":{"b":[1,2]}}' | "$ironroot" jwt sign p256 --claims - --json | finds '"a":{"b":\[1,2\]}'

# Certificates: of itself, and of a CA of each kind for a key of each kind.
for ca in p256 p384 ed rsa; do
    "$ironroot" cert self-signed $ca --subject "CN=CA $ca,O=Example" --ca --days 3650 --output ca-$ca.pem
    openssl verify -CAfile ca-$ca.pem ca-$ca.pem >/dev/null
    for leaf in p256 p521 ed rsa; do
        "$ironroot" csr $leaf --subject "CN=$leaf" --dns $leaf.example --output leaf.csr
        "$ironroot" cert issue $ca --ca-cert ca-$ca.pem --csr leaf.csr --usage client --output leaf.pem
        openssl verify -x509_strict -CAfile ca-$ca.pem -purpose sslclient leaf.pem >/dev/null
        refused openssl verify -CAfile ca-$ca.pem -purpose sslserver leaf.pem
        openssl x509 -in leaf.pem -pubkey -noout >certified.pem
        same certified.pem $leaf.pem
        openssl x509 -in leaf.pem -noout -ext subjectAltName | finds "DNS:$leaf.example"
    done
done
# A request of OpenSSL's, with a key outside; one that was changed; the wrong CA.
openssl req -new -newkey rsa:2048 -nodes -keyout outside.key -subj /CN=outside -out outside.csr 2>/dev/null
"$ironroot" cert issue p256 --ca-cert ca-p256.pem --csr outside.csr --json | finds 'BEGIN CERTIFICATE'
openssl req -in outside.csr -outform DER -out outside.der
corrupt outside.der 25
openssl req -in outside.der -inform DER -out changed.csr
says 'not signed by the key' "$ironroot" cert issue p256 --ca-cert ca-p256.pem --csr changed.csr
says 'is for another key' "$ironroot" cert issue p256 --ca-cert ca-p384.pem --csr outside.csr
"$ironroot" cert self-signed p256 --dns localhost --output leaf.pem
openssl verify -x509_strict -CAfile leaf.pem leaf.pem >/dev/null
says "is not a CA's" "$ironroot" cert issue p256 --ca-cert leaf.pem --csr outside.csr
says 'no PEM' "$ironroot" cert issue p256 --ca-cert ca-p256.pem --csr array
says 'nowhere.pem' "$ironroot" cert issue p256 --ca-cert nowhere.pem --csr outside.csr
says 'days' "$ironroot" cert self-signed p256 --days 0

equal "objects left" "" "$(tpm2_getcap handles-transient)"
ok
