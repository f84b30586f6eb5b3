#!/usr/bin/env bash
# A factory against several service processes, on SQLite and on PostgreSQL, of which one after the other is killed: exactly
# as many certificates as units. Then batches and audit by command, and a changed database.
. "$(dirname "$0")/../lib.sh"

# Debian's PostgreSQL in a folder of its own; it refuses to run as root.
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$programs/initdb" ] || die "PostgreSQL is missing: apt-get install postgresql"
server=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then
    chown postgres "$server"
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
(cd "$server" && "${as[@]}" "$programs/initdb" --username=ironroot --auth=trust --no-sync --encoding=UTF8 --no-locale -D "$server/data" >/dev/null)
(cd "$server" && exec "${as[@]}" "$programs/postgres" -D "$server/data" -k "$server" -c listen_addresses= >"$work/postgres.log" 2>&1) &
postgres=$!
trap 'status=$?; kill -s INT $postgres 2>/dev/null; wait $postgres 2>/dev/null; rm -rf "$work" "$server"; exit $status' EXIT
for _ in $(seq 200); do
    "$programs/pg_isready" -q -h "$server" && break
    sleep 0.1
done
psql=("$programs/psql" --no-psqlrc -qtA -h "$server" -U ironroot)
"${psql[@]}" postgres -c 'CREATE DATABASE fleet'
url=postgres://ironroot@${server//\//%2F}/fleet

"$PEER_TPM" factory simulate --units 24 --surplus 4 --stations 4 --json --state sqlite >sqlite.json
finds '"issued":24' <sqlite.json || die "not 24 units: $(cat sqlite.json)"
finds '"refused":4' <sqlite.json || die "not 4 refused: $(cat sqlite.json)"

"$PEER_TPM" factory simulate --units 40 --surplus 4 --stations 8 --nodes 3 --kill-every 1 --database "$url" --state fleet --json >postgres.json
finds '"issued":40' <postgres.json || die "not 40 units: $(cat postgres.json)"
equal "certificates in PostgreSQL" 40 "$("${psql[@]}" fleet -c 'SELECT COUNT(DISTINCT ek_name) FROM certificates')"
equal "units in PostgreSQL" 40/40 "$("${psql[@]}" fleet -c "SELECT used || '/' || units FROM batches")"

# Batches by command, on the databases that were left.
office=(--state sqlite/service)
"$PEER_TPM" batch create pumps --units 2 --product pump --listed-only --role admin --by Ada "${office[@]}" | finds '^pumps: 0 of 2 units used, 0 scrapped, open (pump)'
says 'already' "$PEER_TPM" batch create pumps --units 2 "${office[@]}"
printf 'serial,ek_name\n7,000b%064d\n' 7 >keys.csv
"$PEER_TPM" batch allow pumps keys.csv "${office[@]}" --json | finds '"added":1'
printf 'ek_name\nnonsense\n' >bad.csv
says 'bad.csv: line 2' "$PEER_TPM" batch allow pumps bad.csv "${office[@]}"
"$PEER_TPM" batch close pumps "${office[@]}" | finds closed
device=$(sqlite3 sqlite/service/provision.sqlite 'SELECT ek_name FROM units LIMIT 1')
"$PEER_TPM" batch scrap simulated "$device" "${office[@]}" | finds '23 of 24 units used, 1 scrapped'
says 'no unit' "$PEER_TPM" batch scrap simulated "$device" "${office[@]}"
says 'no service' "$PEER_TPM" batch list --state nowhere
IRONROOT_DATABASE=$url "$PEER_TPM" batch list --state fleet/service | finds '^simulated: 40 of 40 units used'

# The audit by command; a database that was changed, cut or put back is found.
"$PEER_TPM" audit verify "${office[@]}" | finds 'the audit holds'
"$PEER_TPM" audit export "${office[@]}" >export.json
"$PEER_TPM" audit export --format csv "${office[@]}" | finds '^"\?[0-9]*"\?,[0-9]*,"batch_created",.*by Ada (admin)'
"$PEER_TPM" audit verify --checkpoint export.json "${office[@]}" | finds '2 checkpoints compared'
cp sqlite/service/provision.sqlite good.sqlite
"$PEER_TPM" batch create later --units 1 "${office[@]}" >/dev/null
"$PEER_TPM" audit export "${office[@]}" >newer.json
cp good.sqlite sqlite/service/provision.sqlite
says 'older or another' "$PEER_TPM" audit verify --checkpoint newer.json "${office[@]}"
sqlite3 sqlite/service/provision.sqlite 'DELETE FROM events WHERE number = (SELECT MAX(number) FROM events)'
says 'does not hold' "$PEER_TPM" audit verify "${office[@]}"
says 'audit' "$PEER_TPM" batch list "${office[@]}"
"${psql[@]}" fleet -c "UPDATE events SET detail = replace(detail, 'unit-000003', 'unit-000004')"
says 'was changed' env IRONROOT_DATABASE="$url" "$PEER_TPM" audit verify --state fleet/service

ok
