package server_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

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
