package client

import (
	"slices"
	"time"

	"trunkline/blubbel"
)

// What of others' doing is kept; the oldest gives way.
const (
	maxStrangers = 1000 // who asked and was not answered
	maxGuests    = 4096 // who was accepted automatically
)

// standing says how a contact became one.
type standing uint8

const (
	stranger standing = 1 // asked us; not answered yet
	guest    standing = 2 // accepted automatically: never asked for a session at login
	wanted   standing = 3 // added, accepted or known from before
)

// contact is somebody and the sessions with them. At most one start, one pending
// and one current session exist at a time.
type contact struct {
	redacted
	key      blubbel.PublicKey
	id       []byte // its bytes; never written to
	standing standing
	shown    State // as it was last told in ContactChanged
	dropped  bool  // no longer a contact

	start    *offer   // ours, waiting for their Accept
	request  *request // theirs, waiting for the user
	pending  *session // agreed on, not confirmed
	current  *session // confirmed: texts go out under it
	old      *half    // what the session before current received with
	pendedAt time.Time
	oldUntil time.Time

	heardAt time.Time // the last text that came; zero for none
	told    bool      // that texts were lost, since current was confirmed
	gaveUp  bool      // a session was not confirmed in time, since then
	renew   bool      // a session is wanted although current is there
	queued  bool      // in Machine.asks
	retryAt time.Time // when to ask again; zero for not at all
	askedAt time.Time // when the last Start was sent
	retries int       // Starts since the last session that was confirmed

	outbox queue[message]
	ready  bool // in Machine.ready

	wake time.Time // as the agenda has it
	slot int       // in the agenda; -1 for none
}

// offer is a Start of ours.
type offer struct {
	redacted
	x      *exponent
	y      *value
	sealed []byte
	sentAt time.Time
	// againAt is when to send it again, because they asked as well and may
	// never have seen it; zero for not at all.
	againAt time.Time
}

// request is a Start of somebody whom the user has not accepted. Its value stays
// sealed until then: nobody makes us open anything by asking.
type request struct {
	sealed []byte
	at     time.Time
	stale  bool // our connection has ended since, and the relay has forgotten it
}

// state is what the user sees.
func (c *contact) state() State {
	switch {
	case c.current != nil:
		return Open
	case c.start != nil || c.pending != nil || c.queued:
		return Asked
	case c.request != nil:
		return Asking
	}
	return Gone
}

// negotiating reports whether a session is under way already.
func (c *contact) negotiating() bool { return c.start != nil || c.pending != nil || c.queued }

// served reports whether a queued Start is not needed any more.
func (c *contact) served() bool {
	return c.dropped || c.start != nil || c.pending != nil || c.current != nil && !c.renew
}

// wants reports whether a session should be asked for.
func (c *contact) wants() bool {
	return !c.dropped && c.standing != stranger && (c.renew || c.current == nil && c.outbox.len() > 0)
}

// knows reports whether a session exists that came of this very Start.
func (c *contact) knows(sealed []byte) bool {
	id := startID(sealed)
	return c.pending != nil && c.pending.start == id || c.current != nil && c.current.start == id
}

// hangUp forgets every session and what was under way.
func (c *contact) hangUp() {
	c.start, c.pending, c.current, c.old = nil, nil, nil, nil
	c.renew, c.queued, c.ready = false, false, false
	c.retryAt, c.askedAt, c.retries = time.Time{}, time.Time{}, 0
	if c.request != nil {
		c.request.stale = true
	}
}

// origin says whose key a message opened with.
type origin int

const (
	fromCurrent origin = 0
	fromPending origin = 1
	fromOld     origin = 2
)

// open opens a message under any key that may still be in use.
func (c *contact) open(b, sealed []byte) (text []byte, from origin, err error) {
	keys := [...]*half{fromCurrent: c.current.receiving(), fromPending: c.pending.receiving(), fromOld: c.old}
	err = errUnopened
	for i, h := range keys {
		if h == nil {
			continue
		}
		text, herr := h.open(b, sealed)
		switch herr {
		case nil, errGap:
			return text, origin(i), herr
		case errRepeated:
			err = herr
		}
	}
	return nil, 0, err
}

// confirm makes the pending session the current one.
func (c *contact) confirm(now time.Time) {
	c.old = nil
	if c.current != nil {
		c.old, c.oldUntil = &c.current.in, now.Add(blubbel.OldKeyTimeout)
	}
	c.current, c.pending = c.pending, nil
	c.renew, c.retries, c.retryAt, c.told, c.gaveUp = false, 0, time.Time{}, false, false
}

// again is when c may be asked for a session by itself.
func (c *contact) again(now time.Time) time.Time {
	t := c.askedAt.Add(backoff(firstRetry, maxRetry, c.retries-1))
	if t.Before(now) {
		return now
	}
	return t
}

// deadline is when something of the contact expires or is due.
func (c *contact) deadline() time.Time {
	t := c.retryAt
	if c.start != nil {
		t = earliest(earliest(t, c.start.againAt), c.start.sentAt.Add(blubbel.StartTimeout))
	}
	if c.pending != nil {
		t = earliest(t, c.pendedAt.Add(blubbel.ConfirmTimeout))
	}
	if c.old != nil {
		t = earliest(t, c.oldUntil)
	}
	return t
}

// expire forgets what has waited for too long.
func (c *contact) expire(now time.Time) {
	if c.start != nil && due(now, c.start.sentAt.Add(blubbel.StartTimeout)) {
		c.start = nil
	}
	if c.pending != nil && due(now, c.pendedAt.Add(blubbel.ConfirmTimeout)) {
		c.pending, c.gaveUp = nil, true
		c.renew = c.current != nil // the other may have confirmed it
	}
	if c.old != nil && due(now, c.oldUntil) {
		c.old = nil
	}
}

// roster is all contacts, by key and in the order in which they came.
type roster struct {
	byKey   map[string]*contact
	inOrder []*contact
}

func (r *roster) find(key []byte) *contact { return r.byKey[string(key)] }

func (r *roster) add(key blubbel.PublicKey, s standing) *contact {
	c := &contact{key: key, id: key.Bytes(), standing: s, shown: Gone, slot: -1}
	r.byKey[string(c.id)] = c
	r.inOrder = append(r.inOrder, c)
	return c
}

func (r *roster) remove(c *contact) {
	delete(r.byKey, string(c.id))
	i := slices.Index(r.inOrder, c)
	r.inOrder = slices.Delete(r.inOrder, i, i+1)
}

// idle reports whether nothing is lost with c but its place.
func (c *contact) idle() bool { return c.state() == Gone && c.outbox.len() == 0 }

// surplus returns the contact that has to go before another of the same standing
// comes, or nil: one that is idle if there is one, and of these the one that was
// silent longest.
func (r *roster) surplus(s standing, limit int) *contact {
	var oldest *contact
	n := 0
	for _, c := range r.inOrder {
		if c.standing != s {
			continue
		}
		n++
		if oldest == nil || c.idle() && !oldest.idle() || c.idle() == oldest.idle() && c.heardAt.Before(oldest.heardAt) {
			oldest = c
		}
	}
	if n < limit {
		return nil
	}
	return oldest
}
