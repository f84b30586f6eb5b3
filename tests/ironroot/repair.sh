#!/usr/bin/env bash
# Device values of several sources: a repaired board is the same device, a copied disk is not; a hardware TPM as a source;
# and each wrong initialization is refused with its own words.
. "$(dirname "$0")/../lib.sh"

random() { head -c 32 /dev/urandom >"$1"; }
for part in chip board disk; do random $part; done
source="2-of:nvmem:$work/chip+nvmem:$work/board+file:$work/disk"
identity() { xxd -p -c 0 "$1/device-binding"; }

starts folder --device-source "$source" || die "no TPM: $(cat said)"
first=$(identity folder)
[ -s folder/device-helper ] || die "no helper data"
starts folder || die "it does not open: $(cat said)"
if finds -i 'changed or missing' <said; then die "a warning without a reason: $(cat said)"; fi

# A new board: the same device, with a word; the repair is taken over; then the chip may go, too.
cp board board.old
random board
starts folder || die "a repaired board is refused: $(cat said)"
finds 'changed or missing: nvmem:.*board' <said || die "no word on the repair: $(cat said)"
"$PEER_TPM" device refresh --state folder >said
finds 'taken over: nvmem:.*board' <said
"$PEER_TPM" device refresh --state folder --json | finds '"changed":\[\]'
starts folder || die "it does not open after the repair: $(cat said)"
if finds -i 'changed or missing' <said; then die "the repair was not taken over: $(cat said)"; fi
cp chip chip.old
random chip
starts folder || die "a second repair is refused: $(cat said)"
cp chip.old chip

# The disk in another machine: its own part is there, the others are not.
cp board board.new
random chip
random board
cp folder/state before
refuses 'too few.*another device' folder
same before folder/state
refused "$PEER_TPM" device refresh --state folder
rm chip board
refuses 'only 1 .*2 are needed' folder
cp chip.old chip
cp board.new board
starts folder || die "the right parts no longer open it: $(cat said)"

# Helper data that was changed, or is gone; wiped but for the helper data, it is the same device again.
cp folder/device-helper helper
corrupt folder/device-helper 60
refuses 'helper data was changed' folder
rm folder/device-helper
refuses 'restore the file' folder
rm -r folder
mkdir -m 700 folder
cp helper folder/device-helper
starts folder --device-source "$source" || die "no TPM after a wipe: $(cat said)"
equal "identity after a wipe" "$first" "$(identity folder)"

# All of several; a threshold that a copy of the disk would meet; a value that is too easy to copy.
starts both --device-source "all:nvmem:$work/chip+file:$work/disk" || die "no TPM with all of two: $(cat said)"
cp disk disk.old
random disk
refuses 'device value.*another device' both
cp disk.old disk
starts both || die "all of two no longer open it: $(cat said)"
random disk2
refuses 'copy of the disk would be the device' weak --device-source "2-of:file:$work/disk+file:$work/disk2+nvmem:$work/chip"
refuses 'too easy to copy' modest --device-grade modest --device-source "file:$work/disk"
starts modest --device-grade modest --device-source "nvmem:$work/chip" || die "not modest: $(cat said)"
refuses 'too easy to copy' modest --device-grade strong
refuses 'no device source' none --device-source "2-of:file:$work/disk"

# Another product's secret is told from another device.
cp both.product-secret secret
random both.product-secret
chmod 600 both.product-secret
refuses 'product secret is not the one' both
cp secret both.product-secret

# The sources and their grades.
"$PEER_TPM" device sources "$source" --json >sources.json
finds '"here":true' <sources.json
finds '"grade":"modest"' <sources.json
"$PEER_TPM" device sources "$source" | finds 'any 2 of them are enough'
"$PEER_TPM" device sources | finds 'it stays'

# A TPM as a source, ours and, if it is there, Debian's: the same value each time, another from another TPM.
chip() { # name command...
    local socket=$work/$1.sock
    shift
    "$@" >chip.log 2>&1 &
    chip=$!
    for _ in $(seq 200); do [ -S "$socket" ] && return; sleep 0.05; done
    die "no TPM at $socket: $(cat chip.log)"
}
stop_chip() {
    kill -s TERM $chip
    wait $chip 2>/dev/null || :
}
trap 'status=$?; kill $chip 2>/dev/null || :; rm -rf "$work"; exit $status' EXIT
for kind in ours swtpm; do
    for number in 1 2; do
        mkdir -p $kind$number
        case $kind in
        ours) chip $kind$number "$PEER_TPM" tpm --state $kind$number/tpm --swtpm "unix:$work/$kind$number.sock" --start clear --device-source "file:$work/disk" ;;
        swtpm)
            command -v swtpm >/dev/null || die "swtpm is missing: apt-get install swtpm"
            chip $kind$number swtpm socket --tpm2 --tpmstate "dir=$work/$kind$number" --server "type=unixio,path=$work/$kind$number.sock" --flags not-need-init,startup-clear
            ;;
        esac
        if [ $number = 1 ]; then
            starts with-$kind --device-source "hardware-tpm:$work/$kind$number.sock" || die "no TPM on a TPM ($kind): $(cat said)"
        else
            # The socket of the other TPM in the place of the first one's.
            mv "$work/${kind}2.sock" "$work/${kind}1.sock"
            refuses 'device value.*another device' with-$kind
        fi
        stop_chip
        rm -f "$work/$kind$number.sock" "$work/${kind}1.sock"
    done
    refuses 'there is no TPM' with-$kind
done
# The first one again, after a restart: the same value.
chip ours1 "$PEER_TPM" tpm --state ours1/tpm --swtpm "unix:$work/ours1.sock" --start clear
starts with-ours || die "the TPM gives another value after a restart: $(cat said)"
stop_chip

ok
