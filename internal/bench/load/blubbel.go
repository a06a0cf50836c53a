//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	"trunkline/internal/bench/keyring"
)

// opaque stands for the sealed value of a session: the relay does not look
// inside what it forwards.
const opaque = "a sealed value that nobody opens"

// blubbelProtocol signs in with the keys of keyring.
type blubbelProtocol struct{ ready sync.Map }

// Prepare makes the key of client i beforehand, so that a sign-in does not
// count the time that this takes.
func (p *blubbelProtocol) Prepare(i int) error {
	_, err := p.key(i, true)
	return err
}

func (p *blubbelProtocol) key(i int, keep bool) (*blubbel.SecretKey, error) {
	i %= max(1, keyring.Len())
	if k, ok := p.ready.Load(i); ok {
		return k.(*blubbel.SecretKey), nil
	}
	k, err := keyring.Key(i)
	if err == nil && keep {
		p.ready.Store(i, k)
	}
	return k, err
}

// frames splits what a connection brings into frames.
type frames struct {
	conn net.Conn
	buf  []byte
	r, w int
}

// next returns the next frame; its payload is valid until the next call.
func (f *frames) next() (wire.Frame, error) {
	for {
		frame, rest, ok, err := wire.Split(f.buf[f.r:f.w], blubbel.HighestMaxPayload)
		if err != nil {
			return wire.Frame{}, err
		}
		if ok {
			f.r = f.w - len(rest)
			return frame, nil
		}
		if err := f.fill(); err != nil {
			return wire.Frame{}, err
		}
	}
}

const firstBuffer = 1024

func (f *frames) fill() error {
	if f.r > 0 {
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
	if f.w == len(f.buf) {
		f.buf = append(f.buf, make([]byte, max(firstBuffer, len(f.buf)))...)
	}
	n, err := f.conn.Read(f.buf[f.w:])
	f.w += n
	if n > 0 {
		return nil
	}
	return err
}

// forget gives the buffer back if nothing is waiting in it.
func (f *frames) forget() {
	if f.r == f.w {
		f.buf, f.r, f.w = nil, 0, 0
	}
}

// expect returns the next frame, which must be of kind k; an Error packet comes
// as a *blubbel.Error.
func (f *frames) expect(k wire.Kind) (wire.Frame, error) {
	frame, err := f.next()
	if err != nil {
		return frame, err
	}
	if frame.Kind == wire.KindError {
		return frame, complaint(frame.Payload)
	}
	if frame.Kind != k {
		return frame, fmt.Errorf("%v came instead of %v", frame.Kind, k)
	}
	return frame, nil
}

func complaint(payload []byte) error {
	var e wire.Error
	if err := e.UnmarshalBinary(payload); err != nil {
		return err
	}
	return fmt.Errorf("the relay answers %v: %w", e.Answered, &blubbel.Error{Code: e.Code, Text: e.Text})
}

func (f *frames) send(p wire.Packet) error {
	b, err := wire.AppendFrame(nil, p)
	if err != nil {
		return err
	}
	_, err = f.conn.Write(b)
	return err
}

// login proves key on a fresh connection, or just names it if it is raw.
func (f *frames) login(key *blubbel.SecretKey) error {
	if err := f.send(&wire.Login{Key: key.Public().Bytes()}); err != nil {
		return err
	}
	if key.Public().Form() == blubbel.DER {
		frame, err := f.expect(wire.KindProof)
		if err != nil {
			return err
		}
		proof, err := key.Prove(frame.Payload)
		if err != nil {
			return err
		}
		if err := f.send(&wire.Proof{MAC: proof}); err != nil {
			return err
		}
	}
	_, err := f.expect(wire.KindLogin)
	return err
}

// A blubbelClient is a client of the relay that seals nothing: its bodies are
// sent as they are.
type blubbelClient struct {
	frames
	self []byte // own key as it stands in packets
	peer []byte // the key of whom it is paired with
	out  []byte
}

// Join proves the key of client i.
func (p *blubbelProtocol) Join(ctx context.Context, to Target, i int) (Client, error) {
	key, err := p.key(i, false)
	if err != nil {
		return nil, err
	}
	x := &blubbelClient{self: key.Public().Bytes()}
	err = joining(ctx, to, i, func(c net.Conn) error {
		x.conn = c
		defer x.forget()
		return x.login(key)
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

// Conn is the connection underneath.
func (f *frames) Conn() net.Conn { return f.conn }

// Pair opens a session: Start one way, Accept back.
func (*blubbelProtocol) Pair(from, to Client) error {
	a, ok1 := from.(*blubbelClient)
	b, ok2 := to.(*blubbelClient)
	if !ok1 || !ok2 {
		return errors.New("not clients of blubbel")
	}
	a.peer, b.peer = b.self, a.self
	if err := a.send(&wire.Start{Peer: b.self, Sealed: []byte(opaque)}); err != nil {
		return err
	}
	frame, err := b.expect(wire.KindStart)
	if err != nil {
		return err
	}
	var start wire.Start
	if err := start.UnmarshalBinary(frame.Payload); err != nil {
		return err
	}
	if string(start.Peer) != string(a.self) || string(start.Sealed) != opaque {
		return errors.New("the request for a session was changed on the way")
	}
	if err := b.send(&wire.Accept{Peer: a.self, Sealed: []byte(opaque)}); err != nil {
		return err
	}
	_, err = a.expect(wire.KindAccept)
	return err
}

func (x *blubbelClient) Send(body []byte) error {
	x.out = wire.AppendHead(x.out[:0], wire.KindMessage, len(x.peer)+len(body))
	x.out = append(append(x.out, x.peer...), body...)
	_, err := x.conn.Write(x.out)
	return err
}

func (x *blubbelClient) Next() ([]byte, error) {
	frame, err := x.expect(wire.KindMessage)
	if err != nil {
		return nil, err
	}
	var m wire.Message
	if err := m.UnmarshalBinary(frame.Payload); err != nil {
		return nil, err
	}
	if string(m.Peer) != string(x.peer) {
		return nil, errors.New("a message from a stranger")
	}
	return m.Sealed, nil
}
