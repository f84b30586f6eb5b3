# What every script in tests/ starts with: `. "$(dirname "$0")/../lib.sh"`.
#
# A script drives programs that know nothing of Ironroot, as a user would, against the TPM that the environment names
# (TPM2TOOLS_TCTI; run-peers sets it). It checks results, not exit statuses alone, and ends with `ok`.

set -eu
set -o pipefail

name=$(basename "$(dirname "$0")")/$(basename "$0" .sh)
work=$(mktemp -d)
trap 'status=$?; rm -rf "$work"; exit $status' EXIT
trap 'echo "FAILED $name at line $LINENO: $BASH_COMMAND" >&2' ERR
set -o errtrace
cd "$work"

# Says what did not hold, and stops.
die() {
    echo "FAILED $name: $*" >&2
    exit 1
}

# The script's last line.
ok() {
    echo "ok $name"
}

# There is no resource manager between the tools and the TPM: objects and sessions stay until somebody flushes them.
flush() {
    tpm2_flushcontext --transient-object
    tpm2_flushcontext --loaded-session
}

# The command has to fail, and to say this response code, or one of several: `fails_with 0x98e tpm2_unseal …`.
fails_with() {
    local code=$1 log=$work/.fails
    shift
    if "$@" >"$log" 2>&1; then
        die "succeeded, though it must not: $*"
    fi
    grep -qiE "\(($code)\)" "$log" || die "wanted response code $code from: $* -- it said: $(cat "$log")"
}

# The command has to fail (a program other than the TPM says no).
refused() {
    if "$@" >"$work/.refused" 2>&1; then
        die "succeeded, though it must not: $*"
    fi
}

# A command has to fail and to say so: `says PATTERN COMMAND…`.
says() {
    local pattern=$1
    shift
    refused "$@"
    finds -E -e "$pattern" <"$work/.refused" || die "no reason like '$pattern' from $*: $(cat "$work/.refused")"
    if finds -i 'panicked' <"$work/.refused"; then die "a panic: $(cat "$work/.refused")"; fi
}

# A port that nobody listens on, below those that the system gives to clients.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo $port
}

# Debian's swtpm as another TPM 2.0, started: how to reach it is in `another`.
another_tpm() {
    mkdir another
    swtpm socket --tpm2 --tpmstate dir=another --flags not-need-init,startup-clear \
        --server type=unixio,path="$work/another.sock" --ctrl type=unixio,path="$work/another.sock.ctrl" >another.log 2>&1 &
    another_pid=$!
    another=swtpm:path=$work/another.sock
    for _ in $(seq 500); do
        [ -S another.sock ] && return
        kill -0 $another_pid 2>/dev/null || break
        sleep 0.01
    done
    die "Debian's swtpm did not start: $(cat another.log)"
}
end_another_tpm() {
    kill -s TERM $another_pid
    wait $another_pid || die "Debian's swtpm did not end in order: $(cat another.log)"
}

# Ends a process of the script's own in order: `ends PID STATUS`, with the status that it has then.
ends() {
    local status=0
    kill -s TERM "$1"
    wait "$1" || status=$?
    equal "the status of process $1 at its end" "$2" "$status"
}

# Two files have to be equal.
same() {
    cmp "$1" "$2" || die "$1 and $2 differ"
}

# Two words have to be equal: `equal WHAT WANTED GOT`.
equal() {
    [ "$2" = "$3" ] || die "$1: wanted '$2', got '$3'"
}

# The value of one field of a tool's YAML: `field FILE NAME`.
field() {
    sed -n "s/^ *$2: *//p" "$1" | head -n 1
}

# A filter that looks for a pattern: `program | finds PATTERN`. (`grep -q` stops reading at the first hit; the program
# before it then dies of a broken pipe, now and then.)
finds() {
    local found
    found=$(grep "$@") && [ -n "$found" ]
}

# Flips one bit of the byte at an offset: `corrupt FILE OFFSET`.
corrupt() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Switches the TPM off in order (or, with `hard`, by SIGKILL) and on again with the state that it left.
power_cycle() {
    if [ "${1:-}" = hard ]; then
        stop_tpm KILL
    else
        tpm2_shutdown --clear
        stop_tpm TERM
    fi
    start_tpm
}

# OpenSSL with the tpm2 provider: `tpm dgst -sign key …`. Keys are the TPM's; digests stay in software, because each
# digest in the TPM takes one of its few slots, and there is no resource manager here.
provider=(-provider default -provider tpm2 -propquery '?provider=tpm2,tpm2.digest!=yes,tpm2.cipher!=yes')
tpm() {
    local subcommand=$1
    shift
    openssl "$subcommand" "${provider[@]}" "$@"
}

. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

# For scripts in tests/ironroot: the program on another folder than the runner's. `starts FOLDER OPTION…` succeeds if the
# TPM comes up, and stops it again; otherwise what it said is in `said`, its status in `status`.
starts() {
    local folder=$1 socket=$work/starts.sock
    shift
    status=0
    # What an earlier start said must not be taken for what this one says.
    : >said
    "$PEER_TPM" tpm --state "$folder" --swtpm "unix:$socket" "$@" >said 2>&1 &
    local pid=$!
    for _ in $(seq 500); do
        if grep -q '^export ' said 2>/dev/null; then
            kill -s TERM $pid
            wait $pid || die "did not stop in order: $(cat said)"
            return 0
        fi
        kill -0 $pid 2>/dev/null || break
        sleep 0.01
    done
    kill -s KILL $pid 2>/dev/null && die "neither up nor refused after 5 s: $(cat said)"
    wait $pid || status=$?
    return 1
}

# The program must refuse to start on the folder, with a message that matches the pattern, and must not panic.
refuses() {
    local pattern=$1
    shift
    if starts "$@"; then die "started, though it must not: $*"; fi
    [ $status != 0 ] || die "ended with status 0 without starting: $(cat said)"
    finds -iE "$pattern" <said || die "no reason like '$pattern' in: $(cat said)"
    if finds -i 'panicked' <said; then die "a panic: $(cat said)"; fi
}
