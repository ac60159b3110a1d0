#!/bin/sh
# Posts 5000 events to a server that fails now and then, kills the consumer in the middle, and
# checks that each was stored once, and that the dead letters are what the server has refused. Exits
# with 0 where that is so.
#
#     run.sh [DIRECTORY OF launcher [DIRECTORY OF uploader]]
set -eu

here=$(cd "$(dirname -- "$0")" && pwd -P)
programs=$(cd "${1:-$(dirname -- "$(command -v launcher || echo "$here/launcher")")}" && pwd -P)
build=$(cd "${2:-$here/build}" && pwd -P)
name=uploader-$$
directory=$(mktemp -d)
launcher=
server=

fail() {
    echo "uploader: $*" >&2
    tail -n 5 "$directory/said" >&2
    exit 1
}
children() { cat "/proc/$launcher/task"/*/children 2>/dev/null || true; }
clean_up() {
    # shellcheck disable=SC2046  # a word for each
    [ -z "$launcher" ] || kill -KILL "$launcher" $(children) 2>/dev/null || true
    rm -f "/dev/shm/$name"
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

cd "$directory"
await() { # a command that succeeds within 12 seconds
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -le 600 ] || fail "no success within 12 s: $*"
        sleep 0.02
    done
}
count() { grep -c "^$1" requests || true; }
has_stored() { [ "$(count stored)" -ge "$1" ]; }
consumer() {
    for pid in $(children); do
        if [ "$(readlink "/proc/$pid/exe")" = "$build/uploader" ]; then
            echo "$pid"
            return
        fi
    done
}
is_gone() { [ ! -e "/proc/$1/exe" ]; }

: >requests
python3 "$here/server.py" requests >port 2>said &
server=$!
await test -s port

# Of 5000 events every 1000th is one that the server refuses.
seq 5000 | sed 's/.*000$/bad &/' >events
grep -v bad events | sort >good
grep bad events | sort >refused

UPLOADER_PORT=$(cat port) "$programs/launcher" --name "$name" --run-dir run --log-dir log \
    --from events --consumer "$build/uploader" --retries 20 --backoff 5ms --backoff-max 100ms 2>>said &
launcher=$!
await has_stored 1500
pid=$(consumer)
kill -KILL "$pid" || fail "there was no consumer to kill"
echo "killed the consumer $pid after $(count stored) of 5000 events"

await is_gone "$launcher" # it ends by itself, at the end of the file
code=0
wait "$launcher" || code=$?
[ "$code" -eq 65 ] || fail "the launcher ended with $code, not with 65 for dead letters"
launcher=

echo "the server has stored $(count stored), seen $(count repeated) again, refused $(count refused), answered" \
    "$(count busy) with 503 and $(count dropped) not at all"
grep '^stored' requests | cut -d ' ' -f 3- | sort | cmp -s - good || fail "what is stored is not every good event once"
grep '^stored' requests | cut -d ' ' -f 2 | sort | uniq -d | grep . && fail "a key was stored twice"
"$programs/launcher" dead list --json --name "$name" --run-dir run --log-dir log |
    sed 's/.*"payload":"\([^"]*\)".*/\1/' | sort | cmp -s - refused || fail "the dead letters are not what was refused"
echo "every event is stored once, and the $(wc -l <refused) that were refused are dead letters"
