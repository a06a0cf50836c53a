package server_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

// FuzzHostileStreamDisturbsNobody makes any bytes the whole stream of a client,
// cut anywhere, while two others talk.
func FuzzHostileStreamDisturbsNobody(f *testing.F) {
	for i, b := range hostileSeeds(f) {
		f.Add(b, uint16(i+1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		r := newRelay(t, server.Config{})
		a, b := r.raw(1), r.raw(2)
		session(a, b)
		p := r.open()
		for chunk := range slices.Chunk(stream, max(int(cut), 1+len(stream)/16)) {
			r.wait(time.Millisecond)
			p.bytes(chunk)
			onlyRequests(t, a)
			onlyRequests(t, b)
			talk(t, a, b)
			talk(t, b, a)
		}
		out := 0
		for _, f := range p.frames {
			out += f.Size()
		}
		// An error repeats a key that came, and at most 256 bytes of words.
		if frames := len(stream)/wire.HeadSize + 1; out > len(stream)+frames*(wire.HeadSize+4+256) {
			t.Errorf("%d bytes for %d", out, len(stream))
		}
	})
}

// talk sends a message and expects it to arrive, and nothing else.
func talk(t *testing.T, from, to *peer) {
	from.bytes(frameOf(t, message(to)))
	if len(to.frames) != 1 || len(from.frames) != 0 || !bytes.Equal(to.frames[0].Payload, append(from.key.Bytes(), "sealed"...)) {
		t.Fatalf("an honest message: the sender got %v, the recipient %v", from.frames, to.frames)
	}
	to.frames = nil
}

// onlyRequests takes what strangers may send: requests for a session.
func onlyRequests(t *testing.T, p *peer) {
	for _, f := range p.frames {
		if f.Kind != wire.KindStart {
			t.Errorf("an honest client got %v from a stranger", f.Kind)
		}
	}
	p.frames = nil
}

func hostileSeeds(f *testing.F) [][]byte {
	login := frameOf(f, &wire.Login{Key: rawKey(3).Bytes()})
	toA := rawKey(1).Bytes()
	all := bytes.Join([][]byte{
		login,
		frameOf(f, &wire.Start{Peer: toA}),
		frameOf(f, &wire.Start{Peer: derKey(f, 1).Public().Bytes(), Sealed: []byte("x")}),
		frameOf(f, &wire.Accept{Peer: toA}),
		frameOf(f, &wire.Message{Peer: toA, Sealed: []byte("injected")}),
		frameOf(f, &wire.Login{Key: toA}),
		frameOf(f, &wire.Proof{}),
	}, nil)
	return [][]byte{
		all,
		frameOf(f, &wire.Login{Key: toA}),
		frameOf(f, &wire.Login{Key: derKey(f, 1).Public().Bytes()}),
		append(bytes.Clone(login), wire.AppendHead(nil, wire.KindMessage, 1<<31)...),
		append(bytes.Clone(login), bytes.Repeat([]byte{1, 0, 0, 0, 0}, 50)...),
	}
}

func frameOf(t testing.TB, p wire.Packet) []byte {
	t.Helper()
	b, err := wire.AppendFrame(nil, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
