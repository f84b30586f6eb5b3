#!/usr/bin/env bash
# OpenSSH, unmodified, with named keys from our PKCS #11 module: ssh -I, ssh-agent and a CA's signature, against a sshd of its own.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../module.sh"

ssh-keygen -q -t ed25519 -N '' -f host_key
# As root, sshd wants a folder that is its own.
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
serve() {
    for _ in 1 2 3; do
        port=$(free_port)
        /usr/sbin/sshd -D -e -p $port -f /dev/null -h "$work/host_key" -o ListenAddress=127.0.0.1 -o PidFile=none -o UsePAM=no \
            -o StrictModes=no -o PermitRootLogin=yes -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no \
            -o AuthorizedKeysFile="$work/authorized" -o TrustedUserCAKeys="$work/ca.pub" >sshd.log 2>&1 &
        sshd=$!
        for _ in $(seq 300); do
            if grep -q 'Server listening' sshd.log; then return; fi
            kill -0 $sshd 2>/dev/null || break
            sleep 0.01
        done
    done
    die "sshd did not start: $(cat sshd.log)"
}
# `login OPTION…`: what the server says to a command.
login() {
    ssh -F none -p $port -o UserKnownHostsFile="$work/known" -o StrictHostKeyChecking=yes -o IdentityFile=none -o BatchMode=yes "$@" \
        "$(id -un)@127.0.0.1" 'echo in as $USER'
}

walk() {
    "$ironroot" key create web >/dev/null
    # At a handle, where it has not to be searched for by each of the programs.
    "$ironroot" key create big --rsa 2048 >/dev/null
    "$ironroot" key export-handle big 0x81000020 >/dev/null
    : >ca.pub
    # The public keys are the ones that our own program shows.
    ssh-keygen -D "$module" >keys
    equal "keys" 2 "$(wc -l <keys)"
    local key
    for key in web big; do
        public $key >shown.pem
        finds -F "$(ssh-keygen -i -m PKCS8 -f shown.pem)" <keys || die "$key is not among $(cat keys)"
    done
    serve
    echo "[127.0.0.1]:$port $(cut -d ' ' -f 1,2 host_key.pub)" >known
    # Nobody is let in before the key is among the authorized ones.
    : >authorized
    refused login -I "$module"
    for kind in ecdsa rsa; do
        grep "$kind" keys >authorized
        equal "with $kind" "in as $(id -un)" "$(login -I "$module")"
    done
    # The agent, which keeps the token open; it takes modules from the folders that it is told.
    eval "$(ssh-agent -s -P "$(realpath "$(dirname "$module")")/*")" >/dev/null
    printf '#!/bin/sh\n' >askpass
    chmod +x askpass
    SSH_ASKPASS_REQUIRE=force SSH_ASKPASS=$work/askpass ssh-add -q -s "$module"
    equal "keys in the agent" 2 "$(ssh-add -L | wc -l)"
    equal "with the agent" "in as $(id -un)" "$(login)"
    # The TPM is switched off and on below an open session: the key that was loaded is made again.
    if [ "${1:-}" = restarts ]; then
        grep ecdsa keys >authorized
        equal "with the other key" "in as $(id -un)" "$(login)"
        power_cycle
        equal "after a restart of the TPM" "in as $(id -un)" "$(login)"
    fi
    ssh-add -q -e "$module"
    refused login
    ssh-agent -k >/dev/null
    # A named key as the CA: it certifies an ordinary key.
    grep ecdsa keys >ca.pub
    : >authorized
    [ -f user ] || ssh-keygen -q -t ed25519 -N '' -f user
    ssh-keygen -q -s ca.pub -D "$module" -I test -n "$(id -un)" user.pub
    equal "with a certificate" "in as $(id -un)" "$(login -o IdentityFile="$work/user" -o CertificateFile="$work/user-cert.pub")"
    ends $sshd 0
}
walk restarts
use_swtpm
walk
end_another_tpm
ok
