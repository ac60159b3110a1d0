#!/bin/sh
# Makes the Debian packages of this tree, drainpipe and drainpipe-dev, in build-package/packages/, and prints
# their paths. Installs what is missing. The same tree gives the same bytes wherever it lies: the time in them
# is SOURCE_DATE_EPOCH, else the commit's.
#   package.sh [REVISION]
set -eu

revision=${1:-1}
root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" package
cd "$root"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
build=$root/build-package

said=$(mktemp)
trap 'rm -f "$said"' EXIT
quietly() { # says what it printed only when it fails
    if ! "$@" >"$said" 2>&1; then
        cat "$said" >&2
        echo "package.sh: failed: $*" >&2
        exit 70
    fi
}
echo "building into $build" >&2
rm -rf "$build"
quietly cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DDRAINPIPE_TESTS=OFF \
    -DDRAINPIPE_PACKAGE_REVISION="$revision" -DCMAKE_CXX_FLAGS="-ffile-prefix-map=$root=."
quietly cmake --build "$build"
quietly cpack --config "$build/CPackConfig.cmake" -B "$build/packages"
rm -rf "$build/packages/_CPack_Packages"
printf '%s\n' "$build"/packages/*.deb
