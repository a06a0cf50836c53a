//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A Protocol speaks to one kind of server. Its methods may be called from
// several goroutines at once, those of one Client's Next from one only.
type Protocol interface {
	// Join connects client number i and signs it in.
	Join(ctx context.Context, to Target, i int) (Client, error)
	// Pair makes ready that from can send to to.
	Pair(from, to Client) error
}

// A Client is one signed-in connection.
type Client interface {
	// Send sends one body to the client it was paired with.
	Send(body []byte) error
	// Next waits for the next body that arrives. It is valid until the next
	// call. What the server says besides is an error if it is a complaint.
	Next() ([]byte, error)
	// Conn is the connection underneath.
	Conn() net.Conn
}

// joinTimeout bounds connecting and signing in of one client.
const joinTimeout = 60 * time.Second

var (
	errNotLoopback = errors.New("only loopback addresses are loaded")
	errNoMessages  = errors.New("this protocol carries no messages")
)

// Protocols lists the names that [ProtocolByName] knows.
func Protocols() []string { return []string{"blubbel", "nats", "irc", "xmpp", "line"} }

// ProtocolByName returns the protocol that a task names.
func ProtocolByName(name string) (Protocol, error) {
	switch name {
	case "blubbel":
		return &blubbelProtocol{}, nil
	case "nats":
		return natsProtocol{}, nil
	case "irc":
		return ircProtocol{}, nil
	case "xmpp":
		return &xmppProtocol{}, nil
	case "line":
		return lineProtocol{}, nil
	}
	return nil, fmt.Errorf("protocol %q: there are %v", name, Protocols())
}

// A Target is where clients connect to, and from where.
type Target struct {
	Addr string `json:"addr"` // host:port
	// Net is the third byte of the source addresses, 127.0.Net.1 to .250; 0
	// spreads them over 127.0.0.1 to 127.0.3.255.
	Net byte `json:"net,omitempty"`
}

// sources is how many client addresses there are: 127.0.0.1 to 127.0.3.255.
const sources = 1023

// Source is the address that client i comes from.
func (t Target) Source(i int) netip.Addr {
	if t.Net != 0 {
		return netip.AddrFrom4([4]byte{127, 0, t.Net, byte(1 + i%250)})
	}
	k := i%sources + 1
	return netip.AddrFrom4([4]byte{127, 0, byte(k >> 8), byte(k)})
}

// dial connects to addr, which must be loopback, from the given source.
func dial(ctx context.Context, addr string, source netip.Addr) (net.Conn, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	if !to.Addr().IsLoopback() {
		return nil, fmt.Errorf("%v: %w", to, errNotLoopback)
	}
	d := net.Dialer{
		Timeout:         20 * time.Second,
		LocalAddr:       &net.TCPAddr{IP: source.AsSlice()},
		KeepAliveConfig: net.KeepAliveConfig{Enable: false},
	}
	return d.DialContext(ctx, "tcp4", addr)
}

// joining dials and runs the sign-in with a deadline on the connection; a
// connection whose sign-in fails is closed.
func joining(ctx context.Context, to Target, i int, signIn func(net.Conn) error) error {
	c, err := dial(ctx, to.Addr, to.Source(i))
	if err != nil {
		return fmt.Errorf("client %d: %w", i, err)
	}
	_ = c.SetDeadline(time.Now().Add(joinTimeout))
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })
	defer stop()
	if err := signIn(c); err != nil {
		_ = c.Close()
		return fmt.Errorf("client %d: %w", i, err)
	}
	return c.SetDeadline(time.Time{})
}

// each calls f for 0 to n-1, conc at once, and returns how many failed and the
// first error. It starts no more once ctx has ended.
func each(ctx context.Context, n, conc int, f func(i int) error) (failed int, first error) {
	var mu sync.Mutex
	next := 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		i := next
		next++
		return i, i < n && ctx.Err() == nil
	}
	var wg sync.WaitGroup
	for range min(max(conc, 1), max(n, 1)) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := f(i); err != nil {
					mu.Lock()
					failed++
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if first == nil {
		first = ctx.Err()
	}
	return failed, first
}
