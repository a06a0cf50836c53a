package server_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

func start(to *peer) *wire.Start     { return &wire.Start{Peer: to.key.Bytes(), Sealed: []byte("g^a")} }
func accept(to *peer) *wire.Accept   { return &wire.Accept{Peer: to.key.Bytes(), Sealed: []byte("g^b")} }
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

func TestRawLoginOfAKeyInUseIsSentAway(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.raw(2)
	session(a, b)
	p := r.open()
	p.sends(&wire.Login{Key: a.key.Bytes()})
	p.refused(4, wire.KindLogin, nil)
	p.stays(false)
	a.sends(message(b))
	b.gets(message(a))
}

func TestProvenLoginTakesOver(t *testing.T) {
	r := newRelay(t, server.Config{})
	k := derKey(t, 1)
	old, b := r.der(k), r.raw(2)
	session(old, b)
	again := r.der(k)
	old.refused(4, 0, nil)
	old.stays(false)
	again.stays(true)
	b.sends(message(again)) // the sessions of the old connection are gone
	b.refused(7, wire.KindMessage, k.Public().Bytes())
	session(b, again)
	old.leaves() // the socket's end comes later and takes nothing away
	b.sends(message(again))
	again.gets(message(b))
	if s := r.m.Stats(); s.Takeovers != 1 || s.Connections != 2 {
		t.Errorf("Stats() = %+v, want 1 takeover and 2 connections", s)
	}
}

func TestUnprovenClaimOfAKeyDisturbsNobody(t *testing.T) {
	r := newRelay(t, server.Config{})
	k := derKey(t, 1)
	owner := r.der(k)
	thief := r.open()
	thief.sends(&wire.Login{Key: k.Public().Bytes()})
	sealed := thief.next(wire.KindProof)
	if _, err := derKey(t, 2).Prove(sealed); !errors.Is(err, blubbel.ErrBadSeal) {
		t.Errorf("another key opens the challenge: %v", err)
	}
	thief.sends(&wire.Proof{})
	thief.refused(5, wire.KindProof, nil)
	thief.stays(false)
	owner.gets()
	owner.stays(true)
}

func TestRecordedDERLoginCannotBeReplayed(t *testing.T) {
	r := newRelay(t, server.Config{})
	k := derKey(t, 1)
	first := r.open()
	first.sends(&wire.Login{Key: k.Public().Bytes()})
	proof, err := k.Prove(first.next(wire.KindProof))
	if err != nil {
		t.Fatal(err)
	}
	replay := r.open()
	replay.sends(&wire.Login{Key: k.Public().Bytes()})
	replay.next(wire.KindProof)
	replay.sends(&wire.Proof{MAC: proof})
	replay.refused(5, wire.KindProof, nil)
	first.sends(&wire.Proof{MAC: proof})
	first.gets(&wire.LoginAccepted{})
}

func TestLoginWithABadKeyIsRefused(t *testing.T) {
	der := derKey(t, 1).Public().Bytes()
	even := rawKey(1).Bytes()
	even[127] = 2
	for name, key := range map[string][]byte{
		"nothing":        {},
		"short":          make([]byte, 127),
		"even raw":       even,
		"small raw":      append([]byte{1}, even[1:]...),
		"DER of 128":     der[:128],
		"cut DER":        der[:len(der)-1],
		"long DER":       append(bytes.Clone(der), 0),
		"damaged DER":    append(bytes.Clone(der[:len(der)-1]), 9),
		"1,024 of zeros": make([]byte, 1024),
	} {
		p := newRelay(t, server.Config{}).open()
		p.sends(&wire.Login{Key: key})
		if e := p.frames; len(e) != 1 || e[0].Kind != wire.KindError || e[0].Payload[0] != 5 || !p.closed {
			t.Errorf("%s: got %v, closed %v; want error 5, closed", name, e, p.closed)
		}
	}
}

