#!/usr/bin/env bash
# White-box tables in the place of the product secret: the same identity from each file of tables of one secret, another
# than from the secret itself; in C the same function; and what the attacks on them find.
. "$(dirname "$0")/../lib.sh"

make() { "$PEER_TPM" whitebox generate --product-secret secret "$@"; }

head -c 32 /dev/urandom >secret
chmod 600 secret
head -c 32 /dev/urandom >this.device
head -c 32 /dev/urandom >other.device
make --output one.tables >said
finds 'product check' <said
"$PEER_TPM" whitebox generate --product-secret - --output two.tables --json <secret >two.json
equal "size" 770112 "$(stat -c %s one.tables)"
if cmp -s one.tables two.tables; then die "two files of tables are the same"; fi
check=$(sed -n 's/.*product check //p' said)
finds "\"product_check\":\"$check\"" <two.json || die "another product: $(cat two.json)"
# Nothing of the secret is in them.
for file in one.tables two.tables; do
    if xxd -p -c 0 $file | finds "$(xxd -p -c 0 secret | cut -c 1-16)"; then die "the secret is in $file"; fi
done

# Errors: never overwritten, no secret, a wrong one.
refused make --output one.tables
finds 'one.tables' <.refused
head -c 31 secret >short
refused "$PEER_TPM" whitebox generate --product-secret short --output three.tables
finds '31 bytes' <.refused
head -c 32 /dev/zero >zeros
refused "$PEER_TPM" whitebox generate --product-secret zeros --output three.tables
finds 'never set' <.refused
refused "$PEER_TPM" whitebox generate --product-secret none --output three.tables
[ ! -e three.tables ] || die "tables in spite of an error"

# A TPM with tables; other tables of the same secret open it, other secrets and the secret itself do not.
device=(--device-source "file:$work/this.device")
starts folder --product-secret one.tables "${device[@]}" || die "no TPM with tables: $(cat said)"
starts folder --product-secret two.tables || die "new tables of the same secret do not open it: $(cat said)"
refuses 'product|device' folder --product-secret secret
head -c 32 /dev/urandom >another
"$PEER_TPM" whitebox generate --product-secret another --output another.tables >/dev/null
refuses 'product|device' folder --product-secret another.tables
cp this.device keep
cp other.device this.device
refuses 'device' folder --product-secret one.tables
cp keep this.device
# Damaged tables are an error, not another identity.
cp one.tables damaged.tables
corrupt damaged.tables 400000
refuses 'damaged' folder --product-secret damaged.tables
head -c 700000 one.tables >cut.tables
refuses '770112' folder --product-secret cut.tables
make --external none --output comparison.tables >/dev/null
refuses 'comparison' new --product-secret comparison.tables "${device[@]}"
starts folder --product-secret one.tables || die "the tables no longer open it: $(cat said)"

# In C: the product check, and a value with a context, as the document's program computes them.
make --format c --output tables.c >/dev/null
cat >main.c <<'C'
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
void ironroot_whitebox_derive(const char *label, const uint8_t *context, size_t context_len, uint8_t *out, size_t out_len);
int main(void)
{
    uint8_t out[16];
    size_t i;
    ironroot_whitebox_derive("product check", NULL, 0, out, sizeof out);
    for (i = 0; i < sizeof out; i++)
        printf("%02x", out[i]);
    return 0;
}
C
cc -std=c99 -Wall -Wextra -Werror -pedantic -O1 main.c tables.c -o main
equal "product check in C" "$check" "$(./main)"
make --format rust --output tables.rs >/dev/null
finds 'pub static TABLES: \[u8; 770112\]' <tables.rs

# The attacks: tables fall to algebra alone, without external encodings to traces, too; a constant falls to everything.
"$PEER_TPM" whitebox assess one.tables --traces 1024 --json >report.json
python3 - report.json <<'P'
import json, sys

found = {}
for subject in json.load(open(sys.argv[1]))["subjects"]:
    for attack in subject["attacks"]:
        assert "not done" not in attack["words"], attack
        found[subject["subject"], attack["attack"]] = attack["found"]
        print(f'{subject["subject"]:34} {attack["attack"]:21} {attack["found"]!s:5} {attack["traces"] or "":5} {attack["seconds"]:8.3f} s')
wanted = {
    ("tables", "search of the file"): False,
    ("tables", "search of the memory"): False,
    ("tables", "traces (DCA)"): False,
    ("tables", "table algebra"): True,
    ("tables-without-external-encodings", "search of the file"): False,
    ("tables-without-external-encodings", "traces (DCA)"): True,
    ("tables-without-external-encodings", "table algebra"): True,
    ("plain-constant", "search of the file"): True,
    ("plain-constant", "search of the memory"): True,
    ("plain-constant", "traces (DCA)"): True,
}
assert found == wanted, found
P
refused "$PEER_TPM" whitebox assess secret
finds 'white-box tables' <.refused

ok
