package client

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

//go:embed testdata/*.pem
var testKeys embed.FS

// keyring reads the recorded keys once: ann, ben and eve have 2048 bits, raw and
// rob 1024.
var keyring = sync.OnceValues(func() (map[string]*blubbel.SecretKey, error) {
	ring := map[string]*blubbel.SecretKey{}
	for _, name := range []string{"ann", "ben", "eve", "raw", "rob"} {
		text, err := testKeys.ReadFile("testdata/" + name + ".pem")
		if err != nil {
			return nil, err
		}
		if ring[name], err = blubbel.ParseSecretKey(text); err != nil {
			return nil, err
		}
	}
	return ring, nil
})

func key(t testing.TB, name string) *blubbel.SecretKey {
	t.Helper()
	ring, err := keyring()
	if err != nil || ring[name] == nil {
		t.Fatalf("no key of the name %q: %v", name, err)
	}
	return ring[name]
}

// world is a relay that obeys the specification, with machines on its lines.
// Nothing moves unless a test moves it, and a test may take frames off the lines,
// add some and change their order.
type world struct {
	t     testing.TB
	now   time.Time
	peers []*peer

	online      map[string]*peer
	asked, open map[[2]string]bool
	cheap       bool // no challenges, and no public-key work
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		online: map[string]*peer{}, asked: map[[2]string]bool{}, open: map[[2]string]bool{},
	}
}

// peer is a machine, its line to the relay, and what it told its user.
type peer struct {
	w    *world
	m    *Machine
	name string
	key  blubbel.PublicKey

	linked    bool
	up, down  []wire.Frame // under way to the relay, and from it
	deaf      wire.Kind    // frames of this kind, and those behind them, do not arrive
	events    []Event
	hungUp    error
	challenge *blubbel.Challenge
	most      int // frames that may wait before there is no room for texts
}

func (p *peer) Queue(pk wire.Packet) {
	payload, err := pk.AppendBinary(nil)
	if err != nil {
		p.w.t.Errorf("%s queued a packet that cannot be encoded: %v", p.name, err)
	}
	p.up = append(p.up, wire.Frame{Kind: pk.Kind(), Payload: payload})
}

func (p *peer) Room() bool       { return len(p.up) < p.most }
func (p *peer) Emit(e Event)     { p.events = append(p.events, e) }
func (p *peer) HangUp(why error) { p.hungUp = why }

// add adds a client with a recorded key. It is not connected.
func (w *world) add(name string, change ...func(*Config)) *peer {
	w.t.Helper()
	k := key(w.t, name)
	p := &peer{w: w, name: name, key: k.Public(), most: 1000}
	c := Config{Key: k, Rand: rand.New(rand.NewPCG(1, 2))}
	for _, f := range change {
		f(&c)
	}
	m, err := NewMachine(c, p)
	if err != nil {
		w.t.Fatal(err)
	}
	p.m = m
	if w.cheap {
		m.suite = cheapSuite(p.key)
	}
	w.peers = append(w.peers, p)
	return p
}

// cheapSuite seals with a hash of the recipient's key in front, and has small
// exponents, so that thousands of agreements take a second.
func cheapSuite(self blubbel.PublicKey) suite {
	var n byte
	return suite{
		exponent: func() *exponent {
			n++
			e := new(exponent)
			e.x[exponentSize-1], e.x[exponentSize-2] = n, 1+self.Bytes()[40]&1
			return e
		},
		seal: func(to blubbel.PublicKey, y *[blubbel.ValueSize]byte) ([]byte, error) {
			sum := sha256.Sum256(to.Bytes())
			return append(sum[:], y[:]...), nil
		},
		open: func(sealed []byte) (y [blubbel.ValueSize]byte, err error) {
			sum := sha256.Sum256(self.Bytes())
			if len(sealed) != len(sum)+len(y) || !bytes.HasPrefix(sealed, sum[:]) {
				return y, blubbel.ErrBadSeal
			}
			return [blubbel.ValueSize]byte(sealed[len(sum):]), nil
		},
	}
}

func (p *peer) connect() {
	p.linked, p.hungUp, p.challenge = true, nil, nil
	p.up, p.down = nil, nil
	p.m.Connected(p.w.now)
}

