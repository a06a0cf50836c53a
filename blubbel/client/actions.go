package client

import (
	"time"

	"trunkline/blubbel"
)

func (m *Machine) contact(k blubbel.PublicKey) *contact { return m.roster.find(k.Bytes()) }

// Add makes who a contact and asks for a session, or accepts the one that they
// asked for. A session that is there stays. Somebody blocked is so no longer.
// The error is ErrSelf, or wraps [blubbel.ErrBadKey] for no key.
func (m *Machine) Add(now time.Time, who blubbel.PublicKey) error {
	switch {
	case who.IsZero():
		return blubbel.ErrBadKey
	case who == m.self:
		return ErrSelf
	}
	delete(m.blocked, who)
	c := m.contact(who)
	if c == nil {
		c = m.roster.add(who, wanted)
	}
	c.standing = wanted
	switch {
	case c.request != nil:
		m.answer(now, c)
	case c.current == nil:
		m.ask(now, c)
	}
	return nil
}

// Accept gives who the session that they asked for. The error is ErrNotAsking.
func (m *Machine) Accept(now time.Time, who blubbel.PublicKey) error {
	c := m.contact(who)
	if c == nil || c.request == nil {
		return ErrNotAsking
	}
	c.standing = wanted
	m.answer(now, c)
	return nil
}

// answer accepts a request, with an own Start if theirs is too old to be
// answered or cannot be.
func (m *Machine) answer(now time.Time, c *contact) {
	r := c.request
	c.request = nil
	if m.phase == online && !r.stale && now.Sub(r.at) <= lateAcceptance {
		if y := m.Open(r.sealed); y != nil && m.accept(now, c, &value{b: *y}, r.sealed) == nil {
			return
		}
		m.counted.unsealed.Add(1)
	}
	m.ask(now, c)
}

// Remove forgets who: the session, their request, and the texts that wait, which
// fail. The error is ErrUnknownContact.
func (m *Machine) Remove(now time.Time, who blubbel.PublicKey) error {
	c := m.contact(who)
	if c == nil {
		return ErrUnknownContact
	}
	m.drop(now, c)
	return nil
}

// Block is Remove for whoever it is, and ignores them from now on.
func (m *Machine) Block(now time.Time, who blubbel.PublicKey) error {
	switch {
	case who.IsZero():
		return blubbel.ErrBadKey
	case who == m.self:
		return ErrSelf
	}
	m.blocked[who] = struct{}{}
	if c := m.contact(who); c != nil {
		m.drop(now, c)
	}
	return nil
}

// drop forgets a contact.
func (m *Machine) drop(now time.Time, c *contact) {
	c.dropped = true
	m.roster.remove(c)
	c.hangUp()
	c.request = nil
	for _, t := range c.outbox.drain() {
		m.fail(c, t, ErrRemoved)
	}
	m.settle(now, c)
}

// Contacts lists the contacts, oldest first, and whoever asks to be one.
func (m *Machine) Contacts() []Contact {
	list := make([]Contact, len(m.roster.inOrder))
	for i, c := range m.roster.inOrder {
		list[i] = m.describe(c)
	}
	return list
}
