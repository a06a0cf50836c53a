package simnet_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trunkline/internal/simnet"
)

type addrPort = netip.AddrPort

func addrPortFrom(a netip.Addr, port uint16) addrPort { return netip.AddrPortFrom(a, port) }

// lab is an inside socket and three outside ones; 1 and 2 share a host.
type lab struct {
	w    *simnet.World
	home *simnet.NAT
	in   *inbox
	out  [3]*inbox
}

func newLab(t testing.TB, kind simnet.Kind) *lab {
	t.Helper()
	l := &lab{w: simnet.NewWorld(simnet.Config{})}
	l.home = l.w.NAT("home", kind)
	l.in = open(t, l.w, l.w.Host("in", l.home), 5000)
	near, far := l.w.Host("near"), l.w.Host("far")
	for i, h := range []*simnet.Host{near, far, far} {
		l.out[i] = open(t, l.w, h, uint16(1+i))
	}
	return l
}

// reach sends from inside to the given peer and returns the outside endpoint.
func (l *lab) reach(i int) addrPort {
	l.in.Send(l.out[i].Addr(), nil)
	wait(l.w, time.Millisecond)
	return l.out[i].mail[len(l.out[i].mail)-1].from
}

// admits says whether what peer i sends to an outside endpoint comes in.
func (l *lab) admits(i int, to addrPort) bool {
	before := len(l.in.mail)
	l.out[i].Send(to, nil)
	wait(l.w, time.Millisecond)
	return len(l.in.mail) > before
}

func TestMappingFollowsTheScope(t *testing.T) {
	t.Parallel()
	for scope, want := range map[simnet.Scope][3]bool{ // same outside endpoint for peers 0 and 1, 1 and 2, 1 and 1 again
		simnet.EndpointIndependent:     {true, true, true},
		simnet.AddressDependent:        {false, true, true},
		simnet.AddressAndPortDependent: {false, false, true},
	} {
		l := newLab(t, simnet.Kind{Mapping: scope})
		to0, to1, to2 := l.reach(0), l.reach(1), l.reach(2)
		if got := [3]bool{to0 == to1, to1 == to2, to1 == l.reach(1)}; got != want {
			t.Errorf("scope %d: same endpoints %v, want %v", scope, got, want)
		}
		if to0.Addr() != l.home.Addr() {
			t.Errorf("scope %d: seen as %v, want the address %v", scope, to0, l.home.Addr())
		}
	}
}

func TestFilteringFollowsTheScope(t *testing.T) {
	t.Parallel()
	for scope, want := range map[simnet.Scope][3]bool{ // who comes in after a packet to peer 1
		simnet.EndpointIndependent:     {true, true, true},
		simnet.AddressDependent:        {false, true, true},
		simnet.AddressAndPortDependent: {false, true, false},
	} {
		l := newLab(t, simnet.Kind{Filtering: scope})
		if l.admits(1, addrPortFrom(l.home.Addr(), 5000)) || l.w.Count(simnet.NoMapping) != 1 {
			t.Errorf("scope %d: came in through a port that was never used", scope)
		}
		outside := l.reach(1)
		if got := [3]bool{l.admits(0, outside), l.admits(1, outside), l.admits(2, outside)}; got != want {
			t.Errorf("scope %d: admits %v, want %v", scope, got, want)
		}
	}
}

func TestMappingIsForgottenAfterItsLifetime(t *testing.T) {
	t.Parallel()
	l := newLab(t, simnet.Kind{Filtering: simnet.AddressDependent, Lifetime: 10 * time.Second})
	outside := l.reach(0)
	for range 5 { // packets outward keep it
		wait(l.w, 9*time.Second)
		if !l.admits(0, outside) {
			t.Fatal("forgotten although it was used")
		}
		l.reach(0)
	}
	for i := range 2 { // packets inward do not
		wait(l.w, 6*time.Second)
		if got := l.admits(0, outside); got != (i == 0) {
			t.Errorf("%d s after the last packet outward: admits %v", 6*(i+1), got)
		}
	}
	if again := l.reach(0); again != outside || !l.admits(0, again) {
		t.Errorf("mapped anew to %v, want %v", again, outside)
	}
}

