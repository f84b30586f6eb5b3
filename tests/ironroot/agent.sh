#!/usr/bin/env bash
# `ironroot agent run`: a device's identity from the first boot on, with the plant's TPM and with Debian's swtpm, whose endorsement
# certificate swtpm_localca has issued; a service that is away, and comes back; renewal; certificates that openssl takes.
here=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/../lib.sh"
ironroot=$PEER_TPM
pids=
trap 'status=$?; for pid in $pids; do kill -s KILL $pid 2>/dev/null || true; done; rm -rf "$work"; exit $status' EXIT
up() {
    "$ironroot" up --state plant --mssim 127.0.0.1:0 --swtpm "unix:$work/up.sock" --service "${1:-127.0.0.1:0}" --json >up.json 2>up.log &
    up_pid=$!
    pids="$pids $up_pid"
    for _ in $(seq 400); do
        [ -s up.json ] && break
        kill -0 $up_pid 2>/dev/null || die "did not come up: $(cat up.log)"
        sleep 0.05
    done
    "$ironroot" env --state plant >settings
    . ./settings
}
down() {
    kill -s INT $up_pid
    wait $up_pid || die "did not end in order: $(cat up.log)"
}
config() { # TCTI ENDORSEMENT
    cat >agent.toml <<TOML
tcti = "$1"
[identity]
service = "$IRONROOT_SERVICE"
subject = "CN=pump-0007,O=Acme"
endorsement = "$2"
certificate = "$work/id/certificate.pem"
chain = "$work/id/chain.pem"
retry-from = 1
retry-to = 2
TOML
}
agent() {
    "$ironroot" agent run --config agent.toml "$@"
}
good() {
    openssl verify -CAfile id/chain.pem -partial_chain id/certificate.pem >/dev/null
    openssl x509 -in id/certificate.pem -noout -subject | finds 'pump-0007'
    equal "the certificate's key" "$("$ironroot" key show handle:0x81000100 --tcti "$1" | sed -n '/BEGIN/,$p' | openssl pkey -pubin -outform DER | sha256sum)" \
        "$(openssl x509 -in id/certificate.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum)"
}

up
tcti=swtpm:path=$work/up.sock
config "$tcti" p256
agent --once --json >first
equal 'steps' 6 "$(grep -c '"event":"step"' first)"
finds '"event":"certificate"' <first
good "$tcti"
cp id/certificate.pem first.pem
# It is there: nothing is asked for. Also not with the service away.
agent --once --json | finds '^{"event":"valid"'
# Another key's certificate, or none at all, is replaced.
echo nonsense >id/certificate.pem
agent --once | finds 'certificate received'
good "$tcti"
same first.pem id/certificate.pem

# A service that is away, and then the TPM as well: said, tried again, and found when they are back.
address=${IRONROOT_SERVICE#http://}
rm -r id
sed -i 's,^service.*,service = "http://127.0.0.1:9",' agent.toml
says 'cannot reach the service' agent --once
down
config "$tcti" p256
says 'is the TPM running' agent --once
"$ironroot" agent run --config agent.toml --json >running &
running=$!
pids="$pids $running"
for _ in $(seq 100); do [ -s running ] && break; sleep 0.1; done
finds '"event":"failed"' <running
up "$address"
for _ in $(seq 200); do [ -e id/certificate.pem ] && break; sleep 0.1; done
good "$tcti"
kill $running
wait $running || true

# A refusal: its code and its next step.
sed -i 's/^subject.*/&\nprofile = "no-such"/' agent.toml
rm -r id
says 'the service refused: .*profile' agent --once
for bad in 's/renew-at.*//;$arenew-at = 5' 's/^service.*/service = "ftp:\/\/x"/' '$aunknown = 1' 's/^endorsement.*/endorsement = "p999"/'; do
    config "$tcti" p256
    sed -i "$bad" agent.toml
    says 'agent.toml' agent --once
done
down

# Debian's swtpm as the device, with the endorsement certificate that its own tools have made for it.
mkdir -p swtpm/tpm swtpm/ca
cat >swtpm/ca.conf <<CONF
statedir = $work/swtpm/ca
signingkey = $work/swtpm/ca/signkey.pem
issuercert = $work/swtpm/ca/issuercert.pem
certserial = $work/swtpm/ca/certserial
CONF
printf -- '--platform-manufacturer Acme\n--platform-version 1\n--platform-model pump\n' >swtpm/options
cat >swtpm/setup.conf <<CONF
create_certs_tool = $(command -v swtpm_localca)
create_certs_tool_config = $work/swtpm/ca.conf
create_certs_tool_options = $work/swtpm/options
CONF
swtpm_setup --tpm2 --tpmstate "$work/swtpm/tpm" --create-ek-cert --config "$work/swtpm/setup.conf" >setup.log 2>&1 || die "swtpm_setup: $(cat setup.log)"
swtpm socket --tpm2 --tpmstate dir="$work/swtpm/tpm" --flags not-need-init,startup-clear \
    --server type=unixio,path="$work/sw.sock" --ctrl type=unixio,path="$work/sw.sock.ctrl" >sw.log 2>&1 &
sw=$!
pids="$pids $sw"
for _ in $(seq 500); do [ -S sw.sock ] && break; sleep 0.01; done
"$ironroot" provision serve --state service --listen 127.0.0.1:0 --trusted-root swtpm/ca/issuercert.pem --json >service.json 2>service.log &
service=$!
pids="$pids $service"
for _ in $(seq 400); do [ -s service.json ] && break; sleep 0.05; done
IRONROOT_SERVICE=$(sed -n 's/.*"service":"\([^"]*\)".*/\1/p' service.json)
tcti=swtpm:path=$work/sw.sock
config "$tcti" rsa2048
rm -rf id
agent --once --json | finds '"event":"certificate"'
good "$tcti"
agent --once | finds 'the certificate is good'
kill -s INT $service
wait $service || die "the service did not end in order: $(cat service.log)"

kill -s TERM $sw
wait $sw || true

# What systemd itself says of the unit.
if command -v systemd-analyze >/dev/null; then
    unit=$here/packaging/systemd/ironroot-agent.service
    sed "s,/usr/bin/ironroot,$ironroot," "$unit" >ironroot-agent.service
    systemd-analyze verify --man=no "$work/ironroot-agent.service" 2>&1 | grep ironroot-agent >verify || true
    [ ! -s verify ] || die "$(cat verify)"
fi
ok
