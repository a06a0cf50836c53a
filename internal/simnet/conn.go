package simnet

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Conn is one end of a connection of a Net. Reads and writes may run at the same
// time, and block only as long as there is nothing to read, or the buffers of
// both ends (Config.Buffer bytes each) are full.
type Conn struct {
	net         *Net
	s           *Stream
	read, write side
	settled     chan struct{} // closed when dialing is over
}

// newConn is called with the lock held.
func newConn(n *Net, s *Stream) *Conn {
	c := &Conn{net: n, s: s, settled: make(chan struct{})}
	c.read.cond, c.write.cond = sync.NewCond(&n.mu), sync.NewCond(&n.mu)
	s.notify = c.changed
	return c
}

// changed is called by the stream, with the lock held.
func (c *Conn) changed() {
	if c.s.state != dialing {
		select {
		case <-c.settled:
		default:
			close(c.settled)
		}
	}
	c.read.cond.Broadcast()
	c.write.cond.Broadcast()
}

// Read waits for bytes. After all that the peer has sent before its end it
// returns io.EOF, and after what came before a break the reason of that.
func (c *Conn) Read(b []byte) (int, error) {
	c.net.enter()
	defer c.net.leave()
	for {
		s := c.s
		switch {
		case s.closed:
			return 0, c.failure("read", net.ErrClosed)
		case c.read.expired():
			return 0, c.failure("read", os.ErrDeadlineExceeded)
		case len(b) == 0:
			return 0, nil
		case s.in.inbox.Len() > 0:
			n, err := s.in.inbox.Read(b)
			s.reopen()
			return n, err
		case s.in.ended:
			return 0, io.EOF
		case s.err != nil:
			return 0, c.failure("read", s.err)
		}
		c.net.wait(c.read.cond)
	}
}

// Write waits until all of b has found room in the buffer. When it fails, the
// peer gets the bytes counted, if it gets anything.
func (c *Conn) Write(b []byte) (int, error) {
	c.net.enter()
	defer c.net.leave()
	for done := 0; ; {
		if c.write.expired() && !c.s.closed {
			return done, c.failure("write", os.ErrDeadlineExceeded)
		}
		n, err := c.s.Write(b[done:])
		done += n
		if err != nil {
			return done, c.failure("write", err)
		}
		if done == len(b) {
			return done, nil
		}
		c.net.wait(c.write.cond)
	}
}

// CloseWrite ends the stream towards the peer; reading goes on.
func (c *Conn) CloseWrite() error {
	c.net.enter()
	defer c.net.leave()
	if c.s.closed {
		return c.failure("close", net.ErrClosed)
	}
	c.s.CloseWrite()
	c.changed()
	return nil
}

// Close sends what was written, in the background, and ends what waits at this
// end. It resets the connection if something is unread.
func (c *Conn) Close() error {
	c.net.enter()
	defer c.net.leave()
	if c.s.closed {
		return c.failure("close", net.ErrClosed)
	}
	c.s.Close()
	c.read.set(time.Time{})
	c.write.set(time.Time{})
	return nil
}

// LocalAddr is the address on the host.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.s.local) }

// RemoteAddr is the peer's address as this end sees it.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.s.remote) }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadlines(t, &c.read, &c.write) }

// SetReadDeadline ends reads at t; zero: never.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, &c.read) }

// SetWriteDeadline ends writes at t; zero: never.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, &c.write) }

func (c *Conn) setDeadlines(t time.Time, sides ...*side) error {
	c.net.enter()
	defer c.net.leave()
	if c.s.closed {
		return c.failure("set", net.ErrClosed)
	}
	for _, d := range sides {
		d.set(t)
	}
	return nil
}

func (c *Conn) failure(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// side is one direction of a socket: who waits, and until when.
type side struct {
	cond     *sync.Cond
	deadline time.Time
	timer    *time.Timer
}

func (d *side) set(t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.deadline = t
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), func() {
			d.cond.L.Lock()
			d.cond.Broadcast()
			d.cond.L.Unlock()
		})
	}
	d.cond.Broadcast()
}

func (d *side) expired() bool {
	return !d.deadline.IsZero() && !time.Now().Before(d.deadline)
}
