package simnet_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trunkline/internal/simnet"
)

// mail is a datagram as its receiver saw it.
type mail struct {
	at   time.Duration // since the start of the world
	from netip.AddrPort
	text string
}

// inbox is a machine that keeps what it receives, and answers if told to.
type inbox struct {
	*simnet.Socket
	start time.Time
	mail  []mail
	reply func(now time.Time, from netip.AddrPort, b []byte)
}

func (i *inbox) Advance(time.Time)   {}
func (i *inbox) Deadline() time.Time { return time.Time{} }

func (i *inbox) Receive(now time.Time, from netip.AddrPort, b []byte) {
	i.mail = append(i.mail, mail{now.Sub(i.start), from, string(b)})
	if i.reply != nil {
		i.reply(now, from, b)
	}
}

func (i *inbox) texts() string {
	var all []string
	for _, m := range i.mail {
		all = append(all, m.text)
	}
	return strings.Join(all, " ")
}

func open(t testing.TB, w *simnet.World, h *simnet.Host, port uint16) *inbox {
	t.Helper()
	s, err := w.Socket(h, port)
	if err != nil {
		t.Fatal(err)
	}
	i := &inbox{Socket: s, start: w.Now()}
	s.Attach(i)
	return i
}

func wait(w *simnet.World, d time.Duration) { w.Run(w.Now().Add(d)) }

func TestEventsHappenInOrderOfTimeThenOfOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := simnet.NewWorld(simnet.Config{})
		type event struct{ at, number int }
		var want, got []event
		for i, at := range rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "times") {
			e := event{at, i}
			want = append(want, e)
			w.After(time.Duration(at)*time.Second, func(now time.Time) {
				if !now.Equal(w.Now()) {
					t.Errorf("given %v, Now is %v", now, w.Now())
				}
				got = append(got, e)
			})
		}
		slices.SortStableFunc(want, func(a, b event) int { return a.at - b.at })
		wait(w, 10*time.Second)
		for _, e := range got {
			if e.at > 10 {
				t.Errorf("event of second %d happened by second 10", e.at)
			}
		}
		wait(w, 10*time.Second)
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestPastEventHappensNow(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	wait(w, time.Hour)
	var at time.Time
	w.At(w.Now().Add(-time.Minute), func(now time.Time) { at = now })
	if !w.Step() || !at.Equal(w.Now()) {
		t.Errorf("happened at %v, now is %v", at, w.Now())
	}
	if w.Step() {
		t.Error("Step found something to do in an empty world")
	}
}

// ticker is a machine that is due every period.
type ticker struct {
	period time.Duration
	due    time.Time
	turns  []time.Time
}

func (k *ticker) Deadline() time.Time { return k.due }

func (k *ticker) Advance(now time.Time) {
	k.turns = append(k.turns, now)
	k.due = now.Add(k.period)
}

func TestDrivenMachineIsAdvancedAtItsDeadlines(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	k := &ticker{period: 20 * time.Minute, due: w.Now().Add(5 * time.Minute)}
	w.Drive(w.Host("a"), k)
	wait(w, time.Hour)
	if len(k.turns) != 3 || k.turns[2].Sub(k.turns[0]) != 40*time.Minute {
		t.Errorf("turns %v", k.turns)
	}
}

