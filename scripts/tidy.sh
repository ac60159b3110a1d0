#!/bin/sh
# Has clang-tidy look at the product as the preset for AddressSanitizer compiles it, several files
# at a time: says what it finds, and fails then.
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" test
cd "$root"
cmake --preset asan >/dev/null
exec run-clang-tidy -quiet -j "$(nproc)" -p build-asan "^(?!$root/(build-asan/rooms/)?tests/)"
