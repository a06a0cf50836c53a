package server_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

func start(to *peer) *wire.Start { return &wire.Start{Peer: to.key.Bytes(), Sealed: []byte("g^a")} }

func accept(to *peer) *wire.Accept { return &wire.Accept{Peer: to.key.Bytes(), Sealed: []byte("g^b")} }

func message(to *peer) *wire.Message { return text(to, "sealed") }

func text(to *peer, s string) *wire.Message {
	return &wire.Message{Peer: to.key.Bytes(), Sealed: []byte(s)}
}

func TestFramesReachTheOtherUnderTheSendersKey(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.der(derKey(t, 1)) // both forms of key side by side
	session(a, b)
	a.sends(text(b, "to b"))
	b.gets(text(a, "to b"))
	b.sends(text(a, ""))
	a.gets(text(b, ""))
}

// TestEveryFrameThatIsOutOfTurnIsAnsweredAsTheTableSays walks the states of a
// connection with every kind of frame.
func TestEveryFrameThatIsOutOfTurnIsAnsweredAsTheTableSays(t *testing.T) {
	states := []struct {
		name  string
		reach func(r *relay) *peer
		codes map[wire.Kind]blubbel.Code
	}{
		{"fresh", (*relay).open, map[wire.Kind]blubbel.Code{
			wire.KindStart: 2, wire.KindAccept: 2, wire.KindMessage: 2, wire.KindProof: 2,
			wire.KindError: 1, 0x00: 1, 0x07: 1, 0xff: 1,
		}},
		{"challenged", func(r *relay) *peer {
			p := r.open()
			p.sends(&wire.Login{Key: derKey(t, 1).Public().Bytes()})
			p.next(wire.KindProof)
			return p
		}, map[wire.Kind]blubbel.Code{
			wire.KindLogin: 1, wire.KindStart: 1, wire.KindAccept: 1, wire.KindMessage: 1,
			wire.KindProof: 5, wire.KindError: 1, 0x00: 1, 0x07: 1, 0xff: 1,
		}},
		{"logged in", func(r *relay) *peer { return r.raw(1) }, map[wire.Kind]blubbel.Code{
			wire.KindLogin: 3, wire.KindStart: 1, wire.KindAccept: 1, wire.KindMessage: 1,
			wire.KindProof: 1, wire.KindError: 1, 0x00: 1, 0x07: 1, 0xff: 1,
		}},
	}
	for _, s := range states {
		for kind, code := range s.codes {
			t.Run(fmt.Sprintf("%s/%v", s.name, kind), func(t *testing.T) {
				p := s.reach(newRelay(t, server.Config{}))
				p.bytes([]byte{byte(kind), 0, 0, 0, 1, 'x'})
				p.refused(code, kind, nil)
				p.stays(code == blubbel.CodeLoggedIn)
			})
		}
	}
}

func TestWhoIsRefusedWithoutClosingMayGoOn(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b, c := r.raw(1), r.raw(2), r.raw(3)
	gone, bad := rawKey(99).Bytes(), make([]byte, blubbel.RawKeySize)
	session(b, c)
	for _, step := range []struct {
		code  blubbel.Code
		frame wire.Packet
		peer  []byte
	}{
		{3, &wire.Login{Key: a.key.Bytes()}, nil},
		{5, start(a), a.key.Bytes()},
		{5, &wire.Start{Peer: bad}, bad},
		{5, &wire.Accept{Peer: bad}, bad},
		{5, &wire.Message{Peer: bad}, bad},
		{6, &wire.Start{Peer: gone}, gone},
		{6, &wire.Accept{Peer: gone}, gone},
		{6, &wire.Message{Peer: gone}, gone},
		{7, accept(b), b.key.Bytes()},
		{7, message(b), b.key.Bytes()},
		{7, accept(a), a.key.Bytes()},
		{7, message(a), a.key.Bytes()},
	} {
		a.sends(step.frame)
		a.refused(step.code, step.frame.Kind(), step.peer)
		a.stays(true)
		b.sends(message(c)) // nobody else is disturbed
		c.gets(message(b))
	}
	session(a, b)
	a.sends(message(b))
	b.gets(message(a))
	c.gets()
}

func TestBadDERKeysInFramesAreAnsweredAndTheConnectionStays(t *testing.T) {
	r := newRelay(t, server.Config{})
	a := r.raw(1)
	long := derKey(t, 1).Public().Bytes()
	binary.BigEndian.PutUint16(long[2:], 900) // its form says 904 bytes
	long = append(long, make([]byte, 904-len(long))...)
	a.sends(&wire.Message{Peer: long})
	a.refused(5, wire.KindMessage, nil) // no key is so long, so it is not repeated
	odd := derKey(t, 1).Public().Bytes()
	odd[len(odd)-1] ^= 2 // exponent 65539
	a.sends(&wire.Message{Peer: odd})
	a.refused(5, wire.KindMessage, odd)
	a.stays(true)
	binary.BigEndian.PutUint16(odd[2:], 600) // more than the frame has
	b := append(wire.AppendHead(nil, wire.KindMessage, len(odd)), odd...)
	a.bytes(b)
	a.refused(1, wire.KindMessage, nil)
	a.stays(false)
}

