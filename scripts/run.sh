#!/bin/sh
# From a fresh Debian 12 machine to a running pipeline: installs what is missing, builds, and starts
# ./launcher with the arguments of this script. Stop it with Ctrl-C or kill -TERM.
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)

# Whether a source or a sink may be wanted: they take longer to build than all else that is needed.
wants_adapters() {
    [ -z "${DRAINPIPE_SOURCE:-}${DRAINPIPE_SINK:-}${DRAINPIPE_CONFIG:-}" ] || return 0
    for argument; do
        case $argument in --source | --source=* | --sink | --sink=* | --config | --config=*) return 0 ;; esac
    done
    return 1
}
if wants_adapters "$@"; then
    "$root/scripts/build.sh" pipeline adapters
else
    "$root/scripts/build.sh" pipeline
fi
exec "$root/build/launcher" "$@"
