#!/usr/bin/env bash
# Builds the release binaries, the same to the byte wherever and whenever the
# same commit is built with the same Go.
#
#   packaging/build.sh OUT                    for this machine
#   packaging/build.sh OUT all                for every release target
#   packaging/build.sh OUT linux/arm64 ...    for these
#
# Writes OUT/trunkline-OS-ARCH and OUT/SHA256SUMS. Static (no C), without paths,
# symbols and build id. The commit stands in the binary because Go stamps it
# from the work tree; a tree with changes is marked as such, a tree without git
# (a source archive) gives a binary that calls itself devel.
set -euo pipefail

if [ $# -lt 1 ]; then
  sed -n '2,12p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
cd "$here"

# What a developer has set must not get into a release.
export CGO_ENABLED=0 GOFLAGS= GOEXPERIMENT= GOAMD64=v1 GOARM64=v8.0 GOARM=7 GO386= GOFIPS140=off

stamp=true
git rev-parse --verify --quiet HEAD >/dev/null 2>&1 || stamp=false

if [ $# -eq 0 ]; then
  set -- "$(go env GOHOSTOS)/$(go env GOHOSTARCH)"
elif [ "$1" = all ]; then
  set -- linux/amd64 linux/arm64 linux/arm darwin/amd64 darwin/arm64 windows/amd64 freebsd/amd64
fi

files=()
for target in "$@"; do
  file=trunkline-${target%/*}-${target#*/}
  [ "${target%/*}" = windows ] && file=$file.exe
  GOOS=${target%/*} GOARCH=${target#*/} \
    go build -trimpath -buildvcs=$stamp -ldflags='-s -w -buildid=' -o "$out/$file" ./cmd/trunkline
  files+=("$file")
done
cd "$out"
sha256sum "${files[@]}" | tee SHA256SUMS