func TestPermissionEndsWhileTheMappingLives(t *testing.T) {
	t.Parallel()
	l := newLab(t, simnet.PortRestricted())
	outside := l.reach(0)
	wait(l.w, 90*time.Second)
	l.reach(1)
	wait(l.w, 90*time.Second)
	if l.admits(0, outside) || !l.admits(1, outside) {
		t.Error("want only the peer in that was sent to in the last two minutes")
	}
}

func TestFlushForgetsAllMappings(t *testing.T) {
	t.Parallel()
	l := newLab(t, simnet.Symmetric())
	before := l.reach(0)
	l.home.Flush()
	if l.admits(0, before) {
		t.Error("the old mapping lives on")
	}
	if after := l.reach(0); after == before {
		t.Errorf("mapped to %v again", after)
	}
}

func TestRenumberedNATIsSeenElsewhere(t *testing.T) {
	t.Parallel()
	l := newLab(t, simnet.FullCone())
	before := l.reach(0)
	l.home.Renumber()
	after := l.reach(0)
	if after.Addr() == before.Addr() || l.admits(0, before) || !l.admits(0, after) {
		t.Errorf("seen as %v, then %v", before, after)
	}
}

func TestHairpinTurnsPacketsRound(t *testing.T) {
	t.Parallel()
	for _, hairpin := range []bool{false, true} {
		l := newLab(t, simnet.Kind{Hairpin: hairpin})
		other := open(t, l.w, l.w.Host("other", l.home), 6000)
		outside := l.reach(0)
		other.Send(outside, []byte("psst"))
		wait(l.w, time.Second)
		if got := l.in.texts() == "psst"; got != hairpin {
			t.Errorf("hairpin %v: got %v", hairpin, l.in.mail)
		}
		if hairpin && l.in.mail[0].from != addrPortFrom(l.home.Addr(), 6000) {
			t.Errorf("seen from %v, want the outside endpoint", l.in.mail[0].from)
		}
	}
}

func TestNoUDPLetsOnlyStreamsThrough(t *testing.T) {
	t.Parallel()
	l := newLab(t, simnet.NoUDP())
	l.in.Send(l.out[0].Addr(), nil)
	wait(l.w, time.Second)
	if len(l.out[0].mail) != 0 || l.w.Count(simnet.UDPBlocked) != 1 {
		t.Error("a datagram passed")
	}
	far := l.w.Host("server")
	door, err := l.w.Listen(far, 443, func(_ time.Time, s *simnet.Stream) simnet.Handler { return &end{} })
	if err != nil {
		t.Fatal(err)
	}
	e := &end{}
	l.w.Dial(l.w.Host("client", l.home), door.Addr(), e)
	wait(l.w, time.Second)
	if e.connected != 1 {
		t.Error("a stream did not pass")
	}
}

func TestNestedNATsTranslateTwice(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	carrier := w.NAT("carrier", simnet.PortRestricted())
	homes := [2]*simnet.NAT{w.NAT("home1", simnet.FullCone(), carrier), w.NAT("home2", simnet.FullCone(), carrier)}
	var in [2]*inbox
	for i, home := range homes {
		in[i] = open(t, w, w.Host(fmt.Sprint("in", i), home), 5000)
	}
	out := open(t, w, w.Host("out"), 1)
	out.reply = func(_ time.Time, from addrPort, b []byte) { out.Send(from, b) }
	in[0].Send(out.Addr(), []byte("first"))
	in[1].Send(out.Addr(), []byte("second"))
	wait(w, time.Second)
	if in[0].texts() != "first" || in[1].texts() != "second" {
		t.Errorf("answers %q and %q", in[0].texts(), in[1].texts())
	}
	if a, b := out.mail[0].from, out.mail[1].from; a == b || a.Addr() != carrier.Addr() || b.Addr() != carrier.Addr() {
		t.Errorf("seen as %v and %v, want two ports of %v", a, b, carrier.Addr())
	}
	// Neighbours meet inside the carrier's network.
	in[0].Send(addrPortFrom(homes[1].Addr(), 5000), []byte("neighbour"))
	wait(w, time.Second)
	if in[1].texts() != "second neighbour" || in[1].mail[1].from.Addr() != homes[0].Addr() {
		t.Errorf("neighbour got %v", in[1].mail)
	}
}

