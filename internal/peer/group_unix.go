//go:build unix

package peer

import (
	"os/exec"
	"syscall"
)

// group gives a command a process group of its own, so that what it starts is
// interrupted with it; end kills what is left of the group.
func group(c *exec.Cmd) (end func()) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGINT) }
	return func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // mostly nothing is left
}
