#!/bin/bash
# Run in a bare Debian root by packages.sh, with the packages in /packages.
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# shellcheck source=tests/packaging/steps.sh
. /packages/steps.sh

# All that lies in the root but for what apt, dpkg and useradd keep for themselves.
listed() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /packages \
        -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log/apt \) -prune \
        -o ! -path '/etc/*shadow-' ! -path '/etc/passwd-' ! -path '/etc/group-' ! -path /var/log/dpkg.log ! -path /var/log/alternatives.log -print | sort
}

quietly apt-get update -qq
listed >/tmp/before
dpkg-query -W -f '${Package}\n' | sort >/tmp/packages_before
quietly apt-get install -y -qq --no-install-recommends /packages/drainpipe_*.deb /packages/drainpipe-dev_*.deb
[ -e /usr/include/drainpipe/consumer.hpp ] || fail "drainpipe-dev has no headers"

echo "-- the README's line"
cd /tmp
code=0
# shellcheck disable=SC2016  # for the command's shell
seq 1000 | drainpipe run --from - --exec 'echo "$1"' --jobs 4 >out 2>said || code=$?
[ "$code" -eq 0 ] || { cat said >&2; fail "exit code $code"; }
sort -n out | cmp - <(seq 1000) || fail "not the thousand lines"

echo "-- the service's own commands, as its user"
unit=/usr/lib/systemd/system/drainpipe@.service
[ -e "$unit" ] || unit=/lib/systemd/system/drainpipe@.service
of_unit() { sed -n "s/^$1=//p" "$unit" | sed -e 's/%i/orders/g'; }
mkdir -p /etc/drainpipe
# shellcheck disable=SC2016  # for the command's shell
echo 'exec = echo "$1"' >/etc/drainpipe/orders.conf
for directory in /run /var/log /var/lib; do
    install -d -o drainpipe -g drainpipe "$directory/drainpipe/orders"
done
as_service() { (cd /var/lib/drainpipe/orders && exec setpriv --reuid=drainpipe --regid=drainpipe --clear-groups "$@"); }
log=/var/log/drainpipe/orders/info.log
# shellcheck disable=SC2046  # a command's words
as_service $(of_unit ExecStart) >/tmp/service.out 2>/tmp/service.said &
launcher=$!
is_ready() { [ ! -e /proc/$launcher ] || grep -qs '\] .*ready ' "$log"; }
await 10 is_ready
[ -e "/proc/$launcher" ] || fail "the service has ended: $(cat /tmp/service.said)"
as_service drainpipe enqueue --name orders --run-dir /run/drainpipe/orders 500 >/tmp/enqueued
grep -qx 'accepted=500' /tmp/enqueued || fail "not enqueued"
as_service drainpipe status --name orders >/tmp/status || fail "the service's user can't see it"

echo "-- an upgrade over it, and its consumer and producer killed after that"
quietly apt-get install -y -qq --no-install-recommends /packages/next.deb
for stage in consumer producer; do
    kill -KILL "$(sed -n "s/.*\] .*ready .* $stage=\([0-9]*\).*/\1/p" "$log" | head -1)"
done
again() { [ "$(as_service /tmp/old_enqueue --name orders --run-dir /run/drainpipe/orders 500 2>/dev/null)" = accepted=500 ]; }
cp /usr/libexec/drainpipe/enqueue /tmp/old_enqueue
await 10 again
kill -TERM "$(sed -n 's/.*\] .*ready .* launcher=\([0-9]*\).*/\1/p' "$log" | head -1)"
code=0
wait "$launcher" || code=$?
[ "$code" -eq 0 ] || { cat /tmp/service.said >&2; fail "the upgraded service has ended with exit code $code"; }
[ "$(sort -n /tmp/service.out | uniq -c | wc -l)" -eq 500 ] || fail "not every event was done"
[ "$(grep -c . /tmp/service.out)" -ge 1000 ] || fail "not every event was done twice"
rm -f /tmp/old_enqueue

echo "-- back to the version, remove, purge, and all of it once more"
quietly apt-get install -y -qq --allow-downgrades --no-install-recommends /packages/drainpipe_*.deb
quietly apt-get remove -y -qq drainpipe
[ ! -e /usr/bin/drainpipe ] || fail "drainpipe is there after its removal"
[ -e /etc/drainpipe/orders.conf ] || fail "the configuration is gone after the removal"
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -s "$unit" /etc/systemd/system/multi-user.target.wants/drainpipe@orders.service
quietly apt-get purge -y -qq drainpipe drainpipe-dev
# A group that has a member outlives its user.
groupadd --system drainpipe
usermod --append --groups drainpipe nobody
quietly apt-get install -y -qq --no-install-recommends /packages/drainpipe_*.deb
quietly apt-get purge -y -qq drainpipe
groupdel drainpipe 2>/dev/null || true
# shellcheck disable=SC2046  # a list of words
quietly apt-get purge -y -qq --autoremove $(dpkg-query -W -f '${Package}\n' | sort | comm -13 /tmp/packages_before -)
listed | diff /tmp/before - || fail "the purge has left something, or taken too much"
! getent passwd drainpipe || fail "the user is there after the purge"
[ -z "$(ls -A /dev/shm)" ] || fail "left in /dev/shm: $(ls /dev/shm)"