// disconnect ends p's connection at both ends; what is under way is lost.
func (p *peer) disconnect() (time.Duration, error) {
	p.w.forget(p)
	p.linked = false
	p.up, p.down = nil, nil
	return p.m.Disconnected(p.w.now, errors.New("cut"))
}

func (w *world) forget(p *peer) {
	id := string(p.key.Bytes())
	if w.online[id] != p {
		return
	}
	delete(w.online, id)
	for _, pairs := range []map[[2]string]bool{w.asked, w.open} {
		for k := range pairs {
			if k[0] == id || k[1] == id {
				delete(pairs, k)
			}
		}
	}
}

// lift moves the first frame of p to the relay, which answers or forwards it.
func (w *world) lift(p *peer) {
	f := p.up[0]
	p.up = p.up[1:]
	w.obey(p, f)
	p.m.Written(w.now, 1)
}

// drop moves the first frame from the relay to p.
func (w *world) drop(p *peer) {
	f := p.down[0]
	p.down = p.down[1:]
	p.receive(f)
}

func (p *peer) receive(f wire.Frame) {
	pk, err := wire.Parse(wire.ToClient, f.Kind, bytes.Clone(f.Payload))
	if err != nil {
		p.w.t.Fatalf("relay sent %s a frame that does not parse: %v", p.name, err)
	}
	p.m.Receive(p.w.now, pk)
}

