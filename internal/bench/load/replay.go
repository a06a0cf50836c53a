//go:build linux

package load

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	"trunkline/internal/bench/keyring"
)

// ReplayArgs say how many clients are recorded and replayed.
type ReplayArgs struct {
	Addr string `json:"addr"`
	N    int    `json:"n"`
}

// Replayed is how many streams were sent once more and what they did that they
// must not; Deeds is empty if nothing.
type Replayed struct {
	Streams int      `json:"streams"`
	Deeds   []string `json:"deeds"`
}

// replayWait bounds how long a server may take to close a replayed stream.
const replayWait = 20 * time.Second

// recorded is one client's conversation: all that it wrote, and where its
// login ends.
type recorded struct {
	a, b   *blubbelClient
	tape   *tape
	login  int // bytes of the tape that are the login
	source netip.Addr
}

// A tape is a connection that keeps what is written to it.
type tape struct {
	net.Conn
	written []byte
}

func (t *tape) Write(b []byte) (int, error) {
	t.written = append(t.written, b...)
	return t.Conn.Write(b)
}

// replay records N clients and sends each one's stream again: from the same
// and from another address, while it is connected and after it has left, whole
// and without its login. None may sign in, and nothing may be delivered.
func replay(ctx context.Context, a ReplayArgs) (Replayed, error) {
	var r Replayed
	for i := range a.N {
		if err := r.one(ctx, a.Addr, 2*i); err != nil {
			return r, fmt.Errorf("client %d: %w", i, err)
		}
	}
	return r, r.raw(ctx, a.Addr)
}

func (r *Replayed) one(ctx context.Context, addr string, i int) error {
	keyA, err := keyring.Key(i)
	if err != nil {
		return err
	}
	rec, err := record(ctx, addr, i, keyA)
	if err != nil {
		return err
	}
	defer func() { _ = rec.a.conn.Close(); _ = rec.b.conn.Close() }()
	other := Target{}.Source(i + 500)
	for _, source := range []netip.Addr{rec.source, other} {
		r.again(ctx, addr, source, rec, "while connected")
	}
	// The one recorded is undisturbed, and nothing came before this.
	if err := rec.deliver("after the replays"); err != nil {
		r.deed("%v: the recorded client was disturbed: %v", i, err)
	}
	_ = rec.a.conn.Close()
	for _, source := range []netip.Addr{rec.source, other} {
		r.again(ctx, addr, source, rec, "after it left")
	}
	r.quiet(rec.b)
	return nil
}

// record joins two clients, lets them talk and keeps what the first wrote.
func record(ctx context.Context, addr string, i int, key *blubbel.SecretKey) (*recorded, error) {
	rec := &recorded{source: Target{}.Source(i)}
	rec.a = &blubbelClient{self: key.Public().Bytes()}
	err := joining(ctx, Target{Addr: addr}, i, func(c net.Conn) error {
		rec.tape = &tape{Conn: c}
		rec.a.conn = rec.tape
		return rec.a.login(key)
	})
	if err != nil {
		return nil, err
	}
	rec.login = len(rec.tape.written)
	p := new(blubbelProtocol)
	b, err := p.Join(ctx, Target{Addr: addr}, i+1)
	if err != nil {
		return nil, err
	}
	rec.b = b.(*blubbelClient)
	if err := p.Pair(rec.a, rec.b); err != nil {
		return nil, err
	}
	for _, text := range []string{"one", "two", "three"} {
		if err := rec.deliver(text); err != nil {
			return nil, err
		}
	}
	return rec, nil
}

// deliver sends text and wants it to be the next thing that arrives.
func (rec *recorded) deliver(text string) error {
	_ = rec.b.conn.SetReadDeadline(time.Now().Add(replayWait))
	if err := rec.a.Send([]byte(text)); err != nil {
		return err
	}
	body, err := rec.b.Next()
	if err != nil {
		return err
	}
	if string(body) != text {
		return fmt.Errorf("%d bytes arrived that were not sent", len(body))
	}
	return nil
}

// again sends the recorded stream whole and without its login.
func (r *Replayed) again(ctx context.Context, addr string, source netip.Addr, rec *recorded, when string) {
	tape := slices.Clone(rec.tape.written)
	for _, stream := range [][]byte{tape, tape[rec.login:]} {
		r.Streams++
		answer, err := answers(ctx, addr, source, stream)
		if err != nil {
			r.deed("replay from %v %s: %v", source, when, err)
		}
		for _, f := range answer {
			if f.Kind != wire.KindProof && f.Kind != wire.KindError {
				r.deed("replay from %v %s was answered with %v", source, when, f.Kind)
			}
		}
	}
}

