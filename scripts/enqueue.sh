#!/bin/sh
# Enqueues events: enqueue.sh N for the numbers 1..N, enqueue.sh - for the lines of standard input.
# Finds the enqueue program beside the scripts directory, as it was called or as it really lies, or in
# the build directory of the repository.
set -eu
unset CDPATH

directory_above() { (cd "$1/.." && pwd "$2"); }

as_called=$(dirname -- "$0")
as_it_lies=$(dirname -- "$(readlink -f -- "$0")")
for directory in "$(directory_above "$as_called" -L)" "$(directory_above "$as_it_lies" -P)" \
    "$(directory_above "$as_it_lies" -P)/build"; do
    if [ -x "$directory/enqueue" ] && [ -f "$directory/enqueue" ]; then
        exec "$directory/enqueue" "$@"
    fi
done
echo "enqueue.sh: there is no enqueue program beside $as_called or in build/: run scripts/run.sh, which builds it" >&2
exit 69
