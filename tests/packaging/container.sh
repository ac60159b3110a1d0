#!/bin/bash
# The image of Containerfile, with the package of a build: made, and run as process 1 with a read-only root,
# no capabilities and a user without rights. Stopped, cut short, killed and started again. Needs root.
#   container.sh BUILD_DIRECTORY VERSION ROOT
# Where ROOT is there, as bare_root.sh makes it, the base image is made of it. DRAINPIPE_CONTAINER=nspawn has
# systemd-nspawn run the image's root though there is something better.
set -euo pipefail

build=$(readlink -f -- "$1")
version=$2
bare_root=$3
source=$(cd "$(dirname -- "$(readlink -f -- "$0")")/../.." && pwd)
user=10001
events=100
# shellcheck source=tests/packaging/steps.sh
. "$source/tests/packaging/steps.sh"

skip() {
    echo "skipped: the container; $*"
    exit 0
}
[ "$(id -u)" -eq 0 ] || skip "that takes root's rights"
command -v cpack >/dev/null || skip "cpack is not there"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A storage of this test's own for podman and buildah, and their locks in files: nothing of it is left, in shared
# memory either.
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$work/storage" "$work/run" \
    >"$work/storage.conf"
printf '[engine]\nlock_type = "file"\n' >"$work/containers.conf"
export CONTAINERS_STORAGE_CONF=$work/storage.conf CONTAINERS_CONF=$work/containers.conf
tool=
for candidate in podman docker buildah; do
    if command -v "$candidate" >/dev/null && timeout 30 "$candidate" info >/dev/null 2>&1; then
        tool=$candidate
        break
    fi
done
[ -n "$tool" ] || skip "neither podman nor docker nor buildah works here"

shm=$(mktemp -d /dev/shm/drainpipe-container-XXXXXX)
label=drainpipe-test-$$
containers=()
has_base=
root=
clean_up() {
    local name
    for name in "${containers[@]}"; do
        if [ -n "$root" ]; then
            kill -KILL "$(cat "$work/$name.pid1" 2>/dev/null)" 2>/dev/null || true
        else
            timeout 60 "${run_tool[@]}" rm -f -v "$name" >/dev/null 2>&1 || true
        fi
    done
    wait
    [ -z "$root" ] || $tool_of_root umount "$root_of" >/dev/null 2>&1 || true
    [ -z "${root_of:-}" ] || [ "$tool_of_root" != buildah ] || buildah rm "$root_of" >/dev/null 2>&1 || true
    "$tool" rmi -f "$label" >/dev/null 2>&1 || true
    [ -z "$has_base" ] || "$tool" rmi -f "$label-base" >/dev/null 2>&1 || true
    umount "$work/storage/overlay" 2>/dev/null || true
    rm -rf --one-file-system "$work" "$shm"
}
run_tool=()
trap clean_up EXIT

step "an image of the base"
base=debian:bookworm-slim
import() { # a root
    tar -C "$1" -c . >"$work/base.tar"
    case $tool in
    buildah)
        printf 'FROM scratch\nADD base.tar /\n' >"$work/Containerfile.base"
        quietly buildah build -t "$label-base" -f "$work/Containerfile.base" "$work"
        ;;
    *) quietly "$tool" import "$work/base.tar" "$label-base" ;;
    esac
    rm "$work/base.tar"
    base=$label-base
    [ "$tool" = docker ] || base=localhost/$base
    has_base=yes
}
if [ -d "$bare_root" ]; then
    import "$bare_root"
else
    timeout 60 "$tool" pull -q "$base" >/dev/null 2>&1 || skip "there is no bare root, and no registry has $base for us"
fi

step "the image, with the package of the build"
quietly cpack --config "$build/CPackConfig.cmake" -B "$work/context/packages"
rm -rf "$work/context/packages/_CPack_Packages"
cp "$source/Containerfile" "$work/context"
isolation=(--isolation=chroot --network=host --layers=false)
[ "$tool" != docker ] || isolation=()
quietly timeout 300 "$tool" build "${isolation[@]}" --build-arg BASE="$base" -t "$label" \
    -f "$work/context/Containerfile" "$work/context"

