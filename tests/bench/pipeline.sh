#!/bin/sh
# Times the whole pipeline, log and standard output to files: five runs of each, printed as median
# with minimum and maximum, in milliseconds.
#   pipeline.sh [EVENTS [PROGRAMS]]       default: 1000000, build/
set -eu

events=${1:-1000000}
programs=${2:-$(cd "$(dirname -- "$0")/../.." && pwd)/build}
runs=5
folder=$(mktemp -d)
name=bench-$$
log=$folder/log/info.log
launcher=""
clean_up() {
    [ -z "$launcher" ] || kill -KILL "$launcher" 2>/dev/null || true
    rm -rf "$folder"
}
trap clean_up EXIT

now() { date +%s%N; }
start() { # launcher's flags
    rm -rf "$folder/log"
    "$programs/launcher" --name "$name" --run-dir "$folder/run" --log-dir "$folder/log" "$@" \
        >"$folder/output" 2>"$folder/said" &
    launcher=$!
    until grep -q '\] ready ' "$log" 2>/dev/null; do sleep 0.002; done
}
stop() {
    kill -TERM "$launcher"
    wait "$launcher"
    launcher=""
}
enqueue() { "$programs/enqueue" --name "$name" --run-dir "$folder/run" "$@" >/dev/null; }
note() { # a figure, its begin and its end
    echo $((($3 - $2) / 1000)) >>"$folder/$1"
}

drain() {
    start --capacity $((events * 2)) --buffer-size 256M
    consumer=$(sed -n 's/.* consumer=\([0-9]*\) .*/\1/p' "$log")
    kill -STOP "$consumer"
    enqueue "$events"
    kill -TERM "$launcher"
    begin=$(now)
    kill -CONT "$consumer"
    stop
    note drain "$begin" "$(now)"
}
stream() {
    begin=$(now)
    start
    note start "$begin" "$(now)"
    begin=$(now)
    seq "$events" | enqueue -
    until tail -c 200 "$log" | grep -q "processed id=$events "; do sleep 0.002; done
    note stream "$begin" "$(now)"
    begin=$(now)
    stop
    note idle_stop "$begin" "$(now)"
}
print() { # figure, what it is
    sort -n "$folder/$1" | awk -v what="$2" '
        { at[NR] = $1 / 1000 }
        END { printf "%-44s %9.1f  [%.1f .. %.1f]\n", what, at[int((NR + 1) / 2)], at[1], at[NR] }'
}

run=0
while [ "$run" -lt "$runs" ]; do
    drain
    stream
    run=$((run + 1))
done
printf '%-44s %9s  [min .. max] of %s runs\n' "milliseconds" "median" "$runs"
print drain "drain of $events buffered events"
print stream "seq $events | enqueue - to the last line logged"
print idle_stop "idle stop"
print start "start to ready"
