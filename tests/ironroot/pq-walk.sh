#!/usr/bin/env bash
# The post-quantum walk (crates/client/examples/pq-walk.rs): ML-KEM endorsement key, ML-DSA attestation key, credential
# activation, a session salted with ML-KEM, a quote verified outside, sealing, duplication; and again after a power cycle,
# with the same keys.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/../lib.sh"

# PEER_PQ_WALK is the walk's program where it was built already.
walk() {
    local tcti=${TPM2TOOLS_TCTI#pcap:}
    if [ -n "${PEER_PQ_WALK:-}" ]; then
        "$PEER_PQ_WALK" "$tcti"
    else
        cargo run -q --manifest-path "$root/Cargo.toml" -p ironroot-client --example pq-walk -- "$tcti"
    fi
}

walk >first || die "the walk ended early: $(cat first)"
cat first
finds '^post-quantum walk: complete$' <first
for step in 'endorsement key ML-KEM-768' 'attestation key ML-DSA-65' credential session quote 'sealed data' duplication; do
    finds "^$step " <first
done
power_cycle
walk >second || die "the second walk ended early: $(cat second)"
# The names of the primary keys are in it.
same first second

ok