# How containers can be run here: as the tool has it, else with limits that may be set, with runc, without systemd.
limits=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
options=()
can_run() { # options of the tool, `--`, options of run
    run_tool=("$tool")
    [ "$tool" != podman ] || run_tool+=(--log-level=error)
    while [ "$1" != -- ]; do
        run_tool+=("$1")
        shift
    done
    options=("${@:2}")
    timeout 60 "${run_tool[@]}" run --rm --network=none "${options[@]}" --entrypoint true "$label" >"$work/said" 2>&1
}
find_run() {
    case ${DRAINPIPE_CONTAINER:-}$tool in
    docker) can_run -- ;;
    podman)
        can_run -- || can_run -- "${limits[@]}" ||
            can_run --cgroup-manager=cgroupfs -- "${limits[@]}" ||
            can_run --cgroup-manager=cgroupfs --runtime=runc -- "${limits[@]}"
        ;;
    buildah) echo "it only builds" >"$work/said" && false ;;
    *) echo "DRAINPIPE_CONTAINER=${DRAINPIPE_CONTAINER:-}" >"$work/said" && false ;;
    esac
}

# start NAME SIZE-OF-SHM|VOLUMES [ARGUMENT...]; said NAME; out NAME; in_it NAME COMMAND...;
# stop NAME SECONDS; code NAME; kill_it NAME
if find_run; then
    of_a_kill=137
    echo "run by: ${run_tool[*]} run ${options[*]}"
    start() {
        local name=$1 memory=(--tmpfs /tmp --shm-size "$2")
        [ ! -d "$2" ] || memory=(-v "$2/shm:/dev/shm" -v "$2/tmp:/tmp")
        shift 2
        containers+=("$label-$name")
        timeout 60 "${run_tool[@]}" run -d --name "$label-$name" --network=none --read-only \
            --cap-drop=all --security-opt=no-new-privileges "${memory[@]}" "${options[@]}" "$label" "$@" >"$work/said" 2>&1 ||
            { cat "$work/said" >&2; fail "could not start $name"; }
    }
    out() { timeout 60 "${run_tool[@]}" logs "$label-$1" 2>/dev/null; }
    said() { timeout 60 "${run_tool[@]}" logs "$label-$1" 3>&1 >/dev/null 2>&3; }
    in_it() {
        local name=$1
        shift
        timeout 60 "${run_tool[@]}" exec "$label-$name" "$@"
    }
    stop() { quietly timeout $(($2 + 60)) "${run_tool[@]}" stop --time "$2" "$label-$1"; }
    code() { timeout 60 "${run_tool[@]}" wait "$label-$1"; }
    kill_it() { quietly timeout 60 "${run_tool[@]}" kill --signal KILL "$label-$1"; }
