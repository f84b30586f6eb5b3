#!/usr/bin/env bash
# Device images with this TPM and with swtpm: built, installed, updated; the agent killed (SIGKILL) at random moments, UPDATE_ROUNDS
# times with UPDATE_SEED (10 with this TPM and 3 with swtpm, if nothing is said); rolled back; older images, foreign blobs and changed bytes refused.
. "$(dirname "$0")/../lib.sh"
ironroot=$PEER_TPM
rounds=${UPDATE_ROUNDS:-10}
seed=${UPDATE_SEED:-2026}
another_tpm
here=$TPM2TOOLS_TCTI
export IRONROOT_KEY_LIST=$work/keys.json
components="application device-tree firmware kernel root-fs"

# The build server: the signer's key, the images and their keys are the builder's, whose TPM is the other one each time.
recipe() { # NUMBER
    local number=$1 component
    mkdir -p "source-$number"
    for component in $components; do
        { echo "$component $number"; head -c $((RANDOM * 40 + 1)) /dev/urandom; } >"source-$number/$component"
    done
    # This one is the same in every image.
    echo firmware >"source-$number/firmware"
    head -c 5000000 /dev/urandom >>"source-$number/root-fs"
    {
        printf 'name = "pump"\nsequence = %s\nvendor = "acme.example"\nclass = "pump-3000"\nversion = "1.%s"\n' "$number" "$number"
        for component in $components; do
            printf '[components.%s]\nfile = "%s"\nkind = "%s"\n' "$component" "$component" "$component"
            if [ $component = firmware ]; then printf 'install = "write-if-different"\n'; fi
        done
    } >"source-$number/image.toml"
}
built() { # NUMBER
    [ -e "source-$1" ] || recipe "$1"
    TPM2TOOLS_TCTI=$builder "$ironroot" image build signer "source-$1/image.toml" --output "$1.image" --image-key "$1.key" --json |
        finds "\"sequence\":$1"
    blob "$1"
}
blob() { # NUMBER
    TPM2TOOLS_TCTI=$builder "$ironroot" image device-blob --image-key "$1.key" device.json --output blobs >/dev/null
    mv "blobs/$device.blob" "$1.blob"
}
agent() { # COMMAND ARGUMENT…
    local command=$1
    shift
    "$ironroot" agent "$command" --config agent.toml "$@"
}
up() { # NUMBER OPTION…
    agent update "$1.image" --blob "$1.blob" "${@:2}"
}
# A slot holds image NUMBER, to the byte.
slot_is() { # SLOT NUMBER
    local component
    for component in $components; do
        cmp "source-$2/$component" "slots/$1/$component" || die "slot $1 is not image $2: $component"
    done
}
status_is() { # PATTERN
    agent status --json >status.json
    finds -E "$1" <status.json || die "wanted $1: $(cat status.json)"
}
next() {
    sed -n 's/^ironroot_slot=//p' boot.env
}