func TestRawKeysCanBeRefused(t *testing.T) {
	r := newRelay(t, server.Config{RefuseRaw: true})
	p := r.open()
	p.sends(&wire.Login{Key: rawKey(1).Bytes()})
	p.refused(5, wire.KindLogin, nil)
	p.stays(false)
	r.der(derKey(t, 1))
}

func TestAnythingBeforeTheChallengeIsOutIsOutOfTurn(t *testing.T) {
	r := newRelay(t, server.Config{})
	p := r.open()
	b, _ := wire.AppendFrame(nil, &wire.Login{Key: derKey(t, 1).Public().Bytes()})
	if _, todo := r.m.Take(r.now, p.conn, b); todo.Seal == nil {
		t.Fatal("no challenge is asked for")
	}
	p.bytes([]byte{byte(wire.KindProof), 0, 0, 0, 0})
	p.refused(1, wire.KindProof, nil)
	p.stays(false)
	p.seal(derKey(t, 1).Public().Bytes()) // late: does nothing
	p.gets()
}

func TestLengthAboveTheLimitIsAnsweredBeforeItsPayloadComes(t *testing.T) {
	r := newRelay(t, server.Config{MaxPayload: 4096})
	for _, c := range []struct {
		p     *peer
		kind  wire.Kind
		limit uint32
	}{
		{r.open(), wire.KindLogin, 1024},
		{r.open(), 0x77, 1024},
		{r.raw(1), wire.KindMessage, 4096},
		{r.raw(2), wire.KindStart, 4096},
	} {
		head := binary.BigEndian.AppendUint32([]byte{byte(c.kind)}, c.limit)
		if n, _ := r.m.Take(r.now, c.p.conn, head); n != 0 || c.p.closed {
			t.Errorf("a %v of the limit of %d was not waited for", c.kind, c.limit)
		}
		for _, size := range []uint32{c.limit + 1, 1<<32 - 1} {
			if size == 1<<32-1 {
				c.p = r.open() // before login every length above 1,024 is
			}
			c.p.bytes(binary.BigEndian.AppendUint32([]byte{byte(c.kind)}, size))
			c.p.refused(8, c.kind, nil)
			c.p.stays(false)
			if n, _ := r.m.Take(r.now, c.p.conn, make([]byte, 100)); n != 100 {
				t.Error("a closed connection's bytes are not taken")
			}
		}
	}
}

func TestStartsOfAConnectionAreLimited(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b, c := r.raw(1), r.raw(2), r.raw(3)
	for i := range blubbel.StartBurst {
		a.sends(start([]*peer{b, c}[i%2]))
		a.gets()
	}
	a.sends(start(b))
	a.refused(9, wire.KindStart, b.key.Bytes())
	a.stays(true)
	gone := rawKey(99).Bytes()
	a.sends(&wire.Start{Peer: gone}) // who tries keys is not told more than that
	a.refused(9, wire.KindStart, gone)
	r.wait(time.Second)
	b.frames = nil
	a.sends(start(b))
	b.gets(start(a))
	a.sends(start(b))
	a.refused(9, wire.KindStart, b.key.Bytes())
}

func TestStartsToARecipientAreLimited(t *testing.T) {
	r := newRelay(t, server.Config{})
	b := r.raw(0)
	for i := range blubbel.StartRecipientRate {
		r.raw(i + 1).sends(start(b))
	}
	if got := len(b.frames); got != blubbel.StartRecipientRate {
		t.Errorf("%d requests came through, want %d", got, blubbel.StartRecipientRate)
	}
	late, c := r.raw(50), r.raw(51)
	late.sends(start(b))
	late.refused(9, wire.KindStart, b.key.Bytes())
	late.sends(start(c)) // others can be asked
	c.gets(start(late))
	r.wait(100 * time.Millisecond)
	b.frames = nil
	late.sends(start(b))
	b.gets(start(late))
}

