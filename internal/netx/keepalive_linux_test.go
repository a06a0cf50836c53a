package netx_test

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// systemKeepAlive is what the system shows after 15 s, 5 s and 3 were set,
// and how many milliseconds it waits for acknowledgements then.
var systemKeepAlive = [4]int{15, 5, 3, 30_000}

func keepAliveOf(t *testing.T, c net.Conn) (set [4]int) {
	t.Helper()
	raw, err := c.(interface{ NetConn() net.Conn }).NetConn().(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		for i, option := range []int{unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT, unix.TCP_USER_TIMEOUT} {
			if set[i], err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option); err != nil {
				t.Error(err)
			}
		}
	})
	return set
}