whole() { # TPM BUILDER
    export TPM2TOOLS_TCTI=$1
    builder=$2
    rm -rf ./*.image ./*.key ./*.blob ./*.pem source-* slots state boot.env agent.toml device*.json keys.json
    mkdir -p slots/a slots/b
    TPM2TOOLS_TCTI=$builder "$ironroot" key create signer >/dev/null
    TPM2TOOLS_TCTI=$builder "$ironroot" key show signer | sed -n '/BEGIN/,$p' >signer.pem
    {
        printf '[update]\nsigned-by = "%s"\nvendor = "acme.example"\nclass = "pump-3000"\n' "$work/signer.pem"
        printf 'state = "%s"\nboot = "%s"\ntries = 2\n' "$work/state" "$work/boot.env"
        for slot in a b; do
            printf '[update.slots.%s]\n' $slot
            for component in $components; do printf '%s = "%s"\n' $component "$work/slots/$slot/$component"; done
        done
    } >agent.toml
    # The first half has left a counter in what is the device now.
    tpm2_nvundefine 0x01500010 >/dev/null 2>&1 || true
    says 'agent prepare' agent status
    agent prepare --output device.json
    device=$(sed -n 's/.*"device": "\(.*\)".*/\1/p' device.json)

    # The first image, and the second.
    built 1
    "$ironroot" image verify 1.image --signed-by signer.pem | finds 'every byte'
    refused grep -q 'kernel 1' 1.image
    says 'agent install' up 1
    agent install 1.image --blob 1.blob --json | finds '"outcome":"switched"'
    slot_is a 1
    equal 'the slot to boot' a "$(agent boot)"
    agent confirm | finds 'image 1 is confirmed'
    says 'agent update' agent install 1.image --blob 1.blob
    up 1 --json | finds 'already-active'
    built 2
    up 2 | finds 'booted next'
    slot_is b 2
    slot_is a 1
    says 'on trial' up 1
    says 'slot a runs' agent confirm --running a
    equal 'the slot to boot' b "$(agent boot)"
    agent confirm --running b >/dev/null
    status_is '"next":"b","tries":null'

    # Never back.
    says 'downgrade.*number is 1' up 1
    says 'newer one has been confirmed' agent rollback
    # Also not where the agent's own files are set back: the TPM knows, and refuses to open the blob.
    cp -r state state.new && cp boot.env boot.new
    rm -r state boot.env
    says 'downgrade.*confirmed number 2' agent install 1.image --blob 1.blob
    python3 -c 'import json; print(json.load(open("1.blob"))["sealed"], end="")' >1.pem
    says 'counter 0x01500010 has gone beyond' "$ironroot" unseal 1.pem
    rm -rf state && mv state.new state && mv boot.new boot.env

    # Another device's blob, also one that claims to be this device's; another image's; changed bytes; another signer; another class.
    built 3
    TPM2TOOLS_TCTI=$2 "$ironroot" agent prepare --config agent.toml --output device-2.json
    TPM2TOOLS_TCTI=$builder "$ironroot" image device-blob --image-key 3.key device-2.json --output foreign >/dev/null
    foreign=$(ls foreign/*.blob)
    says 'blob is refused: it is for the device' agent update 3.image --blob "$foreign"
    sed "s/\"device\": \".*\"/\"device\": \"$device\"/" "$foreign" >forged.blob
    says 'blob is refused: the TPM of this device does not take it' agent update 3.image --blob forged.blob
    says 'blob is refused: it is for image pump 2' agent update 3.image --blob 2.blob
    sed 's/"sequence": 2/"sequence": 3/' 2.blob >forged.blob
    says "the key is another package's" agent update 3.image --blob forged.blob
    size=$(stat -c %s 3.image)
    for offset in 0 300 2000 $((size / 2)) $((size - 100)); do
        cp 3.image bad.image
        corrupt bad.image "$offset"
        says 'refused' agent update bad.image --blob 3.blob
        equal 'the slot to boot' b "$(next)"
    done
    sed -i 's/pump-3000/pump-4000/' agent.toml
    says 'for the class "pump-3000"' up 3
    sed -i 's/pump-4000/pump-3000/' agent.toml
    rm -r foreign forged.blob bad.image

    # A trial that is not confirmed: two boots, and the old one is taken again; or at once, by command.
    up 3 >/dev/null
    equal 'the first boot' a "$(agent boot)"
    equal 'the second boot' a "$(agent boot)"
    equal 'the third boot' b "$(agent boot)"
    slot_is b 2
    up 3 >/dev/null
    agent rollback | finds 'slot b with image 2'
    status_is '"next":"b","tries":null'
    # PCRs: a blob for what has been started opens, and no more when something else has been.
    agent prepare --pcrs sha256:16 --base "$(sed -n 's/.*"value": \(.*\)/\1/p' device.json)" --output device-pcr.json
    TPM2TOOLS_TCTI=$builder "$ironroot" image device-blob --image-key 3.key device-pcr.json --output pcr >/dev/null
    tpm2_pcrextend 16:sha256=$(printf %064d 1)
    says 'PCRs have other values' agent update 3.image --blob "pcr/$device.blob"
    tpm2_pcrreset 16
    agent update 3.image --blob "pcr/$device.blob" >/dev/null
    agent rollback >/dev/null
    rm -r pcr
}

# What holds after a kill, whenever it came: the slot to boot is a whole image that may be booted, and the agent goes on.
intact() {
    local slot held
    slot=$(next)
    held=$(agent status --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
slot = s["slots"][s["next"]]
assert slot["usable"], s
print(slot["image"]["sequence"])')
    slot_is "$slot" "$held"
}

interrupted() { # TIMES
    local times=$1 number=3 kills=0 finished=0 resumed=0 confirmed=0 back=0 held=2 longest begin status
    RANDOM=$seed
    # How long it takes when nobody interrupts it, so that the kills fall everywhere, a little behind the end as well.
    begin=${EPOCHREALTIME/./}
    up 3 >/dev/null
    longest=$(((${EPOCHREALTIME/./} - begin) * 11 / 10))
    agent rollback >/dev/null
    while [ $kills -lt "$times" ]; do
        [ -e $number.image ] || built $number
        local command=(update $number.image --blob $number.blob) span=$longest
        # Mostly an update; with what has been written, a confirmation or a rollback, which are short.
        if grep -q '^ironroot_trial=1' boot.env; then
            span=$((longest / 4))
            if [ $((RANDOM % 4)) = 0 ]; then command=(rollback); else command=(confirm); fi
        fi
        "$ironroot" agent "${command[0]}" --config agent.toml "${command[@]:1}" --json >killed.out 2>killed.err &
        local pid=$!
        sleep "$(printf '0.%06d' $(((RANDOM * 32768 + RANDOM) % span)))"
        status=0
        if kill -s KILL $pid 2>/dev/null; then :; fi
        wait $pid 2>/dev/null || status=$?
        if [ $status = 137 ]; then
            kills=$((kills + 1))
            # There is no resource manager here to do it for a program that has died.
            flush
        elif [ $status != 0 ]; then
            die "failed without having been killed: ${command[*]}: $(cat killed.err)"
        else
            finished=$((finished + 1))
            if [ "${command[0]}" = update ] && ! finds '"kept":0' <killed.out; then resumed=$((resumed + 1)); fi
        fi
        intact
        # A new image when the last one has been confirmed; the same again when it was rolled back.
        held=$(agent status --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
print(s["slots"][s["next"]]["image"]["sequence"] if s["tries"] is None else 0)')
        if [ "$held" = $number ]; then
            confirmed=$((confirmed + 1))
            rm -rf "source-$((number - 2))" "$((number - 1)).image"
            number=$((number + 1))
        elif [ "${command[0]}" = rollback ] && [ "$held" != 0 ]; then
            back=$((back + 1))
        fi
    done
    # And to the end.
    if ! grep -q '^ironroot_trial=1' boot.env; then
        [ -e $number.image ] || built $number
        up $number >/dev/null
    fi
    agent confirm >/dev/null
    intact
    status_is '"tries":null'
    echo "$kills kills (seed $seed, within ${longest} us): $finished commands finished meanwhile, $resumed updates had resumed, $confirmed images confirmed, $back rollbacks; each time the slot to boot was whole"
}

whole "$another" "$here"
interrupted $((rounds * 3 / 10))
whole "$here" "$another"
interrupted "$rounds"
end_another_tpm
ok
