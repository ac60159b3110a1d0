#!/bin/bash
# Two pipelines on one consumer of NATS JetStream, to watch: starts a nats-server of its own on
# loopback, with its store in a temporary folder, and two pipelines, publishes 7000 messages, kills
# one pipeline whole in the middle, starts it again, and shows the account: each message done, the
# repeats counted and explained. Exits 0 when it holds.
set -euo pipefail

messages=7000
ack_wait=4 # seconds after which what a dead pipeline had goes to the other one
here=$(dirname -- "$(readlink -f -- "$0")")
root=$(cd "$here/.." && pwd)
programs=$root
if [ -f "$root/CMakeLists.txt" ]; then
    "$here/setup.sh" nats
    "$here/build.sh" pipeline adapters
    programs=$root/build
fi
server_program=$(command -v nats-server || echo /usr/sbin/nats-server)
for program in "$programs/nats_source" "$programs/nats_sink" "$server_program"; do
    [ -x "$program" ] || { echo "nats-demo.sh: $program is missing" >&2; exit 69; }
done

directory=$(mktemp -d)
north=demo-north-$$
south=demo-south-$$
declare -A launcher=()
server=""
clean_up() {
    for name in "${!launcher[@]}"; do
        kill_whole "$name"
    done
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$directory" "/dev/shm/$north" "/dev/shm/$south"
}
trap clean_up EXIT

fail() {
    echo "nats-demo.sh: $*" >&2
    exit 1
}
await() { # SECONDS, then a command that is to succeed
    local tries=$((50 * $1))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "waited too long for: $*"
        sleep 0.02
    done
}

# -- The server, spoken to in its own protocol.

has_port() { [ -s "$(echo "$directory"/ports/*.ports)" ]; }
start_server() {
    mkdir "$directory/ports"
    "$server_program" -a 127.0.0.1 -p -1 --ports_file_dir "$directory/ports" -js \
        -sd "$directory/store" >"$directory/server" 2>&1 &
    server=$!
    await 5 has_port
    port=$(grep -oE '127.0.0.1:[0-9]+' "$directory"/ports/*.ports | head -1 | cut -d: -f2)
}
api() { # SUBJECT JSON: the answer
    local line size
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    # shellcheck disable=SC2016  # NATS's subjects begin so
    printf 'CONNECT {"verbose":false}\r\nSUB answer 1\r\nPUB $JS.API.%s answer %d\r\n%s\r\n' \
        "$1" "${#2}" "$2" >&9
    while read -r -t 5 line <&9; do
        case $line in
        MSG*)
            size=${line##* }
            read -r -N "${size%$'\r'}" -t 5 line <&9
            break
            ;;
        esac
    done
    exec 9>&-
    echo "$line"
}
number() { # of a field, in what is read
    grep -oE "\"$1\":[0-9]+" | head -1 | cut -d: -f2
}
consumer() { api CONSUMER.INFO.ORDERS.workers ""; }
all_is_done() {
    local info
    info=$(consumer)
    [ "$(number num_pending <<<"$info")" = 0 ] && [ "$(number num_ack_pending <<<"$info")" = 0 ]
}

# -- The pipelines.

log_of() { echo "$directory/$1/log/info.log"; }
start() { # NAME; each message takes some milliseconds, and tells its sequence
    # shellcheck disable=SC2016  # for the command's shell
    "$programs/launcher" --name "$1" --run-dir "$directory/run" --log-dir "$directory/$1/log" \
        --source "nats://127.0.0.1:$port/ORDERS/workers" --jobs 2 --quiet \
        --exec 'echo "$DRAINPIPE_NATS_SEQUENCE $DRAINPIPE_ATTEMPT $DRAINPIPE_NAME"' \
        >>"$directory/$1.done" 2>>"$directory/$1.said" &
    launcher[$1]=$!
}
is_ready() { grep -q '\] .*ready ' "$(log_of "$1")" 2>/dev/null; }
kill_whole() { # every process of it at once; what they have started goes with them
    local pid=${launcher[$1]}
    # shellcheck disable=SC2046  # a list of pids
    kill -KILL "$pid" $(cat "/proc/$pid/task/"*/children 2>/dev/null) 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    unset "launcher[$1]"
}
stop() { # NAME
    local code=0
    kill -TERM "${launcher[$1]}"
    wait "${launcher[$1]}" || code=$?
    unset "launcher[$1]"
    [ "$code" -eq 0 ] || fail "pipeline $1 has ended with exit code $code"
}
count() { cat "$directory/$north.done" "$directory/$south.done" 2>/dev/null | wc -l; }
has_done() { [ "$(count)" -ge "$1" ]; }

echo "== a nats-server on loopback, a work queue ORDERS, its consumer 'workers'"
start_server
api STREAM.CREATE.ORDERS '{"name":"ORDERS","subjects":["orders"],"retention":"workqueue"}' |
    grep -q '"config"' || fail "the stream could not be made"
api CONSUMER.DURABLE.CREATE.ORDERS.workers '{"stream_name":"ORDERS","config":{"durable_name":"workers",
"ack_policy":"explicit","ack_wait":'"$ack_wait"'000000000,"max_ack_pending":2000}}' |
    grep -q '"config"' || fail "the consumer could not be made"

echo "== publish $messages messages: the lines of a job, to a sink"
seq "$messages" | "$programs/launcher" --name "demo-publish-$$" --run-dir "$directory/run" \
    --log-dir "$directory/publish" --from - --sink "nats://127.0.0.1:$port/orders" --quiet
echo "   the stream holds $(api STREAM.INFO.ORDERS "" | number messages)"

echo "== two pipelines on it: $north and $south"
start "$north"
start "$south"
await 10 is_ready "$north"
await 10 is_ready "$south"
await 60 has_done 2000

echo "== kill -9 of every process of $south"
kill_whole "$south"
at_kill=$(count)
consumer | sed -E 's/.*"num_ack_pending":([0-9]+).*"num_pending":([0-9]+).*/   delivered and not acknowledged: \1, waiting: \2/'
await 60 has_done $((at_kill + 1000))
echo "== start it again, after $(($(count) - at_kill)) more were done by $north"
start "$south"
await 120 all_is_done
stop "$north"
stop "$south"

echo "== the account"
for name in "$north" "$south"; do
    sed -n "s/.*\] \[info\] name=[^ ]* \(recovered events=[1-9].*\|summary .*\)/   $name: \1/p" "$(log_of "$name")"
done
cat "$directory/$north.done" "$directory/$south.done" >"$directory/done"
distinct=$(cut -d' ' -f1 "$directory/done" | sort -un | wc -l)
lines=$(wc -l <"$directory/done")
twice=$(cut -d' ' -f1 "$directory/done" | sort -n | uniq -d)
echo "   messages done: $distinct of $messages; lines of output: $lines, of which repeats: $((lines - distinct))"
for sequence in $twice; do
    echo "   message $sequence was in the hands of $south, not acknowledged yet, when that was killed:"
    grep "^$sequence " "$directory/done" | sed 's/^/      /'
done
echo "   waiting at the server: $(consumer | number num_pending), not acknowledged: $(consumer | number num_ack_pending)"
[ "$distinct" -eq "$messages" ] || fail "$((messages - distinct)) messages were not done"
for sequence in $twice; do
    grep -q "^$sequence 1 $south\$" "$directory/done" || fail "message $sequence was repeated without a reason"
done
echo "every message is done; nothing is repeated but what was under way in the killed pipeline"
