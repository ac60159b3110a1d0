#!/bin/sh
# Counts the words of a text with four consumers, kills some of them, then everything, and compares
# the counts with those of sort and uniq. Exits with 0 where they are the same.
#
#     run.sh [DIRECTORY OF launcher [DIRECTORY OF wordcount]]
set -eu

here=$(cd "$(dirname -- "$0")" && pwd -P)
programs=$(cd "${1:-$(dirname -- "$(command -v launcher || echo "$here/launcher")")}" && pwd -P)
build=$(cd "${2:-$here/build}" && pwd -P)
name=wordcount-$$
directory=$(mktemp -d)
launcher=

fail() {
    echo "wordcount: $*" >&2
    tail -n 5 "$directory/said" >&2
    exit 1
}
children() { cat "/proc/$launcher/task"/*/children 2>/dev/null || true; }
clean_up() {
    # shellcheck disable=SC2046  # a word for each
    [ -z "$launcher" ] || kill -KILL "$launcher" $(children) 2>/dev/null || true
    rm -f "/dev/shm/$name"
    rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

cd "$directory"
start() {
    "$programs/launcher" --name "$name" --run-dir run --log-dir log --log-events off \
        --from words --consumer "$build/wordcount" --consumers 4 --partition-by 1 >>said 2>&1 &
    launcher=$!
}
await() { # a command that succeeds within 10 seconds
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -le 500 ] || fail "no success within 10 s: $*"
        sleep 0.02
    done
}
is_counted() { # has "the" come so often?
    [ "$(awk '{ print $1 }' counts/the 2>/dev/null || true)" -ge "$1" ] 2>/dev/null
}
consumer() { # the pid of one
    for pid in $(children); do
        if [ "$(readlink "/proc/$pid/exe")" = "$build/wordcount" ]; then
            echo "$pid"
            return
        fi
    done
}
is_gone() { [ ! -e "/proc/$1/exe" ]; }

# A text of 30 000 words or more: the licences that Debian has, as often as that takes.
words() { cat /usr/share/common-licenses/* "$here/text.txt" 2>/dev/null | LC_ALL=C tr '[:upper:]' '[:lower:]' | LC_ALL=C tr -cs '[:lower:]' '\n' | sed '/^$/d'; }
words >once
: >words
while [ "$(wc -l <words)" -lt 30000 ]; do
    cat once >>words
done
echo "$(wc -l <words) words, $(sort -u once | wc -l) different ones"
the=$(grep -c '^the$' words)

start
killed=
for part in 1 2 3 4; do
    await is_counted $((the * part / 10))
    pid=$(consumer)
    kill -KILL "$pid" || fail "there was no consumer to kill"
    killed="$killed $pid"
done
echo "killed the consumers$killed"

await is_counted $((the / 2))
everybody="$launcher $(children)"
# shellcheck disable=SC2086  # a word for each
kill -KILL $everybody
wait "$launcher" 2>/dev/null || true
launcher=
for pid in $everybody; do
    await is_gone "$pid"
done
echo "killed everybody, the launcher too; $(awk '{ sum += $1 } END { print sum }' counts/*) words were counted by then"

start
code=0
wait "$launcher" || code=$?
[ "$code" -eq 0 ] || fail "the launcher ended with $code"
launcher=

recovered=$(sed -n 's/.* recovered events=//p' log/info.log | tail -n 1)
begun=$(sed -n 's/.* summary .*redelivered=\([0-9]*\).*/\1/p' log/info.log | tail -n 1)
echo "started again: $recovered events were left, the work on $begun of them begun before"
sort words | uniq -c | awk '{ print $1, $2 }' >expected
awk '{ print $1, substr(FILENAME, 8) }' counts/* | sort -k 2 >counted
cmp -s expected counted || fail "the counts differ: $(diff expected counted | head -n 3)"
echo "all counts are those of sort | uniq -c; the most frequent words:"
sort -rn counted | head -n 3
