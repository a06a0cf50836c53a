package server

import (
	"container/list"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	"trunkline/internal/limit"
)

// An Outlet takes what a [Machine] sends to one client. Its methods must not
// block, call the machine, or keep the slices that they are given.
type Outlet interface {
	// Forward takes a frame of another client: its payload is from, the sender's
	// key as it stands in packets, and body. It reports false and takes nothing
	// while the queue has no room for it; an empty queue always has.
	Forward(k wire.Kind, from string, body []byte) bool
	// Answer takes a frame of the relay itself, whatever is queued.
	Answer(k wire.Kind, payload []byte)
	// Full reports whether the queue has no room even for an answer.
	Full() bool
	// Close ends the connection after what was taken has gone out. It is called
	// once, and nothing is sent afterwards. why is a [*blubbel.Error] that the
	// client is told too, one of the Err values of this package, or nil.
	Close(why error)
}

// state is how far a connection has come, in the order of life.
type state uint8

const (
	fresh      state = iota // nothing has come
	sealing                 // a DER key has come, its challenge is being made
	challenged              // the challenge is out
	loggedIn
	ended
)

// relation is what stands between two connections, as one of them sees it.
// Specification, Server state.
type relation uint8

const (
	asked  relation = 1 << iota // asked(I, other)
	asking                      // asked(other, I)
	open
)

// counts reports whether the relation is one of the sessions of its connection.
func (r relation) counts() bool { return r&(asked|open) != 0 }

// turned is the same relation as the other sees it.
func (r relation) turned() relation {
	return r&open | r&asked<<1 | r&asking>>1
}

// A Conn is one connection inside a [Machine], which owns it.
type Conn struct {
	out      Outlet
	state    state
	answered bool   // since Full was last false
	stalled  bool   // the frame to come has waited already
	key      string // as it stands in packets; "" before login

	login    *login // nil once logged in or ended
	peers    map[*Conn]relation
	sessions int // of peers, those that count

	starts limit.Bucket // Start frames from it
	asks   limit.Bucket // Start frames to it
	frames limit.Bucket
}

// login is what a connection needs until it is logged in.
type login struct {
	deadline  time.Time
	place     *list.Element // in Machine.pending
	token     limit.Token
	key       blubbel.PublicKey  // with challenge
	challenge *blubbel.Challenge // while challenged
}

// LoggedIn reports whether c is logged in and has not ended.
func (c *Conn) LoggedIn() bool { return c.state == loggedIn }

// Key is the client's key; zero unless logged in. It parses the key anew.
func (c *Conn) Key() blubbel.PublicKey {
	k, _ := blubbel.ParsePublicKey([]byte(c.key)) // zero for ""
	return k
}

// set replaces what stands between c and peer on c's side.
func (c *Conn) set(peer *Conn, r relation) {
	if c.peers[peer].counts() {
		c.sessions--
	}
	if r.counts() {
		c.sessions++
	}
	switch {
	case r != 0 && c.peers == nil:
		c.peers = map[*Conn]relation{peer: r}
	case r != 0:
		c.peers[peer] = r
	case len(c.peers) == 1:
		c.peers = nil // an idle connection keeps no map
	default:
		delete(c.peers, peer)
	}
}
