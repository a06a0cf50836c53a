package client

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

const (
	// readSize is what the buffer of a reader begins with, in bytes; it grows
	// to the largest frame that comes.
	readSize = 4 << 10
	// queueSize is how much may wait for the socket, in bytes, while texts are
	// added; a relay that lets maxQueue wait is given up.
	queueSize = 64 << 10
	maxQueue  = 4 << 20
)

// stayConnected makes one connection after another until ctx ends. Its error is
// what [Client.Run] returns.
func (c *Client) stayConnected(ctx context.Context) error {
	for {
		why := c.connection(ctx)
		var retry time.Duration
		var over error
		err := c.loop.Do(ctx, func(now time.Time) { retry, over = c.machine.Disconnected(now, why) })
		if err != nil || over != nil {
			return over
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return nil
		}
	}
}

// connection makes a connection and lives with it; it returns why it ended.
func (c *Client) connection(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	l := newLink(conn)
	defer context.AfterFunc(ctx, func() { l.close(context.Cause(ctx)) })()
	err = c.loop.Do(ctx, func(now time.Time) {
		c.link = l
		c.machine.Connected(now)
	})
	if err != nil {
		l.close(err)
		return err
	}
	var writer sync.WaitGroup
	writer.Go(func() { l.close(c.write(ctx, l)) })
	l.close(c.read(ctx, l))
	writer.Wait() // it has told the machine what was written
	return l.why
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := c.conf.Dial(ctx, "tcp", c.conf.Server)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.conf.Server, err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable:   true,
			Idle:     blubbel.KeepAliveIdle,
			Interval: blubbel.KeepAliveInterval,
			Count:    blubbel.KeepAliveCount,
		}) // without it the link works as well, until it breaks
	}
	return conn, nil
}

// read hands what the socket brings to the machine. While events wait, it does
// not read.
func (c *Client) read(ctx context.Context, l *link) error {
	buf := make([]byte, 0, readSize)
	for {
		if err := c.events.wait(ctx, l.done); err != nil {
			return err
		}
		n, err := l.conn.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return fmt.Errorf("read from the relay: %w", err)
		}
		buf = buf[:len(buf)+n]
		rest, err := c.feed(ctx, buf)
		if err != nil {
			return err
		}
		buf = append(buf[:0], rest...)
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
	}
}

// feed hands the whole frames of b to the machine and returns what is left. RSA
// operations are done here, outside the loop.
func (c *Client) feed(ctx context.Context, b []byte) (rest []byte, err error) {
	for {
		var p wire.Packet
		var sealed []byte
		lerr := c.loop.Do(ctx, func(now time.Time) { p, sealed, b, err = c.machine.frames(now, b) })
		if lerr != nil || err != nil || p == nil {
			return b, firstError(lerr, err)
		}
		y := c.machine.Open(sealed)
		if err := c.loop.Do(ctx, func(now time.Time) { c.machine.Opened(now, p, y) }); err != nil {
			return nil, err
		}
	}
}

// frames takes whole frames off b until one carries a value that is worth
// opening; p is nil if none does. A frame that is too large is an error.
func (m *Machine) frames(now time.Time, b []byte) (p wire.Packet, sealed, rest []byte, err error) {
	// A relay may take frames of MaxPayload that name a short key, and hand
	// them on with a long one.
	most := m.conf.MaxPayload + blubbel.MaxDERKeySize
	for {
		f, rest, whole, err := wire.Split(b, most)
		if err != nil || !whole {
			return nil, nil, rest, err
		}
		b = rest
		p, err := wire.Parse(wire.ToClient, f.Kind, f.Payload)
		if err != nil {
			m.counted.malformed.Add(1)
			continue
		}
		if sealed := m.Admit(now, p); sealed != nil {
			return p, sealed, b, nil
		}
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// write hands what is queued to the socket, in as few pieces as its speed makes.
func (c *Client) write(ctx context.Context, l *link) error {
	for {
		batch, err := l.take()
		if err != nil {
			return err
		}
		_ = l.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only on a closed socket
		n, err := l.conn.Write(batch)
		taken := countFrames(batch[:n])
		if perr := c.loop.Post(ctx, func(now time.Time) { c.machine.Written(now, taken) }); perr != nil {
			return perr
		}
		if err != nil {
			return fmt.Errorf("write to the relay: %w", err)
		}
	}
}

// countFrames returns how many whole frames b begins with.
func countFrames(b []byte) (n int) {
	for {
		_, rest, whole, err := wire.Split(b, maxQueue)
		if err != nil || !whole {
			return n
		}
		b = rest
		n++
	}
}

// link is a connection and what is queued for it.
type link struct {
	conn net.Conn
	wake chan struct{} // something is queued
	done chan struct{} // closed with the connection

	mu      sync.Mutex
	waiting []byte // frames
	spare   []byte // the other buffer
	closed  bool
	why     error // of closing; may be read when done is closed
}

func newLink(conn net.Conn) *link {
	return &link{conn: conn, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// queue adds a packet. A relay that has let too much wait is hung up on.
func (l *link) queue(p wire.Packet) {
	l.mu.Lock()
	b, err := wire.AppendFrame(l.waiting, p)
	l.waiting = b
	full := len(b) > maxQueue
	l.mu.Unlock()
	switch {
	case err != nil:
		l.close(fmt.Errorf("encode %v: %w", p.Kind(), err))
	case full:
		l.close(errStalled)
	}
	signal(l.wake)
}

func (l *link) room() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) < queueSize
}

// take waits for frames and returns all of them. They are the caller's until it
// calls take again.
func (l *link) take() ([]byte, error) {
	for {
		select {
		case <-l.done:
			return nil, l.why
		case <-l.wake:
		}
		l.mu.Lock()
		batch := l.waiting
		l.waiting, l.spare = l.spare[:0], batch
		l.mu.Unlock()
		if len(batch) > 0 {
			return batch, nil
		}
	}
}

// close ends the connection. The first reason is kept.
func (l *link) close(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed, l.why = true, why
	close(l.done)
	l.conn.Close()
}
