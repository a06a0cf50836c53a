package sim

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
	"trunkline/internal/simnet"
)

// conn is a connection at the relay: its machine's Outlet, and its socket's
// Handler.
type conn struct {
	y      *relay
	link   *link
	stream *simnet.Stream
	conn   *server.Conn

	in       []byte // not yet taken by the machine
	held     bool   // not read: something is to be done first
	patience time.Time
	waiting  []*conn // held for room in this one's queue

	out     []byte // not yet taken by the socket
	dirty   bool
	leaving bool // the machine has closed it
	words   bool // and what is queued has to go out first
	said    bool // it has
	gone    bool // the socket is closed
}

// name is who has logged in, for people.
func (c *conn) name() string { return c.y.r.ledger.name(c.conn.Key()) }

// Receive takes what the client sends.
func (c *conn) Receive(_ time.Time, b []byte) {
	c.in = append(c.in, b...)
	c.consume()
}

// Connected is for dialers.
func (c *conn) Connected(time.Time) {}

// Closed ends the connection.
func (c *conn) Closed(_ time.Time, err error) { c.closed(err) }

// Drained sends what waits.
func (c *conn) Drained(time.Time) {
	c.dirty = true
	c.y.turn(func(time.Time) {})
}

// closed is for when the socket does not bring anything more.
func (c *conn) closed(error) {
	if !c.gone {
		c.y.turn(func(now time.Time) { c.y.m.Close(now, c.conn) })
		c.hangUp()
	}
}

// consume hands whole frames to the machine and does what that asks for.
func (c *conn) consume() {
	for len(c.in) > 0 && !c.held && !c.gone {
		var n int
		var todo server.Todo
		b := c.in
		c.y.turn(func(now time.Time) { n, todo = c.y.m.Take(now, c.conn, b) })
		c.in = b[n:]
		if n > 0 {
			c.patience = time.Time{}
		}
		switch {
		case todo.Seal != nil:
			c.seal(bytes.Clone(todo.Seal))
		case todo.Full != nil:
			c.stall(todo.Full.(*conn), todo.Size)
		case todo.Wait > 0:
			c.hold()
			c.y.place.later(todo.Wait, c.unhold)
		default:
			return
		}
	}
}

// hold stops reading; what the client sends waits in the network.
func (c *conn) hold() {
	c.held = true
	c.stream.Pause()
}

// unhold reads on.
func (c *conn) unhold() {
	if !c.held || c.gone {
		return
	}
	c.held = false
	c.consume()
	if !c.held && !c.gone {
		c.stream.Resume()
	}
}

// seal makes a challenge.
func (c *conn) seal(key []byte) {
	var challenge *blubbel.Challenge
	k, err := blubbel.ParsePublicKey(key)
	if err == nil {
		challenge, _ = blubbel.NewChallenge(k) // nil: a key that cannot be sealed to is a bad one
	}
	c.hold()
	c.y.place.later(sealing, func() {
		if !c.gone {
			c.y.turn(func(now time.Time) { c.y.m.Challenged(now, c.conn, k, challenge) })
		}
		c.unhold()
	})
}

// stall waits until another's queue has room, and cuts that one if it takes too
// long.
func (c *conn) stall(full *conn, size int) {
	if full.leaving || full.fits(size) {
		return // what was queued has just gone out
	}
	limit := c.y.config.Stall
	if limit == 0 {
		limit = blubbel.StallTimeout
	}
	now := c.y.r.w.Now()
	if c.patience.IsZero() {
		c.patience = now.Add(limit)
	}
	c.hold()
	full.waiting = append(full.waiting, c)
	patience := c.patience
	c.y.place.later(patience.Sub(now), func() {
		if c.held && c.patience.Equal(patience) && slices.Contains(full.waiting, c) {
			c.y.r.note(relayName, "cuts", full.name())
			c.y.turn(func(now time.Time) { c.y.m.Cut(now, full.conn) })
		}
	})
}

// wake lets those try again who wait for room.
func (c *conn) wake() {
	waiting := c.waiting
	c.waiting = nil
	for _, o := range waiting {
		c.y.place.later(0, o.unhold)
	}
}

func (c *conn) fits(n int) bool {
	limit := c.y.config.Queue
	if limit == 0 {
		limit = blubbel.QueueSize
	}
	return len(c.out) == 0 || len(c.out)+n <= limit
}

// Forward takes another client's frame.
func (c *conn) Forward(k wire.Kind, from string, body []byte) bool {
	if !c.fits(wire.HeadSize + len(from) + len(body)) {
		return false
	}
	c.y.forward(c, k, from, body)
	return true
}

// put queues a frame.
func (c *conn) put(k wire.Kind, from string, body []byte) {
	c.out = append(append(wire.AppendHead(c.out, k, len(from)+len(body)), from...), body...)
	c.dirty = true
}

// Answer takes a frame of the relay itself.
func (c *conn) Answer(k wire.Kind, payload []byte) { c.put(k, "", payload) }

// Full reports whether there is no room for more.
func (c *conn) Full() bool { return !c.fits(1) }

// Close ends the connection after what was taken has gone out.
func (c *conn) Close(why error) {
	c.leaving, c.dirty = true, true
	c.words = len(c.out) > 0 && !errors.Is(why, server.ErrSlowReader)
	if p := c.y.r.ledger.byKey[c.conn.Key()]; p != nil {
		c.y.r.ledger.broke(p)
	}
	c.wake()
	if c.words {
		c.y.place.later(farewell, c.hangUp)
	}
}

// flush hands what waits to the socket.
func (c *conn) flush() {
	switch {
	case c.gone, c.said:
		return
	case c.leaving && !c.words:
		c.hangUp()
		return
	}
	n, err := c.stream.Write(c.out)
	c.out = c.out[n:]
	if n > 0 || err != nil {
		c.wake()
	}
	if len(c.out) == 0 && c.words {
		c.said = true
		c.stream.CloseWrite() // the client ends it when it has read everything
	}
}

// hangUp closes the socket.
func (c *conn) hangUp() {
	if c.gone {
		return
	}
	c.gone = true
	c.link.conn = nil
	c.stream.Close()
	c.wake()
	c.y.conns = slices.DeleteFunc(c.y.conns, func(o *conn) bool { return o == c })
}