func TestDeadlineIsAskedAgainAfterEverythingThatTouchesTheMachine(t *testing.T) {
	t.Parallel()
	touches := map[string]func(w *simnet.World, h *simnet.Host, f func()){
		"At":     func(w *simnet.World, _ *simnet.Host, f func()) { w.After(0, func(time.Time) { f() }) },
		"AtHost": func(w *simnet.World, h *simnet.Host, f func()) { w.AtHost(h, w.Now(), func(time.Time) { f() }) },
		"Run":    func(_ *simnet.World, _ *simnet.Host, f func()) { f() },
		"datagram": func(w *simnet.World, h *simnet.Host, f func()) {
			here, there := open(t, w, h, 1), open(t, w, w.Host("other"), 1)
			here.reply = func(time.Time, netip.AddrPort, []byte) { f() }
			there.Send(here.Addr(), nil)
		},
		"stream": func(w *simnet.World, h *simnet.Host, f func()) {
			w.Dial(h, netip.MustParseAddrPort("198.51.100.1:1"), &end{onClosed: func(error) { f() }})
		},
	}
	for name, touch := range touches {
		t.Run(name, func(t *testing.T) {
			w := simnet.NewWorld(simnet.Config{})
			h := w.Host("a")
			k := &ticker{period: time.Hour}
			w.Drive(h, k)
			wait(w, time.Second)
			touch(w, h, func() { k.due = w.Now().Add(time.Minute) }) // it was never
			wait(w, 2*time.Minute)
			if len(k.turns) != 1 {
				t.Fatalf("%d turns after a deadline came up, want 1", len(k.turns))
			}
			k.due = w.Now().Add(time.Minute) // earlier than it was
			wait(w, 2*time.Minute)
			k.due = w.Now().Add(2 * time.Hour) // later
			wait(w, 90*time.Minute)
			if len(k.turns) != 2 {
				t.Fatalf("%d turns, want 2", len(k.turns))
			}
			k.due = time.Time{} // never
			wait(w, 24*time.Hour)
			if len(k.turns) != 2 {
				t.Errorf("%d turns, want 2", len(k.turns))
			}
		})
	}
}

func TestRestlessMachineLeavesTheWorldGoing(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	k := &ticker{due: w.Now().Add(-time.Hour)} // period 0: always due
	w.Drive(w.Host("a"), k)
	happened := false
	w.After(time.Millisecond, func(time.Time) { happened = true })
	wait(w, 2*time.Millisecond)
	if !happened || len(k.turns) < 10 || len(k.turns) > 10_000 {
		t.Errorf("%d turns in 2 ms, other event %v", len(k.turns), happened)
	}
}

func TestStepDoesOneThingAtATime(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{Path: simnet.Link{Delay: time.Second}})
	a, b := open(t, w, w.Host("a"), 1), open(t, w, w.Host("b"), 1)
	a.Send(b.Addr(), []byte("one"))
	a.Send(b.Addr(), []byte("two"))
	steps := 0
	for w.Step() {
		if steps++; len(b.mail) != steps {
			t.Fatalf("%d datagrams after %d steps", len(b.mail), steps)
		}
	}
	if steps != 2 {
		t.Errorf("%d steps, want 2", steps)
	}
}

