package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
	"trunkline/internal/simnet"
)

// An exchange is a relay that serves connections, and what it has logged.
type exchange struct {
	t    testing.TB
	s    *server.Server
	log  lockedBuffer
	dial func() net.Conn
	stop func() // ends the relay and waits for it; may be called twice
}

// simulated returns a relay in a simulated network, for a synctest bubble. Every
// client has a host and an address of its own.
func simulated(t testing.TB, c server.Config) *exchange {
	t.Helper()
	world := simnet.New(simnet.Config{Seed: 1})
	l, err := world.Host("relay").Listen(8000)
	if err != nil {
		t.Fatal(err)
	}
	x := serve(t, c, l)
	x.dial = dialer(t, func(ctx context.Context) (net.Conn, error) {
		return world.Host("client").Dial(ctx, "tcp", l.Addr().String())
	})
	return x
}

// loopback returns a relay on a socket of the system.
func loopback(t testing.TB, c server.Config) *exchange {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := serve(t, c, l)
	x.dial = dialer(t, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", l.Addr().String())
	})
	return x
}

func dialer(t testing.TB, dial func(context.Context) (net.Conn, error)) func() net.Conn {
	return func() net.Conn {
		t.Helper()
		c, err := dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

func serve(t testing.TB, c server.Config, l net.Listener) *exchange {
	t.Helper()
	x := &exchange{t: t}
	c.Log = slog.New(slog.NewTextHandler(&x.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	x.s = s
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx, l); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	x.stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(x.stop)
	return x
}

// A client is a bare connection that speaks the protocol.
type client struct {
	t   testing.TB
	c   net.Conn
	key blubbel.PublicKey
	in  []byte // read, not looked at
}

func (x *exchange) connect() *client { return &client{t: x.t, c: x.dial()} }

// raw connects and logs in with the n-th raw key.
func (x *exchange) raw(n int) *client {
	x.t.Helper()
	c := x.connect()
	c.key = rawKey(n)
	c.sends(&wire.Login{Key: c.key.Bytes()})
	c.gets(&wire.LoginAccepted{})
	return c
}

// der connects and logs in with a DER key.
func (x *exchange) der(k *blubbel.SecretKey) *client {
	x.t.Helper()
	c := x.connect()
	c.key = k.Public()
	c.sends(&wire.Login{Key: c.key.Bytes()})
	proof, err := k.Prove(c.next().Payload)
	if err != nil {
		x.t.Fatal(err)
	}
	c.sends(&wire.Proof{MAC: proof})
	c.gets(&wire.LoginAccepted{})
	return c
}

// meet opens a session between two clients.
func meet(a, b *client) {
	a.t.Helper()
	a.sends(&wire.Start{Peer: b.key.Bytes(), Sealed: []byte("g^a")})
	b.gets(&wire.Start{Peer: a.key.Bytes(), Sealed: []byte("g^a")})
	b.sends(&wire.Accept{Peer: a.key.Bytes(), Sealed: []byte("g^b")})
	a.gets(&wire.Accept{Peer: b.key.Bytes(), Sealed: []byte("g^b")})
}

// says sends a message and expects that it arrives.
func (c *client) says(to *client, s string) {
	c.t.Helper()
	c.sends(&wire.Message{Peer: to.key.Bytes(), Sealed: []byte(s)})
	to.gets(&wire.Message{Peer: c.key.Bytes(), Sealed: []byte(s)})
}

func (c *client) sends(packets ...wire.Packet) {
	c.t.Helper()
	var b []byte
	for _, p := range packets {
		b = append(b, frameOf(c.t, p)...)
	}
	c.writes(b)
}

func (c *client) writes(b []byte) {
	c.t.Helper()
	_ = c.c.SetWriteDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.c.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// read returns the next frame, which aliases the buffer.
func (c *client) read() (wire.Frame, error) {
	_ = c.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		f, rest, ok, err := wire.Split(c.in, blubbel.HighestMaxPayload)
		if ok || err != nil {
			c.in = rest
			return f, err
		}
		c.in = slices.Grow(c.in, 4096)
		n, err := c.c.Read(c.in[len(c.in):cap(c.in)])
		c.in = c.in[:len(c.in)+n]
		if n == 0 && err != nil {
			return wire.Frame{}, err
		}
	}
}

func (c *client) next() wire.Frame {
	c.t.Helper()
	f, err := c.read()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return f
}

// gets expects one packet.
func (c *client) gets(want wire.Packet) {
	c.t.Helper()
	payload, err := want.AppendBinary(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if f := c.next(); f.Kind != want.Kind() || !bytes.Equal(f.Payload, payload) {
		c.t.Fatalf("got %v %q, want %v %q", f.Kind, f.Payload, want.Kind(), payload)
	}
}

// refused expects an Error.
func (c *client) refused(code blubbel.Code) {
	c.t.Helper()
	f := c.next()
	var e wire.Error
	if err := e.UnmarshalBinary(f.Payload); f.Kind != wire.KindError || err != nil || e.Code != code {
		c.t.Fatalf("got %v %q, want error %d", f.Kind, f.Payload, code)
	}
}

// ended expects the end of the stream.
func (c *client) ended() {
	c.t.Helper()
	if f, err := c.read(); !errors.Is(err, io.EOF) {
		c.t.Fatalf("got %v %q and error %v, want the end", f.Kind, f.Payload, err)
	}
}

// gone expects that the connection is broken or ended, whatever comes before.
func (c *client) gone() {
	c.t.Helper()
	c.rest()
}

// rest reads until the connection is broken or ended, and counts the bytes.
func (c *client) rest() int {
	c.t.Helper()
	_ = c.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := io.Copy(io.Discard, c.c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("still connected")
	}
	return len(c.in) + int(n)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
