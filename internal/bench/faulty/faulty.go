// Package faulty makes a blubbel relay lose, double or damage one message, for
// the tests that must notice it.
package faulty

import (
	"net"
	"sync"
	"sync/atomic"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// A Fault is what happens to one message on its way to a client.
type Fault string

// The faults.
const (
	None   Fault = ""
	Lose   Fault = "lose"
	Double Fault = "double"
	Damage Fault = "damage"
	Cut    Fault = "cut" // the connection ends instead
)

// A Listener hands out connections whose N-th message, counted over all of them
// from 1, suffers the fault on its way out. N must not be 0.
type Listener struct {
	net.Listener
	Fault Fault
	N     uint64

	seen atomic.Uint64
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, l: l}, nil
}

// A conn writes whole frames only, and keeps the beginning of one that is not
// whole for the next write.
type conn struct {
	net.Conn
	l *Listener

	mu  sync.Mutex
	buf []byte
}

func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = append(c.buf, b...)
	var out []byte
	for {
		frame, rest, ok, err := wire.Split(c.buf, blubbel.HighestMaxPayload)
		if err != nil || !ok {
			break
		}
		whole := c.buf[:len(c.buf)-len(rest)]
		if frame.Kind == wire.KindMessage && c.l.seen.Add(1) == c.l.N {
			if c.l.Fault == Cut {
				return 0, c.Close()
			}
			out = append(out, spoil(whole, c.l.Fault)...)
		} else {
			out = append(out, whole...)
		}
		c.buf = rest
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

func spoil(frame []byte, f Fault) []byte {
	switch f {
	case Lose:
		return nil
	case Double:
		return append(frame[:len(frame):len(frame)], frame...)
	case Damage:
		bad := append([]byte(nil), frame...)
		bad[len(bad)-1] ^= 1
		return bad
	}
	return frame
}
