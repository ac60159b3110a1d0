#!/bin/sh
# The stages that README.md and docs/library.md show, built as they stand against what is installed, and
# run: squares come out, a file has every event once, a spool is emptied, and the test of a handler passes.
#   pages.sh SOURCE_DIRECTORY BUILD_DIRECTORY
set -eu

source=$1
build=$2
work=$(mktemp -d)
name=drainpipe-pages-$$
trap 'rm -rf "$work"' EXIT

fail() {
    echo "pages.sh: $*" >&2
    exit 1
}
quietly() { # says what it printed only when it fails
    "$@" >"$work/said" 2>&1 || { cat "$work/said"; fail "failed: $*"; }
}
block() { # of a page, the block of that language that has these words
    text=$(awk -v language="$2" -v words="$3" '
        /^```/ && !inside { inside = $0 == "```" language; text = ""; next }
        /^```/ { if (inside && index(text, words)) { printf "%s", text; exit } inside = 0; next }
        inside { text = text $0 "\n" }' "$1")
    [ -n "$text" ] || fail "$1 has no block of $2 with '$3'"
    printf '%s\n' "$text"
}
squares() { # of the numbers to 1000, as a stage puts them out
    "$work/tree/bin/drainpipe" run --name "$name" --run-dir "$work/run" --log-dir "$work/log" --from "$work/numbers" \
        --consumer "$1" --consumers "$2" 2>"$work/said" | sort -n >"$work/squares" || fail "the launcher failed"
    cmp -s "$work/squares" "$work/expected" || { cat "$work/said"; fail "$1 gives no squares"; }
}

quietly cmake --install "$build" --prefix "$work/tree"
seq 1000 >"$work/numbers"
awk '{ print $1 * $1 }' "$work/numbers" >"$work/expected"

mkdir "$work/square"
page=$source/docs/library.md
block "$page" cmake project >"$work/square/CMakeLists.txt"
block "$page" cpp "inline drainpipe::Outcome square" >"$work/square/square.hpp"
block "$page" cpp "int main(int argc, char** argv) { return" >"$work/square/main.cpp"
block "$page" cpp "drainpipe::testing::Pipeline" >"$work/square/square_test.cpp"
quietly cmake -S "$work/square" -B "$work/square/build" -DCMAKE_PREFIX_PATH="$work/tree"
quietly cmake --build "$work/square/build"
quietly ctest --test-dir "$work/square/build"
squares "$work/square/build/square" 2

block "$page" cpp "drainpipe::consume_batches" >"$work/square/main.cpp"
quietly cmake --build "$work/square/build"
(cd "$work" && quietly "$work/tree/bin/drainpipe" run --name "$name" --run-dir run --log-dir log --from numbers \
    --consumer square/build/square) || exit 1
awk 'NF { print $3 }' "$work/events" | cmp -s - "$work/numbers" || fail "the file of events is not what was put in"
[ "$(grep -c '^$' "$work/events")" -lt 500 ] || fail "the batches are of one event"

block "$page" cpp "drainpipe::run_source" >"$work/square/main.cpp"
quietly cmake --build "$work/square/build"
cp "$work/square/build/square" "$work/tree/libexec/drainpipe/spool_source"
mkdir "$work/spool"
for number in $(seq 200); do printf %s "$number" >"$work/spool/$number"; done
# shellcheck disable=SC2016 # the command's own $1
"$work/tree/bin/drainpipe" run --name "$name" --run-dir "$work/run" --log-dir "$work/log" --source "spool://local$work/spool" \
    --exec '[ "$1" != 13 ] || exit 65; echo "$1"' --jobs 4 >"$work/spooled" 2>"$work/said" &
launcher=$!
tries=0
while [ "$(ls "$work/spool")" != 13.dead ] && [ $((tries += 1)) -lt 300 ]; do sleep 0.1; done
kill "$launcher"
wait "$launcher" && status=0 || status=$?
[ "$status" = 65 ] || { cat "$work/said"; fail "the launcher of a spool ended with $status"; }
[ "$(ls "$work/spool")" = 13.dead ] || fail "of a spool there is left: $(ls "$work/spool")"
seq 200 | grep -vx 13 >"$work/messages"
sort -n "$work/spooled" | cmp -s - "$work/messages" || fail "the messages of a spool are not what was done"

block "$source/README.md" cpp "drainpipe::consume" >"$work/square/main.cpp"
quietly cmake --build "$work/square/build"
squares "$work/square/build/square" 1
