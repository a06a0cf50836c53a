//go:build !unix

package netx

import (
	"net"
	"syscall"
)

func rawConn(net.Conn) syscall.RawConn { return nil }

func (*Stream) readReady(uintptr) bool { return true }

func (*Stream) writeReady(uintptr) bool { return true }
