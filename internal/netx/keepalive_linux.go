package netx

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// limitUnacknowledged cuts c when what was sent stays without acknowledgement for
// so long: tcp(7), TCP_USER_TIMEOUT. The system asks only silent peers whether
// they are still there, and repeats what is not acknowledged for a quarter of an
// hour.
func limitUnacknowledged(c *net.TCPConn, limit time.Duration) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return os.NewSyscallError("setsockopt", set)
}
