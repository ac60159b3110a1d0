#!/bin/sh
# From a fresh Debian 12 machine to a running pipeline: installs what is missing, builds, and starts
# ./launcher with the arguments of this script. Stop it with Ctrl-C or kill -TERM.
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/build.sh"
exec "$root/build/launcher" "$@"
