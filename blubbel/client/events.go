package client

import (
	"context"
	"fmt"
	"sync"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// Ref names a text that was given to [Client.Send], within one Client.
type Ref uint64

// A State is how far a session with a contact is.
type State uint8

// The states. The table of what leads from one to another stands in the
// package's documentation.
const (
	Gone   State = 1 // no session, and none asked for
	Asking State = 2 // they asked for a session; the answer is the user's
	Asked  State = 3 // a session is asked for, or agreed and not yet confirmed
	Open   State = 4 // texts go both ways
)

// String is the word that scripts see.
func (s State) String() string {
	switch s {
	case Gone:
		return "gone"
	case Asking:
		return "asking"
	case Asked:
		return "asked"
	case Open:
		return "open"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// A Contact is somebody known to the client.
type Contact struct {
	Key   blubbel.PublicKey
	State State
	// Proven is true when the relay lets nobody in with this key who does not
	// hold it: the DER form.
	Proven  bool
	Waiting int // texts in the outbox
}

// An Event tells what happened: one of the structs of this package that have
// the word in their documentation.
type Event interface{ event() }

// Online is the event of a login.
type Online struct{}

// Offline is the event of a connection that ended or was not made.
type Offline struct {
	Why   error
	Retry time.Duration // until the next attempt; zero when there is none
}

// Request is the event of somebody unknown who asks for a session.
type Request struct{ From blubbel.PublicKey }

// ContactChanged is the event of a contact whose state is another now. A contact
// that is forgotten is Gone last.
type ContactChanged struct{ Contact Contact }

// Received is the event of a text. The texts of one contact come in the order in
// which they were sent.
type Received struct {
	From blubbel.PublicKey
	Text string // valid UTF-8; may hold control characters
	At   time.Time
}

// Sent is the event of a text that the socket to the relay took. Nobody tells
// whether it arrived.
type Sent struct {
	Ref Ref
	To  blubbel.PublicKey
}

// Failed is the event of a text that will not be sent.
type Failed struct {
	Ref Ref
	To  blubbel.PublicKey
	Err error
}

// Lost is the event of a message that was opened while one before it never came.
// It and what follows it until the next session are lost.
type Lost struct{ From blubbel.PublicKey }

// Refused is the event of a relay's error that changed something.
type Refused struct {
	Err      *blubbel.Error
	Answered wire.Kind         // what it answers; 0 for none
	Peer     blubbel.PublicKey // whom it concerns; zero for none
}

func (Online) event()         {}
func (Offline) event()        {}
func (Request) event()        {}
func (ContactChanged) event() {}
func (Received) event()       {}
func (Sent) event()           {}
func (Failed) event()         {}
func (Lost) event()           {}
func (Refused) event()        {}

// maxEvents is how many events may wait before the socket is not read any more,
// and how many of Sent before no text is sent any more. What one read of the
// socket brings may come on top.
const maxEvents = 4096

// mailbox holds the events between the loop and their consumer. Events of Sent
// are counted apart, so that neither direction waits for the other's room.
type mailbox struct {
	more    chan struct{} // something to take, or the end
	room    chan struct{} // for what the socket brings
	drained chan struct{} // for more events of Sent

	mu     sync.Mutex
	events queue[Event]
	sent   int // of events, those of Sent
	ended  bool
}

func newMailbox() *mailbox {
	return &mailbox{more: make(chan struct{}, 1), room: make(chan struct{}, 1), drained: make(chan struct{}, 1)}
}

// signal wakes who waits for c, now or when it next does.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (b *mailbox) put(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events.push(e)
	if _, ok := e.(Sent); ok {
		b.sent++
	}
	signal(b.more)
}

// take waits for an event; false means that none will come any more.
func (b *mailbox) take() (Event, bool) {
	for {
		e, ended := b.poll()
		if e != nil || ended {
			return e, e != nil
		}
		<-b.more
	}
}

func (b *mailbox) poll() (e Event, ended bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.events.len() == 0 {
		return nil, b.ended
	}
	e = b.events.pop()
	if _, ok := e.(Sent); ok {
		if b.sent--; b.sent == maxEvents-1 {
			signal(b.drained)
		}
	} else if b.events.len()-b.sent == maxEvents-1 {
		signal(b.room)
	}
	return e, false
}

// full reports whether the socket should not be read, or no text be sent.
func (b *mailbox) full() (reading, sending bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events.len()-b.sent >= maxEvents, b.sent >= maxEvents
}

// wait waits for room for what the socket brings, until ctx ends or done closes.
func (b *mailbox) wait(ctx context.Context, done <-chan struct{}) error {
	for {
		if full, _ := b.full(); !full {
			return nil
		}
		select {
		case <-b.room:
		case <-done:
			return errHungUp
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// end says that no event follows.
func (b *mailbox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	signal(b.more)
}
