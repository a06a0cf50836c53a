package chat

import (
	"context"
	"iter"
	"time"
)

// A Client is the network below a chat. Its methods may be called from any
// goroutine; addresses are the text form that people exchange.
type Client interface {
	// Run connects and stays connected until ctx ends. An error means that going
	// on makes no sense.
	Run(ctx context.Context) error
	// Events returns what happens, for one consumer; it ends after Run has.
	Events() iter.Seq[Event]
	// Self is our own identity.
	Self() Identity
	// Identify reads an address as somebody pasted it, line breaks included.
	Identify(address string) (Identity, error)
	// Add makes somebody a contact, accepts a request of theirs, lifts a block.
	Add(ctx context.Context, who string) error
	// Remove forgets a contact, or refuses a request.
	Remove(ctx context.Context, who string) error
	// Block does the same and ignores them from now on.
	Block(ctx context.Context, who string) error
	// Send queues a text. An event Sent or Failed with the number follows.
	Send(ctx context.Context, to, text string) (ref uint64, err error)
	// MaxText is the longest text for somebody, in bytes.
	MaxText(to string) int
}

// An Identity is who somebody is on a network.
type Identity struct {
	Address     string
	Fingerprint string // ten groups of four digits
	Short       string // its beginning; no proof of anything
	Proven      bool   // the relay lets nobody in as them who does not hold the key
}

// An Event is one of the structs below.
type Event interface{ event() }

// Online is the event of a login at the relay.
type Online struct{}

// Offline is the event of a connection that ended or was not made.
type Offline struct {
	Why   error
	Retry time.Duration // until the next attempt; zero for none
}

// Asks is the event of somebody unknown who wants to talk.
type Asks struct{ Who Identity }

// Changed is the event of a contact whose state is another now.
type Changed struct {
	Who   string
	State State
}

// Received is the event of a text.
type Received struct {
	From string
	Text string
	At   time.Time
}

// Sent is the event of a text that left this machine.
type Sent struct{ Ref uint64 }

// Failed is the event of a text that will not leave it.
type Failed struct {
	Ref uint64
	Err error
}

// Lost is the event of texts that were lost on the way to us.
type Lost struct{ From string }

// Refused is the event of a complaint of the relay.
type Refused struct{ Err error }

func (Online) event()   {}
func (Offline) event()  {}
func (Asks) event()     {}
func (Changed) event()  {}
func (Received) event() {}
func (Sent) event()     {}
func (Failed) event()   {}
func (Lost) event()     {}
func (Refused) event()  {}
