#!/bin/sh
# soak.sh [SECONDS]: runs the real programs under load for so long (60), kills and stops them at
# random, and audits the account after each round. Builds what is missing first.
#   DRAINPIPE_SOAK_SEED=N       the chances of an earlier soak
#   DRAINPIPE_SOAK_ONLY=KIND    rounds of one kind alone: prints, commands, workers or stages
#   DRAINPIPE_PROGRAMS=FOLDER   another build's programs
set -eu

seconds=${1:-60}
case $seconds in
*[!0-9]* | 0*)
    echo "usage: soak.sh [SECONDS]" >&2
    exit 64
    ;;
esac

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" test

said=$(mktemp)
trap 'rm -f "$said"' EXIT
if ! { cd "$root" && cmake --preset release -DDRAINPIPE_TESTS=ON -DDRAINPIPE_SYSTEM_TESTS=ON &&
    cmake --build --preset release --target soak launcher producer consumer enqueue; } >"$said" 2>&1; then
    cat "$said" >&2
    echo "soak.sh: the build failed" >&2
    exit 70
fi
rm -f "$said"
exec "$root/build/rooms/tests/soak/soak" "$seconds"
