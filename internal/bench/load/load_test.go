//go:build linux

package load

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"trunkline/blubbel/server"
	"trunkline/internal/bench/faulty"
)

// relay serves blubbel on loopback until the test ends, with the fault given.
func relay(t *testing.T, c server.Config, f faulty.Fault) string {
	t.Helper()
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		if f == faulty.None {
			ended <- s.Serve(ctx, l)
			return
		}
		ended <- s.Serve(ctx, &faulty.Listener{Listener: l, Fault: f, N: 30})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("relay: %v", err)
		}
	})
	return l.Addr().String()
}

func fast() server.Config { return server.Config{FramesPerSecond: -1} }

// talk joins n pairs and lets them talk until many messages were delivered.
func talk(t *testing.T, addr string, n int, a TrafficArgs) (Mark, Tally) {
	t.Helper()
	var c crowd
	defer c.leave()
	j, err := c.join(t.Context(), JoinArgs{Protocol: "blubbel", Target: Target{Addr: addr}, N: 2 * n, Conc: 4})
	if err != nil || j.Void() != "" {
		t.Fatalf("join: %+v, %v", j, err)
	}
	if held := c.held(); held != 2*n {
		t.Fatalf("%d of %d clients are held", held, 2*n)
	}
	if err := c.pairUp(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if err := c.traffic.start(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	enough(t, c.traffic)
	m := c.traffic.mark()
	return m, c.traffic.stop(t.Context())
}

// enough waits until a hundred messages were delivered, or a fault has shown.
func enough(t *testing.T, f *traffic) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for {
		var n, before uint64
		for _, p := range f.pairs {
			n += p.delivered.Load()
			p.judging.Lock()
			tally := p.in.tally
			p.judging.Unlock()
			before += tally.Failed + tally.Wrong + tally.Doubled + tally.Missing
		}
		if n >= 100 || (before > 0 && n >= 30) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("only %d messages delivered", n)
		}
	}
}

func TestClosedLoopDeliversEverythingOnce(t *testing.T) {
	t.Parallel()
	m, tally := talk(t, relay(t, fast(), faulty.None), 3, TrafficArgs{Window: 4, Size: 100})
	if void := tally.Void(); void != "" {
		t.Errorf("void: %s", void)
	}
	if m.Delivered < 100 || tally.Delivered < m.Delivered || tally.Sent != tally.Delivered {
		t.Errorf("mark %d, tally %+v", m.Delivered, tally)
	}
}

func TestOfferedRateIsKeptAndStamped(t *testing.T) {
	t.Parallel()
	start := time.Now()
	m, tally := talk(t, relay(t, fast(), faulty.None), 2, TrafficArgs{Rate: 2000, Size: MinBody})
	if void := tally.Void(); void != "" {
		t.Errorf("void: %s", void)
	}
	if m.Latency.N() != m.Delivered || m.Latency.Max() == 0 {
		t.Errorf("%d latencies of %d messages", m.Latency.N(), m.Delivered)
	}
	if most := 2000*time.Since(start).Seconds() + 2; float64(tally.Sent) > most {
		t.Errorf("%d messages sent where %v were offered", tally.Sent, most)
	}
}

func TestOneFaultVoidsTheRun(t *testing.T) {
	t.Parallel()
	for fault, word := range map[faulty.Fault]string{
		faulty.Lose:   "lost",
		faulty.Double: "doubled",
		faulty.Damage: "not what was sent",
		faulty.Cut:    "broke",
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			_, tally := talk(t, relay(t, fast(), fault), 2, TrafficArgs{Window: 20, Size: 200})
			if void := tally.Void(); !strings.Contains(void, word) {
				t.Errorf("void %q does not say %q; %+v", void, word, tally)
			}
		})
	}
}

