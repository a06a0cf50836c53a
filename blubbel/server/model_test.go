package server_test

import (
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"

	"pgregory.net/rapid"
)

// model is the table of the specification, Server state, for a few clients. It
// keeps facts in plain sets, where the machine keeps what each sees of the other.
type model struct {
	online map[int]bool
	asked  map[[2]int]bool // asked(A, B)
	open   map[[2]int]bool // both ways
	limit  int             // asked and open a connection
}

func newModel(limit int) *model {
	return &model{online: map[int]bool{}, asked: map[[2]int]bool{}, open: map[[2]int]bool{}, limit: limit}
}

// full reports whether a may have no session with another than those it has.
func (m *model) full(a, b, clients int) bool {
	n := 0
	for other := range clients {
		if m.asked[[2]int{a, other}] || m.open[[2]int{a, other}] {
			if other == b {
				return false
			}
			n++
		}
	}
	return n >= m.limit
}

// frame says what a frame from a to b must do: 0 is forwarded.
func (m *model) frame(k wire.Kind, a, b, clients int) blubbel.Code {
	switch {
	case k == wire.KindStart && a == b:
		return blubbel.CodeBadKey
	case !m.online[b]:
		return blubbel.CodeNotConnected
	case k == wire.KindMessage && !m.open[[2]int{a, b}],
		k == wire.KindAccept && !m.asked[[2]int{b, a}]:
		return blubbel.CodeNoSession
	case k != wire.KindMessage && m.full(a, b, clients):
		return blubbel.CodeSlowDown
	}
	switch k {
	case wire.KindStart:
		m.asked[[2]int{a, b}] = true
	case wire.KindAccept:
		delete(m.asked, [2]int{a, b})
		delete(m.asked, [2]int{b, a})
		m.open[[2]int{a, b}], m.open[[2]int{b, a}] = true, true
	}
	return 0
}

func (m *model) leave(a, clients int) {
	delete(m.online, a)
	for b := range clients {
		for _, pair := range [][2]int{{a, b}, {b, a}} {
			delete(m.asked, pair)
			delete(m.open, pair)
		}
	}
}

func TestMachineDoesWhatTheTableOfTheSpecificationSays(t *testing.T) {
	t.Parallel()
	const clients = 5
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, clients).Draw(rt, "limit")
		r := newRelay(t, server.Config{Sessions: limit, StartBurst: 1e6, StartRecipientRate: 1e6})
		m := newModel(limit)
		peers := make([]*peer, clients)
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			a := rapid.IntRange(0, clients-1).Draw(rt, "from")
			b := rapid.IntRange(0, clients-1).Draw(rt, "to")
			kind := wire.Kind(rapid.IntRange(1, 4).Draw(rt, "kind"))
			r.wait(time.Millisecond)
			switch {
			case !m.online[a]:
				peers[a] = r.raw(a)
				m.online[a] = true
			case kind == wire.KindLogin:
				peers[a].leaves()
				m.leave(a, clients)
			default:
				want := m.frame(kind, a, b, clients)
				got := forwards(r, peers, kind, a, b)
				if got != want {
					rt.Fatalf("%v from %d to %d: got code %d, want %d", kind, a, b, got, want)
				}
			}
		}
		if got := r.m.Stats().Sessions; int(got) != len(m.open)/2 {
			rt.Fatalf("%d sessions are open, want %d", got, len(m.open)/2)
		}
	})
}

// forwards sends a frame and returns the code of the answer, 0 if it arrived
// where it should, and nowhere else.
func forwards(r *relay, peers []*peer, k wire.Kind, a, b int) blubbel.Code {
	packets := map[wire.Kind]wire.Packet{
		wire.KindStart:   &wire.Start{Peer: rawKey(b).Bytes(), Sealed: []byte("x")},
		wire.KindAccept:  &wire.Accept{Peer: rawKey(b).Bytes(), Sealed: []byte("x")},
		wire.KindMessage: &wire.Message{Peer: rawKey(b).Bytes(), Sealed: []byte("x")},
	}
	peers[a].sends(packets[k])
	var code blubbel.Code
	for i, p := range peers {
		if p == nil || len(p.frames) == 0 {
			continue
		}
		f := p.frames[0]
		switch {
		case len(p.frames) == 1 && i == a && f.Kind == wire.KindError:
			code = blubbel.Code(f.Payload[0])
		case len(p.frames) != 1 || i != b || f.Kind != k || string(f.Payload) != string(rawKey(a).Bytes())+"x":
			r.t.Fatalf("%d got %v", i, p.frames)
		}
		p.frames = nil
	}
	return code
}
