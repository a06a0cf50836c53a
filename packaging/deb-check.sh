#!/usr/bin/env bash
# Looks at the packages that deb.sh wrote into a folder: what dpkg reads in them,
# what they hold, what lintian says, and what installing, upgrading, removing and
# purging do, in a root folder of its own. Nothing of this machine is touched.
# Needs root (files must belong to it), dpkg, lintian and man-db.
#
#   packaging/deb-check.sh FOLDER
set -euo pipefail

die() { echo "deb-check: $*" >&2; exit 1; }
[ $# = 1 ] || { sed -n '2,8p' "${BASH_SOURCE[0]}" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
own=$(dpkg --print-architecture)

shopt -s nullglob
debs=(trunkline_*.deb)
[ ${#debs[@]} -gt 0 ] || die "no package in $1"
for deb in "${debs[@]}"; do
  dpkg-deb -I "$deb"
  dpkg-deb -c "$deb"
  arch=$(dpkg-deb -f "$deb" Architecture)
  [ "$deb" = "trunkline_$(dpkg-deb -f "$deb" Version)_$arch.deb" ] || die "$deb is not called as its fields say"
  dpkg-deb -x "$deb" "$work/$arch"
  (cd "$work/$arch" && dpkg-deb --ctrl-tarfile "$OLDPWD/$deb" | tar -xO ./md5sums | md5sum --check --quiet)
  # Debian's names of the architectures that have another in Go.
  cmp "$work/$arch/usr/bin/trunkline" "trunkline-linux-${arch/armhf/arm}"
done
lintian --tag-display-limit 0 --fail-on error,warning "${debs[@]}"
man --warnings -l "$work/$own/usr/share/man/man1/trunkline.1.gz" 2>&1 >"$work/page" | { ! grep . ; } ||
  die "the man page has faults"
grep -q trunkline "$work/page" || die "the man page is empty"
bash -n "$work/$own/usr/share/bash-completion/completions/trunkline"

deb=$(echo trunkline_*_"$own".deb)
root=$work/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
into() { dpkg --root="$root" --force-script-chrootless --log=/dev/null "$@"; }
left() { (cd "$root" && find . -not -path './var/lib/dpkg*' \( -type f -o -empty \) | sort); }

into -i "$deb"
into -s trunkline | grep -q '^Status: install ok installed$' || die "not installed"
"$root/usr/bin/trunkline" version
[ -d "$root/etc/trunkline" ] || die "no folder for settings"
[ ! -e "$root/etc/systemd" ] || die "the package has enabled something"

echo '# mine' >"$root/etc/trunkline/trunkline.toml"
mkdir -p "$root/var/lib/private/trunkline"
echo keys >"$root/var/lib/private/trunkline/kept"
into -i "$deb" # again: an upgrade
into -r trunkline
[ "$(left)" = "./etc/trunkline/trunkline.toml
./var/lib/private/trunkline/kept" ] || die "removing left $(left)"
into -P trunkline
[ "$(left)" = "./var/lib/private/trunkline/kept" ] || die "purging left $(left)"
echo "installed, upgraded, removed and purged; people's data kept"
