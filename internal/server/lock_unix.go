//go:build unix

package server

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock on f, or fails at once where somebody holds it.
func lockFile(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
