#!/bin/sh
# Sends four million readings of 64 bytes from a producer to a consumer, says how many that were in a
# second, and checks count and sums. Exits with 0 where they are exact.
#
#     run.sh [DIRECTORY OF launcher [DIRECTORY OF sensors AND statistics]]
set -eu

here=$(cd "$(dirname -- "$0")" && pwd -P)
programs=$(cd "${1:-$(dirname -- "$(command -v launcher || echo "$here/launcher")")}" && pwd -P)
build=$(cd "${2:-$here/build}" && pwd -P)
name=telemetry-$$
readings=4000000
directory=$(mktemp -d)
launcher=

fail() {
    echo "telemetry: $*" >&2
    tail -n 5 "$directory/said" >&2
    exit 1
}
clean_up() {
    # shellcheck disable=SC2046  # a word for each
    [ -z "$launcher" ] || kill -KILL "$launcher" $(cat "/proc/$launcher/task"/*/children 2>/dev/null) 2>/dev/null || true
    rm -f "/dev/shm/$name"
    rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

cd "$directory"
TELEMETRY_READINGS=$readings "$programs/launcher" --name "$name" --run-dir run --log-dir log --log-events off \
    --producer "$build/sensors" --consumer "$build/statistics" --max-demand 20K >printed 2>said &
launcher=$!

tries=0 # it ends by itself, for the producer's function returns
while [ -e "/proc/$launcher/exe" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 300 ] || fail "it has not ended after 15 s"
    sleep 0.05
done
code=0
wait "$launcher" || code=$?
[ "$code" -eq 0 ] || fail "the launcher ended with $code"
launcher=

cat printed
second_of() { # the day's second of a record
    grep "\[launcher\].* $1 " log/info.log | tail -n 1 | sed 's/^[^ T]*[ T]//' | awk -F '[:Z ]' '{ print $1 * 3600 + $2 * 60 + $3 }'
}
awk -v from="$(second_of ready)" -v to="$(second_of summary)" -v readings="$readings" 'BEGIN {
    seconds = to - from + (to < from) * 86400
    printf "%d readings in %.2f s: %.1f million per second, start and stop included\n", readings, seconds, readings / seconds / 1e6
}'

# A turn of 1000 readings has the samples 0 to 11999, and each of the 4 sensors a quarter of the turns.
turns=$((readings / 4000))
expected() {
    echo "readings=$readings first_id=1"
    for sensor in 0 1 2 3; do
        echo "sensor=$sensor samples=$((turns * 12000)) sum=$((turns * 11999 * 12000 / 2)) min=0 max=11999 mean=5999.5"
    done
}
expected | cmp -s - printed || fail "that is not what was sent"
echo "count, sums, minima and maxima are exact"
