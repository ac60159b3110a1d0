#!/bin/sh
# Two pipelines in a row: the first forwards into the second, whose consumer writes each event to a
# file. While events come in the first one's consumer is killed, then the whole second pipeline.
# Exits with 0 where every event has arrived, and says how many came twice.
#
#     run.sh [DIRECTORY OF launcher AND enqueue [DIRECTORY OF recorder]]
set -eu

here=$(cd "$(dirname -- "$0")" && pwd -P)
programs=$(cd "${1:-$(dirname -- "$(command -v launcher || echo "$here/launcher")")}" && pwd -P)
build=$(cd "${2:-$here/build}" && pwd -P)
events=100000
name=chain-$$
directory=$(mktemp -d)
first=
second=
client=

fail() {
    echo "chain: $*" >&2
    tail -n 5 "$directory"/said.* >&2
    exit 1
}
children_of() { cat "/proc/$1/task"/*/children 2>/dev/null || true; }
clean_up() {
    for pid in $first $second; do
        # shellcheck disable=SC2046  # a word for each
        kill -KILL "$pid" $(children_of "$pid") 2>/dev/null || true
    done
    [ -z "$client" ] || kill -KILL "$client" 2>/dev/null || true
    rm -f "/dev/shm/$name-first" "/dev/shm/$name-second"
    rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

cd "$directory"
await() { # a command that succeeds within 10 seconds
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -le 500 ] || fail "no success within 10 s: $*"
        sleep 0.02
    done
}
start() { # which one, and how it works
    which=$1
    shift
    "$programs/launcher" --name "$name-$which" --run-dir run --log-dir "log.$which" --log-events off "$@" \
        >/dev/null 2>>"said.$which" &
}
start_second() {
    start second --consumer "$build/recorder"
    second=$!
}
has_recorded() { [ "$(wc -l <recorded)" -ge "$1" ]; }
is_gone() { [ ! -e "/proc/$1/exe" ]; }
stop() { # a launcher, by its pid
    kill -TERM "$1"
    await is_gone "$1"
    code=0
    wait "$1" || code=$?
    [ "$code" -eq 0 ] || fail "a launcher ended with $code"
}

: >recorded
start_second
start first --forward "$name-second"
first=$!

# Events come in over some seconds, in bursts.
await test -S "run/$name-first.sock"
burst=20000
sent=0
while [ "$sent" -lt "$events" ]; do
    seq $((sent + 1)) $((sent + burst))
    sent=$((sent + burst))
    sleep 0.5
done | "$programs/enqueue" --name "$name-first" --run-dir run - >accepted 2>said.client &
client=$!

await has_recorded $((burst + burst / 4))
for pid in $(children_of "$first"); do
    if [ "$(readlink "/proc/$pid/exe")" = "$programs/consumer" ]; then
        kill -KILL "$pid"
        echo "killed the first pipeline's consumer $pid after $(wc -l <recorded) events"
    fi
done

await has_recorded $((2 * burst + burst / 4))
everybody="$second $(children_of "$second")"
# shellcheck disable=SC2086  # a word for each
kill -KILL $everybody
wait "$second" 2>/dev/null || true
for pid in $everybody; do
    await is_gone "$pid"
done
echo "killed all of the second pipeline after $(wc -l <recorded) events"
sleep 0.5 # meanwhile the first one takes events in, and they wait
start_second

await is_gone "$client"
wait "$client" || fail "enqueue ended with $?"
client=
[ "$(cat accepted)" = "accepted=$events" ] || fail "enqueue says $(cat accepted)"
stop "$first"
first=
stop "$second"
second=

cut -d ' ' -f 3 recorded | sort -n | uniq >arrived
seq "$events" | cmp -s - arrived || fail "$(wc -l <arrived) of $events events have arrived"
lines=$(wc -l <recorded)
ids=$(cut -d ' ' -f 1,2 recorded | sort -u | wc -l)
echo "all $events events have arrived; $((ids - events)) were forwarded twice, and $((lines - ids)) recorded twice"
