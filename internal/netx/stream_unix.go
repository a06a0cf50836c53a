//go:build unix

package netx

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func rawConn(c net.Conn) syscall.RawConn {
	var sc syscall.Conn
	switch c := plain(c).(type) {
	case *net.TCPConn:
		sc = c
	case *net.UnixConn:
		sc = c
	default:
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readReady is called when a Read begins, and again each time the socket became
// readable. It returns false to wait for that.
func (s *Stream) readReady(fd uintptr) bool {
	in := &s.in
	if !in.busy && !in.wait && !readable(int(fd)) {
		in.wait = true
		return false
	}
	in.b = in.get()
	if len(in.b) == 0 {
		in.err = io.ErrShortBuffer
		return true
	}
	n, err := once(syscall.Read, int(fd), in.b)
	in.n = n
	switch {
	case err == syscall.EAGAIN: // bytes were expected, wrongly: the next Read asks
	case err != nil:
		in.err = s.opError("read", err)
	case n == 0:
		in.err = io.EOF
	}
	in.busy = n == len(in.b) || n > 0 && !in.wait
	return true
}

func (s *Stream) writeReady(fd uintptr) bool {
	n, err := once(syscall.Write, int(fd), s.out.b)
	s.out.n = n
	if err != nil && err != syscall.EAGAIN {
		s.out.err = s.opError("write", err)
	}
	return true
}

// once makes one call, or one that no signal interrupted.
func once(call func(fd int, b []byte) (int, error), fd int, b []byte) (int, error) {
	for {
		n, err := call(fd, b)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// readable reports whether a read would return at once. A wrong yes costs one call.
func readable(fd int) bool {
	set := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(set[:], 0)
	return n > 0 || err != nil
}

func (s *Stream) opError(op string, err error) error {
	return &net.OpError{
		Op: op, Net: s.c.RemoteAddr().Network(), Source: s.c.LocalAddr(), Addr: s.c.RemoteAddr(),
		Err: os.NewSyscallError(op, err),
	}
}
