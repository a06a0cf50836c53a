#!/usr/bin/env bash
# Builds trunkline_VERSION_ARCH.deb, the same to the byte for the same commit.
#
#   packaging/deb.sh OUT             for this machine
#   packaging/deb.sh OUT amd64 arm64
#
# Man page, completions and version come from the program itself. A tagged commit (v1.2.3)
# gives version 1.2.3-1, any other 1.2.3~DATE.COMMIT-1, which sorts before it.
set -euo pipefail

if [ $# -lt 1 ]; then
  sed -n '2,8p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
cd "$here"
host=$(go env GOHOSTARCH)
[ $# -gt 0 ] || set -- "$host"

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

packaging/build.sh "$out" "linux/$host" "${@/#/linux/}" >/dev/null
binary=$out/trunkline-linux-$host

version=$("$binary" version | awk 'NR == 1 { print $2 }')
if ! git describe --exact-match --match "v$version" HEAD >/dev/null 2>&1; then
  version+=~$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S).$(git rev-parse HEAD | cut -c1-7)
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
"$binary" man >"$stage/trunkline.1"
for shell in bash zsh fish; do
  "$binary" completion "$shell" >"$stage/completion.$shell"
done

go run ./packaging/licences "$binary" >"$stage/licences.txt"

for arch in "$@"; do
  go run ./packaging/deb -version "$version-1" -arch "$arch" -epoch "$SOURCE_DATE_EPOCH" \
    -binary "$out/trunkline-linux-$arch" -stage "$stage" -source . -out "$out"
done
