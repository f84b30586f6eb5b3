#!/usr/bin/env bash
# swtpm's own command lines, given to Debian's swtpm and to ours: the same files, ports, states and ends. Then what ours has not:
# refused with a reason.
. "$(dirname "$0")/../lib.sh"
stop_tpm TERM
runner=$TPM2TOOLS_TCTI
ln -s "$PEER_TPM" swtpm
port=$((PEER_PORT + 2000))

free() { ! (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
while ! free $port || ! free $((port + 1)); do port=$((port + 2)); done
# `up COMMAND…`: in the background, and its number in $daemon; returns when the control channel answers.
up() {
    "$@" >said 2>&1 &
    daemon=$!
    for _ in $(seq 500); do
        control -c >/dev/null 2>&1 && return
        kill -0 $daemon 2>/dev/null || die "did not start: $* -- $(cat said)"
        sleep 0.02
    done
    die "no answer from: $* -- $(cat said)"
}
control() { swtpm_ioctl --tcp 127.0.0.1:$((port + 1)) "$@"; }
gone() {
    wait $daemon || die "status $? of $program: $(cat said)"
}
channels=(--server "type=tcp,port=$port" --ctrl "type=tcp,port=$((port + 1))")
export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$port TSS2_LOG=all+none

for program in /usr/bin/swtpm ./swtpm; do
    rm -rf state && mkdir state
    socket=($program socket --tpm2 --tpmstate dir=state)

    # Without a flag the TPM waits for INIT; with not-need-init for TPM2_Startup; with startup-clear for nothing.
    up "${socket[@]}" "${channels[@]}"
    refused tpm2_getrandom 4
    control -i
    fails_with 0x100 tpm2_getrandom 4
    tpm2_startup --clear
    tpm2_getrandom 4 >/dev/null
    control -s
    gone
    up "${socket[@]}" "${channels[@]}" --flags not-need-init
    fails_with 0x100 tpm2_getrandom 4
    tpm2_startup --clear
    control -s
    gone
    up "${socket[@]}" "${channels[@]}" --flags startup-none
    refused tpm2_getrandom 4
    control -s
    gone
    up "${socket[@]}" "${channels[@]}" --flags not-need-init,startup-clear
    tpm2_getrandom 4 >/dev/null
    tpm2_shutdown
    control -s
    gone
    up "${socket[@]}" "${channels[@]}" --flags startup-state
    tpm2_getrandom 4 >/dev/null
    kill -s TERM $daemon
    gone

    # The number: in a file that goes with the process, and over a descriptor.
    up "${socket[@]}" "${channels[@]}" --flags not-need-init --pid file=number
    for _ in $(seq 100); do [ -s number ] && break; sleep 0.02; done
    equal "the number in the file" $daemon "$(cat number)"
    kill -s TERM "$(cat number)"
    gone
    [ ! -e number ] || die "$program: the file of the number stays"
    exec 7>number
    up "${socket[@]}" "${channels[@]}" --flags not-need-init --pid fd=7
    exec 7>&-
    for _ in $(seq 100); do [ -s number ] && break; sleep 0.02; done
    equal "the number over a descriptor" $daemon "$(cat number)"
    control -s
    gone
    rm -f number

    # The log: a file that is continued, or begun anew; with a prefix; by descriptor; not at all.
    echo before >log
    up "${socket[@]}" "${channels[@]}" --flags startup-clear --log file=log,level=20,prefix=vm7:
    tpm2_getrandom 4 >/dev/null
    control -s
    gone
    equal "the first line of the log" before "$(head -n 1 log)"
    finds '^vm7:' <log || die "$program: no prefix in: $(head log)"
    up "${socket[@]}" "${channels[@]}" --flags startup-clear --log file=log,level=20,truncate
    tpm2_getrandom 4 >/dev/null
    control -s
    gone
    if finds '^before$\|^vm7:' <log; then die "$program: the log was not truncated"; fi
    [ -s log ] || die "$program: nothing in the log"
    exec 8>log.fd
    up "${socket[@]}" "${channels[@]}" --flags startup-clear --log fd=8,level=20
    exec 8>&-
    tpm2_getrandom 4 >/dev/null
    control -s
    gone
    [ -s log.fd ] || die "$program: nothing in the log by descriptor"
    up "${socket[@]}" "${channels[@]}" --flags startup-clear --log file=-
    control -s
    gone
    [ ! -s said ] || die "$program: a log that was switched off says: $(cat said)"

    # UNIX sockets with a mode; the data channel's client takes the TPM with it.
    $program socket --tpm2 --tpmstate backend-uri=dir://$work/state --flags startup-clear \
        --server type=unixio,path=data,mode=0660 --ctrl type=unixio,path=data.ctrl,mode=0660 --terminate >said 2>&1 &
    daemon=$!
    for _ in $(seq 500); do [ -S data ] && [ -S data.ctrl ] && break; sleep 0.02; done
    equal "the mode of the socket" 660 "$(stat -c %a data)"
    for _ in $(seq 100); do
        TPM2TOOLS_TCTI=swtpm:path=$work/data tpm2_getrandom 4 >/dev/null 2>&1 && break
        sleep 0.02
    done
    gone
    # In the background: when the command returns, the TPM is there.
    # (Debian's goes to the root folder, and has to be told whole paths.)
    $program socket --tpm2 --tpmstate "dir=$work/state" "${channels[@]}" --flags startup-clear --daemon --pid "file=$work/number"
    tpm2_getrandom 4 >/dev/null
    daemon=$(cat number)
    control -s
    for _ in $(seq 200); do [ -d "/proc/$daemon" ] || break; sleep 0.02; done
    [ ! -d "/proc/$daemon" ] || die "$program: the one in the background does not end"
    $program socket --print-capabilities | finds flags-opt-startup
done

# The state's folder and the port from the environment, and a short option.
TPM_PATH=state TPM_PORT=$port ./swtpm socket --tpm2 -t --flags startup-clear >said 2>&1 &
daemon=$!
for _ in $(seq 500); do free $port || break; sleep 0.02; done
gone

# Ours hangs up after each command if it is asked to, and shuts the TPM down in order unless it is not to.
up ./swtpm socket --tpm2 --tpmstate dir=state --server "type=tcp,port=$port,disconnect" --ctrl "type=tcp,port=$((port + 1))" --flags startup-clear
python3 - "$port" <<'P'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
s.sendall(bytes.fromhex("80010000000c0000017b0004"))
got = b""
while part := s.recv(100):
    got += part
assert len(got) == 16 and got[6:10] == bytes(4), got
P
control -s
gone
again=(./swtpm socket --tpm2 --tpmstate dir=state "${channels[@]}")
up "${again[@]}" --flags startup-clear
control -s
gone
up "${again[@]}" --flags startup-state
control -s
gone
up "${again[@]}" --flags startup-clear,disable-auto-shutdown
control -s
gone
refused "${again[@]}" --flags startup-state

# What is not here says so, and nothing is made.
no() {
    local pattern=$1
    shift
    if ./swtpm socket "$@" >said 2>&1; then die "succeeded, though it must not: $*"; fi
    finds -iE "$pattern" <said || die "no reason like '$pattern' in: $(cat said)"
    [ ! -e new ] || die "a refused option left a state: $*"
}
here=(--tpm2 --tpmstate dir=new "${channels[@]}")
no 'add --tpm2' --tpmstate dir=new "${channels[@]}"
no 'TPM 1.2' "${here[@]}" --flags startup-deactivated
no 'not understood' "${here[@]}" --flags opened-fds
no 'one way' "${here[@]}" --flags startup-clear,startup-state
no 'no file descriptor' "${here[@]}" --pid fd=x
no 'file descriptor 99' "${here[@]}" --pid fd=99
no 'No such file' "${here[@]}" --pid file=no/such/folder
no 'no level' "${here[@]}" --log file=l,level=high
no 'file descriptor 99' "${here[@]}" --log fd=99
no 'not taken by number' --tpm2 --tpmstate dir=new --server type=tcp,fd=5
no 'not taken by number' "${here[@]}" --fd 5
no 'does not migrate' "${here[@]}" --migration-key pwdfile=x
no 'state inspect' "${here[@]}" --print-states
no 'argon2id' "${here[@]}" --key pwdfile=x,kdf=sha512
no 'owner' --tpm2 --tpmstate dir=new,mode=0640 "${channels[@]}"
no 'a folder' --tpm2 --tpmstate backend-uri=file://new "${channels[@]}"
no 'vTPM proxy' "${here[@]}" --locality allow-set-locality
no 'runs as' --tpm2 --tpmstate dir=new --server type=unixio,path=s,uid=0

export TPM2TOOLS_TCTI=$runner
start_tpm
ok
