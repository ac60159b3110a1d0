#!/bin/sh
# Fuzzes the parser of the wire for SECONDS (30), from the corpus in tests/fuzz/corpus. Installs what
# is missing.
set -eu

seconds=${1:-30}
root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" test
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -I"$root/producer/wire" "$root"/producer/wire/*.cpp "$root/tests/fuzz/wire.cpp" -o "$directory/fuzz"
cd "$directory"
mkdir found
if ! ./fuzz -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
    found "$root/tests/fuzz/corpus" >said 2>&1; then
    tail -n 40 said
    echo "fuzz.sh: the input that did it, in base64:"
    base64 crash-* 2>/dev/null || true
    exit 1
fi
grep -E 'stat::(number_of_executed_units|new_units_added)' said
