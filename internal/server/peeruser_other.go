//go:build !linux

package server

import "net"

// peerUser is not known here: the modes of the folder and of the socket decide.
func peerUser(*net.UnixConn) (uid int, known bool) { return 0, false }
