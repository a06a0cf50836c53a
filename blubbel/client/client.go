package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	"trunkline/internal/loop"
)

// DefaultOutbox is how many texts wait for one contact unless set otherwise.
const DefaultOutbox = 20_000

// ErrEnded is what actions return when Run has ended.
var ErrEnded = errors.New("client has ended")

var errSecondRun = errors.New("client runs a second time; make a new one")

// Config is what a Client is made of. Only Key and, to connect, Server are
// needed.
type Config struct {
	// Key is the client's identity.
	Key *blubbel.SecretKey
	// Server is the relay, as host:port.
	Server string
	// Dial makes connections; default: TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// AutoAccept accepts whoever asks for a session, as a guest: such a contact
	// is not asked at login, and may be forgotten when gone.
	AutoAccept bool
	// Contacts are asked for a session at every login, and accepted.
	Contacts []blubbel.PublicKey
	// Blocked are ignored without a word.
	Blocked []blubbel.PublicKey
	// Outbox is how many texts may wait for one contact; default DefaultOutbox.
	Outbox int
	// MaxPayload bounds a frame's payload, in bytes; default
	// blubbel.DefaultMaxPayload, at most blubbel.HighestMaxPayload. It should
	// be the relay's setting: longer frames of ours would end the connection.
	MaxPayload int
	// Log is told of connections; default: discard.
	Log *slog.Logger
	// Rand spreads the attempts to connect; default: seeded by chance. It is
	// used by the client alone.
	Rand *rand.Rand
}

// complete returns c with defaults, or what is wrong with it.
func (c Config) complete() (Config, error) {
	if c.Key == nil {
		return c, fmt.Errorf("%w: a client needs a key", blubbel.ErrBadKey)
	}
	for _, k := range slices.Concat(c.Contacts, c.Blocked) {
		if k.IsZero() {
			return c, fmt.Errorf("%w: an empty one among the contacts", blubbel.ErrBadKey)
		}
	}
	if c.MaxPayload < 0 || c.MaxPayload > blubbel.HighestMaxPayload {
		return c, fmt.Errorf("payload of %d bytes: at most %d are allowed", c.MaxPayload, blubbel.HighestMaxPayload)
	}
	if c.MaxPayload == 0 {
		c.MaxPayload = blubbel.DefaultMaxPayload
	}
	if c.Outbox <= 0 {
		c.Outbox = DefaultOutbox
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return c, nil
}

// A Client is one login at a relay, kept up. Its methods may be called from any
// goroutine. Actions wait for Run to begin; besides their own errors they return
// ErrEnded, or why ctx ended.
type Client struct {
	conf    Config
	loop    *loop.Loop
	machine *Machine // of the loop
	link    *link    // of the loop; the connection that there is or was
	events  *mailbox
	ran     atomic.Bool
}

// New returns a client that does not run yet. The error wraps
// [blubbel.ErrBadKey] or says which setting is wrong.
func New(c Config) (*Client, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	cl := &Client{conf: c, loop: loop.New(), events: newMailbox()}
	cl.machine, err = NewMachine(c, (*outlet)(cl))
	if err != nil {
		return nil, err
	}
	return cl, nil
}

// Run connects, logs in, and connects again when the connection ends, until ctx
// ends; then it returns nil. It returns an error that wraps a *blubbel.Error
// when going on makes no sense: another login has taken the key over, or the
// relay refuses it. A Client runs once.
func (c *Client) Run(ctx context.Context) error {
	if c.ran.Swap(true) {
		return errSecondRun
	}
	defer c.events.end()
	err := c.loop.Run(ctx, c.machine, c.stayConnected, c.resumeSending)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Events returns what happens, as it happens, for one consumer. It ends when Run
// has ended and every event was taken; a consumer may stop and come back. While
// it does not take events, the socket is not read; nothing is thrown away.
func (c *Client) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for {
			e, ok := c.events.take()
			if !ok || !yield(e) {
				return
			}
		}
	}
}

// Self is the client's own key.
func (c *Client) Self() blubbel.PublicKey { return c.conf.Key.Public() }

// Stats returns what was counted so far.
func (c *Client) Stats() Stats { return c.machine.Stats() }

// Add is [Machine.Add].
func (c *Client) Add(ctx context.Context, who blubbel.PublicKey) error {
	return c.act(ctx, func(now time.Time) error { return c.machine.Add(now, who) })
}

// Accept is [Machine.Accept].
func (c *Client) Accept(ctx context.Context, who blubbel.PublicKey) error {
	return c.act(ctx, func(now time.Time) error { return c.machine.Accept(now, who) })
}

// Remove is [Machine.Remove].
func (c *Client) Remove(ctx context.Context, who blubbel.PublicKey) error {
	return c.act(ctx, func(now time.Time) error { return c.machine.Remove(now, who) })
}

// Block is [Machine.Block].
func (c *Client) Block(ctx context.Context, who blubbel.PublicKey) error {
	return c.act(ctx, func(now time.Time) error { return c.machine.Block(now, who) })
}

// Contacts is [Machine.Contacts].
func (c *Client) Contacts(ctx context.Context) (list []Contact, err error) {
	err = c.act(ctx, func(time.Time) error {
		list = c.machine.Contacts()
		return nil
	})
	return list, err
}

// Send is [Machine.Send]: it does not wait for the text to go out, but for its
// place in the outbox.
func (c *Client) Send(ctx context.Context, to blubbel.PublicKey, text string) (ref Ref, err error) {
	err = c.act(ctx, func(now time.Time) (err error) {
		ref, err = c.machine.Send(now, to, text)
		return err
	})
	return ref, err
}

// act runs an action in the loop.
func (c *Client) act(ctx context.Context, do func(now time.Time) error) error {
	var err error
	lerr := c.loop.Do(ctx, func(now time.Time) { err = do(now) })
	switch {
	case errors.Is(lerr, loop.ErrEnded):
		return ErrEnded
	case lerr != nil:
		return lerr
	}
	return err
}

// resumeSending tells the machine when a consumer has taken events of Sent.
func (c *Client) resumeSending(ctx context.Context) error {
	for {
		select {
		case <-c.events.drained:
			if c.loop.Post(ctx, c.machine.Resume) != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// outlet is the Client as its machine sees it. Its methods run in the loop.
type outlet Client

// Queue puts a packet into the queue of the connection.
func (o *outlet) Queue(p wire.Packet) { o.link.queue(p) }

// Room reports whether connection and consumer keep up with the texts.
func (o *outlet) Room() bool {
	_, full := o.events.full()
	return !full && o.link.room()
}

// HangUp closes the connection; its reader then ends.
func (o *outlet) HangUp(why error) { o.link.close(why) }

// Emit queues an event for the consumer, and logs those of connections.
func (o *outlet) Emit(e Event) {
	switch e := e.(type) {
	case Online:
		o.conf.Log.Info("logged in", "server", o.conf.Server, "key", o.conf.Key.Public())
	case Offline:
		o.conf.Log.Info("offline", "server", o.conf.Server, "err", e.Why, "retry", e.Retry)
	case Refused:
		if e.Err.Code == blubbel.CodeTooLarge {
			o.conf.Log.Warn("relay takes shorter frames than this client sends", "server", o.conf.Server)
		}
	}
	o.events.put(e)
}
