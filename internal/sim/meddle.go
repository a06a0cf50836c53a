package sim

import (
	"bytes"

	"trunkline/blubbel/wire"
)

// meddling is what a dishonest relay does to the next texts of a pair. Other
// frames it leaves alone: without them there is no session to speak of.
type meddling struct {
	pair *pair
	what string
	left int
	held []byte // of a swap: the text that goes after the next
}

// forward queues a frame for c, or what the relay makes of it.
func (y *relay) forward(c *conn, k wire.Kind, from string, body []byte) {
	m := y.meddles(c, k, from, body)
	if m == nil {
		c.put(k, from, body)
		return
	}
	y.r.ledger.meddled(m.pair, m.what)
	m.left--
	switch m.what {
	case "drop":
	case "repeat":
		c.put(k, from, body)
		c.put(k, from, body)
	case "damage":
		body = bytes.Clone(body)
		body[len(body)-1] ^= 1
		c.put(k, from, body)
	case "swap":
		if m.held == nil {
			m.held = bytes.Clone(body)
			m.left++
			return
		}
		c.put(k, from, body)
		c.put(k, from, m.held)
		m.held = nil
	}
}

// meddles is what is to be done to a frame, or nil.
func (y *relay) meddles(c *conn, k wire.Kind, from string, body []byte) *meddling {
	if !kindOfText(k, body) {
		return nil
	}
	l := y.r.ledger
	a, b := l.who([]byte(from)), l.byKey[c.conn.Key()]
	for _, m := range y.meddling {
		if m.left > 0 && m.pair.from == a && m.pair.to == b {
			return m
		}
	}
	return nil
}
