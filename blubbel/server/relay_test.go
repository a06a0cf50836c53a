package server_test

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A relay is a machine and its time; peers are connections to it. With these a
// test reads as a transcript: a.sends(...), b.gets(...).
type relay struct {
	t   testing.TB
	m   *server.Machine
	now time.Time
}

func newRelay(t testing.TB, c server.Config) *relay {
	t.Helper()
	m, err := server.NewMachine(c)
	if err != nil {
		t.Fatal(err)
	}
	return &relay{t: t, m: m, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// wait lets time pass.
func (r *relay) wait(d time.Duration) {
	r.now = r.now.Add(d)
	r.m.Advance(r.now)
}

// A peer is one connection, and the outlet that the machine writes to.
type peer struct {
	r      *relay
	conn   *server.Conn
	key    blubbel.PublicKey
	stream []byte       // from the client, not taken yet
	frames []wire.Frame // to the client, not looked at yet
	room   int          // frames that are still taken; negative: any number
	deaf   bool         // what is forwarded is forgotten
	closed bool
	why    error
}

func (r *relay) open() *peer {
	r.t.Helper()
	p := r.tryOpen("192.0.2.1")
	if p == nil {
		r.t.Fatal("the connection was refused")
	}
	return p
}

func (r *relay) tryOpen(addr string) *peer {
	p := &peer{r: r, room: -1}
	remote, _ := netip.ParseAddr(addr) // zero for ""
	if p.conn = r.m.Open(r.now, remote, p); p.conn == nil {
		return nil
	}
	return p
}

// raw opens a connection and logs in with the n-th raw key.
func (r *relay) raw(n int) *peer {
	r.t.Helper()
	p := r.open()
	p.key = rawKey(n)
	p.sends(&wire.Login{Key: p.key.Bytes()})
	p.gets(&wire.LoginAccepted{})
	return p
}

// der opens a connection and logs in with a DER key.
func (r *relay) der(k *blubbel.SecretKey) *peer {
	r.t.Helper()
	p := r.open()
	p.key = k.Public()
	p.proves(k)
	p.gets(&wire.LoginAccepted{})
	return p
}

// session opens a session between two peers.
func session(a, b *peer) {
	a.r.t.Helper()
	a.sends(&wire.Start{Peer: b.key.Bytes(), Sealed: []byte("g^a")})
	b.gets(&wire.Start{Peer: a.key.Bytes(), Sealed: []byte("g^a")})
	b.sends(&wire.Accept{Peer: a.key.Bytes(), Sealed: []byte("g^b")})
	a.gets(&wire.Accept{Peer: b.key.Bytes(), Sealed: []byte("g^b")})
}

func (p *peer) Forward(k wire.Kind, from string, body []byte) bool {
	switch {
	case p.deaf:
		return true
	case p.room == 0:
		return false
	}
	p.room--
	p.take(k, append([]byte(from), body...))
	return true
}

func (p *peer) Answer(k wire.Kind, payload []byte) {
	p.take(k, append([]byte(nil), payload...))
}

func (p *peer) take(k wire.Kind, payload []byte) {
	if p.closed {
		p.r.t.Errorf("%v sent after Close", k)
	}
	p.frames = append(p.frames, wire.Frame{Kind: k, Payload: payload})
}

func (p *peer) Full() bool { return p.room == 0 }

func (p *peer) Close(why error) {
	if p.closed {
		p.r.t.Error("closed twice")
	}
	p.closed, p.why = true, why
}

// sends hands a packet to the machine and does what is to be done for it.
func (p *peer) sends(packet wire.Packet) server.Todo {
	p.r.t.Helper()
	b, err := wire.AppendFrame(nil, packet)
	if err != nil {
		p.r.t.Fatal(err)
	}
	return p.bytes(b)
}

// bytes hands part of a stream to the machine. What is not taken waits for the
// next call.
func (p *peer) bytes(b []byte) server.Todo {
	p.stream = append(p.stream, b...)
	for {
		n, todo := p.r.m.Take(p.r.now, p.conn, p.stream)
		key := bytes.Clone(todo.Seal)
		p.stream = p.stream[n:]
		if key == nil {
			return todo
		}
		p.seal(key)
	}
}

func (p *peer) seal(key []byte) {
	k, err := blubbel.ParsePublicKey(key)
	if err != nil {
		p.r.m.Challenged(p.r.now, p.conn, k, nil)
		return
	}
	challenge, err := blubbel.NewChallenge(k)
	if err != nil {
		p.r.t.Fatal(err)
	}
	p.r.m.Challenged(p.r.now, p.conn, k, challenge)
}

// proves sends a DER key and answers the challenge.
func (p *peer) proves(k *blubbel.SecretKey) {
	p.r.t.Helper()
	p.sends(&wire.Login{Key: k.Public().Bytes()})
	proof, err := k.Prove(p.next(wire.KindProof))
	if err != nil {
		p.r.t.Fatal(err)
	}
	p.sends(&wire.Proof{MAC: proof})
}

// next returns the payload of the frame that the client gets next.
func (p *peer) next(k wire.Kind) []byte {
	p.r.t.Helper()
	if len(p.frames) == 0 {
		p.r.t.Fatalf("got nothing, want %v", k)
	}
	f := p.frames[0]
	p.frames = p.frames[1:]
	if f.Kind != k {
		p.r.t.Fatalf("got %v %q, want %v", f.Kind, f.Payload, k)
	}
	return f.Payload
}

// gets expects these packets, and no others.
func (p *peer) gets(want ...wire.Packet) {
	p.r.t.Helper()
	frames := p.frames
	p.frames = nil
	if slices.EqualFunc(frames, want, func(f wire.Frame, p wire.Packet) bool {
		payload, err := p.AppendBinary(nil)
		return err == nil && f.Kind == p.Kind() && bytes.Equal(f.Payload, payload)
	}) {
		return
	}
	var got []wire.Packet
	for _, f := range frames {
		packet, err := wire.Parse(wire.ToClient, f.Kind, f.Payload)
		if err != nil {
			p.r.t.Fatal(err)
		}
		got = append(got, packet)
	}
	p.r.t.Fatalf("packets to the client (-want +got):\n%s", cmp.Diff(want, got, cmpopts.EquateEmpty()))
}

// refused expects an Error about a frame of kind k that named other (nil: none).
func (p *peer) refused(code blubbel.Code, k wire.Kind, other []byte) {
	p.r.t.Helper()
	var e wire.Error
	if err := e.UnmarshalBinary(p.next(wire.KindError)); err != nil {
		p.r.t.Fatal(err)
	}
	if e.Code != code || e.Answered != k || string(e.Peer) != string(other) {
		p.r.t.Fatalf("got error %d (%s) about %v with %d bytes of key, want %d about %v with %d",
			e.Code, e.Text, e.Answered, len(e.Peer), code, k, len(other))
	}
	p.gets()
}

// stays expects that the connection is open, or closed.
func (p *peer) stays(want bool) {
	p.r.t.Helper()
	if p.closed == want {
		p.r.t.Fatalf("connection closed: %v (%v), want %v", p.closed, p.why, !want)
	}
}

// leaves ends the connection as a client does.
func (p *peer) leaves() {
	p.r.m.Close(p.r.now, p.conn)
}
