package server_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

// A shippedPeer keeps to the reference server's source: keys of 128 bytes, one
// read of up to 1,024 bytes is one frame, and what the server forwards has no
// length.
type shippedPeer struct {
	*client
}

func (x *exchange) shipped(n int) shippedPeer {
	x.t.Helper()
	p := shippedPeer{x.connect()}
	p.key = rawKey(n)
	p.sends(&wire.Login{Key: p.key.Bytes()})
	if got := p.receives(); !bytes.Equal(got, []byte{1, 0, 0, 0, 0}) {
		x.t.Fatalf("login answered with %q", got)
	}
	return p
}

// receives is one read.
func (p shippedPeer) receives() []byte {
	p.t.Helper()
	b := make([]byte, 1024)
	_ = p.c.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := p.c.Read(b)
	if err != nil {
		p.t.Fatal(err)
	}
	return b[:n]
}

// hears expects a frame in one read: type, sender's key, the rest untouched.
func (p shippedPeer) hears(k wire.Kind, from shippedPeer, rest string) {
	p.t.Helper()
	want := append(append([]byte{byte(k)}, from.key.Bytes()...), rest...)
	if got := p.receives(); !bytes.Equal(got, want) {
		p.t.Fatalf("got %q, want %q", got, want)
	}
}

// hearsNothing expects silence, on a connection that is open.
func (p shippedPeer) hearsNothing() {
	p.t.Helper()
	_ = p.c.SetReadDeadline(time.Now().Add(time.Second))
	if n, err := p.c.Read(make([]byte, 1)); n != 0 || isEOF(err) {
		p.t.Fatalf("got %d bytes and %v, want nothing", n, err)
	}
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

func TestPeersOfTheReferenceServerTalkInItsFraming(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{AsShipped: true}, func(t *testing.T, x *exchange) {
		a, b := x.shipped(1), x.shipped(2)
		a.sends(&wire.Start{Peer: b.key.Bytes(), Sealed: []byte("g^a")})
		b.hears(wire.KindStart, a, "g^a")
		b.sends(&wire.Accept{Peer: a.key.Bytes(), Sealed: []byte("g^b")})
		a.hears(wire.KindAccept, b, "g^b")
		for _, text := range []string{"hello", "", string(make([]byte, 1024-1-blubbel.RawKeySize))} {
			a.sends(&wire.Message{Peer: b.key.Bytes(), Sealed: []byte(text)})
			b.hears(wire.KindMessage, a, text)
		}
	})
}

func TestAsShippedEveryFrameHasAWriteOfItsOwn(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Config{AsShipped: true})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		// A net.Pipe hands over each write as one read.
		x := &exchange{t: t, s: s, dial: pipes(t, s)}
		a, b := x.shipped(1), x.shipped(2)
		a.sends(&wire.Start{Peer: b.key.Bytes()})
		b.hears(wire.KindStart, a, "")
		b.sends(&wire.Accept{Peer: a.key.Bytes()})
		a.hears(wire.KindAccept, b, "")
		message := &wire.Message{Peer: b.key.Bytes(), Sealed: []byte("one")}
		a.sends(message, message, message, message, message) // in one write of ours
		synctest.Wait()
		for range 5 {
			b.hears(wire.KindMessage, a, "one")
		}
	})
}

func TestAsShippedErrorsAreSilent(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{AsShipped: true}, func(t *testing.T, x *exchange) {
		a, b := x.shipped(1), x.shipped(2)
		a.sends(&wire.Message{Peer: b.key.Bytes(), Sealed: []byte("no session")}) // the README's rules hold
		a.sends(&wire.Accept{Peer: b.key.Bytes()})
		a.sends(&wire.Start{Peer: rawKey(9).Bytes()})
		a.sends(&wire.Login{Key: a.key.Bytes()})
		a.hearsNothing()
		b.hearsNothing()
		for _, first := range []wire.Packet{
			&wire.Login{Key: a.key.Bytes()},                 // in use
			&wire.Login{Key: derKey(t, 1).Public().Bytes()}, // raw logins only
			&wire.Message{Peer: a.key.Bytes(), Sealed: nil}, // not logged in
			&wire.Proof{}, // there are no challenges
			&wire.Login{Key: bytes.Repeat([]byte{0x80}, 128)}, // even
		} {
			c := x.connect()
			c.sends(first)
			c.ended()
		}
	})
}

func TestPeersOfTheReferenceServerCannotTalkInTheDocumentedFraming(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		a, b := x.shipped(1), x.shipped(2) // the login is the same
		a.sends(&wire.Start{Peer: b.key.Bytes(), Sealed: []byte("g^a")})
		got := b.receives()
		want := frameOf(t, &wire.Start{Peer: a.key.Bytes(), Sealed: []byte("g^a")})
		if !bytes.Equal(got, want) {
			t.Errorf("got %q, want the documented frame with its length", got)
		}
		a.sends(&wire.Message{Peer: b.key.Bytes()})
		if got := a.receives(); got[0] != byte(wire.KindError) {
			t.Errorf("got %q, want an error", got)
		}
	})
}
