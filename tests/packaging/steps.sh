# shellcheck shell=bash
# What the tests of packages and images have in common; sourced by them.

fail() {
    echo "$(basename -- "$0"): $*" >&2
    exit 1
}
step() { echo "== $*"; }
quietly() { # a command; says what it printed only when it fails
    local said
    said=$("$@" 2>&1) || {
        printf '%s\n' "$said" >&2
        fail "failed: $*"
    }
}
await() { # SECONDS, then a command that is to succeed
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -le "$end" ] || fail "waited too long for: $*"
        sleep 0.05
    done
}
