#!/bin/bash
# From a fresh Debian 12 machine to every test run: installs what is missing, checks the code and
# the scripts, tests the release build, the build with AddressSanitizer and UBSan, and ring and
# demand under ThreadSanitizer; then 30 s of kills at random, and 20 s of fuzzing.
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" test
cd "$root"
jobs=$(nproc)

step() { echo "== $*"; }
quietly() { # says what it printed only when it fails
    said=$(mktemp)
    if ! "$@" >"$said" 2>&1; then
        cat "$said"
        rm -f "$said"
        echo "test.sh: failed: $*" >&2
        exit 1
    fi
    rm -f "$said"
}
build() { # a preset, whether warnings are errors, and targets
    preset=$1
    werror=$2
    shift 2
    cmake --preset "$preset" -DDRAINPIPE_TESTS=ON -DDRAINPIPE_WERROR="$werror" &&
        cmake --build --preset "$preset" --target "$@"
}
build_sanitized() {
    build asan OFF launcher producer consumer enqueue ring_tests unit_tests library_tests \
        own_consumer own_producer typed_consumer test_source test_sink nats_source nats_sink \
        drainpipe_command drainpipe_man drainpipe_completions drainpipe_changelogs &&
        build tsan OFF ring_tests
}
beside=
beside_said=
installed=
clean_up() {
    [ -z "$beside" ] || kill -- "-$beside" 2>/dev/null || true
    rm -rf "$beside_said" "$installed"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
beside() { # starts the command with what the processors have to spare; await() waits for it
    rm -f "$beside_said"
    beside_said=$(mktemp)
    set -m # in a process group of its own, which ends as a whole
    (
        renice -n 19 -p "$(sh -c 'echo "$PPID"')" >/dev/null
        "$@"
    ) >"$beside_said" 2>&1 </dev/null &
    beside=$!
    set +m
}
await() {
    if ! wait "$beside"; then
        cat "$beside_said"
        echo "test.sh: failed: $*" >&2
        exit 1
    fi
    beside=
}

tests() { # the test preset, and what else ctest is told; says what could not be tested here
    ctest --preset "$@"
    case $1 in release) said=build ;; *) said=build-$1 ;; esac
    grep -ho 'skipped: .*' "$said/Testing/Temporary/LastTest.log" | sort | uniq -c || true
}
[ "$(id -u)" -eq 0 ] || echo "skipped: what needs the rights of another user; run as root for that"

step "format and shellcheck"
find include common shm producer consumer launcher adapters tests examples -name '*.?pp' -exec clang-format --dry-run -Werror {} +
shellcheck scripts/*.sh docs/*.sh tests/library/*.sh tests/http/*.sh tests/service/*.sh tests/packaging/*.sh packaging/*/*.sh packaging/debian/p[or]* examples/*/run.sh .ci/run

step "build: release"
quietly build release ON all
step "build beside the tests: asan, tsan"
beside build_sanitized
tests release --parallel $((3 * jobs)) # they wait more than they compute
step "the demonstration, from an installed tree"
installed=$(mktemp -d)
quietly cmake --install build --prefix "$installed"
quietly "$installed/libexec/drainpipe/scripts/demo.sh"
step "the examples, built from what is installed"
quietly scripts/examples.sh "$installed"
await "build of asan or tsan"

step "the sanitized build"
quietly cmake --install build-asan --component programs --prefix "$installed"
quietly env ASAN_OPTIONS="log_path=$installed/report" "$installed/libexec/drainpipe/scripts/demo.sh"
for report in "$installed"/report.*; do
    [ ! -e "$report" ] || { cat "$report"; exit 1; }
done
tests asan --parallel "$jobs" --tests-regex '^unit\.'
if [ "$jobs" -gt 2 ]; then
    beside scripts/tidy.sh
else
    echo "skipped: clang-tidy, for the time it takes on $jobs processors; scripts/tidy.sh runs it"
fi
# The programs are slow so: these suites run all that they do but supervision and limits.
sanitized='enqueue|wire|back_pressure|dispatch|segment|dead_letters|from|exec|failures|worker|forward|sink|source|stages'
# The leak checker attaches to a process as a debugger does: a SIGCONT at that moment hangs both.
# So leaks are looked for where no test stops and continues processes. Tests of memory want what was
# freed to be free.
# They compute for half of their time so.
DRAINPIPE_PROGRAMS="$root/build-asan" ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=4 tests release --parallel $((2 * jobs)) --tests-regex "^system\.($sanitized)\$"
[ "$jobs" -le 2 ] || await "clang-tidy"

# Threads stand in for processes here; the models have but one. The sanitizer's shadow memory wants fixed
# addresses.
setarch --addr-no-randomize ctest --preset tsan --parallel "$jobs" \
    --tests-regex '^unit\.(account|broadcast|delivery|demand|dispatch|event_count|history|partition|retries|ring|settlement|source_intake|supervision)' --exclude-regex '_model$'

step "soak, and beside it: fuzz the wire"
beside scripts/fuzz.sh 20
scripts/soak.sh 30
await "fuzzing"
cat "$beside_said"

step "all passed"