func (w *world) send(to *peer, pk wire.Packet) {
	payload, err := pk.AppendBinary(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	to.down = append(to.down, wire.Frame{Kind: pk.Kind(), Payload: payload})
}

// obey does what a relay does with a frame of p. Specification, Server state.
func (w *world) obey(p *peer, f wire.Frame) {
	pk, err := wire.Parse(wire.ToServer, f.Kind, f.Payload)
	if err != nil {
		w.t.Fatalf("%s sent a frame that does not parse: %v", p.name, err)
	}
	switch pk := pk.(type) {
	case *wire.Login:
		w.login(p)
	case *wire.Proof:
		if p.challenge == nil || !p.challenge.Accepts(pk.MAC[:]) {
			w.t.Fatalf("%s did not prove its key", p.name)
		}
		w.welcome(p)
	case *wire.Start:
		w.forward(p, f.Kind, pk.Peer, &wire.Start{Peer: p.key.Bytes(), Sealed: pk.Sealed})
	case *wire.Accept:
		w.forward(p, f.Kind, pk.Peer, &wire.Accept{Peer: p.key.Bytes(), Sealed: pk.Sealed})
	case *wire.Message:
		w.forward(p, f.Kind, pk.Peer, &wire.Message{Peer: p.key.Bytes(), Sealed: pk.Sealed})
	}
}

func (w *world) login(p *peer) {
	if w.cheap || p.key.Form() == blubbel.Raw {
		w.welcome(p)
		return
	}
	c, err := blubbel.NewChallenge(p.key)
	if err != nil {
		w.t.Fatal(err)
	}
	p.challenge = c
	w.send(p, &wire.Challenge{Sealed: c.Sealed})
}

func (w *world) welcome(p *peer) {
	id := string(p.key.Bytes())
	if old := w.online[id]; old != nil {
		w.forget(old)
		w.send(old, &wire.Error{Code: blubbel.CodeKeyInUse})
	}
	w.online[id] = p
	w.send(p, &wire.LoginAccepted{})
}

func (w *world) forward(from *peer, k wire.Kind, peer []byte, pk wire.Packet) {
	a, b := string(from.key.Bytes()), string(peer)
	to := w.online[b]
	there, back := [2]string{a, b}, [2]string{b, a}
	refuse := func(c blubbel.Code) { w.send(from, &wire.Error{Code: c, Answered: k, Peer: peer}) }
	switch {
	case to == nil:
		refuse(blubbel.CodeNotConnected)
		return
	case k == wire.KindStart:
		w.asked[there] = true
	case k == wire.KindAccept && !w.asked[back], k == wire.KindMessage && !w.open[there]:
		refuse(blubbel.CodeNoSession)
		return
	case k == wire.KindAccept:
		delete(w.asked, there)
		delete(w.asked, back)
		w.open[there], w.open[back] = true, true
	}
	w.send(to, pk)
}

// run moves frames until none is under way.
func (w *world) run() {
	for moved, turns := true, 0; moved; turns++ {
		if turns > 100_000 {
			w.t.Fatal("frames cause frames without end")
		}
		moved = false
		for _, p := range w.peers {
			if p.linked && len(p.up) > 0 {
				w.lift(p)
				moved = true
			}
			if p.linked && len(p.down) > 0 && p.down[0].Kind != p.deaf {
				w.drop(p)
				moved = true
			}
		}
	}
}

// pass lets time pass; what is due is done at its time, and frames move.
func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for turns := 0; ; turns++ {
		if turns > 10_000 {
			w.t.Fatal("something is always due")
		}
		w.run()
		next := end
		for _, p := range w.peers {
			if at := p.m.Deadline(); !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		if next.After(w.now) {
			w.now = next
		}
		for _, p := range w.peers {
			if at := p.m.Deadline(); !at.IsZero() && !at.After(w.now) {
				p.m.Advance(w.now)
			}
		}
		if !w.now.Before(end) {
			w.run()
			return
		}
	}
}

func (w *world) nameOf(k blubbel.PublicKey) string {
	for _, p := range w.peers {
		if p.key == k {
			return p.name
		}
	}
	return "nobody"
}

// line is an event as tests write it.
func (p *peer) line(e Event) string {
	name := p.w.nameOf
	switch e := e.(type) {
	case Online:
		return "online"
	case Offline:
		return fmt.Sprintf("offline: %v", e.Why)
	case Request:
		return "request " + name(e.From)
	case ContactChanged:
		return fmt.Sprintf("%s %v", name(e.Contact.Key), e.Contact.State)
	case Received:
		return fmt.Sprintf("from %s: %s", name(e.From), e.Text)
	case Sent:
		return fmt.Sprintf("sent %d to %s", e.Ref, name(e.To))
	case Failed:
		return fmt.Sprintf("failed %d to %s: %v", e.Ref, name(e.To), e.Err)
	case Lost:
		return "lost from " + name(e.From)
	case Refused:
		return fmt.Sprintf("refused %v to %s: %v", e.Answered, name(e.Peer), e.Err)
	}
	return fmt.Sprintf("%T", e)
}

// told returns what p told its user since the last call.
func (p *peer) told() []string {
	lines := make([]string, len(p.events))
	for i, e := range p.events {
		lines[i] = p.line(e)
	}
	p.events = nil
	return lines
}

// wants fails the test unless p told its user exactly these lines.
func (p *peer) wants(lines ...string) {
	p.w.t.Helper()
	if got := p.told(); !slices.Equal(got, lines) {
		p.w.t.Fatalf("%s was told\n\t%s\nwant\n\t%s", p.name, strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

// kinds names the frames that are under way.
func kinds(frames []wire.Frame) string {
	names := make([]string, len(frames))
	for i, f := range frames {
		names[i] = f.Kind.String()
	}
	return strings.Join(names, " ")
}

// ok fails the test if an action failed.
func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (p *peer) add(o *peer) { p.w.t.Helper(); p.w.ok(p.m.Add(p.w.now, o.key)) }

func (p *peer) say(o *peer, texts ...string) {
	p.w.t.Helper()
	for _, text := range texts {
		if _, err := p.m.Send(p.w.now, o.key, text); err != nil {
			p.w.t.Fatal(err)
		}
	}
}

func (p *peer) state(o *peer) State {
	for _, c := range p.m.Contacts() {
		if c.Key == o.key {
			return c.State
		}
	}
	return 0
}

// pair returns two clients, logged in, that have each other as contacts and a
// session, with their events taken.
func (w *world) pair(a, b string) (*peer, *peer) {
	w.t.Helper()
	p, q := w.add(a), w.add(b)
	p.connect()
	q.connect()
	w.run()
	p.add(q)
	w.run()
	q.add(p)
	w.run()
	if p.state(q) != Open || q.state(p) != Open {
		w.t.Fatalf("no session: %v and %v", p.state(q), q.state(p))
	}
	p.told()
	q.told()
	return p, q
}

// cheapWorld is a world without public-key work.
func cheapWorld(t testing.TB) *world {
	w := newWorld(t)
	w.cheap = true
	return w
}

// inOrder returns two names so that the first has the smaller key.
func inOrder(t testing.TB, a, b string) (smaller, larger string) {
	if key(t, a).Public().Compare(key(t, b).Public()) < 0 {
		return a, b
	}
	return b, a
}
