#!/bin/sh
# picture.sh [FILE.svg]: makes the picture in the README, docs/run.svg: three consumers under load, two
# of them and the producer killed, then a stop. Takes the programs from build/.
#   DRAINPIPE_PROGRAMS=FOLDER   another build's programs
set -eu

docs=$(dirname -- "$(readlink -f -- "$0")")
programs=${DRAINPIPE_PROGRAMS:-$docs/../build}
picture=${1:-$docs/run.svg}
[ -x "$programs/launcher" ] || { echo "picture.sh: no launcher in $programs: build first" >&2; exit 69; }

name=demo
directory=$(mktemp -d)
log=$directory/log/info.log
launcher=""
clean_up() {
    [ -z "$launcher" ] || kill -KILL "$launcher" 2>/dev/null || true
    rm -rf "$directory"
}
trap clean_up EXIT

records() { sed "s/ name=$name / /" "$log" 2>/dev/null; }
await() { # so many records with a pattern, for 10 seconds at most
    tries=0
    until [ "$(records | grep -c "$2")" -ge "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -le 500 ] || { echo "picture.sh: no '$2' in the log within 10 s" >&2; exit 1; }
        sleep 0.02
    done
}
started() { # the pids that ready names for a role
    records | sed -n "s/.*\] ready .* $1=\([0-9,]*\).*/\1/p"
}

"$programs/launcher" --name "$name" --run-dir "$directory/run" --log-dir "$directory/log" \
    --consumers 3 --event-delay 200us >"$directory/output" 2>"$directory/said" &
launcher=$!
await 1 '\] ready '
"$programs/enqueue" --name "$name" --run-dir "$directory/run" 36000 >"$directory/accepted" 2>&1 &

await 6000 '\] processed '
kill -KILL "$(started consumer | cut -d, -f2)"
await 12000 '\] processed '
kill -KILL "$(started producer)"
await 17000 '\] processed '
kill -KILL "$(started consumer | cut -d, -f3)"
await 23000 '\] processed '
kill -TERM "$launcher"
wait "$launcher"
launcher=""

"$programs/launcher" report "$log" -o "$picture"
