package server

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerUser is the user at the other end of a Unix socket.
func peerUser(c *net.UnixConn) (uid int, known bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	var cred *unix.Ucred
	if controlErr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); controlErr != nil || err != nil {
		return 0, false
	}
	return int(cred.Uid), true
}
