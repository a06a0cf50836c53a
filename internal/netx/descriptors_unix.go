//go:build unix

package netx

import (
	"os"
	"syscall"
)

// RaiseDescriptors raises the number of descriptors that the process may have open
// to the most that the system lets it have, and returns the number that then
// holds, also with an error.
func RaiseDescriptors() (limit uint64, err error) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	if r.Cur >= r.Max {
		return uint64(r.Cur), nil
	}
	raised := syscall.Rlimit{Cur: r.Max, Max: r.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err != nil {
		return uint64(r.Cur), os.NewSyscallError("setrlimit", err)
	}
	return uint64(raised.Cur), nil
}

// Descriptors returns how many descriptors the process has open and how many it
// may. What the system does not tell is 0.
func Descriptors() (used, limit uint64) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err == nil {
		limit = uint64(r.Cur)
	}
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if open, err := os.ReadDir(dir); err == nil {
			return uint64(max(len(open)-1, 0)), limit // less the one that reads the folder
		}
	}
	return 0, limit
}
