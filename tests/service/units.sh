#!/bin/sh
# The units of systemd, as they are installed: whether systemd understands all of each, and how much a
# service of it is kept from.
#   units.sh SOURCE UNITS    the directory with the units that the build has made
set -eu

source=$1
units=$2
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

fail() {
    echo "units.sh: $*" >&2
    exit 1
}

# The programs that a unit names have to be there: stand-ins.
for unit in drainpipe@.service drainpipe@.socket; do
    sed -E "s#^(Exec[A-Za-z]*=)[^ ]*/drainpipe #\1/bin/true #" "$units/$unit" >"$directory/$unit"
done
cp "$directory/drainpipe@.service" "$directory/drainpipe@orders.service"
cp "$directory/drainpipe@.socket" "$directory/drainpipe@orders.socket"

# What is unknown to it, or wrong, systemd says and does without.
said=$(systemd-analyze verify --man=no "$directory/drainpipe@orders.service" "$directory/drainpipe@orders.socket" 2>&1) ||
    fail "verify: $said"
if printf '%s\n' "$said" | grep 'drainpipe@'; then
    fail "verify finds fault with a unit"
fi

systemd-analyze security --offline=yes --threshold=20 --no-pager "$directory/drainpipe@.service" >"$directory/security" ||
    fail "the service is exposed: $(cat "$directory/security")"

# The events that are left are in /dev/shm.
grep -q '^RemoveIPC=no$' "$units/drainpipe@.service" || fail "RemoveIPC= would take the segments away"
! grep -q '^DynamicUser=' "$units/drainpipe@.service" || fail "DynamicUser= would take the segments away"
! grep -q '@[A-Z_]*@' "$units/drainpipe@.service" "$units/drainpipe@.socket" || fail "something is not configured"

# Both in a root of their own.
mkdir -p "$directory/root/etc"
systemd-sysusers --root="$directory/root" "$source/packaging/systemd/drainpipe.sysusers" >"$directory/said" 2>&1 ||
    fail "sysusers: $(cat "$directory/said")"
grep -q '^drainpipe:' "$directory/root/etc/passwd" || fail "sysusers makes no user"
systemd-tmpfiles --root="$directory/root" --create "$source/packaging/systemd/drainpipe.tmpfiles" >"$directory/said" 2>&1 ||
    fail "tmpfiles: $(cat "$directory/said")"
[ -d "$directory/root/run/drainpipe" ] || fail "tmpfiles makes no directory"
