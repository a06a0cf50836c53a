package client

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// Times of this client; those of the protocol stand in package blubbel.
const (
	// Between connections; see Config.Rand.
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 10 * time.Second

	// Between Starts to a contact for whom texts wait, and after error 9.
	firstRetry = time.Second
	maxRetry   = 10 * time.Second

	// lateAcceptance is the age of a request above which it is answered with an
	// own Start: ten seconds before the other gives theirs up.
	lateAcceptance = 110 * time.Second
	// glareAge is the age at which an own Start was not seen by somebody who
	// asks as well.
	glareAge = 5 * time.Second

	dialTimeout  = 15 * time.Second
	writeTimeout = 30 * time.Second
)

// Rates, at once and a second.
const (
	// Starts of ours: less than the relay allows.
	startBurst = 15
	startRate  = 1
	// RSA operations for strangers who are accepted automatically.
	guestBurst = 100
	guestRate  = 20
)

// renewMargin is how many messages before the last of a session a new one is
// asked for.
const renewMargin = 1 << 20

// Deadline is when Advance is next due; zero means never.
func (m *Machine) Deadline() time.Time {
	return earliest(earliest(m.loginBy, m.askAt), m.agenda.next())
}

// Advance does what is due at now.
func (m *Machine) Advance(now time.Time) {
	if due(now, m.loginBy) {
		m.hangUp(errLoginSlow)
	}
	for c := m.agenda.due(now); c != nil; c = m.agenda.due(now) {
		c.expire(now)
		if c.start != nil && due(now, c.start.againAt) {
			m.sendAgain(now, c)
		}
		if due(now, c.retryAt) {
			m.ask(now, c)
		} else {
			m.settle(now, c)
		}
	}
	if due(now, m.askAt) {
		m.sendStarts(now)
	}
}

// due reports whether at has come; zero is never.
func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// earliest returns the earlier of two times of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// backoff is first, doubled n times, but at most most.
func backoff(first, most time.Duration, n int) time.Duration {
	d := first
	for range min(n, 20) {
		d = min(2*d, most)
	}
	return min(d, most)
}

// jitter takes up to half off d.
func jitter(r *rand.Rand, d time.Duration) time.Duration {
	return d/2 + time.Duration(r.Int64N(int64(d/2)+1))
}

// agenda is a heap of contacts, ordered by when something of theirs is due. The
// zero agenda is empty.
type agenda []*contact

// Len, Less, Swap, Push and Pop are for container/heap.

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].wake.Before(a[j].wake) }

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].slot, a[j].slot = i, j
}

func (a *agenda) Push(x any) {
	c := x.(*contact)
	c.slot = len(*a)
	*a = append(*a, c)
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	c := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	c.slot = -1
	return c
}

// set puts c where at says; zero takes it out.
func (a *agenda) set(c *contact, at time.Time) {
	listed := c.slot >= 0
	switch {
	case listed && at.IsZero():
		heap.Remove(a, c.slot)
	case listed && !at.Equal(c.wake):
		c.wake = at
		heap.Fix(a, c.slot)
	case !listed && !at.IsZero():
		c.wake = at
		heap.Push(a, c)
	}
}

// next is when the first contact is due; zero for none.
func (a agenda) next() time.Time {
	if len(a) == 0 {
		return time.Time{}
	}
	return a[0].wake
}

// due takes out a contact that is due at now; nil for none.
func (a *agenda) due(now time.Time) *contact {
	if len(*a) == 0 || (*a)[0].wake.After(now) {
		return nil
	}
	return heap.Pop(a).(*contact)
}
