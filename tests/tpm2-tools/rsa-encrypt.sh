#!/usr/bin/env bash
# RSA encryption: OAEP, RSAES and raw, across OpenSSL and the TPM; a damaged ciphertext is refused.
. "$(dirname "$0")/../lib.sh"

tpm2_createprimary --hierarchy=o --key-algorithm=ecc256 --key-context=parent.ctx >/dev/null
flush
tpm2_create --parent-context=parent.ctx --key-algorithm=rsa2048 --public=key.pub --private=key.priv \
    --attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt|noda' >/dev/null
flush
tpm2_load --parent-context=parent.ctx --public=key.pub --private=key.priv --key-context=key.ctx >/dev/null
flush
tpm2_readpublic --object-context=key.ctx --format=pem --output=key.pem >/dev/null
flush
printf 'a secret' >secret

for scheme in oaep rsaes; do
    tpm2_rsaencrypt --key-context=key.ctx --scheme=$scheme --output=sealed secret
    flush
    tpm2_rsadecrypt --key-context=key.ctx --scheme=$scheme --output=opened sealed
    flush
    same secret opened
done

# What OpenSSL encrypts, the TPM decrypts.
openssl pkeyutl -encrypt -pubin -inkey key.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in secret -out sealed
tpm2_rsadecrypt --key-context=key.ctx --scheme=oaep --output=opened sealed
flush
same secret opened
openssl pkeyutl -encrypt -pubin -inkey key.pem -in secret -out sealed
tpm2_rsadecrypt --key-context=key.ctx --scheme=rsaes --output=opened sealed
flush
same secret opened

# OAEP notices one wrong bit: TPM_RC_VALUE. (Debian's libtpms answers TPM_RC_FAILURE.)
tpm2_rsaencrypt --key-context=key.ctx --scheme=oaep --output=sealed secret
flush
corrupt sealed 200
refused tpm2_rsadecrypt --key-context=key.ctx --scheme=oaep --output=opened sealed
codes='1c4|084|84'
[ "$PEER_TPM" != swtpm ] || codes=101
grep -qiE "\(0x($codes)\)" .refused || die "not TPM_RC_VALUE: $(cat .refused)"

ok