func TestSecondRunCountsForItself(t *testing.T) {
	t.Parallel()
	addr := relay(t, fast(), faulty.None)
	var c crowd
	defer c.leave()
	if _, err := c.join(t.Context(), JoinArgs{Protocol: "blubbel", Target: Target{Addr: addr}, N: 2, Conc: 2}); err != nil {
		t.Fatal(err)
	}
	if err := c.pairUp(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.traffic.start(t.Context(), TrafficArgs{Window: 1, Size: 50}); err != nil {
			t.Fatal(err)
		}
		enough(t, c.traffic)
		if tally := c.traffic.stop(t.Context()); tally.Void() != "" {
			t.Errorf("void: %s", tally.Void())
		}
	}
	if total := c.traffic.pairs[0].sent.Load(); total < 100 {
		t.Errorf("%d messages in both runs", total)
	}
}

func TestSignInsAreCountedAndTimed(t *testing.T) {
	t.Parallel()
	addr := relay(t, fast(), faulty.None)
	for _, rate := range []float64{0, 500} {
		s, err := signIns(t.Context(), SignInArgs{JoinArgs{Protocol: "blubbel", Target: Target{Addr: addr}, N: 10, Conc: 2}, rate})
		if err != nil || s.Void() != "" || s.N != 10 || s.Latency.N() != 10 {
			t.Errorf("rate %v: %+v, %v", rate, s.Joined, err)
		}
	}
}

func TestClientsThatCannotJoinAreCounted(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	var c crowd
	j, err := c.join(t.Context(), JoinArgs{Protocol: "blubbel", Target: Target{Addr: addr}, N: 3, Conc: 2})
	if err != nil || j.Failed != 3 || j.N != 0 || !strings.Contains(j.Void(), "refused") {
		t.Errorf("%+v, %v", j, err)
	}
}

func TestChurnConnectsAndLeaves(t *testing.T) {
	t.Parallel()
	j, err := churn(t.Context(), ChurnArgs{JoinArgs{Protocol: "blubbel", Target: Target{Addr: relay(t, fast(), faulty.None)}, N: 20, Conc: 4}, 5})
	if err != nil || j.N != 20 || j.Void() != "" {
		t.Errorf("%+v, %v", j, err)
	}
}

func TestSilentSocketsAreSeenToBeClosed(t *testing.T) {
	t.Parallel()
	addr := relay(t, server.Config{LoginTimeout: 50 * time.Millisecond}, faulty.None)
	var s silence
	defer s.leave()
	for i, state := range []string{Mute, InHead, InKey, InProof} {
		begun, err := s.begin(t.Context(), SilentArgs{Addr: addr, N: 2, First: i, State: state, Trickle: 10 * time.Millisecond})
		if err != nil || begun.N != 2 {
			t.Fatalf("%s: %+v, %v", state, begun, err)
		}
	}
	end := s.result(t.Context(), 10*time.Second)
	if end.N != 8 || end.Open != 0 || end.Closed.N() != 8 || end.Closed.Quantile(.5) < 40*time.Millisecond {
		t.Errorf("%+v, median %v", end, end.Closed.Quantile(.5))
	}
	if _, err := s.begin(t.Context(), SilentArgs{Addr: addr, N: 1, State: "singing"}); err == nil {
		t.Error("an unknown state was accepted")
	}
	if _, err := s.begin(t.Context(), SilentArgs{Addr: addr, N: 1, State: Mute, Source: "here"}); err == nil {
		t.Error("an unknown source was accepted")
	}
}

func TestPendingLimitShowsInSilentSockets(t *testing.T) {
	t.Parallel()
	addr := relay(t, server.Config{LimitLoopback: true, PendingPerAddress: 3}, faulty.None)
	var s silence
	defer s.leave()
	if _, err := s.begin(t.Context(), SilentArgs{Addr: addr, N: 8, State: Mute, Source: "127.0.0.9"}); err != nil {
		t.Fatal(err)
	}
	end := s.result(t.Context(), 300*time.Millisecond)
	if end.Open != 3 || end.N != 8 {
		t.Errorf("%d of %d are open, want 3 of 8", end.Open, end.N)
	}
}

