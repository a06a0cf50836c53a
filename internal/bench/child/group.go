//go:build linux

package child

import "syscall"

// separate gives a child its own process group and lets it die with its parent.
func separate() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// signalGroup signals the group that pid leads.
func signalGroup(pid int, s syscall.Signal) error { return syscall.Kill(-pid, s) }
