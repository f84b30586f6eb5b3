# Starting and stopping the TPM under test. run-peers and the scripts that switch the power share this.
#
# From the environment: PEER_TPM (`swtpm`, or the path of an ironroot binary), PEER_PROTOCOL (mssim or swtpm),
# PEER_PORT (and the next port: platform or control), PEER_STATE (state folder), PEER_RUN (pid and log), PEER_TRACE (if
# set, the log says each command and its response code), PEER_DISCONNECT (of Debian's swtpm: empty, if it is not to hang
# up after each command).

start_tpm() {
    case $PEER_TPM in
    swtpm)
        [ "$PEER_PROTOCOL" = swtpm ] || { echo "Debian's swtpm speaks only its own protocol" >&2; return 1; }
        swtpm socket --tpm2 --tpmstate dir="$PEER_STATE" --flags not-need-init \
            --server type=tcp,port="$PEER_PORT"${PEER_DISCONNECT-,disconnect} --ctrl type=tcp,port="$((PEER_PORT + 1))" \
            >>"$PEER_RUN/log" 2>&1 &
        ;;
    *)
        "$PEER_TPM" ${PEER_TRACE:+-vv} tpm --state "$PEER_STATE" --"$PEER_PROTOCOL" "127.0.0.1:$PEER_PORT" \
            >>"$PEER_RUN/log" 2>&1 &
        ;;
    esac
    echo $! >"$PEER_RUN/pid"
    disown
    local try
    for try in $(seq 200); do
        if tpm2_startup --clear >>"$PEER_RUN/log" 2>&1; then
            return 0
        fi
        kill -0 "$(cat "$PEER_RUN/pid")" 2>/dev/null || break
        sleep 0.05
    done
    echo "the TPM did not start after $try tries:" >&2
    cat "$PEER_RUN/log" >&2
    return 1
}

# `stop_tpm TERM` or `stop_tpm KILL`; returns when the process is gone.
stop_tpm() {
    local pid
    pid=$(cat "$PEER_RUN/pid")
    kill -s "$1" "$pid" 2>/dev/null || return 0
    for _ in $(seq 200); do
        [ -d "/proc/$pid" ] && [ "$(cut -d ' ' -f 3 "/proc/$pid/stat" 2>/dev/null)" != Z ] || return 0
        sleep 0.02
    done
    echo "the TPM did not stop on SIG$1" >&2
    kill -s KILL "$pid"
    return 1
}
