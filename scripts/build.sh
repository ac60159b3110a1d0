#!/bin/sh
# Installs what is missing and builds the programs into build/; prints only what goes wrong.
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" build

said=$(mktemp)
trap 'rm -f "$said"' EXIT
cd "$root"
[ -x build/launcher ] || echo "building into $root/build" >&2
if ! { cmake --preset release -DDRAINPIPE_TESTS=OFF && cmake --build --preset release; } >"$said" 2>&1; then
    cat "$said" >&2
    echo "build.sh: the build failed" >&2
    exit 70
fi
