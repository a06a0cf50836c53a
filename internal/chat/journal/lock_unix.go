//go:build unix

package journal

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock on f, or fails at once where somebody holds it.
func lockFile(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// install gives the new file f its name and closes the one that had it.
func (j *Journal) install(f *os.File) (file, error) {
	if err := os.Rename(f.Name(), j.path); err != nil {
		_ = f.Close()
		return nil, err
	}
	if j.file != nil {
		_ = j.file.Close()
	}
	return f, nil
}
