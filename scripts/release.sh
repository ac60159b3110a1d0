#!/bin/sh
# Makes a release of what is committed, in dist/: the source as a tarball, the Debian packages that are built
# from that tarball, and their checksums. Anyone who runs it on the same commit has the same bytes. What the
# release is of stands in include/drainpipe/version.hpp; CHANGELOG.md has to have a section of it, with
# nothing left under Unreleased.
#   release.sh              of HEAD
#   release.sh --snapshot   the same for what is no release yet: packages have the commit in their version
set -eu

root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
cd "$root"
fail() {
    echo "release.sh: $*" >&2
    exit 1
}
snapshot=
case "${1:-}" in
"") ;;
--snapshot) snapshot=yes ;;
*)
    echo "usage: release.sh [--snapshot]" >&2
    exit 64
    ;;
esac

[ -z "$(git status --porcelain)" ] || fail "there is what is not committed (git status): commit it first"
version=$(git show HEAD:include/drainpipe/version.hpp |
    sed -n 's/.*kVersion\(Major\|Minor\|Patch\) = \([0-9]*\);/\2/p' | paste -s -d .)
echo "$version" | grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' || fail "version.hpp has no version"
revision=1
if [ -n "$snapshot" ]; then
    # Older than the release, newer than the snapshots before it.
    revision=0.$(git log -1 --format=%cd --date=format:%Y%m%d%H%M%S).$(git rev-parse --short HEAD)
else
    unreleased=$(git show HEAD:CHANGELOG.md | sed -n '/^## Unreleased/,/^## [0-9]/p' | grep -c '^- ' || true)
    [ "$unreleased" -eq 0 ] || fail "CHANGELOG.md has $unreleased entries under Unreleased: give them to a version"
    first=$(git show HEAD:CHANGELOG.md | grep -oE '^## [0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
    [ "$first" = "## $version" ] || fail "CHANGELOG.md begins with '$first', version.hpp has $version"
fi

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
umask 022
rm -rf dist
mkdir dist
name=drainpipe-$version
git archive --format=tar --prefix="$name/" HEAD | gzip -9n >"dist/$name.tar.gz"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xzf "dist/$name.tar.gz"
"$work/$name/scripts/package.sh" "$revision" >/dev/null
cp "$work/$name"/build-package/packages/*.deb dist
(cd dist && sha256sum -- *.tar.gz *.deb >SHA256SUMS)
cat dist/SHA256SUMS
