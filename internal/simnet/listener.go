package simnet

import (
	"net"
	"time"
)

// listener is the net.Listener of a Node.
type listener struct {
	net   *Net
	inner *Listener
	addr  net.Addr
	queue chan *Conn
	end   chan struct{}
}

// admit queues a connection; it is called with the lock held.
func (l *listener) admit(_ time.Time, s *Stream) bool {
	select {
	case l.queue <- newConn(l.net, s):
		return true
	default:
		return false
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.end:
	default:
		select {
		case c := <-l.queue:
			return c, nil
		case <-l.end:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
}

func (l *listener) Addr() net.Addr { return l.addr }

// Close also resets the connections that wait for Accept.
func (l *listener) Close() error {
	l.net.enter()
	defer l.net.leave()
	if l.inner.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
	l.inner.Close()
	l.shut()
	return nil
}

// shut ends Accept; it is called once, with the lock held.
func (l *listener) shut() {
	close(l.end)
	for {
		select {
		case c := <-l.queue:
			c.s.reset()
		default:
			return
		}
	}
}
