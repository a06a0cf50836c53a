package server

import (
	"container/list"
	"errors"
	"net/netip"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	"trunkline/internal/limit"
)

// Why the relay ended a connection without an error frame.
var (
	// ErrTooManyPending means that the address has as many connections before
	// login as it may.
	ErrTooManyPending = errors.New("too many connections of this address are not logged in")
	// ErrLoginTimeout means that the login took too long.
	ErrLoginTimeout = errors.New("not logged in in time")
	// ErrSlowReader means that the client did not read what was sent to it.
	ErrSlowReader = errors.New("client does not read")
)

// A Machine is the relay without clock, sockets, locks and goroutines: its
// caller passes the time, and the frames as they come. It must not be used from
// several goroutines at once.
type Machine struct {
	config  Config
	clients map[string]*Conn // logged in, by key as it stands in packets
	pending *list.List       // of *Conn: not logged in, the oldest first
	places  *limit.Count     // of pending connections, by address
	stats   Stats
	scratch []byte // for payloads that the machine writes itself
}

// A Todo is what its driver has to do for a connection before it hands over
// more of its bytes. The zero Todo is nothing.
type Todo struct {
	// Seal is a key, aliasing the frame: parse it and make a challenge for it
	// (which takes too long to hold a lock), then call Challenged.
	Seal []byte
	// Full has no room for the frame, which was not taken: hand it over again
	// when there is room for Size bytes. After [Config.Stall], Cut the connection
	// that does not read first.
	Full Outlet
	Size int
	// Wait is a pause, after which the frame, which was not taken, is to be
	// handed over again.
	Wait time.Duration
}

// held reports whether the frame was not taken.
func (t *Todo) held() bool { return t.Full != nil || t.Wait > 0 }

// NewMachine returns a relay without connections. It ignores Config.Log.
func NewMachine(c Config) (*Machine, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	return &Machine{
		config:  c,
		clients: make(map[string]*Conn),
		pending: list.New(),
		places: limit.NewCount(limit.CountConfig{
			Max: [3]int{c.PendingPerAddress}, ExemptLoopback: !c.LimitLoopback,
		}),
	}, nil
}

// Open takes a connection from remote (zero: a local one), which writes to out.
// It returns nil, and the connection is to be closed, if the address has too many
// connections that are not logged in.
func (m *Machine) Open(now time.Time, remote netip.Addr, out Outlet) *Conn {
	if !remote.IsValid() {
		remote = netip.IPv6Loopback()
	}
	token, ok := m.places.Acquire(remote)
	if !ok {
		m.stats.RefusedPending++
		return nil
	}
	m.stats.Accepted++
	c := &Conn{
		out:    out,
		login:  &login{deadline: now.Add(m.config.LoginTimeout), token: token},
		starts: limit.NewBucket(limit.Rate{PerSecond: m.config.StartRate, Burst: m.config.StartBurst}),
		asks:   limit.NewBucket(limit.Rate{PerSecond: m.config.StartRecipientRate}),
		frames: limit.NewBucket(limit.Rate{PerSecond: m.config.FramesPerSecond}),
	}
	c.login.place = m.pending.PushBack(c)
	return c
}

// Take takes the whole frames that b begins with, up to one that leaves
// something to do, and returns how many bytes they were. Of a connection that
// has ended it takes everything.
func (m *Machine) Take(now time.Time, c *Conn, b []byte) (n int, todo Todo) {
	for c.state != ended {
		f, _, whole, err := wire.Split(b[n:], m.limit(c))
		if err != nil {
			m.stats.FramesIn.count(f.Kind)
			m.refuse(c, f.Kind, nil, tooLarge)
			break
		}
		if !whole {
			return n, Todo{}
		}
		todo = m.Receive(now, c, f)
		if todo.held() {
			return n, todo
		}
		n += f.Size()
		if todo.Seal != nil {
			return n, todo
		}
	}
	return len(b), Todo{}
}

// limit is how large a payload may be.
func (m *Machine) limit(c *Conn) int {
	if c.state == loggedIn {
		return m.config.MaxPayload
	}
	return blubbel.MaxLoginPayload
}

// Close is to be called when a connection is gone. It ends its sessions.
func (m *Machine) Close(_ time.Time, c *Conn) { m.end(c, nil) }

// Cut ends a connection that does not read.
func (m *Machine) Cut(_ time.Time, c *Conn) {
	if c.state != ended {
		m.stats.Cuts++
	}
	m.end(c, ErrSlowReader)
}

// Stats returns the figures so far.
func (m *Machine) Stats() Stats {
	s := m.stats
	s.Pending = uint64(m.pending.Len())
	s.Connections = s.Pending + uint64(len(m.clients))
	return s
}

// enter makes c the connection of its key.
func (m *Machine) enter(c *Conn, key blubbel.PublicKey) {
	c.key = string(key.Bytes())
	m.leavePending(c)
	c.state = loggedIn
	m.clients[c.key] = c
	m.stats.LoggedIn[key.Form()]++
	m.stats.Logins[key.Form()]++
	m.answer(c, wire.KindLogin, nil)
}

// end makes c forget and be forgotten. Ending twice is harmless.
func (m *Machine) end(c *Conn, why error) {
	switch c.state {
	case ended:
		return
	case loggedIn:
		delete(m.clients, c.key)
		m.stats.LoggedIn[formOf(c.key)]--
		for peer := range c.peers {
			m.relate(c, peer, 0)
		}
	default:
		m.leavePending(c)
	}
	c.state = ended
	c.out.Close(why)
}

func (m *Machine) leavePending(c *Conn) {
	m.pending.Remove(c.login.place)
	c.login.token.Release()
	c.login = nil
}

// relate replaces what stands between a and b, as a sees it.
func (m *Machine) relate(a, b *Conn, r relation) {
	if a.peers[b]&open != 0 {
		m.stats.Sessions--
	}
	if r&open != 0 {
		m.stats.Sessions++
	}
	a.set(b, r)
	b.set(a, r.turned())
}

// hasRoom reports whether c may have a session with peer.
func (m *Machine) hasRoom(c, peer *Conn) bool {
	return c.peers[peer].counts() || c.sessions < m.config.Sessions
}

func formOf(key string) blubbel.Form {
	if len(key) == blubbel.RawKeySize {
		return blubbel.Raw
	}
	return blubbel.DER
}