else
    why=$(tail -n 1 "$work/said")
    of_a_kill=1 # as systemd-nspawn has it
    for program in systemd-nspawn nsenter pgrep; do
        command -v "$program" >/dev/null || skip "$tool can't run one ($why), and $program is not there"
    done
    echo "skipped: $tool run; it can't here ($why); the image's root is run by systemd-nspawn instead"
    tool_of_root=$tool
    case $tool in
    podman) root_of=$label root=$(podman image mount "$label") ;;
    buildah) root_of=$(buildah from "$label") && root=$(buildah mount "$root_of") ;;
    *) skip "an image of $tool can't be mounted" ;;
    esac
    tool_of_root="$tool$([ "$tool" != podman ] || echo ' image')"
    start() {
        local name=$1 memory=(--tmpfs=/tmp:mode=1777 --tmpfs="/dev/shm:mode=1777,size=$2") logs=$work/logs-$1
        [ ! -d "$2" ] || memory=(--bind="$2/tmp:/tmp" --bind="$2/shm:/dev/shm")
        shift 2
        containers+=("$name")
        install -d -o "$user" -g "$user" "$logs"
        (
            code=0
            systemd-nspawn --quiet --register=no --keep-unit --pipe --directory="$root" --read-only --private-network \
                --user="$user" --drop-capability=all --no-new-privileges=yes --kill-signal=SIGTERM "${memory[@]}" \
                --bind="$logs:/var/log/drainpipe" --chdir=/var/lib/drainpipe \
                --setenv=DRAINPIPE_RUN_DIR=/tmp/drainpipe --setenv=DRAINPIPE_LOG_DIR=/var/log/drainpipe \
                --setenv=DRAINPIPE_GRACE=8s drainpipe "$@" \
                >"$work/$name.out" 2>"$work/$name.said" </dev/null &
            spawn=$!
            echo "$spawn" >"$work/$name.spawn"
            wait "$spawn" || code=$?
            echo "$code" >"$work/$name.code"
        ) &
        await 20 has_begun "$name"
    }
    has_begun() {
        [ ! -e "$work/$1.code" ] || return 0
        local pid
        pid=$(pgrep -P "$(cat "$work/$1.spawn" 2>/dev/null || echo 0)" -x launcher | head -n 1) && [ -n "$pid" ] &&
            echo "$pid" >"$work/$1.pid1"
    }
    out() { cat "$work/$1.out"; }
    said() { cat "$work/$1.said"; }
    in_it() {
        local pid1
        pid1=$(cat "$work/$1.pid1")
        shift
        timeout 60 nsenter --target "$pid1" --mount --pid --ipc --net --uts --root \
            /usr/bin/setpriv --reuid="$user" --regid="$user" --clear-groups --bounding-set=-all --no-new-privs \
            /usr/bin/env PATH=/usr/bin:/bin DRAINPIPE_RUN_DIR=/tmp/drainpipe "$@"
    }
    stop() {
        local end=$((SECONDS + $2))
        kill -TERM "$(cat "$work/$1.pid1")"
        until [ -e "$work/$1.code" ]; do
            [ "$SECONDS" -lt "$end" ] || { kill_it "$1"; break; }
            sleep 0.05
        done
    }
    code() {
        await 60 [ -e "$work/$1.code" ]
        cat "$work/$1.code"
    }
    kill_it() { kill -KILL "$(cat "$work/$1.pid1")"; }
fi

await_up() { # CONTAINER
    local end=$((SECONDS + 30))
    until is_up "$1"; do
        [ "$SECONDS" -lt "$end" ] || {
            in_it "$1" drainpipe status >&2 || true
            said "$1" >&2
            fail "$1 does not come up"
        }
        sleep 0.05
    done
}
is_up() { in_it "$1" drainpipe status >/dev/null 2>&1; }
enqueue() { # CONTAINER, FIRST: so many events
    # shellcheck disable=SC2016  # for the shell in there
    in_it "$1" sh -c 'seq "$1" "$2" | drainpipe enqueue -' sh "$2" $(($2 + events - 1)) >"$work/enqueued"
    grep -qx "accepted=$events" "$work/enqueued" || fail "not enqueued: $(cat "$work/enqueued")"
}
has_ended_with() { # CONTAINER CODE
    local code
    code=$(code "$1")
    [ "$code" -eq "$2" ] || { said "$1" >&2; fail "$1 has ended with exit code $code, not $2"; }
}
milliseconds() { date +%s%3N; }

step "process 1, its user, its rights, its orphans"
# shellcheck disable=SC2016  # for the command's shell
start first 64m run --exec 'sleep 0.2; echo "$1"' --jobs 10
await_up first
in_it first cat /proc/1/status >"$work/status"
grep -q '^Name:[[:space:]]*launcher$' "$work/status" || fail "process 1 is no launcher: $(head -n 1 "$work/status")"
grep -q "^Uid:[[:space:]]*${user}[[:space:]]*${user}[[:space:]]" "$work/status" || fail "not run as $user"
grep -q '^CapBnd:[[:space:]]*0*$' "$work/status" || fail "it has capabilities: $(grep ^Cap "$work/status")"
grep -q '^NoNewPrivs:[[:space:]]*1$' "$work/status" || fail "it can get new privileges"
for directory in / /var/lib/drainpipe /etc /usr/bin; do
    ! in_it first touch "$directory/written" 2>/dev/null || fail "$directory can be written to"
