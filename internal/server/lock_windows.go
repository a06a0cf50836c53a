package server

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes the lock on f, or fails at once where somebody holds it. The
// locked byte lies behind the end, so that others can read the file.
func lockFile(f *os.File) error {
	at := windows.Overlapped{Offset: 1 << 30}
	return windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
}
