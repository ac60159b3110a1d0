#!/bin/sh
# Enqueues events: enqueue.sh N for the numbers 1..N, enqueue.sh - for the lines of standard input.
# Finds the enqueue program beside the scripts folder, as it was called or as it really lies, or in
# the build folder of the repository.
set -eu
unset CDPATH

folder_above() { (cd "$1/.." && pwd "$2"); }

as_called=$(dirname -- "$0")
as_it_lies=$(dirname -- "$(readlink -f -- "$0")")
for folder in "$(folder_above "$as_called" -L)" "$(folder_above "$as_it_lies" -P)" \
    "$(folder_above "$as_it_lies" -P)/build"; do
    if [ -x "$folder/enqueue" ] && [ -f "$folder/enqueue" ]; then
        exec "$folder/enqueue" "$@"
    fi
done
echo "enqueue.sh: there is no enqueue program beside $as_called or in build/: run scripts/run.sh, which builds it" >&2
exit 69
