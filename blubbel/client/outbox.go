package client

import (
	"fmt"
	"time"
	"unicode/utf8"

	"trunkline/blubbel"
)

// message is a text of the user; the zero message is none.
type message struct {
	redacted
	ref  Ref
	text string
}

// flight is a packet that the outlet has and the socket has not taken; to and
// message are those of a text.
type flight struct {
	to      *contact
	message message
}

// Send puts a text into the outbox of a contact. It goes out, in order, when a
// session is open and the outlet has room; Sent or Failed tells its end. The
// errors are ErrUnknownContact, ErrNotText, ErrTooLong and ErrOutboxFull.
func (m *Machine) Send(now time.Time, to blubbel.PublicKey, text string) (Ref, error) {
	c := m.contact(to)
	switch {
	case c == nil || c.standing == stranger:
		return 0, ErrUnknownContact
	case !utf8.ValidString(text):
		return 0, ErrNotText
	case len(text) > m.maxText(to):
		return 0, fmt.Errorf("%w: %d bytes of at most %d", ErrTooLong, len(text), m.maxText(to))
	case c.outbox.len() >= m.conf.Outbox:
		return 0, fmt.Errorf("%w: %d texts wait", ErrOutboxFull, c.outbox.len())
	}
	m.lastRef++
	c.outbox.push(message{ref: m.lastRef, text: text})
	m.settle(now, c)
	return m.lastRef, nil
}

// maxText bounds a text by the frames that carry it: to the relay with the key
// of the recipient, from the relay with ours.
func (m *Machine) maxText(to blubbel.PublicKey) int {
	return min(blubbel.MaxText(to, m.conf.MaxPayload), blubbel.MaxText(m.self, m.conf.MaxPayload))
}

// canSend reports whether a text of c may be sealed now.
func (m *Machine) canSend(c *contact) bool {
	return !c.dropped && c.current != nil && c.outbox.len() > 0 && c.current.out.next < m.lastAt
}

// offerTexts lets c take part in sending, if it has something to send.
func (m *Machine) offerTexts(c *contact) {
	if !c.ready && m.canSend(c) {
		c.ready = true
		m.ready.push(c)
	}
}

// pump sends texts while the outlet has room, one of each contact in turn.
func (m *Machine) pump(now time.Time) {
	for m.ready.len() > 0 && m.out.Room() {
		c := m.ready.pop()
		c.ready = false
		if !m.canSend(c) {
			continue
		}
		m.seal(c, c.current, c.outbox.pop())
		if c.current.out.next >= m.renewAt && !c.renew {
			c.renew = true
			c.retryAt = now
			m.agenda.set(c, c.deadline())
		}
		m.offerTexts(c)
	}
}

// recall gives texts that the socket did not take back to their outboxes. They
// are sealed again in another session.
func (m *Machine) recall() {
	flights := m.flight.drain()
	for i := len(flights) - 1; i >= 0; i-- {
		f := flights[i]
		switch {
		case f.message.ref == 0:
		case f.to.dropped:
			m.fail(f.to, f.message, ErrRemoved)
		default:
			f.to.outbox.unpop(f.message)
		}
	}
}

func (m *Machine) fail(c *contact, t message, why error) {
	m.out.Emit(Failed{Ref: t.ref, To: c.key, Err: why})
}
