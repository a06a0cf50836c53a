package client

import (
	"errors"
	"fmt"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	"trunkline/internal/limit"
)

// Errors of actions.
var (
	// ErrUnknownContact means that the key is not that of a contact.
	ErrUnknownContact = errors.New("unknown contact")
	// ErrNotAsking means that there is no request to accept.
	ErrNotAsking = errors.New("contact did not ask for a session")
	// ErrSelf means that the key is the client's own.
	ErrSelf = errors.New("this is your own key")
	// ErrTooLong means that a text does not fit into a frame.
	ErrTooLong = errors.New("text is too long")
	// ErrOutboxFull means that too many texts wait for this contact.
	ErrOutboxFull = errors.New("outbox is full")
	// ErrNotText means that a text is not valid UTF-8.
	ErrNotText = errors.New("text is not valid UTF-8")
	// ErrRemoved is why a waiting text fails: its contact was removed or blocked.
	ErrRemoved = errors.New("contact was removed")
)

var (
	errHungUp    = errors.New("connection is closed")
	errLoginSlow = errors.New("relay did not finish the login in time")
	errStalled   = errors.New("relay does not take what is sent")
	errUnasked   = errors.New("relay sent a challenge where none belongs")
)

// An Outlet takes what a [Machine] gives out. Its methods are called inside
// those of the Machine; they must neither wait nor call it.
type Outlet interface {
	// Queue takes a packet for the relay. It must not keep p. Written follows
	// for each packet that the socket took.
	Queue(p wire.Packet)
	// Room reports whether a text should be queued now. After it said no,
	// Written or Resume says that it may be asked again. Other packets, which
	// are few, come without asking.
	Room() bool
	// Emit takes an event.
	Emit(e Event)
	// HangUp ends the connection; Disconnected follows with the reason.
	HangUp(why error)
}

// phase is the life of a connection.
type phase uint8

const (
	offline   phase = 1
	loggingIn phase = 2
	proving   phase = 3 // the one challenge of a connection was answered
	online    phase = 4
)

// A Machine is the protocol of a client without goroutines, clock, sockets or
// locks. A driver tells it Connected, then Receive for each packet, then
// Disconnected, and calls Advance when Deadline has come. It is used by one
// goroutine at a time, except for [Machine.Open] and [Machine.Stats].
type Machine struct {
	redacted
	conf  Config
	self  blubbel.PublicKey
	suite suite
	out   Outlet

	phase    phase
	loginBy  time.Time // zero when not logging in
	onlineAt time.Time // zero before the login of this connection
	over     error     // why going on makes no sense
	failures int       // connections in a row that were of no use

	roster  roster
	blocked map[blubbel.PublicKey]struct{}
	agenda  agenda

	asks    queue[*contact] // whose Start is to be sent
	askAt   time.Time       // when the first of asks may be; zero for no wait
	askFrom time.Time       // the relay asked for patience until then
	slow    int             // how often in a row it did
	pace    limit.Bucket    // of Start
	guests  limit.Bucket    // of Starts opened for somebody unknown

	ready   queue[*contact] // whose outbox may be sent from
	flight  queue[flight]   // queued at the outlet, not written
	lastRef Ref
	renewAt uint64 // counter from which on a new session is asked for
	lastAt  uint64 // counter that is not used any more

	packet  wire.Message // reused
	sealed  []byte       // reused
	opened  []byte       // reused
	counted counters
}

// NewMachine returns a machine that is not connected. The error wraps
// [blubbel.ErrBadKey].
func NewMachine(c Config, out Outlet) (*Machine, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	m := &Machine{
		conf:    c,
		self:    c.Key.Public(),
		suite:   newSuite(c.Key),
		out:     out,
		phase:   offline,
		roster:  roster{byKey: make(map[string]*contact)},
		blocked: make(map[blubbel.PublicKey]struct{}),
		pace:    limit.NewBucket(limit.Rate{Burst: startBurst, PerSecond: startRate}),
		guests:  limit.NewBucket(limit.Rate{Burst: guestBurst, PerSecond: guestRate}),
		renewAt: blubbel.MaxSessionMessages - renewMargin,
		lastAt:  blubbel.MaxSessionMessages,
	}
	for _, k := range c.Contacts {
		if k != m.self && m.contact(k) == nil {
			m.roster.add(k, wanted)
		}
	}
	for _, k := range c.Blocked {
		m.blocked[k] = struct{}{}
	}
	return m, nil
}

// Connected begins a login on a new connection.
func (m *Machine) Connected(now time.Time) {
	m.phase = loggingIn
	m.loginBy = now.Add(blubbel.LoginTimeout)
	m.counted.connected.Add(1)
	m.queue(&wire.Login{Key: m.self.Bytes()}, nil, message{})
}

