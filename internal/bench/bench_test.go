//go:build linux

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"trunkline/blubbel/server"
	"trunkline/internal/bench/faulty"
	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// faultVariable names the fault that a server started by these tests has.
const faultVariable = "BENCH_TEST_FAULT"

// TestMain lets the test's own executable stand for our program: as load
// process, and as a server that is the relay and little else.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		var err error
		switch os.Args[1] {
		case load.WorkerCommand:
			err = Worker(os.Args[2:])
		case "serve":
			err = serve(os.Args[2:])
		default:
			os.Exit(m.Run())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve is "trunkline serve" as far as the benchmarks need it.
func serve(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	data, set := "", map[string]string{}
	for i, a := range args[:len(args)-1] {
		switch key, value, _ := strings.Cut(args[i+1], "="); a {
		case "--data":
			data = args[i+1]
		case "--set":
			set[key] = value
		}
	}
	c := server.Config{LimitLoopback: set["limits.loopback"] == "true"}
	if set["blubbel.frames_per_second"] == "0" {
		c.FramesPerSecond = -1
	}
	if d, err := time.ParseDuration(set["blubbel.login_timeout"]); err == nil {
		c.LoginTimeout = d
	}
	s, err := server.New(c)
	if err != nil {
		return err
	}
	relay, err := net.Listen("tcp4", set["blubbel.listen"])
	if err != nil {
		return err
	}
	web, err := net.Listen("tcp4", set["web.listen"])
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		_, _ = fmt.Fprintf(w, "go_goroutines %d\ngo_memstats_heap_alloc_bytes %d\n", runtime.NumGoroutine(), m.HeapAlloc)
	})
	go func() { _ = http.Serve(web, mux) }()
	if err := os.MkdirAll(filepath.Join(data, "run"), 0o700); err != nil {
		return err
	}
	text := fmt.Sprintf(`{"blubbel":{"tcp":[%q]},"web":{"http":[%q]}}`, relay.Addr(), web.Addr())
	if err := os.WriteFile(filepath.Join(data, "run", "addresses.json"), []byte(text), 0o600); err != nil {
		return err
	}
	var l net.Listener = relay
	if f := faulty.Fault(os.Getenv(faultVariable)); f != faulty.None {
		l = &faulty.Listener{Listener: relay, Fault: f, N: 50}
	}
	return s.Serve(ctx, l)
}

// short runs one benchmark short against nobody, and returns its table and its
// lines of JSON.
func short(t *testing.T, name string, change func(*Options)) (string, []Sample, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, lines bytes.Buffer
	o := Options{Exe: exe, Short: true, Peer: NoPeer, Out: &out, JSON: &lines, Progress: t.Output()}
	if change != nil {
		change(&o)
	}
	err = Run(t.Context(), name, o)
	var samples []Sample
	for d := json.NewDecoder(&lines); d.More(); {
		var s Sample
		if err := d.Decode(&s); err != nil {
			t.Fatal(err)
		}
		samples = append(samples, s)
	}
	return out.String(), samples, err
}

func TestPairsAreMeasured(t *testing.T) {
	t.Parallel()
	table, samples, err := short(t, "b5", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(samples) != 4 {
		t.Errorf("%d samples, want 4", len(samples))
	}
	for _, s := range samples {
		if s.Bench != "B5" || s.Server != peers.Own || s.Void != "" || !s.Short || s.Values["per_s"] < 100 {
			t.Errorf("%+v", s)
		}
	}
	for _, want := range []string{"20 pairs, 10 in flight", "cpu_us", "short run"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}

func TestOfferedRatesHaveLatencies(t *testing.T) {
	t.Parallel()
	_, samples, err := short(t, "B6", nil)
	if err != nil || len(samples) != 1 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	if v := samples[0].Values; v["p50_ms"] <= 0 || v["p99_ms"] < v["p50_ms"] || v["max_ms"] < v["p99_ms"] || v["per_s"] > 260 {
		t.Errorf("%v", v)
	}
}

func TestVoidMeasurementFailsTheRun(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []faulty.Fault{faulty.Lose, faulty.Double, faulty.Damage} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			spoiled := filepath.Join(t.TempDir(), "spoiled")
			script := fmt.Sprintf("#!/bin/sh\n%s=%s exec %q \"$@\"\n", faultVariable, f, exe)
			if err := os.WriteFile(spoiled, []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			table, samples, err := short(t, "B6", func(o *Options) { o.Exe = spoiled })
			if err == nil || !strings.Contains(err.Error(), "void") || !strings.Contains(table, "VOID") {
				t.Errorf("error %v, table\n%s", err, table)
			}
			if len(samples) != 1 || samples[0].Void == "" {
				t.Errorf("%+v", samples)
			}
		})
	}
}

func TestShutdownsAreTimed(t *testing.T) {
	t.Parallel()
	table, samples, err := short(t, "R27", nil)
	if err != nil || len(samples) != 2 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	if !strings.Contains(table, "met  exit code 0, "+idleStop) {
		t.Errorf("table\n%s", table)
	}
}

