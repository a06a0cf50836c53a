//go:build interop && linux

package exchange_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// stranger is a client that keeps to no rules.
type stranger struct {
	t   *testing.T
	c   net.Conn
	key *blubbel.SecretKey
}

func dial(t *testing.T, address string) *stranger {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &stranger{t: t, c: c}
}

func (s *stranger) send(p wire.Packet) {
	s.t.Helper()
	b, err := wire.AppendFrame(nil, p)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.c.Write(b); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stranger) next() wire.Packet {
	s.t.Helper()
	head := make([]byte, wire.HeadSize)
	if _, err := io.ReadFull(s.c, head); err != nil {
		s.t.Fatal(err)
	}
	size := int(head[1])<<24 | int(head[2])<<16 | int(head[3])<<8 | int(head[4])
	payload := make([]byte, size)
	if _, err := io.ReadFull(s.c, payload); err != nil {
		s.t.Fatal(err)
	}
	p, err := wire.Parse(wire.ToClient, wire.Kind(head[0]), payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// login logs in with a key of the stranger's own.
func (s *stranger) login() {
	s.t.Helper()
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.key, err = blubbel.NewSecretKey(pair); err != nil {
		s.t.Fatal(err)
	}
	s.send(&wire.Login{Key: s.key.Public().Bytes()})
	proof, err := s.key.Prove(s.next().(*wire.Challenge).Sealed)
	if err != nil {
		s.t.Fatal(err)
	}
	s.send(&wire.Proof{MAC: proof})
	if _, ok := s.next().(*wire.LoginAccepted); !ok {
		s.t.Fatal("login was not accepted")
	}
}

func (s *stranger) wantsError(code blubbel.Code) {
	s.t.Helper()
	if p, ok := s.next().(*wire.Error); !ok || p.Code != code {
		s.t.Errorf("got %+v, want error %d", p, code)
	}
}

// wiretap passes connections on to a server and keeps what clients sent.
type wiretap struct {
	l    net.Listener
	mu   sync.Mutex
	sent []*bytes.Buffer
}

func tap(t *testing.T, address string) *wiretap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{l: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", address)
			if err != nil {
				_ = c.Close()
				continue
			}
			kept := new(bytes.Buffer)
			w.mu.Lock()
			w.sent = append(w.sent, kept)
			w.mu.Unlock()
			go func() { _, _ = io.Copy(c, to); _ = c.Close() }()
			go func() { _, _ = io.Copy(to, io.TeeReader(c, locked{w, kept})); _ = to.Close() }()
		}
	}()
	return w
}

type locked struct {
	w *wiretap
	b *bytes.Buffer
}

func (l locked) Write(b []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.b.Write(b)
}

func (w *wiretap) streams() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all [][]byte
	for _, b := range w.sent {
		all = append(all, bytes.Clone(b.Bytes()))
	}
	return all
}

func TestStrangerCannotInjectReplayOrTakeOver(t *testing.T) {
	s := serve(t)
	w := tap(t, s.address)
	tapped := *s
	tapped.address = w.l.Addr().String()
	a, b := tapped.peer(t, "a", "--auto"), tapped.peer(t, "b", "--auto")
	a.do(map[string]any{"do": "add", "who": b.self})
	a.do(map[string]any{"do": "send", "to": b.self, "text": "first"})
	if e := b.until("message"); e.Text != "first" {
		t.Fatalf("got %+v", e)
	}
	keyA, keyB := parse(t, a.self), parse(t, b.self)

	inject := dial(t, s.address)
	inject.login()
	inject.send(&wire.Message{Peer: keyB.Bytes(), Sealed: make([]byte, 100)})
	inject.wantsError(blubbel.CodeNoSession)
	inject.send(&wire.Accept{Peer: keyB.Bytes(), Sealed: make([]byte, 256)})
	inject.wantsError(blubbel.CodeNoSession)

	for _, stream := range w.streams() {
		replay := dial(t, s.address)
		if _, err := replay.c.Write(stream); err != nil {
			continue // closed in the middle: refused
		}
		if _, ok := replay.next().(*wire.Challenge); !ok {
			t.Error("a replayed login was not challenged anew")
		}
		replay.wantsError(blubbel.CodeBadKey)
	}

	over := dial(t, s.address)
	over.send(&wire.Login{Key: keyA.Bytes()})
	if _, ok := over.next().(*wire.Challenge); !ok {
		t.Fatal("no challenge")
	}
	over.send(&wire.Proof{MAC: [32]byte{1}})
	over.wantsError(blubbel.CodeBadKey)

	a.do(map[string]any{"do": "send", "to": b.self, "text": "second"})
	if e := b.until("message"); e.Text != "second" {
		t.Errorf("after all that b got %+v", e)
	}
	s.stop(t)
}

func parse(t *testing.T, address string) blubbel.PublicKey {
	t.Helper()
	k, err := blubbel.ParseText(address)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