// Disconnected ends a connection, or an attempt at one. Every session ends with
// it; texts that the socket did not take go back to their outboxes. The driver
// should connect again after retry, unless over is not nil: then going on makes
// no sense.
func (m *Machine) Disconnected(now time.Time, why error) (retry time.Duration, over error) {
	if !m.onlineAt.IsZero() && now.Sub(m.onlineAt) >= maxBackoff {
		m.failures = 0
	}
	if m.over == nil {
		retry = jitter(m.conf.Rand, backoff(firstBackoff, maxBackoff, m.failures))
		m.failures++
	}
	m.phase, m.loginBy, m.onlineAt = offline, time.Time{}, time.Time{}
	m.out.Emit(Offline{Why: why, Retry: retry})
	m.asks, m.askAt, m.askFrom, m.slow = queue[*contact]{}, time.Time{}, time.Time{}, 0
	m.ready = queue[*contact]{}
	m.recall()
	for _, c := range m.roster.inOrder {
		c.hangUp()
		m.settle(now, c)
	}
	return retry, m.over
}

// Written says that the socket took the next n of the packets queued.
func (m *Machine) Written(now time.Time, n int) {
	for range min(n, m.flight.len()) {
		if f := m.flight.pop(); f.message.ref != 0 {
			m.counted.sent.Add(1)
			m.out.Emit(Sent{Ref: f.message.ref, To: f.to.key})
		}
	}
	m.pump(now)
}

// Resume says that the outlet may have room for texts again.
func (m *Machine) Resume(now time.Time) { m.pump(now) }

// hangUp ends the connection from our side.
func (m *Machine) hangUp(why error) {
	m.phase, m.loginBy = offline, time.Time{}
	m.out.HangUp(why)
}

// settle is called when something about a contact has changed: it tells the user
// if the state did, and sees to what is due.
func (m *Machine) settle(now time.Time, c *contact) {
	if m.phase == online && c.wants() && !c.negotiating() && c.retryAt.IsZero() {
		c.retryAt = c.again(now)
	}
	m.agenda.set(c, c.deadline())
	if s := c.state(); s != c.shown {
		c.shown = s
		m.out.Emit(ContactChanged{m.describe(c)})
	}
	m.offerTexts(c)
	m.pump(now)
}

// describe is c as the user sees it.
func (m *Machine) describe(c *contact) Contact {
	return Contact{Key: c.key, State: c.state(), Proven: c.key.Form() == blubbel.DER, Waiting: c.outbox.len()}
}

// ask asks c for a session as soon as the pace allows it.
func (m *Machine) ask(now time.Time, c *contact) {
	c.retryAt = time.Time{}
	if m.phase == online && !c.negotiating() {
		c.queued = true
		m.asks.push(c)
	}
	m.sendStarts(now)
	m.settle(now, c)
}

// sendStarts sends the Starts that the pace allows.
func (m *Machine) sendStarts(now time.Time) {
	m.askAt = time.Time{}
	for m.phase == online && m.asks.len() > 0 {
		c := m.asks.first()
		if !c.queued || c.served() {
			c.queued = false
			m.asks.pop()
			continue
		}
		if wait := max(m.askFrom.Sub(now), m.pace.Wait(now, 1)); wait > 0 {
			m.askAt = now.Add(wait)
			return
		}
		m.pace.Take(now, 1)
		m.asks.pop()
		c.queued = false
		m.sendStart(now, c)
	}
}

// sendStart makes an offer and sends it. A key that nothing can be sealed to
// leaves its contact without a session.
func (m *Machine) sendStart(now time.Time, c *contact) {
	x := m.suite.exponent()
	y := x.public()
	c.askedAt = now
	c.retries++
	sealed, err := m.suite.seal(c.key, &y.b)
	if err != nil {
		m.counted.unsealed.Add(1)
		m.settle(now, c)
		return
	}
	c.start = &offer{x: x, y: y, sealed: sealed, sentAt: now}
	m.queue(&wire.Start{Peer: c.id, Sealed: sealed}, nil, message{})
	m.settle(now, c)
}

// accept answers a Start whose value was opened. Specification, Session.
func (m *Machine) accept(now time.Time, c *contact, theirs *value, sealed []byte) error {
	x := m.suite.exponent()
	y := x.public()
	shared, err := x.shared(theirs)
	if err != nil {
		return err
	}
	answer, err := m.suite.seal(c.key, &y.b)
	if err != nil {
		return fmt.Errorf("answer %v: %w", c.key.Short(), err)
	}
	c.start, c.request = nil, nil
	s := deriveKeys(c.key, m.self, theirs, y, shared).accepted(m.self, c.key)
	s.start = startID(sealed)
	m.queue(&wire.Accept{Peer: c.id, Sealed: answer}, nil, message{})
	m.agree(now, c, s)
	return nil
}

// agree begins a session that both sides can compute, with its confirmation.
func (m *Machine) agree(now time.Time, c *contact, s *session) {
	c.pending, c.pendedAt = s, now
	m.seal(c, s, message{})
	m.settle(now, c)
}

// queue hands a packet to the outlet. to and text are those of a text.
func (m *Machine) queue(p wire.Packet, to *contact, text message) {
	m.flight.push(flight{to: to, message: text})
	m.out.Queue(p)
}

// seal sends the next message of a session.
func (m *Machine) seal(c *contact, s *session, text message) {
	m.sealed = s.out.seal(m.sealed[:0], text.text)
	m.packet = wire.Message{Peer: c.id, Sealed: m.sealed}
	m.queue(&m.packet, c, text)
}

func (m *Machine) isBlocked(k blubbel.PublicKey) bool {
	_, ok := m.blocked[k]
	return ok
}