func TestSlowReadersAreSeenToBeCut(t *testing.T) {
	t.Parallel()
	addr := relay(t, server.Config{Queue: 64 << 10, Stall: 20 * time.Millisecond, FramesPerSecond: -1}, faulty.None)
	var c crowd
	defer c.leave()
	if _, err := c.join(t.Context(), JoinArgs{Protocol: "blubbel", Target: Target{Addr: addr}, N: 4, Conc: 2}); err != nil {
		t.Fatal(err)
	}
	s, err := c.slow(t.Context(), SlowArgs{Rate: 2000, Size: MaxBody})
	if err != nil {
		t.Fatal(err)
	}
	s.wg.Wait()
	if end := s.result(); end.Cut != 2 || end.Err != "" || end.Bytes < 64<<10 {
		t.Errorf("%+v", end)
	}
}

func TestReplaysDoNothing(t *testing.T) {
	t.Parallel()
	r, err := replay(t.Context(), ReplayArgs{Addr: relay(t, fast(), faulty.None), N: 1})
	if err != nil || len(r.Deeds) > 0 || r.Streams < 8 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWholeClientsConverse(t *testing.T) {
	t.Parallel()
	got, err := converse(t.Context(), ConverseArgs{Addr: relay(t, server.Config{}, faulty.None), N: 50})
	if err != nil || got.Delivered != 50 || got.Took <= 0 {
		t.Errorf("%+v, %v", got, err)
	}
	texts := make(chan string, 2)
	texts <- numbered(0)
	texts <- numbered(2)
	if n, err := inOrder(t.Context(), texts, 3); n != 1 || err == nil {
		t.Errorf("a gap: %d in order, %v", n, err)
	}
}

func TestFloodOfRequestsIsCounted(t *testing.T) {
	t.Parallel()
	got, err := starts(t.Context(), StartsArgs{Addr: relay(t, server.Config{StartBurst: 5, StartRate: .01}, faulty.None), N: 20})
	if err != nil || got.Forwarded != 5 || got.Refused != 15 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOnlyLoopbackIsLoaded(t *testing.T) {
	t.Parallel()
	for _, p := range Protocols() {
		x, err := ProtocolByName(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Join(t.Context(), Target{Addr: "192.0.2.1:80"}, 1); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", p, err)
		}
	}
	if _, err := ProtocolByName("smtp"); err == nil {
		t.Error("an unknown protocol was found")
	}
}

func TestSourcesAreSpread(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range sources {
		a := Target{}.Source(i)
		b := a.As4()
		if seen[a.String()] || b[0] != 127 || b[1] != 0 || b[2] > 3 || (b[2] == 0 && b[3] == 0) {
			t.Fatalf("client %d comes from %v", i, a)
		}
		seen[a.String()] = true
	}
	if a := (Target{Net: 2}).Source(600).String(); !strings.HasPrefix(a, "127.0.2.") {
		t.Errorf("network 2 is %s", a)
	}
}

func TestLoadProcessAnswersCalls(t *testing.T) {
	t.Parallel()
	in, out := net.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- Serve(t.Context(), in, in, map[string]Op{
			"sum": Handle(func(_ context.Context, list []int) (int, error) { return list[0] + list[1], nil }),
		})
	}()
	addr := relay(t, fast(), faulty.None)
	e, d := json.NewEncoder(out), json.NewDecoder(out)
	call := func(op string, args any) reply {
		t.Helper()
		b, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Encode(request{op, b}); err != nil {
			t.Fatal(err)
		}
		var r reply
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := call("sum", []int{2, 3}); string(r.Result) != "5" {
		t.Errorf("sum: %+v", r)
	}
	for _, bad := range []string{"fly", "mark", "stop", "start", "slowed", "pair"} {
		if r := call(bad, None{}); r.Err == "" {
			t.Errorf("%s: no error", bad)
		}
	}
	if r := call("join", JoinArgs{Protocol: "blubbel", Target: Target{Addr: addr}, N: 2, Conc: 1}); r.Err != "" {
		t.Fatal(r.Err)
	}
	if r := call("held", None{}); string(r.Result) != "2" {
		t.Errorf("held: %s", r.Result)
	}
	if r := call("join", 7); r.Err == "" {
		t.Error("arguments of another kind were accepted")
	}
	_ = out.Close()
	if err := <-done; err != nil && err != io.EOF && !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}
