#!/usr/bin/env bash
# The clock: read, set forward, never back; it goes on over a restart.
. "$(dirname "$0")/../lib.sh"

clock() {
    tpm2_readclock >time
    sed -n 's/^ *clock: *//p' time
}
before=$(clock)
sleep 0.2
after=$(clock)
[ "$after" -ge $((before + 150)) ] || die "the clock stands still: $before, $after"
[ "$after" -lt $((before + 5000)) ] || die "the clock races: $before, $after"
tpm2_setclock --hierarchy=o $((after + 100000))
set=$(clock)
[ "$set" -ge $((after + 100000)) ] || die "not set: $set"
# Back: TPM_RC_VALUE, parameter 1.
fails_with 0x1c4 tpm2_setclock --hierarchy=o 5
tpm2_clockrateadjust --hierarchy=o s
tpm2_clockrateadjust --hierarchy=o f
resets=$(sed -n 's/^ *reset_count: *//p' time)
power_cycle
again=$(clock)
[ "$again" -ge "$set" ] || die "the clock went back over a restart: $set, $again"
equal "reset count" $((resets + 1)) "$(sed -n 's/^ *reset_count: *//p' time)"
grep -q 'safe: *yes' time || die "the clock is not safe after an orderly shutdown"

ok
