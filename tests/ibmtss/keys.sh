#!/usr/bin/env bash
# Keys of every kind: created, loaded, used, moved, made persistent, certified.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/tss.inc"

echo "a message" >message
tss createprimary -hi o -pwdk storage -ecc nistp256 -tk ticket -ch creation
root=$handle
tss evictcontrol -hi o -ho "$root" -hp 81000001
drop "$root"
root=81000001

# Signing keys, by password and by an HMAC session that encrypts both ways.
tss startauthsession -se h -hs $root -sym aes
session=$handle
for kind in rsa:rsa ecc:"ecc nistp256"; do
    tss create -hp $root -pwdp storage -pwdk key -si -${kind#*:} -opu key.pub -opr key.priv -opem key.pem
    tss load -hp $root -pwdp storage -ipu key.pub -ipr key.priv
    key=$handle
    for auth in "" "-se0 $session 21"; do
        tss sign -hk "$key" -pwdk key -halg sha256 -${kind%%:*} -if message -os signature $auth
        tss verifysignature -hk "$key" -halg sha256 -${kind%%:*} -if message -is signature
    done
    tss_fails 'TPM_RC_BAD_AUTH' sign -hk "$key" -pwdk wrong -halg sha256 -${kind%%:*} -if message
    # The public half alone, loaded from outside, verifies too.
    curve=${kind#*:}
    tss loadexternal -halg sha256 -nalg sha256 -${curve%% *} -ipem key.pem
    public=$handle
    tss verifysignature -hk "$public" -halg sha256 -${kind%%:*} -if message -is signature
    drop "$public"
    tss objectchangeauth -hp $root -ho "$key" -pwdo key -pwdn new -opr new.priv
    drop "$key"
    tss load -hp $root -pwdp storage -ipu key.pub -ipr new.priv
    tss sign -hk "$handle" -pwdk new -halg sha256 -${kind%%:*} -if message
    drop "$handle"
done
drop "$session"

# Decryption.
tss create -hp $root -pwdp storage -den -kt f -kt p -opu key.pub -opr key.priv
tss load -hp $root -pwdp storage -ipu key.pub -ipr key.priv
tss rsaencrypt -hk "$handle" -id message -oe cipher
tss rsadecrypt -hk "$handle" -ie cipher -od opened
tail -c "$(wc -c <message)" opened >tail
same message tail
drop "$handle"

# An HMAC key with a sequence.
tss create -hp $root -pwdp storage -kh -pwdk key -kt f -kt p -opu key.pub -opr key.priv
tss load -hp $root -pwdp storage -ipu key.pub -ipr key.priv
key=$handle
tss hmac -hk "$key" -pwdk key -if message -os mac
tss hmacstart -hk "$key" -pwdk key -pwda sequence
sequence=$handle
head -c 4 message >first
tail -c +5 message >rest
tss sequenceupdate -hs "$sequence" -pwds sequence -if first
tss sequencecomplete -hs "$sequence" -pwds sequence -if rest -of mac2
same mac mac2
# Contexts.
tss contextsave -ha "$key" -of key.ctx
drop "$key"
tss contextload -if key.ctx
tss hmac -hk "$handle" -pwdk key -if message -os mac3
same mac mac3
drop "$handle"

# A key from outside, and one made and loaded at once. (The utility's templates for derivation parents are malformed.)
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out outside.pem 2>/dev/null
openssl rsa -in outside.pem -aes128 -passout pass:rrrr -traditional -out outside.key 2>/dev/null
tss importpem -hp $root -pwdp storage -ipem outside.key -pwdk rrrr -rsa -opu key.pub -opr key.priv
tss load -hp $root -pwdp storage -ipu key.pub -ipr key.priv
tss sign -hk "$handle" -pwdk rrrr -halg sha256 -rsa -if message -os signature
openssl rsa -in outside.pem -pubout -out outside.pub 2>/dev/null
# The file holds a TPMT_SIGNATURE.
tail -c 256 signature >bare
openssl dgst -sha256 -verify outside.pub -signature bare message
drop "$handle"
tss createloaded -hp $root -pwdp storage -ecc nistp256 -si -pwdk key
tss sign -hk "$handle" -pwdk key -halg sha256 -ecc -if message -os signature
drop "$handle"
ok
