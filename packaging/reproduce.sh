#!/usr/bin/env bash
# Proves that a build can be reproduced: clones this repository's HEAD to two
# folders of different depth, builds both, the second with an empty build cache
# and in another time zone and language, and compares hashes. The same for the
# Debian package.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

one=$work/a two=$work/another/and/deeper/place
for clone in "$one" "$two"; do
  git clone --quiet --no-hardlinks "$here" "$clone"
  git -C "$clone" checkout --quiet --detach "$(git -C "$here" rev-parse HEAD)"
done

"$one/packaging/deb.sh" "$work/out1" >/dev/null
umask 077
TZ=Pacific/Apia LC_ALL=C.UTF-8 GOCACHE=$work/cache "$two/packaging/deb.sh" "$work/out2" >/dev/null

hashes() { (cd "$1" && sha256sum -- *); }
hashes "$work/out1"
if ! diff <(hashes "$work/out1") <(hashes "$work/out2"); then
  echo "reproduce: two builds of one commit differ: see the hashes above; compare the files with diffoscope" >&2
  exit 1
fi
echo "two builds of $(git -C "$here" rev-parse --short HEAD) are equal"