func TestReplaysAreCounted(t *testing.T) {
	t.Parallel()
	table, samples, err := short(t, "R19", nil)
	if err != nil || len(samples) != 1 || samples[0].Values["streams"] < 20 || samples[0].Values["deeds"] != 0 {
		t.Fatalf("%+v, %v\n%s", samples, err, table)
	}
}

func TestChurnLeavesNothing(t *testing.T) {
	t.Parallel()
	table, samples, err := short(t, "G9", nil)
	if err != nil || len(samples) != 1 || samples[0].Void != "" || samples[0].Values["goroutines"] < 1 {
		t.Fatalf("%+v, %v\n%s", samples, err, table)
	}
}

func TestSeedsAreRunTwiceNowAndThen(t *testing.T) {
	t.Parallel()
	calls := map[uint64]int{}
	_, samples, err := short(t, "R24", func(o *Options) {
		o.Seeds = func(_ context.Context, seed uint64) (string, error) {
			calls[seed]++
			if seed == 2 {
				return "", errors.New("a promise was broken")
			}
			return fmt.Sprint(seed, calls[seed]), nil
		}
	})
	if err != nil || len(samples) != 1 {
		t.Fatalf("%+v, %v", samples, err)
	}
	if v := samples[0].Values; v["broken"] != 1 || v["not_repeated"] != 1 || calls[1] != 2 || calls[3] != 1 {
		t.Errorf("%v after %v", v, calls)
	}
	if _, _, err := short(t, "R24", nil); !errors.Is(err, errNoSimulator) {
		t.Errorf("without a simulator: %v", err)
	}
}

func TestGateMakesMissedGoalsErrors(t *testing.T) {
	t.Parallel()
	seed := func(o *Options) {
		o.Seeds = func(context.Context, uint64) (string, error) { return "", errors.New("broken") }
	}
	if _, _, err := short(t, "R24", seed); err != nil {
		t.Errorf("without the gate: %v", err)
	}
	_, _, err := short(t, "R24", func(o *Options) { seed(o); o.Gate = true })
	if err == nil || !strings.Contains(err.Error(), "missed") {
		t.Errorf("with the gate: %v", err)
	}
}

func TestUnknownNamesAndPeersAreRefused(t *testing.T) {
	t.Parallel()
	if _, _, err := short(t, "B99", nil); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "R27") {
		t.Errorf("unknown benchmark: %v", err)
	}
	_, _, err := short(t, "B5", func(o *Options) { o.Peer = "carrier-pigeon" })
	if err == nil || !strings.Contains(err.Error(), "carrier-pigeon") {
		t.Errorf("unknown peer: %v", err)
	}
}

func TestOptionsAreBounded(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {Exe: "x", Rounds: -1}, {Exe: "x", Secs: -1}, {Exe: "x", Secs: 1e9}, {Exe: "x", Rounds: 1e6}} {
		if err := Run(t.Context(), "B5", o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	o, err := Options{Exe: "x"}.complete()
	if err != nil || o.Rounds != defaultRounds || o.window() != defaultSecs*time.Second || o.Out == nil {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestServerThatDoesNotStartIsNamedWithItsWords(t *testing.T) {
	t.Parallel()
	exe := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(exe, []byte("#!/bin/sh\necho no data today >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, _, err := short(t, "R27", func(o *Options) { o.Exe = exe })
	if err == nil || !strings.Contains(err.Error(), "code 3") || !strings.Contains(err.Error(), "no data today") {
		t.Errorf("error %v", err)
	}
}

func TestEndOfContextEndsEveryProcess(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{}, 1)
	o := Options{Exe: exe, Peer: NoPeer, Progress: writerFunc(func(b []byte) {
		if bytes.Contains(b, []byte("round 1")) {
			started <- struct{}{}
		}
	})}
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, "B5", o) }()
	<-started
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Run goes on after its context has ended")
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}

func TestEveryBenchHasNameTitleAndFunction(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, b := range All() {
		if b.Name == "" || b.Title == "" || b.run == nil || seen[b.Name] {
			t.Errorf("%+v", b)
		}
		seen[b.Name] = true
		for _, p := range b.Peers {
			if err := peers.Installed(p); err != nil && !errors.Is(err, peers.ErrNotInstalled) {
				t.Errorf("%s: %v", b.Name, err)
			}
		}
	}
	for want := range strings.FieldsSeq("B4 B5 B6 ceiling G1 G2 G3 G9 R10 R11 R12 R13 R19 R22 R24 R27") {
		if !seen[want] {
			t.Errorf("there is no %s", want)
		}
	}
}

func TestLoadProcessRefusesForeignArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"x"}, {peers.LimitedCommand, "{"}, {peers.IdleCommand, "nap", "127.0.0.1:0"}} {
		if err := Worker(args); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}
