#!/bin/bash
# A bare Debian root for the tests of packages and images, which do not write to it: made by debootstrap, or a
# copy of DRAINPIPE_BARE_ROOT. Needs root.
#   bare_root.sh make|remove DIRECTORY
set -euo pipefail

directory=$2
here=$(cd "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source=tests/packaging/steps.sh
. "$here/steps.sh"

rm -rf --one-file-system "$directory" "$directory.new"
[ "$1" = make ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: a bare root; that takes root's rights"
elif [ -n "${DRAINPIPE_BARE_ROOT:-}" ]; then
    cp -a "$DRAINPIPE_BARE_ROOT" "$directory"
elif command -v debootstrap >/dev/null; then
    quietly debootstrap --variant=minbase bookworm "$directory.new"
    mv "$directory.new" "$directory"
else
    echo "skipped: a bare root; debootstrap is not there"
fi