func TestInsidePortIsKeptWhenFree(t *testing.T) {
	t.Parallel()
	l := newLab(t, simnet.FullCone())
	rival := open(t, l.w, l.w.Host("rival", l.home), 5000)
	first := l.reach(0)
	rival.Send(l.out[0].Addr(), nil)
	wait(l.w, time.Second)
	second := l.out[0].mail[1].from
	if first.Port() != 5000 || second.Port() == 5000 {
		t.Errorf("ports %d and %d", first.Port(), second.Port())
	}
}

func TestPortRangeBoundsMappings(t *testing.T) {
	t.Parallel()
	kind := simnet.Symmetric()
	kind.LowPort, kind.HighPort = 40000, 40003
	l := newLab(t, kind)
	seen := make(map[uint16]bool)
	for i := range uint16(4) {
		s := open(t, l.w, l.w.Host(fmt.Sprint(i)), 9)
		l.in.Send(s.Addr(), nil)
		wait(l.w, time.Second)
		seen[s.mail[0].from.Port()] = true
	}
	l.in.Send(l.out[0].Addr(), nil)
	wait(l.w, time.Second)
	for port := range seen {
		if port < 40000 || port > 40003 {
			t.Errorf("port %d", port)
		}
	}
	if len(seen) != 4 || len(l.out[0].mail) != 0 {
		t.Errorf("%d ports used, a fifth mapping made: %v", len(seen), len(l.out[0].mail) != 0)
	}
	wait(l.w, 3*time.Minute)
	l.reach(0) // old ones make room
}

// TestMappingTableIsConsistent checks under random use that two inside
// endpoints never share a live outside port, and that answers find home.
func TestMappingTableIsConsistent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := simnet.NewWorld(simnet.Config{Seed: rapid.Uint64().Draw(t, "seed")})
		kind := simnet.Kind{
			Mapping:   simnet.Scope(rapid.IntRange(0, 2).Draw(t, "mapping")),
			Filtering: simnet.Scope(rapid.IntRange(0, 2).Draw(t, "filtering")),
			Lifetime:  10 * time.Second, LowPort: 5000, HighPort: 5200,
		}
		home := w.NAT("home", kind)
		var in, out []*simnet.Socket
		var answers []*inbox
		for i := range 8 {
			s, _ := w.Socket(w.Host(fmt.Sprint("in", i), home), 5000)
			box := &inbox{Socket: s}
			s.Attach(box)
			in, answers = append(in, s), append(answers, box)
			s, _ = w.Socket(w.Host(fmt.Sprint("out", i)), 7)
			s.Attach(&inbox{reply: func(_ time.Time, from addrPort, b []byte) { s.Send(from, b) }})
			out = append(out, s)
		}
		for range rapid.IntRange(1, 300).Draw(t, "packets") {
			i := rapid.IntRange(0, 7).Draw(t, "in")
			had := len(answers[i].mail)
			in[i].Send(out[rapid.IntRange(0, 7).Draw(t, "out")].Addr(), []byte("hi"))
			wait(w, time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds"))*time.Second)
			if len(answers[i].mail) != had+1 {
				t.Fatalf("no answer came back to %d", i)
			}
		}
	})
}

// puncher is a node that registers at a rendezvous, is told of its partner, and
// sends to him and to wherever he is heard from.
type puncher struct {
	*inbox
	rendezvous addrPort
	partner    addrPort
	due        time.Time
	heard      bool
}

func (p *puncher) Deadline() time.Time { return p.due }

func (p *puncher) Advance(now time.Time) {
	p.due = now.Add(500 * time.Millisecond)
	if !p.partner.IsValid() {
		p.Send(p.rendezvous, []byte("register"))
		return
	}
	p.Send(p.partner, []byte("punch"))
}

