#!/usr/bin/env bash
# `ironroot ca`: the device of the demonstration is shown, revoked, taken out of service; the CA's key is replaced; OpenSSL sees it.
. "$(dirname "$0")/../lib.sh"

serve_pid=
trap 'status=$?; [ -z "$serve_pid" ] || kill -s KILL $serve_pid 2>/dev/null; rm -rf "$work"; exit $status' EXIT
serve() {
    : >serve.json
    "$PEER_TPM" provision serve --state plant/service --listen 127.0.0.1:0 --tls-listen 127.0.0.1:0 --tls-name localhost \
        --trusted-root plant/factory/ca.pem --json >serve.json 2>serve.log &
    serve_pid=$!
    for _ in $(seq 400); do
        [ -s serve.json ] && break
        kill -0 $serve_pid 2>/dev/null || die "did not come up: $(cat serve.log)"
        sleep 0.05
    done
    url=$(sed 's/.*"service":"\([^"]*\)".*/\1/' serve.json)
    tls=$(sed 's/.*"tls":"https:..127.0.0.1:\([0-9]*\)".*/https:\/\/localhost:\1/' serve.json)
}
end() {
    kill -s INT $serve_pid
    wait $serve_pid || die "did not end in order: $(cat serve.log)"
    serve_pid=
}
ca() {
    local command=$1
    shift
    "$PEER_TPM" ca "$command" --state plant/service "$@"
}

"$PEER_TPM" demo --state plant >demo.log 2>&1 || die "the demonstration failed: $(cat demo.log)"
device='CN=pump-0007,O=Ironroot demonstration'
ca show "$device" | finds 'valid until' || die "not valid: $(ca show "$device")"
ca show --json "$device" | finds '"revoked":null'
says 'no device has the subject' ca show CN=nobody
says 'is no reason' ca revoke --device "$device" --reason anger
says 'required arguments' ca revoke --reason superseded

# A dry run revokes nothing.
ca revoke --device "$device" --dry-run | finds 'would be revoked'
serve
openssl_list() {
    curl -sSf -H accept:application/x-pem-file "$url/v1/crl" >crl.pem
    openssl crl -in crl.pem -CAfile plant/service/ca.pem -noout -text
}
openssl_list | finds 'No Revoked Certificates'
# While the service runs.
ca revoke --device "$device" --reason keyCompromise --json | finds '"what":"revoked"'
openssl_list | finds 'Key Compromise'
says 'no certificate fits' ca revoke --device "$device"
ca decommission "$device"
ca show "$device" | finds 'decommissioned:'

# TLS by the CA's own certificate.
curl -sSf --cacert plant/service/ca.pem "$tls/healthz" >/dev/null
refused curl -sSf "$tls/healthz"
end

# The CA's key is replaced: who trusts the old root alone still trusts the service.
ca rotate | finds "the CA's new key"
serve
curl -sSf --cacert plant/service/ca.pem "$tls/healthz" >/dev/null
curl -sSf --cacert plant/service/ca-2.pem "$tls/healthz" >/dev/null
equal "certificates of the CA" 4 "$(curl -sSf "$url/v1/ca" | grep -c BEGIN)"
end
"$PEER_TPM" audit verify --state plant/service >/dev/null
ok
