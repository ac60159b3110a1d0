#!/bin/bash
# Run by systemd, as a service of a root that packages.sh has booted with the packages installed.
# shellcheck disable=SC2016  # some is for the commands' shells
set -euo pipefail

export LC_ALL=C.UTF-8
log=/var/log/drainpipe/orders/info.log
# shellcheck source=tests/packaging/steps.sh
. /packages/steps.sh
tell() { # what has happened to the services
    journalctl --no-pager -n 30 -u 'drainpipe@*' || true
    tail -n 20 "$log" || true
}
trap 'code=$?; [ "$code" -eq 0 ] || tell' EXIT
trap 'echo "in_booted_root.sh: line $LINENO"' ERR
property() { systemctl show --value --property "$1" drainpipe@orders.service; }
# Exits and their codes are the client's own: what it was told was accepted is counted.
enqueue() { drainpipe enqueue --name orders "$@"; }
lines() { wc -l </var/lib/drainpipe/orders/done; }

echo "-- start"
mkdir -p /etc/drainpipe
printf '%s\n' 'exec = echo "$1" >>done' 'jobs = 4' >/etc/drainpipe/orders.conf
systemctl enable --quiet --now drainpipe@orders.socket drainpipe@orders.service
[ "$(property ActiveState)" = active ]
[ "$(enqueue 1000)" = accepted=1000 ]
[ "$(stat -c %U /dev/shm/orders)" = drainpipe ]
runuser -u drainpipe -- drainpipe status --name orders >/dev/null
some_status() { [ -n "$(property StatusText)" ]; }
await 10 some_status

echo "-- restarts under clients that are never refused"
clients() {
    local accepted=0 code said
    while [ -e /run/clients ]; do
        code=0
        said=$(enqueue 5 2>/run/refusal) || code=$?
        # 75: it was let in, and the stop came then; how many got in is said.
        case $code in 0 | 75) ;; *) cp /run/refusal /run/refused; return ;; esac
        accepted=$((accepted + ${said#accepted=}))
    done
    echo "$accepted" >/run/accepted
}
touch /run/clients
clients &
for _ in 1 2 3 4 5; do
    systemctl restart drainpipe@orders.service
done
rm /run/clients
wait
[ ! -e /run/refused ] || fail "a client was refused: $(cat /run/refused)"
accepted=$(cat /run/accepted)
[ "$accepted" -gt 0 ]

echo "-- reload, and logrotate's way of it"
systemctl reload drainpipe@orders.service
is_active() { [ "$(property ActiveState)" = active ]; }
await 10 is_active
logrotate --force /etc/logrotate.d/drainpipe
[ -e "$log.1" ]
[ "$(enqueue 10)" = accepted=10 ]
await 10 test -s "$log"

echo "-- SIGKILL of the launcher, with work left"
printf 'exec = sleep 0.05; echo "$1" >>done\n' >/etc/drainpipe/orders.conf
systemctl restart drainpipe@orders.service
[ "$(enqueue 50)" = accepted=50 ]
was=$(property MainPID)
kill -KILL "$was"
is_another() {
    local is
    is=$(property MainPID)
    [ "$is" -ne 0 ] && [ "$is" -ne "$was" ] && [ "$(property ActiveState)" = active ]
}
await 20 is_another
grep -q 'recovered events=' "$log" || fail "the next launcher has recovered nothing"

echo "-- stop"
systemctl stop drainpipe@orders.socket drainpipe@orders.service
[ "$(property Result)" = success ]
[ -z "$(ls /dev/shm)" ] || fail "left in /dev/shm: $(ls /dev/shm)"
# What was in flight when the launcher was killed may have come twice.
distinct_of_last=$(tail -n "+$((1000 + accepted + 10 + 1))" /var/lib/drainpipe/orders/done | sort -u | wc -l)
[ "$distinct_of_last" -eq 50 ] || fail "of 50 events $distinct_of_last were done"
[ "$(lines)" -ge $((1000 + accepted + 10 + 50)) ] || fail "of $((1000 + accepted + 10 + 50)) events $(lines) were done"

echo "-- a client waits until a service that can't start is mended"
echo 'no-such-option = 1' >/etc/drainpipe/orders.conf
systemctl start drainpipe@orders.socket
enqueue 3 >/run/waiting &
client=$!
is_tried_often() { [ "$(journalctl -u drainpipe@orders.service | grep -c 'no-such-option')" -ge 4 ]; }
await 20 is_tried_often
systemctl is-active --quiet drainpipe@orders.socket
kill -0 "$client" || fail "the client was refused: $(cat /run/waiting)"
printf '%s\n' 'exec = echo "$1" >>done' >/etc/drainpipe/orders.conf
wait "$client"
grep -qx accepted=3 /run/waiting
systemctl stop drainpipe@orders.socket drainpipe@orders.service

echo "-- dead letters are no failure of the service"
printf '%s\n' 'exec = false' 'retries = 0' >/etc/drainpipe/orders.conf
systemctl start drainpipe@orders.service
[ "$(enqueue 1)" = accepted=1 ]
systemctl stop drainpipe@orders.service
[ "$(property Result) $(property ExecMainStatus)" = "success 65" ]

echo "-- the removal of the package drains"
printf 'exec = sleep 0.1; echo "$1" >>done\n' >/etc/drainpipe/orders.conf
rm /var/lib/drainpipe/orders/done
systemctl start drainpipe@orders.service
[ "$(enqueue 20)" = accepted=20 ]
DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq drainpipe >/dev/null 2>&1
[ "$(sort -u /var/lib/drainpipe/orders/done | wc -l)" -eq 20 ] || fail "of 20 events $(lines) were done"
if systemctl is-active --quiet drainpipe@orders.service; then
    fail "the service runs after the removal"
fi
echo "all is well"
