#!/bin/sh
# Measures ours beside every peer in one run and prints one table: builds into build-bench/, all of
# it for this machine's processor, and takes some minutes.
#   bench.sh [--quick] [--ring | --pipeline | --work | --stages | --watched | --nats]
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
"$root/scripts/setup.sh" bench
cd "$root"
build=$root/build-bench

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export TMPDIR="$directory"
said=$directory/said
echo "building into $build" >&2
if ! { cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS=-march=native \
    -DDRAINPIPE_BENCH=ON && cmake --build "$build" --target bench; } >"$said" 2>&1; then
    cat "$said" >&2
    echo "bench.sh: the build failed" >&2
    exit 70
fi

package() { # what it is, its Debian package
    printf ', %s %s' "$1" "$(dpkg-query -W -f '${Version}' "$2" 2>/dev/null || echo "not installed")"
}
load() { cut -d ' ' -f 1 /proc/loadavg; }

# shellcheck source=/dev/null
. /etc/os-release
printf 'machine    %s cores of %s, %s, Linux %s, load %s\n' "$(nproc)" \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$PRETTY_NAME" "$(uname -r)" \
    "$(load)"
printf 'compiler   %s, -O3 -march=native\n' "$(c++ --version | head -n 1)"
printf 'packages   glibc%s%s%s%s%s%s%s%s%s\n' "$(package '' libc6 | cut -c 3-)" \
    "$(package Boost libboost-dev)" "$(package spdlog libspdlog-dev)" \
    "$(package ZeroMQ libzmq3-dev)" "$(package Redis redis-tools)" \
    "$(package hiredis libhiredis-dev)" "$(package nats-server nats-server)" "$(package libnats libnats-dev)" "$(package 'Google Benchmark' libbenchmark-dev)"
printf 'figures    median [least..most] of 5 runs or more, taken in turns; the ratio is the median of ours by the peer'\''s, run by run\n'

"$build/bench" "$build" "$@"

case " $* " in *" --pipeline "* | *" --work "* | *" --stages "* | *" --watched "* | *" --nats "*) exit 0 ;; esac
if [ -x "$build/bench_in_process" ]; then
    printf '\nWithin one process\n'
    "$build/bench_in_process" --benchmark_min_time=0.1 --benchmark_repetitions=5 \
        --benchmark_enable_random_interleaving=true --benchmark_report_aggregates_only=true \
        --benchmark_format=csv 2>/dev/null |
        awk -F '[",]+' 'match($2, /_(median|least|most)$/) {
                figures[substr($2, 1, RSTART - 1), substr($2, RSTART + 1)] = $4
                names[substr($2, 1, RSTART - 1)]
            }
            END {
                for (name in names)
                    printf "%-44s ns         %.1f [%.1f..%.1f]\n", name, figures[name, "median"],
                        figures[name, "least"], figures[name, "most"]
            }' | sort
else
    printf '\nWithin one process: Google Benchmark is not built\n'
fi
printf '\nload at the end %s\n' "$(load)"
