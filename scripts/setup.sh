#!/bin/sh
# Installs the Debian packages that are named and missing; says nothing when there are none. Needs
# root or sudo; without either it says what an administrator should install, and exits 77.
#   setup.sh build         what the programs need
#   setup.sh test          what the tests need besides
#   setup.sh package       what scripts/package.sh needs besides
#   setup.sh nats          what scripts/nats-demo.sh needs besides: a server
#   setup.sh bench         what scripts/bench.sh needs besides: the peers, and no service of theirs
set -eu

build="g++ cmake ninja-build libboost-dev libspdlog-dev libcli11-dev nlohmann-json3-dev libnats-dev lowdown"
package="dpkg-dev file"
test="$package doctest-dev clang clang-format clang-tidy libclang-rt-14-dev shellcheck pkg-config util-linux python3 python3-jsonschema prometheus nats-server openssl debootstrap lintian systemd systemd-container mandoc zsh fish podman runc python3-yaml python3-kubernetes"
bench="doctest-dev pkg-config libzmq3-dev libhiredis-dev libbenchmark-dev redis-tools nats-server parallel python3-minimal"

case "${1:-}" in
build) wanted=$build ;;
package) wanted="$build $package" ;;
test) wanted="$build $test" ;;
nats) wanted="$build nats-server" ;;
bench) wanted="$build $bench" ;;
*)
    echo "usage: setup.sh build|package|test|nats|bench" >&2
    exit 64
    ;;
esac

missing=""
for package in $wanted; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
    installed*) ;; # once for each architecture
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup.sh: packages are missing; an administrator should run: apt-get install$missing" >&2
        exit 77
    fi
    as_root="sudo"
fi
echo "installing:$missing" >&2
case "$missing " in
*" prometheus "*)
    # The tests start one of their own; the package's service is not wanted.
    [ ! -d /run/systemd/system ] || $as_root systemctl --quiet mask prometheus.service
    ;;
esac
case "$missing " in
*" nats-server "*) [ ! -d /run/systemd/system ] || $as_root systemctl --quiet mask nats-server.service ;; # the same
esac
# shellcheck disable=SC2086  # a list of words
{
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
} >/dev/null
