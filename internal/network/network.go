// Package network is what the product needs of any network: one required
// interface, and a short closed list of optional ones that say what a network
// can do for people. An adapter (internal/network/blubbel and its siblings)
// has product services on one side and a protocol's server and client on the
// other.
//
// The optional interfaces are asserted once, at start, by [CapabilitiesOf];
// everything later reads the [Capabilities].
package network

import (
	"context"
	"time"

	"trunkline/internal/health"
)

// A Network is one protocol that people connect with.
type Network interface {
	// Name is the word of commands, settings and findings: "blubbel".
	Name() string
	// Run serves until ctx ends, and returns when everything that it started
	// has ended. An error means that this network serves no longer; the others
	// go on.
	Run(ctx context.Context) error
	// Health answers at once with what is known, without asking anybody. It may
	// be called at any time, from any goroutine.
	Health() []health.Check
}

// Presence is implemented by a network that knows who is connected.
type Presence interface {
	// Connected is the number of clients that are logged in.
	Connected() int
}

// A SelfChecker can try itself from outside, over real sockets, with a client
// of its own.
type SelfChecker interface {
	// SelfCheck says in a few words what it does, does it within ctx, and
	// returns why it did not work.
	SelfCheck(ctx context.Context) (what string, err error)
}

// Echoing is implemented by a network with a contact that answers every
// message with the same text.
type Echoing interface {
	// Echo is the contact's address in the network's own text form, and the
	// server that clients on this machine reach it through, host:port.
	Echo() (contact, server string)
}

// Capabilities says what a network can do, and holds what does it.
type Capabilities struct {
	Presence    Presence
	SelfChecker SelfChecker
	Echoing     Echoing
}

// CapabilitiesOf asks n for every optional interface.
func CapabilitiesOf(n Network) Capabilities {
	var c Capabilities
	c.Presence, _ = n.(Presence)
	c.SelfChecker, _ = n.(SelfChecker)
	c.Echoing, _ = n.(Echoing)
	return c
}

// Names lists the capabilities that are there, for status and console.
func (c Capabilities) Names() []string {
	var names []string
	for _, one := range []struct {
		name  string
		there bool
	}{
		{"presence", c.Presence != nil},
		{"self-check", c.SelfChecker != nil},
		{"echo", c.Echoing != nil},
	} {
		if one.there {
			names = append(names, one.name)
		}
	}
	return names
}

// SelfCheckTimeout bounds one network's self-check.
const SelfCheckTimeout = 8 * time.Second
