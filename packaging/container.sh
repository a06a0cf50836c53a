#!/usr/bin/env bash
# Builds the container image with buildah, without a daemon and without root
# beyond what chroot needs.
#
#   packaging/container.sh build BINARY [TAG]     into buildah's own storage
#   packaging/container.sh check BINARY           in a storage of its own, thrown away: builds, then
#       looks that the image holds the program, byte for byte, and no other file than it should, that
#       its settings are right, and that the program runs in it
#
# Two builds of one binary give the same image when SOURCE_DATE_EPOCH is set.
set -euo pipefail

usage() { sed -n '2,11p' "${BASH_SOURCE[0]}" >&2; exit 2; }
die() { echo "container: $*" >&2; exit 1; }
[ $# -ge 2 ] || usage
command -v buildah >/dev/null || die "buildah is missing; apt-get install buildah"

word=$1
binary=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
tag=${3:-trunkline}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options=(--storage-driver vfs)

build() {
  local context=$work/context
  mkdir -p "$context"
  install -d -m 0700 "$context/volume" "$context/volume/data"
  install -m 0755 "$binary" "$context/trunkline"
  (cd "$here" && go run ./packaging/licences "$binary") >"$context/licences.txt"
  chmod 0644 "$context/licences.txt"
  buildah "${options[@]}" build --isolation chroot --format docker --layers=false \
    --timestamp "${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct)}" \
    --file "$here/packaging/Containerfile" --tag "$tag" "$context"
}

# equal WHAT GOT WANT
equal() {
  [ "$2" = "$3" ] || die "$1 is
$2
and should be
$3"
  echo "ok: $1"
}

check() {
  options+=(--root "$work/storage" --runroot "$work/run")
  build
  local id root
  id=$(buildah "${options[@]}" from "$tag")
  root=$(buildah "${options[@]}" mount "$id")

  equal "the list of files" \
    "$(cd "$root" && find . -printf "%M %U:%G %p\n" | sort -k3)" \
    "dr-xr-xr-x 0:0 .
drwx------ 65532:65532 ./data
-rw-r--r-- 0:0 ./licences.txt
-rwxr-xr-x 0:0 ./trunkline"
  equal "the program" "$(sha256sum <"$root/trunkline")" "$(sha256sum <"$binary")"
  [ -s "$root/licences.txt" ] || die "licences.txt is empty"
  field() { buildah "${options[@]}" inspect --type image --format "{{with .Docker.Config}}$1{{end}}" "$tag"; }
  equal "the user" "$(field '{{.User}}')" 65532:65532
  equal "the entry" "$(field '{{.Entrypoint}} {{.Cmd}}')" "[/trunkline] [serve]"
  equal "the volume" "$(field '{{range $k, $v := .Volumes}}{{$k}}{{end}}')" /data
  equal "the ports" "$(field '{{range $k, $v := .ExposedPorts}}{{$k}} {{end}}')" "8000/tcp 8080/tcp "
  equal "the health check" "$(field '{{.Healthcheck.Test}}')" "[CMD /trunkline status]"
  # buildah cannot unmount what runs, so unmount first; run mounts by itself.
  buildah "${options[@]}" unmount "$id" >/dev/null
  equal "the version told inside" \
    "$(buildah "${options[@]}" run --isolation chroot "$id" -- /trunkline version)" "$("$binary" version)"
  buildah "${options[@]}" rm "$id" >/dev/null
}

case $word in
  build) build ;;
  check) check ;;
  *) usage ;;
esac
