#!/bin/bash
# The Debian packages of a build, in a bare Debian root: lintian, install with apt, use, upgrade over a
# pipeline that runs, remove and purge; then, where systemd can be booted there, as services. Needs root.
#   packages.sh BUILD_DIRECTORY VERSION ROOT
# ROOT is what bare_root.sh has made; it is copied.
set -euo pipefail

build=$(readlink -f -- "$1")
version=$2
bare_root=$3
here=$(cd "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
# shellcheck source=tests/packaging/steps.sh
. "$here/steps.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: packages in a bare root; that takes root's rights"
    exit 0
fi
for program in cpack dpkg-deb lintian systemd-nspawn; do
    command -v "$program" >/dev/null || { echo "skipped: packages in a bare root; $program is not there"; exit 0; }
done
[ -d "$bare_root" ] || { echo "skipped: packages in a bare root; there is none"; exit 0; }

work=$(mktemp -d)
root=$work/root
clean_up() { rm -rf --one-file-system "$work"; }
trap clean_up EXIT

step "make the packages, and lintian"
quietly cpack --config "$build/CPackConfig.cmake" -B "$work/packages"
packages=$work/packages
[ "$(find "$packages" -maxdepth 1 -name "drainpipe*_${version}-1_*.deb" | wc -l)" -eq 2 ] || fail "not two packages"
lintian --allow-root --fail-on error "$packages"/*.deb || fail "lintian has found errors"

cp -a "$bare_root" "$root"
mkdir "$root/packages"
cp "$packages"/*.deb "$root/packages"
# The same with a higher version, whose programs can't do what a running pipeline needs.
dpkg-deb -R "$packages"/drainpipe_"$version"-1_*.deb "$work/next"
sed -i "s/^Version: .*/Version: $version-2/" "$work/next/DEBIAN/control"
for program in launcher producer consumer; do
    printf '#!/bin/sh\nexit 70\n' >"$work/next/usr/libexec/drainpipe/$program"
done
quietly dpkg-deb -b "$work/next" "$root/packages/next.deb"

# A directory of its own for shared memory, and pids of its own, so that nothing gets out of it.
in_root() { # a script of this directory
    cp "$here/$1" "$here/steps.sh" "$root/packages"
    systemd-nspawn --quiet --register=no --keep-unit --pipe --as-pid2 --directory="$root" \
        /bin/bash "/packages/$1"
}
step "install, use, upgrade, remove, purge"
in_root in_bare_root.sh || fail "in the bare root"

step "services of a systemd that is booted there"
quietly systemd-nspawn --quiet --register=no --keep-unit --pipe --as-pid2 --directory="$root" \
    /usr/bin/env DEBIAN_FRONTEND=noninteractive /bin/bash -c 'apt-get install -y -qq --no-install-recommends \
        systemd logrotate /packages/drainpipe_*.deb'
cp "$here/in_booted_root.sh" "$here/steps.sh" "$root/packages"
cat >"$root/etc/systemd/system/story.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /packages/in_booted_root.sh
StandardOutput=append:/packages/story
StandardError=inherit
TimeoutStartSec=180
ExecStopPost=systemctl --no-block poweroff
[Install]
WantedBy=default.target
UNIT
ln -s ../story.service "$root/etc/systemd/system/multi-user.target.wants/story.service"
ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
timeout 240 systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$root" \
    >"$work/said" 2>&1 </dev/null || true
if [ ! -s "$root/packages/story" ]; then
    ! grep -q 'Welcome to' "$work/said" || fail "systemd was booted, and the story did not begin: $(tail -n 5 "$work/said")"
    echo "skipped: services; systemd could not be booted here: $(tail -n 1 "$work/said")"
    exit 0
fi
cat "$root/packages/story"
grep -qx "all is well" "$root/packages/story" || fail "under systemd"
