#!/usr/bin/env bash
# The examples in the manual pages of tpm2-tools, as somebody types them who reads the pages: all that are not in
# unfit.txt, which says why. Each page starts with an empty folder and a TPM fresh from manufacture.
#
# PAGE=tpm2_sign runs one page only.
. "$(dirname "$0")/../lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/prepare.inc"

fresh() {
    stop_tpm KILL
    rm -rf "$PEER_STATE"
    mkdir "$PEER_STATE"
    start_tpm
}

# For prepare.inc: the example has a slip of the pen; the line with this address has to fail, as the page says; the TPM
# has to report a command, or else the example is not for it.
correct() {
    sed -i "$1" "$work/example"
}
fails() {
    correct "$1"'s/^.*$/if &; then echo "succeeded, though it must not"; exit 1; fi/'
}
needs() {
    tpm2_getcap commands >"$work/commands"
    finds "^$1:" <"$work/commands" || wanted=no
}

has() {
    declare -F "$1" >/dev/null
}

# Runs one page in a shell of its own, so that what prepare.inc exports ends with the page.
one_page() {
    local page=$1 number wanted
    local before=on_${page#tpm2_}
    if has "$before"; then "$before" >"$work/said" 2>&1 || die "preparing $page: $(cat "$work/said")"; fi
    for number in $(sed -n 's/^#### \([0-9]*\) .*/\1/p' "$work/examples"); do
        if grep -q "^$page $number " "$here/unfit.txt"; then
            echo "$page $number" >>"$work/left"
            continue
        fi
        sed -n "/^#### $number /,/^#### /p" "$work/examples" | grep -v '^####' >"$work/example" || die "$page $number: the example is empty"
        wanted=yes
        if has "${before}_$number"; then
            "${before}_$number" >"$work/said" 2>&1 || die "preparing $page $number: $(cat "$work/said")"
        fi
        if [ $wanted = no ]; then
            echo "$page $number: not a command of this TPM" | tee -a "$work/absent"
            continue
        fi
        echo "$page $number" >>"$work/run"
        if ! timeout 60 bash -e -o pipefail "$work/example" >"$work/said" 2>&1 </dev/null; then
            echo "$page $number" >>"$work/failed"
            echo "---- $page $number"
            cat "$work/example" "$work/said"
        fi
        # There is no resource manager: what an example left loaded would fill the TPM.
        tpm2_flushcontext --transient-object
    done
}

: >"$work/run"
: >"$work/left"
: >"$work/absent"
: >"$work/failed"
for file in /usr/share/man/man1/tpm2_*.1.gz; do
    page=$(basename "$file" .1.gz)
    [ -z "${PAGE:-}" ] || [ "$page" = "$PAGE" ] || continue
    /usr/bin/python3 -B "$here/examples.py" "$page" >"$work/examples"
    [ -s "$work/examples" ] || continue
    fresh
    mkdir "$work/$page"
    cd "$work/$page"
    (one_page "$page")
done
cd "$work"
echo "$(wc -l <run) examples, $(wc -l <left) left out, $(wc -l <absent) not for this TPM"
[ ! -s failed ] || die "$(paste -s -d ' ' failed)"
# Every line in unfit.txt has to be about an example that there is.
[ -n "${PAGE:-}" ] || equal "unfit.txt's examples that are there" "$(grep -c '^tpm2_' "$here/unfit.txt")" "$(wc -l <left)"
ok
