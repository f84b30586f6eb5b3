#!/usr/bin/env bash
# PCRs: read, extend, event, reset; the values are computed again with OpenSSL.
. "$(dirname "$0")/../lib.sh"

zeros=$(printf '%064d' 0)
pcr() {
    tpm2_pcrread "sha256:$1" --output=pcr.bin --quiet
    xxd -p -c 64 pcr.bin
}
# The value that PCR `1` has after it is extended by `2` (both hexadecimal).
extended() {
    printf '%s%s' "$1" "$2" | xxd -r -p | openssl dgst -sha256 -r | cut -d ' ' -f 1
}

equal "PCR 10 at the start" "$zeros" "$(pcr 10)"
digest=$(printf 'a measurement' | openssl dgst -sha256 -r | cut -d ' ' -f 1)
tpm2_pcrextend "10:sha256=$digest"
equal "PCR 10 extended" "$(extended "$zeros" "$digest")" "$(pcr 10)"

printf 'an event' >event
event=$(openssl dgst -sha256 -r event | cut -d ' ' -f 1)
before=$(pcr 10)
tpm2_pcrevent 10 event >log
grep -q "sha256: $event" log || die "the event's digest is not in: $(cat log)"
equal "PCR 10 after the event" "$(extended "$before" "$event")" "$(pcr 10)"
tpm2_pcrevent event | finds "sha256: $event" || die "an event without a PCR gives no digest"

# PCR 16 is for debugging and 23 for applications: resettable. PCR 10 is not, at locality 0.
tpm2_pcrextend "16:sha256=$digest" "23:sha256=$digest"
tpm2_pcrreset 16 23
equal "PCR 16 reset" "$zeros" "$(pcr 16)"
equal "PCR 23 reset" "$zeros" "$(pcr 23)"
fails_with 0x907 tpm2_pcrreset 10

# DRTM PCRs start as all ones and take no extension from locality 0.
equal "PCR 17 at the start" "$(printf 'f%.0s' $(seq 64))" "$(pcr 17)"
fails_with 0x907 tpm2_pcrextend "17:sha256=$digest"

# All selected banks come back in one listing.
tpm2_pcrread sha256:0,1,2,3,4,5,6,7+sha384:0,1 >all
equal "lines of ten PCRs in two banks" 12 "$(wc -l <all)"

ok
