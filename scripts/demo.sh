#!/bin/sh
# A drain to watch, in one terminal: starts a pipeline of its own, enqueues 7000 events with a little
# work on each, stops it in the middle, shows the story from the log, and checks the account. Exits 0
# when every event is accounted for.
set -eu

events=7000
here=$(dirname -- "$(readlink -f -- "$0")")
root=$(cd "$here/.." && pwd)
programs=$root
if [ -f "$root/CMakeLists.txt" ]; then
    "$here/build.sh" pipeline
    programs=$root/build
fi

directory=$(mktemp -d)
log=$directory/log/info.log
name=demo-$$
launcher=""
clean_up() {
    [ -z "$launcher" ] || kill -KILL "$launcher" 2>/dev/null || true
    rm -rf "$directory"
}
trap clean_up EXIT

records() { sed "s/ name=$name / /" "$log" 2>/dev/null; }
await() { # a pattern in the log, for 5 seconds at most
    tries=0
    until records | grep "$1" >/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -le 500 ] || { echo "demo.sh: no '$1' in the log within 5 s" >&2; exit 1; }
        sleep 0.01
    done
}
count() { records | grep -c "\] $1 id=" || true; }
show() { # the first and the last record of a kind
    records | grep "\] $1 id=" | sed -n '1p;$p' | cut -c1-100
}

# On a terminal the launcher says how it goes on, in a line that is taken away before any other.
if [ -t 2 ]; then exec 3>&2; else exec 3>"$directory/said"; fi
say() {
    [ ! -t 2 ] || printf '\r\033[K' >&2
    echo "$*"
}

say "== start, $events events, 200 us of work on each"
"$programs/launcher" --name "$name" --run-dir "$directory/run" --log-dir "$directory/log" \
    --event-delay 200us >"$directory/output" 2>&3 &
launcher=$!
await '\] ready '
"$programs/enqueue" --name "$name" --run-dir "$directory/run" "$events"
await 'processed id=1500 '

say "== kill -TERM $launcher"
code=0
kill -TERM "$launcher"
wait "$launcher" || code=$?
launcher=""

say "== the story, from log/info.log"
records | grep '\] ready ' | cut -c1-100
show processed
records | grep -E '\] (stopping|intake closed|terminating) '
show emptied
show drained
records | grep -E '\] (drained all|summary )'

say "== the account"
ids=$(records | grep -oE '\] (processed|emptied|drained) id=[0-9]+' | sed 's/.*=//' | sort -n | uniq | wc -l)
echo "processed $(count processed) + emptied $(count emptied) + drained $(count drained) = $events?"
if [ "$code" -eq 0 ] && [ "$ids" -eq "$events" ] &&
    [ $(($(count processed) + $(count emptied) + $(count drained))) -eq "$events" ] &&
    [ "$(wc -l <"$directory/output")" -eq "$events" ]; then
    echo "every event is accounted for: none lost, none twice"
else
    echo "demo.sh: the account does not hold (exit code $code, $ids ids)" >&2
    exit 1
fi
