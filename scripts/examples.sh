#!/bin/sh
# Builds every example against an installed tree, outside of the source tree as a user would, and
# runs its story: examples.sh [PREFIX]. Without PREFIX it installs what build/ has. Exits with 0
# when all of them hold.
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
directory=$(mktemp -d)
running=
clean_up() {
    [ -z "$running" ] || kill -TERM "$running" 2>/dev/null || true
    [ -z "$running" ] || wait "$running" 2>/dev/null || true
    rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

quietly() { # says what it printed only when it fails
    if ! "$@" >"$directory/said" 2>&1; then
        cat "$directory/said"
        echo "examples.sh: failed: $*" >&2
        exit 1
    fi
}

prefix=${1:-}
if [ -z "$prefix" ]; then
    prefix=$directory/prefix
    quietly cmake --install "$root/build" --prefix "$prefix"
fi
prefix=$(cd "$prefix" && pwd)
cp -R "$root/examples" "$directory/examples"

for list in "$directory"/examples/*/CMakeLists.txt; do
    example=$(dirname -- "$list")
    echo "== $(basename -- "$example")"
    quietly cmake -S "$example" -B "$example/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release
    quietly cmake --build "$example/build" --parallel "$(nproc)"
    "$example/run.sh" "$prefix/libexec/drainpipe" "$example/build" & # so that a signal is acted upon at once
    running=$!
    code=0
    wait "$running" || code=$?
    running=
    [ "$code" -eq 0 ] || { echo "examples.sh: failed: $(basename -- "$example")" >&2; exit 1; }
done
