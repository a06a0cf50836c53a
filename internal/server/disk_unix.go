//go:build linux || darwin || freebsd

package server

import "golang.org/x/sys/unix"

// diskFree is what an ordinary user may still write on path's disk, in bytes.
func diskFree(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
