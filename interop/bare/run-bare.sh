#!/usr/bin/env bash
# The README's two commands on a bare Debian 12 that has Go and nothing else,
# with empty caches. By hand: it needs root, debootstrap and ten minutes.
#
#     interop/bare/run-bare.sh [REPOSITORY]
set -euo pipefail
repository=$(cd "${1:-$(dirname "$0")/../..}" && pwd)
go=$(go env GOROOT)
root=$(mktemp -d /tmp/bare.XXXXXX)
trap 'umount "$root/dev/pts" "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT

debootstrap --variant=minbase --include=ca-certificates,git bookworm "$root" >/dev/null
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
rm -f "$root/dev/ptmx"
ln -s pts/ptmx "$root/dev/ptmx"
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
[ -e "$root/dev/urandom" ] || mknod -m 666 "$root/dev/urandom" c 1 9
cp -a "$go" "$root/usr/local/go"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
[ -d /usr/local/share/ca-certificates ] && cp -a /usr/local/share/ca-certificates "$root/usr/local/share/" && chroot "$root" update-ca-certificates >/dev/null
git clone -q --no-local "$repository" "$root/home/trunkline"

inside() {
	chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/go/bin:/usr/bin:/bin ${GOPROXY:+GOPROXY="$GOPROXY"} \
		${HTTPS_PROXY:+HTTPS_PROXY="$HTTPS_PROXY"} ${GOFLAGS:+GOFLAGS="$GOFLAGS"} ${GONOSUMDB:+GONOSUMDB="$GONOSUMDB"} \
		${GOSUMDB:+GOSUMDB="$GOSUMDB"} ${SSL_CERT_FILE:+SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt} \
		/bin/bash -c "cd /home/trunkline || exit 1; $1"
}

echo '== go run ./cmd/trunkline serve'
begun=$(date +%s)
inside 'go run ./cmd/trunkline serve > /tmp/screen 2>/tmp/log & pid=$!
	for i in $(seq 600); do grep -q "Ctrl-C stops it" /tmp/screen && break; sleep 0.5; done
	cat /tmp/screen
	for f in /proc/net/tcp /proc/net/tcp6; do [ -e $f ] || exit 1; done
	stat -c "%a %n" trunkline-data
	kill -INT $(cat trunkline-data/run/pid); wait $pid; echo "serve ended with $?"'
echo "built and ready after $(($(date +%s) - begun)) s"

echo '== go test ./...'
inside 'go test ./... | grep -v "no test files"'
begun=$(date +%s)
inside 'go test -count=1 ./... >/tmp/second || { cat /tmp/second; exit 1; }'
echo "again, once built: $(($(date +%s) - begun)) s"