func (p *puncher) Receive(_ time.Time, from addrPort, b []byte) {
	if from == p.rendezvous {
		p.partner = netip.MustParseAddrPort(string(b))
		return
	}
	p.heard = true
	p.partner = from // as he is seen from here
}

func punch(t *testing.T, a, b simnet.Kind) (direct bool, trace string) {
	t.Helper()
	var lines strings.Builder
	w := simnet.NewWorld(simnet.Config{
		Path:     simnet.Link{Delay: 30 * time.Millisecond, Jitter: 10 * time.Millisecond},
		Trace:    func(line string) { fmt.Fprintln(&lines, line) },
		Describe: func(b []byte) string { return string(b) },
	})
	hub := open(t, w, w.Host("pub"), 33445)
	var known []addrPort
	hub.reply = func(_ time.Time, from addrPort, _ []byte) {
		if len(known) == 0 || len(known) == 1 && known[0] != from {
			known = append(known, from)
		}
		if len(known) == 2 {
			hub.Send(known[0], []byte(known[1].String()))
			hub.Send(known[1], []byte(known[0].String()))
		}
	}
	var ends [2]*puncher
	for i, kind := range []simnet.Kind{a, b} {
		s, err := w.Socket(w.Host(string("ab"[i]), w.NAT("nat", kind)), 5000)
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = &puncher{inbox: &inbox{Socket: s}, rendezvous: hub.Addr(), due: w.Now()}
		s.Attach(ends[i])
	}
	wait(w, 10*time.Second)
	return ends[0].heard && ends[1].heard, lines.String()
}

// TestHolePunchingSucceedsAsWithRealNATs is the table seen with kernels' NATs in
// network namespaces.
func TestHolePunchingSucceedsAsWithRealNATs(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		name string
		kind simnet.Kind
	}{
		{"fullcone", simnet.FullCone()},
		{"restricted", simnet.Restricted()},
		{"portrestricted", simnet.PortRestricted()},
		{"symmetric", simnet.Symmetric()},
		{"noudp", simnet.NoUDP()},
	}
	want := [5][5]bool{
		{true, true, true, true, false},
		{true, true, true, true, false},
		{true, true, true, false, false},
		{true, true, false, false, false},
		{false, false, false, false, false},
	}
	for i, a := range kinds {
		for j, b := range kinds {
			t.Run(a.name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				if direct, trace := punch(t, a.kind, b.kind); direct != want[i][j] {
					t.Errorf("direct %v, want %v\n%s", direct, want[i][j], trace)
				}
			})
		}
	}
}

func TestBusyNATForgetsOldPeersAndKeepsNewOnes(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]simnet.Kind{"portrestricted": simnet.PortRestricted(), "symmetric": simnet.Symmetric()} {
		t.Run(name, func(t *testing.T) {
			w := simnet.NewWorld(simnet.Config{})
			in := open(t, w, w.Host("in", w.NAT("home", kind)), 5000)
			far := w.Host("far")
			var peers []*inbox
			for range 1000 { // one a second: 120 are young enough at any time
				p := open(t, w, far, 0)
				in.Send(p.Addr(), nil)
				wait(w, time.Second)
				peers = append(peers, p)
			}
			for i, p := range peers {
				p.Send(p.mail[0].from, fmt.Append(nil, i))
			}
			wait(w, time.Millisecond)
			if len(in.mail) != 120 || in.mail[0].text != "880" {
				t.Errorf("%d peers came in, from number %s on; want the last 120", len(in.mail), in.mail[0].text)
			}
		})
	}
}

func TestRenumberedInsideHostsNeverShareAnAddress(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	home := w.NAT("home", simnet.FullCone())
	still, roamer := w.Host("still", home), w.Host("roamer", home)
	for range 1000 {
		before := roamer.Addr()
		roamer.Renumber()
		if roamer.Addr() == still.Addr() || roamer.Addr() == before {
			t.Fatalf("%v became %v, beside %v", before, roamer, still)
		}
	}
}
