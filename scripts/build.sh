#!/bin/sh
# Installs what is missing and builds into build/: says on standard error how far it is, and of what the
# compiler says only errors. Says nothing where all is there already.
#   build.sh               everything
#   build.sh TARGET...     these: pipeline is what scripts/run.sh needs, adapters the sources and sinks
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" build
cd "$root"
[ $# -gt 0 ] || set -- all

directory=$(mktemp -d)
said=$directory/said
trap 'rm -rf "$directory"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
fail() { # what has failed, after what it said
    echo "build.sh: $1" >&2
    exit 70
}

steps() { # of Ninja's lines: "step of all, what it was" for each that is done
    sed -un -e 's|^\[\([1-9][0-9]*\)/\([0-9]*\)\] |\1 \2 |' -e t\ step -e d -e ': step' \
        -e 's| Building [A-Z]* object | |' -e 's| rooms/| |' -e 's|CMakeFiles/drainpipe_headers_of_.*|headers|' \
        -e 's|CMakeFiles/drainpipe_unit_\([a-z_]*\)\.dir/.*|\1|' \
        -e 's|/*CMakeFiles/.*||' -e p
}
draw() { # on a terminal: one line, drawn again for each step
    while read -r step all what; do
        printf '\r\033[K[%*d/%d] %.60s' ${#all} "$step" "$all" "$what" >&2
    done
    printf '\r\033[K' >&2
}
tell() { # elsewhere: a line every ten seconds or so
    told=0
    while read -r step all what; do
        now=$(date +%s)
        if [ $((now - told)) -ge 10 ] || [ "$step" -eq "$all" ]; then
            echo "[$step/$all] $what" >&2
            told=$now
        fi
    done
}
show() {
    trap '' INT # Ninja ends first, and what it says has a reader until then
    if [ -t 2 ]; then steps | draw; else steps | tell; fi
}

if [ ! -f build/build.ninja ]; then # Ninja notices by itself when it has to be made again
    echo "building into $root/build: about a minute on 2 processors" >&2
    if ! cmake --preset release -DDRAINPIPE_TESTS=OFF >"$said" 2>&1; then
        cat "$said" >&2
        fail "the build could not be configured"
    fi
fi
{
    code=0
    NINJA_STATUS='[%f/%t] ' cmake --build build --target "$@" 2>&1 || code=$?
    echo "$code" >"$directory/code"
} | tee -i "$said" | show
if [ "$(cat "$directory/code")" -ne 0 ]; then
    # What has failed, whole; of what has not, nothing.
    awk '/^\[[0-9]+\/[0-9]+\] / { is_failed = 0 }
        /^FAILED: / { is_failed = 1 }
        /^(ninja|CMake Error|cmake|make)/ { is_failed = 1 }
        is_failed' "$said" >&2
    fail "the build failed"
fi
