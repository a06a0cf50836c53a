package client

import (
	"fmt"
	"time"
	"unicode/utf8"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// Receive takes a packet from the relay, and opens what is sealed in it: up to
// one RSA operation with the secret key. It does not keep p.
func (m *Machine) Receive(now time.Time, p wire.Packet) {
	if sealed := m.Admit(now, p); sealed != nil {
		m.Opened(now, p, m.Open(sealed))
	}
}

// Admit is Receive for drivers that do public-key work elsewhere. What it
// returns, a part of p, if not nil, is to be given to Open, and then p with the
// result to Opened, before the next packet.
func (m *Machine) Admit(now time.Time, p wire.Packet) (sealed []byte) {
	m.counted.packets.Add(1)
	switch p := p.(type) {
	case *wire.Challenge:
		m.onChallenge(p)
	case *wire.LoginAccepted:
		m.onLoginAccepted(now)
	case *wire.Error:
		m.onError(now, p)
	case *wire.Message:
		m.onMessage(now, p)
	case *wire.Start:
		return m.onStart(now, p)
	case *wire.Accept:
		return m.onAccept(p)
	}
	return nil
}

// Open opens a sealed value; nil means that it cannot be. It may be called from
// any goroutine.
func (m *Machine) Open(sealed []byte) *[blubbel.ValueSize]byte {
	y, err := m.suite.open(sealed)
	if err != nil {
		return nil
	}
	return &y
}

// Opened takes a packet whose sealed value Admit wanted opened; nil means that
// it could not be.
func (m *Machine) Opened(now time.Time, p wire.Packet, y *[blubbel.ValueSize]byte) {
	if y == nil {
		m.counted.unsealed.Add(1)
		return
	}
	if m.phase != online {
		return
	}
	switch p := p.(type) {
	case *wire.Start:
		m.onStartOpened(now, p, &value{b: *y})
	case *wire.Accept:
		m.onAcceptOpened(now, p, &value{b: *y})
	}
}

// onChallenge answers the one challenge that a connection may bring. Only while
// logging in is anything opened with the label of logins.
func (m *Machine) onChallenge(p *wire.Challenge) {
	if m.phase != loggingIn || m.self.Form() != blubbel.DER {
		m.counted.unexpected.Add(1)
		if m.phase != offline {
			m.hangUp(errUnasked)
		}
		return
	}
	proof, err := m.conf.Key.Prove(p.Sealed)
	if err != nil {
		m.hangUp(fmt.Errorf("answer the relay's challenge: %w", err))
		return
	}
	m.phase = proving
	m.queue(&wire.Proof{MAC: proof}, nil, message{})
}

func (m *Machine) onLoginAccepted(now time.Time) {
	if m.phase != loggingIn && m.phase != proving {
		m.counted.unexpected.Add(1)
		return
	}
	m.phase, m.loginBy, m.onlineAt = online, time.Time{}, now
	m.counted.loggedIn.Add(1)
	m.out.Emit(Online{})
	for _, c := range m.roster.inOrder {
		if c.standing == wanted {
			c.queued = true
			m.asks.push(c)
		}
		m.settle(now, c)
	}
	m.sendStarts(now)
}

// onStart decides whether a Start is worth opening. Glare, blocked people,
// repetitions and requests that only the user can answer are not.
func (m *Machine) onStart(now time.Time, p *wire.Start) (sealed []byte) {
	c := m.roster.find(p.Peer)
	switch {
	case m.phase != online:
		m.counted.unexpected.Add(1)
	case c == nil && m.conf.AutoAccept:
		return m.onGuest(now, p)
	case c == nil || c.standing == stranger:
		m.onRequest(now, c, p)
	case c.start != nil && m.self.Compare(c.key) < 0:
		m.onGlare(now, c)
	case c.knows(p.Sealed):
		m.counted.repeated.Add(1)
	default:
		return p.Sealed
	}
	return nil
}

// onGuest decides whether somebody unknown may cost us an RSA operation.
func (m *Machine) onGuest(now time.Time, p *wire.Start) (sealed []byte) {
	if m.stranger(p.Peer) == nil {
		return nil
	}
	if !m.guests.Take(now, 1) {
		m.counted.ignored.Add(1)
		return nil
	}
	return p.Sealed
}

// stranger returns the key of somebody unknown who may ask us, or nil.
func (m *Machine) stranger(b []byte) *blubbel.PublicKey {
	k, err := blubbel.ParsePublicKey(b)
	if err != nil || k == m.self || m.isBlocked(k) {
		m.counted.ignored.Add(1)
		return nil
	}
	return &k
}

// onRequest keeps the Start of somebody unknown for the user to decide.
func (m *Machine) onRequest(now time.Time, c *contact, p *wire.Start) {
	if len(p.Sealed) > blubbel.MaxSealedSize {
		m.counted.unsealed.Add(1)
		return
	}
	if c == nil {
		k := m.stranger(p.Peer)
		if k == nil {
			return
		}
		c = m.admit(now, *k, stranger, maxStrangers)
	}
	known := c.request != nil
	c.request = &request{sealed: append([]byte(nil), p.Sealed...), at: now}
	if !known {
		m.out.Emit(Request{From: c.key})
	}
	m.settle(now, c)
}

// admit adds a contact that was not the user's idea; the oldest such makes room.
func (m *Machine) admit(now time.Time, k blubbel.PublicKey, s standing, most int) *contact {
	if old := m.roster.surplus(s, most); old != nil {
		m.drop(now, old)
	}
	return m.roster.add(k, s)
}

// onGlare ignores the Start of a contact with the larger key, who is asked
// already and will drop it. If they do not answer soon, they have connected
// since and never saw our Start: they get it again. Specification, Session.
func (m *Machine) onGlare(now time.Time, c *contact) {
	m.counted.ignored.Add(1)
	c.start.againAt = c.start.sentAt.Add(glareAge)
	if !c.start.againAt.After(now) {
		m.sendAgain(now, c)
	}
	m.settle(now, c)
}

// sendAgain repeats the Start that waits for an answer, as it was: whichever of
// the two is answered, the session is the same.
func (m *Machine) sendAgain(now time.Time, c *contact) {
	c.start.sentAt, c.start.againAt = now, time.Time{}
	m.queue(&wire.Start{Peer: c.id, Sealed: c.start.sealed}, nil, message{})
}

// onStartOpened accepts a Start. An own Start that is on its way gives way.
func (m *Machine) onStartOpened(now time.Time, p *wire.Start, y *value) {
	c := m.roster.find(p.Peer)
	if c == nil {
		k := m.stranger(p.Peer)
		if k == nil {
			return
		}
		c = m.admit(now, *k, guest, maxGuests)
	}
	if m.accept(now, c, y, p.Sealed) != nil {
		m.counted.unsealed.Add(1)
	}
}

// onAccept decides whether an Accept is worth opening: only if it was asked for.
func (m *Machine) onAccept(p *wire.Accept) (sealed []byte) {
	c := m.roster.find(p.Peer)
	if m.phase != online || c == nil || c.start == nil {
		m.counted.unexpected.Add(1)
		return nil
	}
	return p.Sealed
}

func (m *Machine) onAcceptOpened(now time.Time, p *wire.Accept, y *value) {
	c := m.roster.find(p.Peer)
	if c == nil || c.start == nil {
		m.counted.unexpected.Add(1)
		return
	}
	shared, err := c.start.x.shared(y)
	if err != nil {
		m.counted.unsealed.Add(1)
		return
	}
	k := deriveKeys(m.self, c.key, c.start.y, y, shared)
	c.start, c.request = nil, nil
	m.slow = 0
	m.agree(now, c, k.initiated(m.self, c.key))
}

func (m *Machine) onMessage(now time.Time, p *wire.Message) {
	c := m.roster.find(p.Peer)
	if m.phase != online || c == nil {
		m.counted.unopened.Add(1)
		return
	}
	text, from, err := c.open(m.opened, p.Sealed)
	switch {
	case err == errGap:
		m.onGap(now, c, from)
	case err == errRepeated:
		m.counted.repeated.Add(1)
	case err != nil:
		m.counted.unopened.Add(1)
		m.onUnopened(now, c, len(p.Sealed) > blubbel.CounterSize+blubbel.TagSize)
	case from == fromPending:
		m.onConfirmation(now, c, text)
	default:
		m.opened = text[:0]
		m.onText(now, c, from, text)
	}
}

// onConfirmation ends the agreement on a session: texts may be sent.
func (m *Machine) onConfirmation(now time.Time, c *contact, text []byte) {
	if len(text) > 0 {
		m.counted.unexpected.Add(1)
		c.pending = nil
	} else {
		m.counted.sessions.Add(1)
		c.confirm(now)
	}
	m.settle(now, c)
}

func (m *Machine) onText(now time.Time, c *contact, from origin, text []byte) {
	if from == fromCurrent {
		c.old = nil // whatever was sent under it has come
	}
	if !utf8.Valid(text) {
		m.counted.notText.Add(1)
		return
	}
	c.heardAt = now
	m.counted.received.Add(1)
	m.out.Emit(Received{From: c.key, Text: string(text), At: now})
}

// onGap ends a session on which messages were lost, and asks for another unless
// one has taken its place already or is about to.
func (m *Machine) onGap(now time.Time, c *contact, from origin) {
	m.counted.lost.Add(1)
	m.out.Emit(Lost{From: c.key})
	c.old, c.told = nil, true
	switch from {
	case fromPending:
		c.pending, c.current = nil, nil
	case fromCurrent:
		c.current = nil
	}
	if c.current == nil && c.pending == nil {
		c.renew = false
		m.ask(now, c)
		return
	}
	m.settle(now, c)
}

// onUnopened handles a message that no key opens. In a session it is nobody's
// business: forged, or sent long ago. Where there is none, or we gave one up
// that the other may have confirmed, it means that they believe in one that we
// do not have: they get a new one. What was a text, and no mere confirmation, is
// lost: the user is told so once a session.
func (m *Machine) onUnopened(now time.Time, c *contact, text bool) {
	if c.standing == stranger || c.current != nil && !c.gaveUp {
		return
	}
	if text && !c.told {
		c.told = true
		m.counted.lost.Add(1)
		m.out.Emit(Lost{From: c.key})
	}
	if c.negotiating() || !c.retryAt.IsZero() {
		return
	}
	c.renew = c.current != nil
	c.retryAt = c.again(now)
	m.settle(now, c)
}

// onError is told that a frame was not obeyed. Specification, Errors.
func (m *Machine) onError(now time.Time, p *wire.Error) {
	m.counted.refused.Add(1)
	err := &blubbel.Error{Code: p.Code, Text: p.Text}
	switch {
	case m.phase == offline:
	case m.phase != online:
		if p.Code == blubbel.CodeBadKey {
			m.over = fmt.Errorf("log in: %w", err)
		}
		m.hangUp(fmt.Errorf("log in: %w", err))
	case p.Code == blubbel.CodeKeyInUse:
		m.over = err
		m.hangUp(err)
	case p.Code == blubbel.CodeBadFrame, p.Code == blubbel.CodeNotLoggedIn, p.Code == blubbel.CodeTooLarge:
		m.out.Emit(Refused{Err: err, Answered: p.Answered})
		m.hangUp(err)
	default:
		if c := m.roster.find(p.Peer); c != nil {
			m.onRefused(now, c, p.Answered, err)
		}
	}
}

// onRefused changes what an error says about a contact. An error about a message
// leaves a pending session alone while the other is connected: the message may
// be older than the agreement.
func (m *Machine) onRefused(now time.Time, c *contact, answered wire.Kind, err *blubbel.Error) {
	again := false
	switch {
	case answered == wire.KindStart && c.start != nil:
		c.start = nil
		if again = err.Code == blubbel.CodeSlowDown; again {
			m.askFrom = now.Add(backoff(firstRetry, maxRetry, m.slow))
			m.slow++
		}
	case answered == wire.KindAccept && c.pending != nil:
		c.pending = nil
		again = err.Code == blubbel.CodeNoSession
	case answered == wire.KindMessage && err.Code == blubbel.CodeNotConnected && (c.current != nil || c.pending != nil):
		c.pending, c.current, c.old, c.renew = nil, nil, nil, false
	case answered == wire.KindMessage && err.Code == blubbel.CodeNoSession && c.current != nil:
		c.current, c.old, c.renew = nil, nil, false
	default:
		return
	}
	m.out.Emit(Refused{Err: err, Answered: answered, Peer: c.key})
	if again {
		m.ask(now, c)
	} else {
		m.settle(now, c)
	}
}
