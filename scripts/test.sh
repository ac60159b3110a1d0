#!/bin/sh
# From a fresh Debian 12 machine to every test run: installs what is missing, checks the format of
# the code and the scripts, tests the release build, the build with AddressSanitizer and UBSan, and
# ring and demand under ThreadSanitizer; then 60 s of kills at random, and 30 s of fuzzing.
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
configure() { # a preset, and what else cmake is to be told
    preset=$1
    shift
    step "build: $preset"
    quietly cmake --preset "$preset" -DDRAINPIPE_TESTS=ON "$@"
}

step "format and shellcheck"
find common shm producer consumer launcher tests -name '*.?pp' -exec clang-format --dry-run -Werror {} +
shellcheck scripts/*.sh .ci/run

configure release -DDRAINPIPE_WERROR=ON
quietly cmake --build --preset release
ctest --preset release --parallel "$jobs"

configure asan
quietly cmake --build --preset asan
ctest --preset asan --parallel "$jobs"
DRAINPIPE_PROGRAMS="$root/build-asan" ctest --preset release --parallel "$jobs" --tests-regex '^system\.'

# Threads stand in for processes here. The sanitizer's shadow memory wants fixed addresses.
configure tsan
quietly cmake --build --preset tsan --target ring_tests
setarch --addr-no-randomize ctest --preset tsan --tests-regex '^unit\.(account|broadcast|demand|dispatch|doorbell|partition|ring)'

step "soak"
scripts/soak.sh 60

step "fuzz the wire"
scripts/fuzz.sh 30

step "all passed"
