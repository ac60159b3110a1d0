#!/bin/sh
# What is served, by the programs of those who watch: promtool finds nothing in the metrics and the alerts, which
# fire when they should; the dashboard asks for metrics that there are; a real Prometheus scrapes them and
# answers.
#   served.sh SOURCE_DIRECTORY CANNED_HTTP PROGRAMS
set -eu

source=$1
canned_http=$2
programs=$3
here=$source/tests/http
work=$(mktemp -d)
served=
clean_up() {
    [ -z "$served" ] || kill "$served" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

fail() {
    echo "served.sh: $*" >&2
    exit 1
}
quietly() { # says what it printed only when it fails
    "$@" >"$work/said" 2>&1 || { cat "$work/said"; fail "failed: $*"; }
}

mkfifo "$work/address"
setpriv --pdeathsig TERM "$canned_http" :0 >"$work/address" &
served=$!
read -r address <"$work/address" || fail "nothing is served"
address=${address#http=}

python3 -c 'import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1]).read())' \
    "http://$address/metrics" >"$work/metrics"
quietly promtool check metrics <"$work/metrics"
quietly promtool check rules "$source/packaging/alerts.yml"
quietly promtool test rules "$here/alerts_test.yml"
[ "$(grep -c '^ *- alert:' "$source/packaging/alerts.yml")" -eq 3 ] || fail "there are not three alerts"
quietly python3 "$here/dashboard.py" "$source/packaging/grafana.json" <"$work/metrics"

quietly python3 "$here/prometheus.py" --rules "$source/packaging/alerts.yml" \
    --dashboard "$source/packaging/grafana.json" "$address" \
    'up{job="drainpipe"}' 1 \
    'drainpipe_events_accepted_total{name="x"}' 7000 \
    'drainpipe_events_done_total{name="x",how="emptied"}' 20 \
    'drainpipe_work_seconds_count{name="x"}' 1520

# The page of reference has a line for each metric, and no other.
sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$work/metrics" | sort >"$work/served"
sed -n 's/^| `\(drainpipe_[a-z_]*\).*/\1/p' "$source/docs/reference.md" | sort >"$work/described"
quietly diff "$work/served" "$work/described"

kill "$served"
wait "$served" || fail "the server did not end in order"
served=

# The same of a real pipeline.
at="--name dp-http-$$ --run-dir $work/run"
# shellcheck disable=SC2086  # a list of words
setpriv --pdeathsig TERM "$programs/launcher" $at --log-dir "$work/log" --http :0 >/dev/null 2>"$work/ready" &
served=$!
tries=0
until address=$(sed -n 's/.* http=\([^ ]*\).*/\1/p' "$work/ready") && [ -n "$address" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 500 ] || fail "the launcher is not ready"
    sleep 0.01
done
# shellcheck disable=SC2086
quietly "$programs/enqueue" $at 7000
quietly python3 "$here/prometheus.py" --rules "$source/packaging/alerts.yml" "$address" \
    'up{job="drainpipe"}' 1 \
    "drainpipe_events_accepted_total{name=\"dp-http-$$\"}" 7000 \
    "sum(drainpipe_events_done_total{name=\"dp-http-$$\"})" 7000 \
    "drainpipe_events_buffered{name=\"dp-http-$$\"}" 0
kill "$served"
wait "$served" || fail "the pipeline did not end in order"
served=
