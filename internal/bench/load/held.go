//go:build linux

package load

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// open reports whether the server has not closed c. It takes nothing off the
// connection.
func open(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		alive = n > 0 || err == unix.EAGAIN
	})
	return err == nil && alive
}
