#!/bin/sh
# The public headers, each by itself, as any user's compiler sees them: C++17 and C++20, no warning, no
# macro, no name outside of the namespace, nothing of a third party.
#   headers.sh INCLUDE_DIRECTORY
set -eu

include=$(readlink -f -- "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

failed=0
fail() {
    echo "headers.sh: $*" >&2
    failed=1
}

for header in "$include"/drainpipe/*.hpp; do
    name=drainpipe/${header##*/}
    echo "#include \"$name\"" >"${header##*/}.cpp"

    foreign=$(sed -n 's/^ *# *include *//p' "$header" | grep -vE '^(<[a-z_]+>|"drainpipe/[a-z_]+\.hpp")$') &&
        fail "$name includes $foreign"
    outside=$(awk '
        /^namespace drainpipe(::[a-z]+)? \{$/ { inside = 1 }
        !inside && !/^(#pragma once|#include .*|\/\/.*|)$/
        /^}  \/\/ namespace drainpipe/ { inside = 0 }' "$header")
    [ -z "$outside" ] || fail "$name has outside of the namespace: $outside"
done

each() { # names of the headers on standard input: compiles each, two at a time
    xargs -P 2 -I '{}' "$@" -fsyntax-only -I "$include" -Wall -Wextra -Wpedantic -Wconversion -Werror '{}'
}
for compiler in g++ clang++; do
    if ! command -v "$compiler" >/dev/null; then
        echo "skipped: the public headers with $compiler, which is not there"
        continue
    fi
    # What C++17 takes C++20 takes with little doubt: all headers at once are enough.
    printf '%s\n' *.hpp.cpp | each "$compiler" -std=c++17 || fail "not for $compiler -std=c++17"
    cat ./*.hpp.cpp >all.cc
    echo all.cc | each "$compiler" -std=c++20 || fail "not for $compiler -std=c++20"
    cat "$include"/drainpipe/*.hpp | grep '^#include <' | sort -u >standard.cc
    for unit in standard all; do
        "$compiler" -std=c++17 -I "$include" -dM -E "$unit.cc" | sort >"$unit.macros"
    done
    macros=$(diff standard.macros all.macros) || fail "defined or undefined: $macros"
done
exit "$failed"