// chatter lets hosts behind all kinds of NAT talk over bad lines, and returns
// the trace of at least n packets.
func chatter(t *testing.T, seed uint64, n int) string {
	t.Helper()
	var trace strings.Builder
	w := simnet.NewWorld(simnet.Config{
		Seed:     seed,
		Path:     simnet.Link{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.05, Duplicate: 0.02, Reorder: 0.05},
		Chop:     true,
		Describe: func(b []byte) string { return string(b[:4]) },
		Trace:    func(line string) { fmt.Fprintln(&trace, line) },
	})
	server := w.Host("server")
	hub := open(t, w, server, 33445)
	hub.reply = func(_ time.Time, from netip.AddrPort, b []byte) { hub.Send(from, b) }
	door, err := w.Listen(server, 33445, func(_ time.Time, s *simnet.Stream) simnet.Handler {
		return &end{onReceive: func(b []byte) { s.Write(b) }, onClosed: func(error) { s.Close() }}
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := []simnet.Kind{simnet.FullCone(), simnet.Restricted(), simnet.PortRestricted(), simnet.Symmetric()}
	for i := range 20 {
		h := w.Host(fmt.Sprint("host", i), w.NAT(fmt.Sprint("nat", i), kinds[i%len(kinds)]))
		s := open(t, w, h, 0)
		var tick func(now time.Time)
		tick = func(now time.Time) {
			s.Send(hub.Addr(), []byte("ping"))
			conn := w.Dial(h, door.Addr(), &end{})
			conn.Write(make([]byte, 5000))
			conn.CloseWrite()
			w.AtHost(h, now.Add(time.Second), tick)
		}
		w.AtHost(h, w.Now().Add(time.Duration(i)*time.Millisecond), tick)
	}
	for strings.Count(trace.String(), "\n") < n {
		wait(w, 10*time.Second)
	}
	return trace.String()
}

func TestSameSeedGivesTheSameTrace(t *testing.T) {
	t.Parallel()
	first := chatter(t, 1, 10_000)
	if second := chatter(t, 1, 10_000); first != second {
		t.Error("two runs of one seed differ")
	}
	if other := chatter(t, 2, 10_000); first == other {
		t.Error("two seeds give the same trace")
	}
}

func TestFateOfAPacketDoesNotDependOnOtherHosts(t *testing.T) {
	t.Parallel()
	run := func(noise bool) string {
		w := simnet.NewWorld(simnet.Config{Seed: 3, Path: simnet.Link{Delay: time.Millisecond, Jitter: time.Second, Loss: 0.5}})
		a, b, c := open(t, w, w.Host("a"), 1), open(t, w, w.Host("b"), 1), open(t, w, w.Host("c"), 1)
		for i := range 100 {
			if noise {
				c.Send(a.Addr(), []byte("noise"))
			}
			a.Send(b.Addr(), fmt.Append(nil, i))
			wait(w, 10*time.Millisecond)
		}
		wait(w, time.Minute)
		return fmt.Sprint(b.mail)
	}
	if quiet, noisy := run(false), run(true); quiet != noisy {
		t.Errorf("without others: %s\nwith others:    %s", quiet, noisy)
	}
}

func TestTraceSaysWhatBecameOfEachPacket(t *testing.T) {
	t.Parallel()
	var lines []string
	w := simnet.NewWorld(simnet.Config{
		Path:     simnet.Link{Delay: 1500 * time.Millisecond},
		Describe: func(b []byte) string { return "<" + string(b) + ">" },
		Trace:    func(line string) { lines = append(lines, line) },
	})
	b := open(t, w, w.Host("b"), 7)
	a := open(t, w, w.Host("a", w.NAT("home", simnet.FullCone())), 5000)
	a.Send(b.Addr(), []byte("hello"))
	a.Send(netip.AddrPortFrom(b.Addr().Addr(), 8), []byte("wrong door"))
	wait(w, time.Minute)
	want := []string{
		"1.500000000 a udp 198.51.100.2:5000 > 198.51.100.1:7 5 delivered <hello>",
		"1.500000000 a udp 198.51.100.2:5000 > 198.51.100.1:8 10 no-port <wrong door>",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestCrashStopsAllThatRunsOnTheHost(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	h := w.Host("a")
	a, b := open(t, w, h, 1), open(t, w, w.Host("b"), 1)
	k := &ticker{period: time.Second, due: w.Now().Add(time.Second)}
	w.Drive(h, k)
	w.AtHost(h, w.Now().Add(time.Hour), func(time.Time) { t.Error("an order outlived the crash") })
	wait(w, time.Minute)
	h.Crash()
	b.Send(a.Addr(), []byte("hello"))
	a.Send(b.Addr(), []byte("from the grave"))
	if _, err := w.Socket(h, 1); !errors.Is(err, simnet.ErrHostDown) {
		t.Errorf("Socket: %v, want %v", err, simnet.ErrHostDown)
	}
	if _, err := w.Listen(h, 1, nil); !errors.Is(err, simnet.ErrHostDown) {
		t.Errorf("Listen: %v, want %v", err, simnet.ErrHostDown)
	}
	wait(w, time.Hour)
	if len(k.turns) != 60 || len(a.mail)+len(b.mail) != 0 || w.Count(simnet.HostDown) != 1 {
		t.Errorf("%d turns, %d and %d datagrams, %d packets to a host that is down; want 60, 0, 0, 1",
			len(k.turns), len(a.mail), len(b.mail), w.Count(simnet.HostDown))
	}
	h.Restart()
	again := open(t, w, h, 1)
	b.Send(again.Addr(), []byte("welcome back"))
	wait(w, time.Second)
	if again.Addr() != a.Addr() || again.texts() != "welcome back" {
		t.Errorf("after the restart %v got %q", again.Addr(), again.texts())
	}
}

func TestPortsAreGivenOutOnce(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	h := w.Host("a")
	first := open(t, w, h, 0)
	if second := open(t, w, h, 0); first.Addr() == second.Addr() {
		t.Errorf("two sockets at %v", first.Addr())
	}
	if _, err := w.Socket(h, first.Addr().Port()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Socket: %v, want %v", err, syscall.EADDRINUSE)
	}
	first.Close()
	open(t, w, h, first.Addr().Port())
}

func TestHostsHaveDocumentationAddresses(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	var prefixes []netip.Prefix
	for _, p := range []string{"198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24", "198.18.0.0/15"} {
		prefixes = append(prefixes, netip.MustParsePrefix(p))
	}
	seen := make(map[netip.Addr]bool)
	for i := range 2000 {
		h := w.Host(fmt.Sprint(i))
		if seen[h.Addr()] || !slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(h.Addr()) }) {
			t.Fatalf("host %d has %v", i, h.Addr())
		}
		if !netip.MustParsePrefix("2001:db8::/32").Contains(h.Addr6()) || seen[h.Addr6()] {
			t.Fatalf("host %d has %v", i, h.Addr6())
		}
		seen[h.Addr()], seen[h.Addr6()] = true, true
	}
	for i := range 300 {
		h := w.Host("inside", w.NAT("nat", simnet.FullCone()))
		if !netip.MustParsePrefix("10.64.0.0/10").Contains(h.Addr()) || seen[h.Addr()] || h.Addr6().IsValid() {
			t.Fatalf("host %d behind a NAT has %v and %v", i, h.Addr(), h.Addr6())
		}
		seen[h.Addr()] = true
	}
}

// BenchmarkWorld sends datagrams to and fro between 1000 hosts; each arrival is
// an event.
func BenchmarkWorld(b *testing.B) {
	b.ReportAllocs()
	w := simnet.NewWorld(simnet.Config{Path: simnet.Link{Delay: 20 * time.Millisecond, Jitter: 50 * time.Millisecond, Loss: 0.001}})
	events := 0
	boxes := make([]*echoer, 1000)
	for i := range boxes {
		s, err := w.Socket(w.Host(fmt.Sprint(i)), 1)
		if err != nil {
			b.Fatal(err)
		}
		boxes[i] = &echoer{s: s, events: &events}
		s.Attach(boxes[i])
	}
	ball := make([]byte, 100)
	for i := range boxes {
		for j := range 20 {
			boxes[i].s.Send(boxes[(i+j+1)%len(boxes)].s.Addr(), ball)
		}
	}
	b.ResetTimer()
	for events < b.N {
		wait(w, 10*time.Millisecond)
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// echoer sends everything back and has a deadline that moves with it.
type echoer struct {
	s      *simnet.Socket
	due    time.Time
	events *int
}

func (e *echoer) Deadline() time.Time { return e.due }
func (e *echoer) Advance(now time.Time) {
	*e.events++
	e.due = now.Add(time.Second)
}

func (e *echoer) Receive(now time.Time, from netip.AddrPort, b []byte) {
	*e.events++
	e.due = now.Add(time.Second)
	e.s.Send(from, b)
}

// BenchmarkMachines keeps the deadlines of 100,000 machines; each Advance is an
// event.
func BenchmarkMachines(b *testing.B) {
	b.ReportAllocs()
	w := simnet.NewWorld(simnet.Config{})
	events := 0
	for i := range 100_000 {
		m := &echoer{events: &events, due: w.Now().Add(time.Duration(i) * 10 * time.Microsecond)}
		w.Drive(w.Host("h"), m)
	}
	b.ResetTimer()
	for events < b.N {
		wait(w, time.Second)
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
