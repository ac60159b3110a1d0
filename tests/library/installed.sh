#!/bin/sh
# What a build installs, used by a project that has nothing else: found by CMake and by pkg-config, built
# by each compiler, started without a pipeline. The names that the library exports are the public ones.
#   installed.sh BUILD_DIRECTORY VERSION
set -eu

build=$1
version=$2
here=$(cd "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree

fail() {
    echo "installed.sh: $*" >&2
    exit 1
}
quietly() { # says what it printed only when it fails
    "$@" >"$work/said" 2>&1 || { cat "$work/said"; fail "failed: $*"; }
}

quietly cmake --install "$build" --component library --prefix "$tree"
cp -R "$here/user" "$work"
library=$(find "$tree" -name 'libdrainpipe.a' -o -name "libdrainpipe.so.$version")
libraries=$(dirname "$library")
minor=${version%.*}

case $library in
*.so.*)
    names=$(nm -DC --defined-only "$library")
    objdump -p "$library" | grep -q "SONAME *libdrainpipe\\.so\\.$minor\$" || fail "the SONAME is not of $minor"
    ;;
*) names=$(nm -C --defined-only --extern-only "$library") ;;
esac
public='drainpipe::(consume|consume_async|consume_batches|produce|run_sink|run_source|read_status|version|layout_version|Event::throw_not_as|Endpoint::(option|described)|(Token|Intake|SourceIntake|testing::Pipeline)::[~=A-Za-z_]+)(\[abi:cxx11\])?\('
echo "$names" | grep -qE " T $public" || fail "$library exports nothing"
! echo "$names" | grep -E '^[0-9a-f]+ ' | grep -vE " T $public" || fail "$library exports these as well"

expect() { # an exit code, a word of what is said, and arguments of the user's program
    code=$1
    word=$2
    shift 2
    got=0
    LD_LIBRARY_PATH=$libraries "$user" "$@" >"$work/said" 2>&1 || got=$?
    [ "$got" -eq "$code" ] || { cat "$work/said"; fail "$user $*: exit code $got, not $code"; }
    grep -qF -e "$word" "$work/said" || { cat "$work/said"; fail "$user $*: no '$word'"; }
}
try() { # a user's program
    user=$1
    nowhere=drainpipe-installed-$$
    expect 0 --name --help
    expect 0 "$version" --version
    expect 0 "$version $version" version
    expect 0 handled testing
    expect 69 "$nowhere" --name "$nowhere"
    expect 69 "$nowhere" async --name "$nowhere"
    expect 69 "$nowhere" batches --name "$nowhere"
    expect 69 "$nowhere" producer --name "$nowhere"
    expect 1 "$nowhere" status "$nowhere"
}

export PKG_CONFIG_PATH="$libraries/pkgconfig"
pkg-config --exists "drainpipe = $version" || fail "pkg-config does not find drainpipe $version"
for compiler in g++ clang++; do
    if ! command -v "$compiler" >/dev/null; then
        echo "skipped: the installed library with $compiler, which is not there"
        continue
    fi
    quietly cmake -S "$work/user" -B "$work/$compiler" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$tree"
    quietly cmake --build "$work/$compiler"
    try "$work/$compiler/user"

    # shellcheck disable=SC2046  # a list of words
    quietly "$compiler" -std=c++17 "$work/user/main.cpp" $(pkg-config --cflags --libs drainpipe) \
        -o "$work/by_pkg_config"
    try "$work/by_pkg_config"
done
