package simnet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"trunkline/internal/simnet"
)

// sent sends n numbered datagrams from a to b, a millisecond apart, and waits.
func sent(w *simnet.World, a, b *inbox, n int) {
	for i := range n {
		a.Send(b.Addr(), fmt.Append(nil, i))
		wait(w, time.Millisecond)
	}
	wait(w, time.Minute)
}

// pair is two public hosts with a socket each.
func pair(t *testing.T, c simnet.Config) (w *simnet.World, a, b *inbox) {
	t.Helper()
	w = simnet.NewWorld(c)
	return w, open(t, w, w.Host("a"), 1), open(t, w, w.Host("b"), 1)
}

func TestPerfectNetworkDeliversAtOnce(t *testing.T) {
	t.Parallel()
	w, a, b := pair(t, simnet.Config{})
	sent(w, a, b, 100)
	if len(b.mail) != 100 || b.mail[99].at != 99*time.Millisecond || b.mail[0].from != a.Addr() {
		t.Errorf("%d datagrams, the last %+v", len(b.mail), b.mail[len(b.mail)-1])
	}
}

func TestDelaysOfPathAndLinesAddUp(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{Path: simnet.Link{Delay: time.Millisecond}})
	home := w.NAT("home", simnet.FullCone())
	h, g := w.Host("a", home), w.Host("b")
	a, b := open(t, w, h, 1), open(t, w, g, 1)
	h.SetLine(simnet.Link{Delay: 2 * time.Millisecond}, simnet.Link{Delay: 4 * time.Millisecond})
	home.SetLine(simnet.Link{Delay: 8 * time.Millisecond}, simnet.Link{Delay: 16 * time.Millisecond})
	g.SetLine(simnet.Link{Delay: 32 * time.Millisecond}, simnet.Link{Delay: 64 * time.Millisecond})
	b.reply = func(_ time.Time, from addrPort, p []byte) { b.Send(from, p) }
	a.Send(b.Addr(), nil)
	wait(w, time.Hour)
	there := (2 + 8 + 1 + 64) * time.Millisecond
	back := (32 + 1 + 16 + 4) * time.Millisecond
	if len(a.mail) != 1 || b.mail[0].at != there || a.mail[0].at != there+back {
		t.Errorf("arrived %v, back %v; want %v and %v", b.mail, a.mail, there, there+back)
	}
}

func TestHostsBehindOneNATMeetWithoutThePath(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{Path: simnet.Link{Loss: 1}})
	home := w.NAT("home", simnet.Symmetric())
	a, b := open(t, w, w.Host("a", home), 1), open(t, w, w.Host("b", home), 1)
	sent(w, a, b, 3)
	if b.texts() != "0 1 2" || b.mail[0].from != a.Addr() {
		t.Errorf("b got %v", b.mail)
	}
}

func TestJitterSpreadsDelaysAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	w, a, b := pair(t, simnet.Config{Path: simnet.Link{Delay: 100 * time.Millisecond, Jitter: 40 * time.Millisecond}})
	a.Socket.Send(b.Addr(), nil)
	line := simnet.Link{Jitter: 50 * time.Millisecond}
	w2 := w.Host("c")
	w2.SetLine(line, line)
	c := open(t, w, w2, 1)
	wait(w, time.Second)
	b.mail = nil
	begin := w.Now()
	sent(w, a, b, 2000)
	var delays []time.Duration
	for i, m := range b.mail {
		if m.text != fmt.Sprint(i) {
			t.Fatalf("datagram %d came as number %d", i, len(delays))
		}
		delays = append(delays, m.at-begin.Sub(b.start)-time.Duration(i)*time.Millisecond)
	}
	if lo, hi := slices.Min(delays), slices.Max(delays); lo < 100*time.Millisecond || lo > 108*time.Millisecond || hi > 140*time.Millisecond || hi < 132*time.Millisecond {
		t.Errorf("delays from %v to %v, want them spread from 100ms to 140ms", lo, hi)
	}
	b.mail = nil
	sent(w, c, b, 2000) // three jitters in a row
	for i, m := range b.mail {
		if m.text != fmt.Sprint(i) {
			t.Fatalf("over three links, datagram %s came as number %d", m.text, i)
		}
	}
}

func TestLossDuplicationAndReorderingHappenAsOftenAsAsked(t *testing.T) {
	t.Parallel()
	const n = 10_000
	w, a, b := pair(t, simnet.Config{Path: simnet.Link{Loss: 0.1}})
	sent(w, a, b, n)
	near(t, "lost", w.Count(simnet.Lost), n/10)

	w, a, b = pair(t, simnet.Config{Path: simnet.Link{Duplicate: 0.1}})
	sent(w, a, b, n)
	near(t, "repeated", w.Count(simnet.Repeated), n/10)
	if w.Count(simnet.Delivered) != n || uint64(len(b.mail)) != n+w.Count(simnet.Repeated) {
		t.Errorf("%d delivered, %d received", w.Count(simnet.Delivered), len(b.mail))
	}

	w, a, b = pair(t, simnet.Config{Path: simnet.Link{Delay: 20 * time.Millisecond, Reorder: 0.01}})
	sent(w, a, b, n)
	late := uint64(0)
	for i, m := range b.mail {
		if late < n && i > 0 && len(m.text) <= len(b.mail[i-1].text) && m.text < b.mail[i-1].text {
			late++
		}
	}
	near(t, "overtaken", late, n/100)
	if len(b.mail) != n {
		t.Errorf("%d datagrams came, want all %d", len(b.mail), n)
	}
}

