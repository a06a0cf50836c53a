package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes the lock on f, or fails at once where somebody holds it. The
// locked byte lies behind any end.
func lockFile(f *os.File) error {
	at := windows.Overlapped{OffsetHigh: 1 << 30}
	return windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
}

// install gives the new file f its name. The system renames no open file, so
// both are closed meanwhile.
func (j *Journal) install(f *os.File) (file, error) {
	err := f.Close()
	if j.file != nil {
		err = errors.Join(err, j.file.Close())
	}
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		j.broken = err
		return nil, err
	}
	return openLocked(j.path)
}
