package blubbel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/sync/errgroup"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/internal/config"
	"trunkline/internal/health"
)

// Name of the network in commands, settings and findings.
const Name = "blubbel"

// Config is what an Adapter needs.
type Config struct {
	Listener      net.Listener // where the relay answers; the Adapter closes it. Required
	Settings      config.Blubbel
	LimitLoopback bool // limits by address hold for this machine too
	// EchoKey reads or makes the key of the echo contact. It may take seconds, and
	// leaves nothing behind once ctx ended. nil: no echo contact.
	EchoKey func(ctx context.Context) (*blubbel.SecretKey, error)
	Logger  func(part string) *slog.Logger // default: discard
}

// An Adapter is the blubbel network of an exchange.
type Adapter struct {
	config   Config
	relay    *server.Server
	findings health.Registry
	echo     echo
}

// New makes the relay; it serves once Run is called.
func New(c Config) (*Adapter, error) {
	if c.Listener == nil {
		return nil, errors.New("no listener")
	}
	if c.Logger == nil {
		c.Logger = func(string) *slog.Logger { return slog.New(slog.DiscardHandler) }
	}
	s := c.Settings
	frames := float64(s.FramesPerSecond)
	if frames == 0 {
		frames = -1 // a setting of 0 turns the limit off
	}
	relay, err := server.New(server.Config{
		AsShipped:          s.Framing == config.AsShipped,
		RefuseRaw:          !s.RawKeys,
		MaxPayload:         int(s.MaxPayload),
		Queue:              int(s.Queue),
		Stall:              s.Stall,
		Sessions:           s.Sessions,
		StartBurst:         float64(s.StartBurst),
		StartRate:          float64(s.StartRate),
		StartRecipientRate: float64(s.StartRecipientRate),
		FramesPerSecond:    frames,
		PendingPerAddress:  s.PendingPerAddress,
		LoginTimeout:       s.LoginTimeout,
		LimitLoopback:      c.LimitLoopback,
		Log:                c.Logger("blubbel.server"),
	})
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	a := &Adapter{config: c, relay: relay}
	a.echo.ready = make(chan struct{})
	return a, nil
}

// Name is "blubbel".
func (a *Adapter) Name() string { return Name }

// Stats are the relay's counters.
func (a *Adapter) Stats() server.Stats { return a.relay.Stats() }

// Run serves the relay and its echo contact until ctx ends.
func (a *Adapter) Run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return a.relay.Serve(inner, a.config.Listener) })
	group.Go(func() error {
		a.notice(inner)
		return nil
	})
	if a.Echoes() {
		group.Go(func() error {
			a.runEcho(inner)
			return nil
		})
	}
	return group.Wait()
}

// Echoes reports whether there is an echo contact.
func (a *Adapter) Echoes() bool {
	return a.config.EchoKey != nil && a.config.Settings.Echo && a.config.Settings.Framing != config.AsShipped
}

// Health is what the adapter noticed.
func (a *Adapter) Health() []health.Check {
	return []health.Check{health.NewCheck("relay", Name, 0, a.findings.Snapshot()...)}
}

// Connected is the number of clients that are logged in, the echo contact not
// counted.
func (a *Adapter) Connected() int {
	s := a.relay.Stats()
	n := int(s.LoggedIn[blubbel.Raw] + s.LoggedIn[blubbel.DER])
	if a.echo.online.Load() {
		n--
	}
	return max(0, n)
}

// Echo is the echo contact's address, empty while there is none, and the relay
// for clients on this machine.
func (a *Adapter) Echo() (contact, server string) {
	return a.echo.key().String(), a.local()
}

// local is the relay's address for clients on this machine: a listener on every
// address answers on loopback too.
func (a *Adapter) local() string { return LocalAddress(a.config.Listener.Addr().String()) }

// LocalAddress is how a program on this machine reaches a listener at address.
func LocalAddress(address string) string {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsUnspecified() {
		return address
	}
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if at.Addr().Is6() && !at.Addr().Is4In6() {
		loopback = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(loopback, at.Port()).String()
}

// SelfCheck logs in over a real socket and talks with the echo contact.
func (a *Adapter) SelfCheck(ctx context.Context) (what string, err error) {
	if !a.Echoes() {
		return "log in", Probe(ctx, a.local(), a.config.Settings.Framing == config.AsShipped, blubbel.PublicKey{})
	}
	what = "log in, say hello, hear it back"
	select {
	case <-a.echo.ready:
	case <-ctx.Done():
		return what, fmt.Errorf("wait for the echo contact: %w", ctx.Err())
	}
	return what, Probe(ctx, a.local(), false, a.echo.key())
}

// guarded is a key that is set once while others look at it.
type guarded struct {
	mu sync.Mutex
	k  blubbel.PublicKey
}

func (g *guarded) set(k blubbel.PublicKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.k = k
}

func (g *guarded) get() blubbel.PublicKey {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.k
}