func near(t *testing.T, what string, got, want uint64) {
	t.Helper()
	if got < want*8/10 || got > want*12/10 {
		t.Errorf("%d %s, want about %d", got, what, want)
	}
}

func TestTooLongDatagramsAreLost(t *testing.T) {
	t.Parallel()
	w, a, b := pair(t, simnet.Config{Path: simnet.Link{MTU: 1280}})
	a.Send(b.Addr(), make([]byte, 1280-28))
	a.Send(b.Addr(), make([]byte, 1280-27))
	wait(w, time.Second)
	if len(b.mail) != 1 || w.Count(simnet.TooBig) != 1 {
		t.Errorf("%d came, %d too big; want 1 and 1", len(b.mail), w.Count(simnet.TooBig))
	}
}

func TestDatagramsOverIPv6(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	h, g := w.Host("a"), w.Host("b")
	a, b := open(t, w, h, 1), open(t, w, g, 2)
	a.Send(addrPortFrom(g.Addr6(), 2), []byte("six"))
	wait(w, time.Second)
	if b.texts() != "six" || b.mail[0].from != addrPortFrom(h.Addr6(), 1) {
		t.Errorf("b got %v", b.mail)
	}
	inside := open(t, w, w.Host("c", w.NAT("home", simnet.FullCone())), 1)
	inside.Send(addrPortFrom(g.Addr6(), 2), []byte("six"))
	wait(w, time.Second)
	if len(b.mail) != 1 || w.Count(simnet.NoRoute) != 1 {
		t.Errorf("from behind a NAT: %d came, %d without a route", len(b.mail)-1, w.Count(simnet.NoRoute))
	}
}

func TestCutLineCarriesNothingInThatDirection(t *testing.T) {
	t.Parallel()
	type box interface {
		Cut()
		CutUp()
		CutDown()
		Heal()
	}
	for name, cut := range map[string]struct {
		how      func(box)
		up, down bool
	}{
		"both": {box.Cut, false, false},
		"up":   {box.CutUp, false, true},
		"down": {box.CutDown, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := simnet.NewWorld(simnet.Config{Path: simnet.Link{Delay: time.Second}})
			home := w.NAT("home", simnet.FullCone())
			h := w.Host("a", home)
			a, b := open(t, w, h, 5000), open(t, w, w.Host("b"), 1)
			outside := addrPortFrom(home.Addr(), 5000)
			for _, where := range []box{h, home} {
				a.Send(b.Addr(), []byte("before"))
				wait(w, 2*time.Second)
				a.mail, b.mail = nil, nil
				b.Send(outside, []byte("under way"))
				cut.how(where)
				a.Send(b.Addr(), []byte("after"))
				wait(w, 2*time.Second)
				if (len(b.mail) == 1) != cut.up || (len(a.mail) == 1) != cut.down {
					t.Errorf("a got %v, b got %v", a.mail, b.mail)
				}
				where.Heal()
				a.Send(b.Addr(), []byte("healed"))
				b.Send(outside, []byte("healed"))
				wait(w, 2*time.Second)
				if a.mail[len(a.mail)-1].text != "healed" || b.mail[len(b.mail)-1].text != "healed" {
					t.Errorf("after Heal a got %v, b got %v", a.mail, b.mail)
				}
			}
		})
	}
}

func TestSeveredHostsAreDeafToOneAnotherOneWay(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	x, y, z := w.Host("x"), w.Host("y"), w.Host("z")
	a, b, c := open(t, w, x, 1), open(t, w, y, 1), open(t, w, z, 1)
	x.Sever(y)
	a.Send(b.Addr(), []byte("lost"))
	a.Send(c.Addr(), []byte("a"))
	b.Send(a.Addr(), []byte("b"))
	wait(w, time.Second)
	x.Mend(y)
	a.Send(b.Addr(), []byte("mended"))
	wait(w, time.Second)
	if b.texts() != "mended" || c.texts() != "a" || a.texts() != "b" || w.Count(simnet.Cut) != 1 {
		t.Errorf("a %q, b %q, c %q, %d cut", a.texts(), b.texts(), c.texts(), w.Count(simnet.Cut))
	}
}

func TestPartitionSeparatesGroups(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	var hosts []*simnet.Host
	var socks []*inbox
	for i := range 6 {
		hosts = append(hosts, w.Host(fmt.Sprint(i)))
		socks = append(socks, open(t, w, hosts[i], 1))
	}
	everybody := func() (got []string) {
		for i, s := range socks {
			s.mail = nil
			for j, to := range socks {
				if i != j {
					s.Send(to.Addr(), fmt.Append(nil, i))
				}
			}
		}
		wait(w, time.Second)
		for _, s := range socks {
			got = append(got, s.texts())
		}
		return got
	}
	w.Partition(hosts[0], hosts[1])
	w.Partition(hosts[2], hosts[3])
	if got, want := everybody(), []string{"1", "0", "3", "2", "5", "4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.Reunite()
	if got := everybody(); got[0] != "1 2 3 4 5" {
		t.Errorf("reunited: %q", got)
	}
}

func TestRenumberedHostIsElsewhere(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	h := w.Host("a")
	a, b := open(t, w, h, 1), open(t, w, w.Host("b"), 1)
	old := a.Addr()
	h.Renumber()
	if a.Addr() == old {
		t.Fatalf("still at %v", old)
	}
	b.Send(old, []byte("old"))
	b.Send(a.Addr(), []byte("new"))
	a.Send(b.Addr(), nil)
	wait(w, time.Second)
	if a.texts() != "new" || b.mail[0].from != a.Addr() || w.Count(simnet.NoRoute) != 1 {
		t.Errorf("a got %q, b saw %v", a.texts(), b.mail)
	}
}
