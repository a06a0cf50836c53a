package client

import "sync/atomic"

// Stats counts what a client did since it was made.
type Stats struct {
	Connected uint64 // connections made
	LoggedIn  uint64 // of these, logged in
	Packets   uint64 // from the relay, of a kind that is known
	Sessions  uint64 // confirmed
	Sent      uint64 // texts that a socket took
	Received  uint64 // texts
	Lost      uint64 // sessions ended by a gap
	Refused   uint64 // errors from the relay

	// What was dropped.
	Malformed  uint64 // frames that do not parse, or of an unknown kind
	Unexpected uint64 // packets that have no place in the state that they met
	Ignored    uint64 // Starts: blocked, one's own, glare, too many
	Unsealed   uint64 // values that do not open, or that nothing can be agreed from
	Unopened   uint64 // messages that no key opens
	Repeated   uint64 // messages and Starts that were there before
	NotText    uint64 // messages that are not UTF-8
}

// counters are Stats that may be read while they are counted.
type counters struct {
	connected, loggedIn, packets, sessions, sent, received, lost, refused atomic.Uint64

	malformed, unexpected, ignored, unsealed, unopened, repeated, notText atomic.Uint64
}

// Stats returns what was counted so far. It may be called from any goroutine.
func (m *Machine) Stats() Stats {
	c := &m.counted
	return Stats{
		Connected:  c.connected.Load(),
		LoggedIn:   c.loggedIn.Load(),
		Packets:    c.packets.Load(),
		Sessions:   c.sessions.Load(),
		Sent:       c.sent.Load(),
		Received:   c.received.Load(),
		Lost:       c.lost.Load(),
		Refused:    c.refused.Load(),
		Malformed:  c.malformed.Load(),
		Unexpected: c.unexpected.Load(),
		Ignored:    c.ignored.Load(),
		Unsealed:   c.unsealed.Load(),
		Unopened:   c.unopened.Load(),
		Repeated:   c.repeated.Load(),
		NotText:    c.notText.Load(),
	}
}
