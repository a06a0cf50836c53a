package sim

import (
	"net/netip"
	"slices"
	"time"

	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
	"trunkline/internal/simnet"
)

// Numbers of blubbel/server, whose goroutines a relay stands in for.
const (
	farewell = time.Second
	sealing  = time.Millisecond // the most that making a challenge takes
)

// closedPort is dialed while the relay is down.
const closedPort = 8000

// relay is a machine on a host, and its connections. After a crash there is
// another machine.
type relay struct {
	r        *run
	place    *place
	config   server.Config
	m        *server.Machine
	conns    []*conn // of this machine, until they are closed
	total    server.Stats
	meddling []*meddling
}

func newRelay(r *run) (*relay, error) {
	s := r.sc.Relay
	y := &relay{r: r, config: server.Config{
		RefuseRaw: s.RefuseRaw, MaxPayload: s.MaxPayload, Queue: s.Queue, Stall: time.Duration(s.Stall), Sessions: s.Sessions,
		StartBurst: s.StartBurst, StartRate: s.StartRate, StartRecipientRate: s.StartRecipientRate,
		FramesPerSecond: s.FramesPerSecond, PendingPerAddress: s.PendingPerAddress, LoginTimeout: time.Duration(s.LoginTimeout),
	}}
	r.relay = y
	y.place = r.addHost(relayName, nil, s.Line)
	return y, y.begin()
}

// begin starts a machine on the host.
func (y *relay) begin() error {
	m, err := server.NewMachine(y.config)
	if err != nil {
		return err
	}
	y.m = m
	y.r.w.Drive(y.place.host, timed{y, m})
	return nil
}

// timed is a machine with the clock of its host.
type timed struct {
	y *relay
	m *server.Machine
}

// Deadline is when Advance is due, on the world's clock.
func (t timed) Deadline() time.Time {
	at := t.m.Deadline()
	if at.IsZero() {
		return at
	}
	return at.Add(-t.y.place.skew)
}

// Advance does what is due.
func (t timed) Advance(time.Time) { t.y.turn(func(now time.Time) { t.m.Advance(now) }) }

// turn is how everything gets to the machine: afterwards what it has queued goes
// on its way, and the promises are looked at.
func (y *relay) turn(f func(now time.Time)) {
	f(y.place.now())
	for again := true; again; {
		again = false
		for _, c := range slices.Clone(y.conns) {
			if c.dirty {
				again, c.dirty = true, false
				c.flush()
			}
		}
	}
	y.check()
}

// expect opens a port for one connection of p, and returns where that is.
func (y *relay) expect(p *program) (*link, netip.AddrPort) {
	path := p.at.path()
	l := &link{program: p, path: path, moves: movesOf(path), heard: y.r.w.Now()}
	y.r.links = append(y.r.links, l)
	door, err := y.r.w.Listen(y.place.host, 0, func(_ time.Time, s *simnet.Stream) simnet.Handler {
		l.door.Close()
		return y.accept(l, s)
	})
	if err != nil { // the host is down
		return l, netip.AddrPortFrom(y.place.host.Addr(), closedPort)
	}
	l.door = door
	return l, door.Addr()
}

// accept takes a connection, or returns nil if the machine does not want it.
func (y *relay) accept(l *link, s *simnet.Stream) simnet.Handler {
	c := &conn{y: y, link: l, stream: s}
	y.turn(func(now time.Time) {
		if c.conn = y.m.Open(now, s.RemoteAddr().Addr(), c); c.conn != nil {
			l.conn = c
			y.conns = append(y.conns, c)
		}
	})
	if c.conn == nil {
		y.r.note(relayName, "turns away", s.RemoteAddr().Addr().String())
		return nil
	}
	return c
}

// check looks at what the relay promises of its memory.
func (y *relay) check() {
	stats := y.m.Stats()
	live, most := 0, y.mostQueued()
	for _, c := range y.conns {
		if !c.leaving {
			live++
		}
		if len(c.out) > most {
			y.r.broken("relay keeps %d bytes for %s", len(c.out), c.name())
		}
	}
	if stats.Connections != uint64(live) {
		y.r.broken("relay knows %d connections; %d are there", stats.Connections, live)
	}
	if n := uint64(live); stats.Sessions > n*n/2 {
		y.r.broken("relay keeps %d sessions of %d connections", stats.Sessions, n)
	}
}

// mostQueued is what may wait for one reader: a full queue or one frame, and the
// answers to the frames of one read, which an Error each is.
func (y *relay) mostQueued() int {
	queue, payload := y.config.Queue, y.config.MaxPayload
	if queue == 0 {
		queue = 256 << 10
	}
	if payload == 0 {
		payload = 64 << 10
	}
	return max(queue, payload+1<<10) + 2<<10
}

// mustBeEmpty is for when everybody has left.
func (y *relay) mustBeEmpty() {
	stats := y.m.Stats()
	if stats.Connections > 0 || stats.Sessions > 0 || len(y.conns) > 0 {
		y.r.broken("everybody has left, and the relay keeps %d connections (%d of them closed) and %d sessions",
			stats.Connections, len(y.conns), stats.Sessions)
	}
}

// crash stops the host.
func (y *relay) crash() {
	if y.place.down {
		return
	}
	y.place.down = true
	y.total = y.stats()
	for _, c := range y.conns {
		c.gone = true
		c.link.conn = nil
	}
	y.conns = nil
	y.place.host.Crash()
	for _, p := range y.r.people {
		y.r.ledger.broke(p)
	}
}

// restart brings the host up with a machine that knows nobody.
func (y *relay) restart() {
	y.place.down = false
	y.place.host.Restart()
	if err := y.begin(); err != nil {
		y.r.broken("relay does not start again: %v", err)
	}
}

// stats is the figures of this machine and of those before, but for what is there
// now, which is that of the last.
func (y *relay) stats() server.Stats {
	s, t := y.m.Stats(), y.total
	s.Accepted += t.Accepted
	s.Challenges += t.Challenges
	s.Takeovers += t.Takeovers
	s.BytesIn += t.BytesIn
	s.BytesOut += t.BytesOut
	s.RefusedPending += t.RefusedPending
	s.LoginTimeouts += t.LoginTimeouts
	s.Stalls += t.Stalls
	s.Cuts += t.Cuts
	s.Pauses += t.Pauses
	for i := range s.Logins {
		s.Logins[i] += t.Logins[i]
	}
	for i := range s.Errors {
		s.Errors[i] += t.Errors[i]
	}
	for i := range s.FramesIn {
		s.FramesIn[i] += t.FramesIn[i]
		s.FramesOut[i] += t.FramesOut[i]
	}
	return s
}

// kindOfText reports whether a forwarded body is that of a text, which a relay
// sees by its size: a confirmation is empty.
func kindOfText(k wire.Kind, body []byte) bool {
	return k == wire.KindMessage && len(body) > emptyMessage
}
