#!/bin/sh
# soak.sh [--nats] [SECONDS]: runs the real programs under load for so long (60), kills and stops them
# at random, and audits the account after each round; with --nats two pipelines on a queue of NATS
# JetStream, and its server, too. Builds what is missing first.
#   DRAINPIPE_SOAK_SEED=N       the chances of an earlier soak
#   DRAINPIPE_SOAK_ONLY=KIND    rounds of one kind alone: prints, commands, workers or stages
#   DRAINPIPE_PROGRAMS=FOLDER   another build's programs
set -eu

programs="launcher producer consumer enqueue"
soak=soak
if [ "${1:-}" = --nats ]; then
    shift
    programs="$programs nats_source nats_sink"
    soak=nats_tests
fi
seconds=${1:-60}
case $seconds in
*[!0-9]* | 0*)
    echo "usage: soak.sh [--nats] [SECONDS]" >&2
    exit 64
    ;;
esac

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" test

said=$(mktemp)
trap 'rm -f "$said"' EXIT
# shellcheck disable=SC2086 # a word for each
if ! { cd "$root" && cmake --preset release -DDRAINPIPE_TESTS=ON -DDRAINPIPE_SYSTEM_TESTS=ON &&
    cmake --build --preset release --target $soak $programs; } >"$said" 2>&1; then
    cat "$said" >&2
    echo "soak.sh: the build failed" >&2
    exit 70
fi
rm -f "$said"
case $soak in
soak) exec "$root/build/rooms/tests/soak/soak" "$seconds" ;;
*) DRAINPIPE_SOAK_SECONDS=$seconds exec "$root/build/rooms/tests/nats/nats_tests" --test-suite=nats_soak ;;
esac