// answers sends a stream over a connection of its own and returns the frames
// that come until the server closes it.
func answers(ctx context.Context, addr string, source netip.Addr, stream []byte) ([]wire.Frame, error) {
	c, err := dial(ctx, addr, source)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(replayWait))
	_, _ = c.Write(stream)
	f := frames{conn: c}
	var list []wire.Frame
	for {
		frame, err := f.next()
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			return list, errors.New("not closed")
		}
		if err != nil {
			return list, nil
		}
		frame.Payload = bytes.Clone(frame.Payload)
		list = append(list, frame)
	}
}

// quiet checks that nothing more waits for b: what a fresh Start to itself is
// answered with must be the next thing that it hears.
func (r *Replayed) quiet(b *blubbelClient) {
	_ = b.conn.SetDeadline(time.Now().Add(replayWait))
	if err := b.send(&wire.Start{Peer: b.self, Sealed: []byte(opaque)}); err != nil {
		r.deed("receiver was disturbed: %v", err)
		return
	}
	frame, err := b.next()
	if err != nil || frame.Kind != wire.KindError {
		r.deed("receiver got %v after the replays, %v", frame.Kind, err)
	}
}

// raw replays a raw login, which proves nothing: while its client is connected
// it is refused; afterwards it signs in, as documented, but reaches nobody.
func (r *Replayed) raw(ctx context.Context, addr string) error {
	secret, err := rsa.GenerateKey(rand.Reader, 8*blubbel.RawKeySize)
	if err != nil {
		return err
	}
	key, err := blubbel.NewSecretKey(secret)
	if err != nil {
		return err
	}
	const far = 10_000 // a number that no recorded client has
	rec, err := record(ctx, addr, far, key)
	if err != nil {
		return err
	}
	defer func() { _ = rec.b.conn.Close() }()
	r.Streams++
	answer, err := answers(ctx, addr, rec.source, rec.tape.written)
	if err != nil || len(answer) != 1 || answer[0].Kind != wire.KindError {
		r.deed("a raw login in use was replayed: %v %v", kinds(answer), err)
	}
	if err := rec.deliver("after the raw replay"); err != nil {
		r.deed("the raw client was disturbed: %v", err)
	}
	_ = rec.a.conn.Close()
	return nil
}

func kinds(list []wire.Frame) string {
	var words []string
	for _, f := range list {
		words = append(words, f.Kind.String())
	}
	return strings.Join(words, " ")
}

func (r *Replayed) deed(format string, args ...any) {
	r.Deeds = append(r.Deeds, fmt.Sprintf(format, args...))
}

// StartsArgs say how many Start frames one client sends to one other, as fast
// as it can.
type StartsArgs struct {
	Addr string `json:"addr"`
	N    int    `json:"n"`
}

// Started is what became of them.
type Started struct {
	Forwarded int `json:"forwarded"`
	Refused   int `json:"refused"` // told to slow down
}

// starts floods with requests for sessions.
func starts(ctx context.Context, a StartsArgs) (Started, error) {
	p := new(blubbelProtocol)
	from, err := p.Join(ctx, Target{Addr: a.Addr}, 14_000)
	if err != nil {
		return Started{}, err
	}
	to, err := p.Join(ctx, Target{Addr: a.Addr}, 14_001)
	if err != nil {
		return Started{}, err
	}
	x, y := from.(*blubbelClient), to.(*blubbelClient)
	defer func() { _ = x.conn.Close(); _ = y.conn.Close() }()
	_ = x.conn.SetDeadline(time.Now().Add(joinTimeout))
	frame, err := wire.AppendFrame(nil, &wire.Start{Peer: y.self, Sealed: []byte(opaque)})
	if err != nil {
		return Started{}, err
	}
	out := Started{Forwarded: a.N}
	for range a.N {
		if _, err := x.conn.Write(frame); err != nil {
			return out, err
		}
	}
	// A frame that is always answered marks the end of the answers.
	if err := x.send(&wire.Start{Peer: x.self, Sealed: []byte(opaque)}); err != nil {
		return out, err
	}
	for {
		f, err := x.next()
		if err != nil {
			return out, err
		}
		var e wire.Error
		if f.Kind != wire.KindError || e.UnmarshalBinary(f.Payload) != nil {
			return out, fmt.Errorf("answered with %v", f.Kind)
		}
		if bytes.Equal(e.Peer, x.self) {
			return out, nil
		}
		if e.Code == blubbel.CodeSlowDown {
			out.Refused++
			out.Forwarded--
		}
	}
}