done
# A child of a command that has ended is process 1's; one that is not reaped stays in /proc.
# shellcheck disable=SC2016  # for the shells in there
in_it first sh -c '(sh -c "echo \$\$ >/tmp/orphan; until [ -e /tmp/go ]; do sleep 0.05; done" >/dev/null 2>&1 &)'
await 20 in_it first grep -qs . /tmp/orphan
orphan=$(in_it first cat /tmp/orphan)
await 20 in_it first grep -q '^PPid:[[:space:]]*1$' "/proc/$orphan/status"
in_it first touch /tmp/go
await 20 in_it first test ! -e "/proc/$orphan"

step "a stop in the middle of the work"
enqueue first 1
began=$(milliseconds)
stop first 30
took=$(($(milliseconds) - began))
has_ended_with first 0
[ "$took" -lt 8000 ] || fail "the stop has taken $took ms of its 8 s"
out first | sort -n | cmp - <(seq "$events") || fail "not every event was done once"
said first | grep -q "accepted=$events .*left=0" || { said first >&2; fail "no account of $events events"; }
echo "stopped after $took ms"

step "too small a /dev/shm, and one that a smaller pipeline fits in"
start small 4m run
has_ended_with small 71
said small | grep -q '/dev/shm is too small, lower --capacity or --buffer-size' ||
    { said small >&2; fail "not said that /dev/shm is too small"; }
start fits 4m run --capacity 1000 --buffer-size 1M
await_up fits
enqueue fits 1
stop fits 30
has_ended_with fits 0
out fits | sort -n | cmp - <(seq "$events") || fail "not every event was done in 4 MiB"

step "a drain cut short, a kill of process 1, and /dev/shm and /tmp as volumes"
# As Kubernetes makes an emptyDir with an fsGroup, which a container's restart leaves as it was.
volume=$shm/volume
mkdir -p "$volume/shm" "$volume/tmp"
chown "root:$user" "$volume"/*
chmod 2777 "$volume"/*
# shellcheck disable=SC2016  # for the command's shell
slow='sleep 0.5; echo "$1"'
start cut "$volume" run --grace 1s --exec "$slow" --jobs 4
await_up cut
enqueue cut 1
began=$(milliseconds)
stop cut 30
took=$(($(milliseconds) - began))
has_ended_with cut 124
[ "$took" -lt 8000 ] || fail "the stop has taken $took ms with a grace of 1 s"
left=$(said cut | sed -n 's/.*[ ]left=\([0-9]*\).*/\1/p' | tail -n 1)
[ "${left:-0}" -gt 0 ] || { said cut >&2; fail "not said that something is left"; }
[ "$(out cut | wc -l)" -ge $((events - left)) ] || fail "less was done than $events - $left"
echo "cut short after $took ms, left=$left"

start killed "$volume" run --exec "$slow" --jobs 4
await_up killed
enqueue killed $((events + 1))
kill_it killed
has_ended_with killed "$of_a_kill"

# shellcheck disable=SC2016  # for the command's shell
start last "$volume" run --exec 'echo "$1"' --jobs 10
await_up last
stop last 30
has_ended_with last 0
{
    out cut
    out killed
    out last
} | sort -nu | cmp - <(seq $((2 * events))) || fail "an event was lost"
[ -z "$(ls -A "$volume/shm")" ] || fail "left in the volume: $(ls -A "$volume/shm")"
said last | grep -q ' left=0' || { said last >&2; fail "something is left"; }

echo "$version: the image holds"
