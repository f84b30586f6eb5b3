#!/usr/bin/env bash
# The state opens on its device alone: another device value or product secret is refused, and nothing is lost.
. "$(dirname "$0")/../lib.sh"

head -c 32 /dev/urandom >this.device
head -c 32 /dev/urandom >other.device
starts folder --device-source file:$work/this.device || die "no TPM was made: $(cat said)"
cp folder/state before
starts folder || die "the recorded source does not open it: $(cat said)"

# The same source with another value: the folder was copied to another machine.
cp this.device keep
cp other.device this.device
cp folder/state copy
refuses 'device' folder
same copy folder/state
cp keep this.device
starts folder || die "the right device value no longer opens it: $(cat said)"

# A missing device value is not a new device.
rm this.device
refuses 'this.device|device value' folder
cp keep this.device

# Another product's secret; none at all.
cp folder.product-secret secret
head -c 32 /dev/urandom >folder.product-secret
chmod 600 folder.product-secret
refuses 'product|device' folder
rm folder.product-secret
refuses 'product' folder
cp -p secret folder.product-secret
chmod 600 folder.product-secret
starts folder || die "the right secrets no longer open it: $(cat said)"

ok
