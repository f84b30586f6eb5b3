# For scripts that drive our PKCS #11 module; sourced behind lib.sh.

module=${IRONROOT_PKCS11_MODULE:-$(dirname "$PEER_TPM")/libironroot_pkcs11.so}
[ -f "$module" ] || die "$module is not there: cargo build --release --package ironroot-pkcs11"
ironroot=$PEER_TPM
export IRONROOT_KEY_LIST=$work/keys.json IRONROOT_PKCS11_LOG=$work/module.log
certificates=$work/certificates

# From now on the TPM is another one, Debian's swtpm, with an empty list of names.
use_swtpm() {
    another_tpm
    export TPM2TOOLS_TCTI=$another
    rm -rf "$IRONROOT_KEY_LIST" "$certificates" "$IRONROOT_PKCS11_LOG"
}

# The key's public half, by our own program: `public NAME >FILE`.
public() { "$ironroot" key show "$1" | sed -n '/BEGIN/,$p'; }
