package server

import "time"

const (
	// shortestPause keeps a sender that is slightly too fast from costing a
	// timer a frame.
	shortestPause = 10 * time.Millisecond
	// longestPause bounds how long a paused connection does not notice that it
	// has ended.
	longestPause = time.Second
	// farewell is how long parting words, and queues at the end, have to go out.
	farewell = time.Second / 2
)

// Advance ends the connections that have not logged in in time.
func (m *Machine) Advance(now time.Time) {
	for {
		due := m.Deadline()
		if due.IsZero() || now.Before(due) {
			return
		}
		m.stats.LoginTimeouts++
		m.end(m.oldest(), ErrLoginTimeout)
	}
}

// Deadline is when the oldest connection that is not logged in has to be; zero
// if there is none.
func (m *Machine) Deadline() time.Time {
	if m.pending.Len() == 0 {
		return time.Time{}
	}
	return m.oldest().login.deadline
}

func (m *Machine) oldest() *Conn { return m.pending.Front().Value.(*Conn) }