func TestMessageNeedsASessionThatBothWanted(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.raw(2)
	a.sends(start(b))
	b.gets(start(a))
	a.sends(message(b))
	a.refused(7, wire.KindMessage, b.key.Bytes())
	b.sends(message(a))
	b.refused(7, wire.KindMessage, a.key.Bytes())
	a.sends(accept(b)) // who asks cannot answer itself
	a.refused(7, wire.KindAccept, b.key.Bytes())
	b.sends(accept(a))
	a.gets(accept(b))
	b.sends(accept(a)) // once
	b.refused(7, wire.KindAccept, a.key.Bytes())
	b.sends(message(a))
	a.gets(message(b))
}

func TestOneAcceptAnswersBothWhoAsked(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.raw(2)
	a.sends(start(b))
	b.sends(start(a))
	a.gets(start(b))
	b.gets(start(a))
	b.sends(accept(a))
	a.gets(accept(b))
	a.sends(accept(b)) // both requests are answered
	a.refused(7, wire.KindAccept, b.key.Bytes())
	a.sends(message(b))
	b.gets(message(a))
}

func TestOpenSessionMayBeAskedForAgain(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.raw(2)
	session(a, b)
	b.sends(start(a))
	a.gets(start(b))
	a.sends(message(b)) // the old one goes on meanwhile
	b.gets(message(a))
	a.sends(accept(b))
	b.gets(accept(a))
	b.sends(message(a))
	a.gets(message(b))
	if got := r.m.Stats().Sessions; got != 1 {
		t.Errorf("%d sessions are open, want 1", got)
	}
}

func TestNothingIsLeftOfAConnectionThatEnds(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b, c := r.raw(1), r.raw(2), r.raw(3)
	session(a, b)
	b.sends(start(c))
	c.gets(start(b))
	b.leaves()
	a.gets() // nobody is told
	a.sends(message(b))
	a.refused(6, wire.KindMessage, b.key.Bytes())
	c.sends(accept(b))
	c.refused(6, wire.KindAccept, b.key.Bytes())
	again := r.raw(2)
	a.sends(message(b))
	a.refused(7, wire.KindMessage, b.key.Bytes())
	c.sends(accept(b))
	c.refused(7, wire.KindAccept, b.key.Bytes())
	again.sends(message(a))
	again.refused(7, wire.KindMessage, a.key.Bytes())
	if got := r.m.Stats().Sessions; got != 0 {
		t.Errorf("%d sessions are open, want none", got)
	}
}

func TestAsShippedKeepsTheRulesAndSaysNothing(t *testing.T) {
	r := newRelay(t, server.Config{AsShipped: true})
	a, b := r.raw(1), r.raw(2)
	a.sends(message(b)) // 7
	a.sends(start(a))   // 5
	a.sends(&wire.Login{Key: a.key.Bytes()})
	a.gets()
	a.stays(true)
	session(a, b)
	a.sends(message(b))
	b.gets(message(a))
	der := r.open()
	der.sends(&wire.Login{Key: derKey(t, 1).Public().Bytes()})
	der.gets()
	der.stays(false)
	for _, kind := range []wire.Kind{wire.KindError, wire.KindProof, 0x33} {
		p := r.raw(10 + int(kind))
		p.bytes([]byte{byte(kind), 0, 0, 0, 0})
		p.gets()
		p.stays(false)
	}
	if s := r.m.Stats(); s.Errors != (server.ByCode{1: 3, 3: 1, 5: 2, 7: 1}) {
		t.Errorf("refusals by code: %v", s.Errors)
	}
}

func TestFiguresAddUp(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.der(derKey(t, 1))
	session(a, b)
	a.sends(text(b, "four"))
	b.gets(text(a, "four"))
	p := r.open()
	p.bytes([]byte{9, 0, 0, 0, 0})
	r.open()
	got := r.m.Stats()
	in, out := got.BytesIn, got.BytesOut
	got.BytesIn, got.BytesOut = 0, 0
	want := server.Stats{
		Connections: 3, Pending: 1, LoggedIn: server.ByForm{blubbel.Raw: 1, blubbel.DER: 1}, Sessions: 1,
		Accepted: 4, Logins: server.ByForm{blubbel.Raw: 1, blubbel.DER: 1}, Challenges: 1,
		FramesIn:  server.ByKind{0: 1, wire.KindLogin: 2, wire.KindProof: 1, wire.KindStart: 1, wire.KindAccept: 1, wire.KindMessage: 1},
		FramesOut: server.ByKind{wire.KindLogin: 2, wire.KindProof: 1, wire.KindStart: 1, wire.KindAccept: 1, wire.KindMessage: 1, wire.KindError: 1},
		Errors:    server.ByCode{blubbel.CodeBadFrame: 1},
	}
	if got != want {
		t.Errorf("Stats() =\n%+v, want\n%+v", got, want)
	}
	const head, raw, der = wire.HeadSize, blubbel.RawKeySize, blubbel.MinDERKeySize
	if want := uint64(7*head + raw + der + blubbel.ProofSize + der + 3 + raw + 3 + der + 4); in != want {
		t.Errorf("%d bytes in, want %d", in, want)
	}
	if want := uint64(7*head + 256 + raw + 3 + der + 3 + raw + 4 + 4 + len("unknown type")); out != want {
		t.Errorf("%d bytes out, want %d", out, want)
	}
	if !a.conn.LoggedIn() || a.conn.Key() != a.key || p.conn.LoggedIn() || !p.conn.Key().IsZero() {
		t.Error("connections do not know who they are")
	}
}