func TestSessionsOfAConnectionAreLimited(t *testing.T) {
	r := newRelay(t, server.Config{Sessions: 3, StartBurst: 100})
	a := r.raw(0)
	others := []*peer{r.raw(1), r.raw(2), r.raw(3), r.raw(4)}
	session(others[0], a)
	for _, p := range others[1:3] {
		a.sends(start(p))
		p.gets(start(a))
	}
	a.sends(start(others[3]))
	a.refused(9, wire.KindStart, others[3].key.Bytes())
	others[3].gets()
	others[3].sends(start(a)) // being asked does not count
	a.gets(start(others[3]))
	a.sends(accept(others[3])) // but to accept would
	a.refused(9, wire.KindAccept, others[3].key.Bytes())
	a.sends(start(others[0])) // one that is there may be renewed
	others[0].gets(start(a))
	others[1].leaves() // one fewer
	a.sends(accept(others[3]))
	others[3].gets(accept(a))
}

func TestFrameForAFullQueueWaitsAndIsNotLost(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.raw(2)
	session(a, b)
	b.room = 0
	want := server.Todo{Full: b, Size: wire.HeadSize + blubbel.RawKeySize + len("sealed")}
	for range 2 {
		if todo := a.sends(message(b)); !reflect.DeepEqual(todo, want) {
			t.Fatalf("Todo = %+v, want %+v", todo, want)
		}
		a.gets()
	}
	if got := r.m.Stats().Stalls; got != 1 {
		t.Errorf("%d stalls, want 1: the second frame waits behind the first", got)
	}
	b.room = 1
	if todo := a.bytes(nil); todo.Full == nil {
		t.Error("the second frame was taken too")
	}
	b.gets(message(a))
	r.m.Cut(r.now, b.conn)
	r.m.Cut(r.now, b.conn)
	if !errors.Is(b.why, server.ErrSlowReader) || r.m.Stats().Cuts != 1 {
		t.Errorf("cut: %v, %d cuts", b.why, r.m.Stats().Cuts)
	}
	a.bytes(nil)
	a.refused(6, wire.KindMessage, b.key.Bytes())
}

func TestStartThatWaitsForRoomCostsItsRateOnce(t *testing.T) {
	r := newRelay(t, server.Config{StartBurst: 2})
	a, b := r.raw(1), r.raw(2)
	b.room = 0
	a.sends(start(b))
	for range 5 {
		a.bytes(nil)
	}
	b.room = -1
	a.bytes(nil)
	a.sends(start(b))
	a.gets()
	b.gets(start(a), start(a))
}

func TestWhoDoesNotReadTheAnswersIsNotRead(t *testing.T) {
	r := newRelay(t, server.Config{})
	a := r.raw(1)
	r.raw(2)
	a.room = 0
	frame, _ := wire.AppendFrame(nil, &wire.Message{Peer: rawKey(2).Bytes()})
	n, todo := r.m.Take(r.now, a.conn, bytes.Repeat(frame, 1000))
	// The answer to the login has left a to be looked at first.
	if n != 0 || todo.Full != a {
		t.Fatalf("%d bytes taken and Todo %+v, want none and room at a itself", n, todo)
	}
	a.room = -1
	r.m.Take(r.now, a.conn, frame)
	a.refused(7, wire.KindMessage, rawKey(2).Bytes())
}

func TestTooManyFramesASecondAreReadSlower(t *testing.T) {
	r := newRelay(t, server.Config{FramesPerSecond: 100})
	a, b := r.raw(1), r.raw(2)
	session(a, b)
	frame, _ := wire.AppendFrame(nil, message(b))
	stream := bytes.Repeat(frame, 300)
	began := r.now
	for len(stream) > 0 {
		n, todo := r.m.Take(r.now, a.conn, stream)
		stream = stream[n:]
		if todo.Wait > 0 {
			r.wait(todo.Wait)
		}
	}
	if got := len(b.frames); got != 300 {
		t.Errorf("%d of 300 frames arrived", got)
	}
	if took := r.now.Sub(began); took < 1900*time.Millisecond || took > 2100*time.Millisecond {
		t.Errorf("300 frames took %v, want 2s: 100 at once and 100 a second", took)
	}
	off := newRelay(t, server.Config{FramesPerSecond: -1})
	a, b = off.raw(1), off.raw(2)
	session(a, b)
	if n, todo := off.m.Take(off.now, a.conn, bytes.Repeat(frame, 20_000)); n != 20_000*len(frame) {
		t.Errorf("without the limit %d bytes were taken, and then %+v", n, todo)
	}
}

func TestConnectionThatDoesNotLogInIsClosed(t *testing.T) {
	r := newRelay(t, server.Config{})
	in := r.raw(1)
	silent := r.open()
	r.wait(5 * time.Second)
	half := r.open()
	half.sends(&wire.Login{Key: derKey(t, 1).Public().Bytes()})
	half.next(wire.KindProof)
	if got, want := r.m.Deadline(), r.now.Add(10*time.Second); !got.Equal(want) {
		t.Errorf("Deadline() = %v, want %v", got, want)
	}
	r.wait(10*time.Second - 1)
	silent.stays(true)
	r.wait(1)
	silent.stays(false)
	half.stays(true)
	r.wait(5 * time.Second)
	half.stays(false)
	in.stays(true)
	if !errors.Is(half.why, server.ErrLoginTimeout) || r.m.Stats().LoginTimeouts != 2 || !r.m.Deadline().IsZero() {
		t.Errorf("closed because %v, %d timeouts, next %v", half.why, r.m.Stats().LoginTimeouts, r.m.Deadline())
	}
}

func TestPendingConnectionsOfAnAddressAreLimited(t *testing.T) {
	r := newRelay(t, server.Config{})
	var pending []*peer
	for range blubbel.PendingPerAddress {
		pending = append(pending, r.open())
	}
	if r.tryOpen("192.0.2.1") != nil {
		t.Error("one more than the limit was taken")
	}
	if r.tryOpen("192.0.2.2") == nil {
		t.Error("another address was refused")
	}
	pending[0].sends(&wire.Login{Key: rawKey(1).Bytes()}) // logged in: does not count any more
	r.open()
	pending[1].leaves()
	r.open()
	if r.tryOpen("192.0.2.1") != nil {
		t.Error("places are given back twice")
	}
	pending[0].stays(true)
	if got := r.m.Stats().RefusedPending; got != 2 {
		t.Errorf("%d refusals counted, want 2", got)
	}
}

func TestLoopbackIsExemptFromAddressLimitsUnlessSet(t *testing.T) {
	for _, limited := range []bool{false, true} {
		r := newRelay(t, server.Config{LimitLoopback: limited})
		for _, addr := range []string{"127.0.0.1", "::1", ""} {
			for range blubbel.PendingPerAddress {
				r.tryOpen(addr)
			}
		}
		for _, addr := range []string{"127.0.0.1", "::1", ""} {
			if taken := r.tryOpen(addr) != nil; taken == limited {
				t.Errorf("limited %v: connection of %q taken: %v", limited, addr, taken)
			}
		}
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

func TestSettingsThatCannotBeAreAllNamed(t *testing.T) {
	_, err := server.NewMachine(server.Config{MaxPayload: 2 << 20, Queue: -1, Stall: -1, Sessions: -1, StartRate: -1, AsShipped: true, RefuseRaw: true})
	for _, word := range []string{"MaxPayload", "Queue", "Stall", "Sessions", "StartRate", "AsShipped"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not name %s", err, word)
		}
	}
	if _, err := server.NewMachine(server.Config{MaxPayload: 10}); err == nil {
		t.Error("a login would not fit, and nothing was said")
	}
}
