//go:build linux

package peers

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trunkline/internal/bench/load"
)

// program writes a script that stands for our executable and returns its name.
func program(t *testing.T, script string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

const announcing = `
while [ $# -gt 0 ]; do [ "$1" = --data ] && data=$2; echo "$1" >> %[1]s; shift; done
mkdir -p $data/run; echo '%[2]s' > $data/run/addresses.json
exec sleep 1000
`

func TestOwnServerIsStartedAndReadFromItsAddresses(t *testing.T) {
	t.Parallel()
	seen := filepath.Join(t.TempDir(), "seen")
	exe := program(t, fmt.Sprintf(announcing, seen, `{"blubbel":{"tcp":["127.0.0.1:1234"]},"web":{"http":["http://127.0.0.1:99/"]}}`))
	s, err := Start(t.Context(), Own, Config{Exe: exe, Dir: t.TempDir(), Set: []string{FullSpeed}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if s.Addr != "127.0.0.1:1234" || s.Web != "127.0.0.1:99" || s.Protocol != "blubbel" || !s.Proc.Alive() || s.PID() == 0 {
		t.Errorf("%+v", s)
	}
	args, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"serve", "--data", "--no-self-check", "blubbel.listen=127.0.0.1:0", "web.profiles=true", FullSpeed} {
		if !strings.Contains(string(args), want+"\n") {
			t.Errorf("not called with %s:\n%s", want, args)
		}
	}
	s.Stop()
	if _, err := s.Code(); err != nil {
		t.Errorf("still running after Stop: %v", err)
	}
}

func TestOwnServerWithoutRelayIsAnError(t *testing.T) {
	t.Parallel()
	exe := program(t, fmt.Sprintf(announcing, "/dev/null", `{"web":{"http":["127.0.0.1:99"]}}`))
	if _, err := Start(t.Context(), Own, Config{Exe: exe, Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "blubbel") {
		t.Errorf("error %v", err)
	}
}

func TestServerThatEndsSaysWhy(t *testing.T) {
	t.Parallel()
	exe := program(t, "echo out of paper >&2; exit 4")
	_, err := Start(t.Context(), Own, Config{Exe: exe, Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "code 4") || !strings.Contains(err.Error(), "out of paper") {
		t.Errorf("error %v", err)
	}
}

func TestLimitedServerGoesThroughTheLoadProcess(t *testing.T) {
	t.Parallel()
	seen := filepath.Join(t.TempDir(), "seen")
	exe := program(t, `echo "$1 $2 $3" > `+seen+`; exit 1`)
	_, err := Start(t.Context(), Own, Config{Exe: exe, Dir: t.TempDir(), Limits: Limits{Descriptors: 77}})
	if err == nil {
		t.Fatal("no error of a server that ends")
	}
	b, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	if want := load.WorkerCommand + " " + LimitedCommand + ` {"limits":{"descriptors":77`; !strings.HasPrefix(string(b), want) {
		t.Errorf("called with %s", b)
	}
}

func TestLimitsThatCannotBeAreErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"limits":{"groups":["/nowhere",""]},"path":"/bin/true"}`, `{"path":"/nowhere/at/all"}`} {
		if err := Become(text); err == nil {
			t.Errorf("%q was obeyed", text)
		}
	}
}

func TestUnknownAndMissingPeersAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Installed("carrier-pigeon"); err == nil || errors.Is(err, ErrNotInstalled) {
		t.Errorf("unknown peer: %v", err)
	}
	for name, p := range table() {
		err := Installed(name)
		if err == nil {
			continue // in /usr/sbin
		}
		if want := fmt.Sprintf("%s: not installed; apt-get install %s", name, p.pack); err.Error() != want || !errors.Is(err, ErrNotInstalled) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := Start(t.Context(), name, Config{Dir: t.TempDir()}); !errors.Is(err, ErrNotInstalled) {
			t.Errorf("%s was started: %v", name, err)
		}
	}
	if _, err := Start(t.Context(), Idle("nap"), Config{}); err == nil {
		t.Error("an unknown way to hold connections was accepted")
	}
}

func TestShortNamesOfPeersAreResolved(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"nats": "nats-server", "n": "n", "e": "ejabberd", "prosody": "prosody", "pigeon": "pigeon", "": ""} {
		if got := Resolve(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Every installed peer is started for real and signs clients in.
func TestInstalledPeersTakeClients(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"nats-server", "ngircd"} {
		if Installed(name) != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Start(t.Context(), name, Config{Dir: t.TempDir(), Users: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Stop()
			p, err := load.ProtocolByName(s.Protocol)
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, p, s.Addr)
		})
	}
}

func exchange(t *testing.T, p load.Protocol, addr string) {
	t.Helper()
	a, err := p.Join(t.Context(), load.Target{Addr: addr}, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Join(t.Context(), load.Target{Addr: addr}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Conn().Close(); _ = b.Conn().Close() }()
	if err := p.Pair(a, b); err != nil {
		t.Fatal(err)
	}
	_ = b.Conn().SetDeadline(time.Now().Add(10 * time.Second))
	for _, text := range []string{"first", "second"} {
		if err := a.Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Next(); string(got) != text || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

func TestConfigurationsHoldTheirPortAndFolder(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(Config, string) error{
		"ngircd.conf": func(c Config, a string) error { _, err := ngircd(c, a); return err },
		"p.lua":       func(c Config, a string) error { _, err := prosody(c, a); return err },
	} {
		dir := t.TempDir()
		if err := f(Config{Dir: dir, Users: 3}, "127.0.0.1:4567"); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(b), "4567") || strings.Contains(string(b), "%!") {
			t.Errorf("%s, %v:\n%s", name, err, b)
		}
	}
}

func TestProsodyAccountsAreWrittenForEveryUser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := prosodyAccounts(Config{Dir: dir, Users: 3}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		b, err := os.ReadFile(filepath.Join(dir, "data", load.XMPPHost, "accounts", load.XMPPUser(i)+".dat"))
		if err != nil || !strings.Contains(string(b), "stored_key") {
			t.Errorf("account %d: %v\n%s", i, err, b)
		}
	}
}

func TestInsideOfOurServerIsReadFromItsPages(t *testing.T) {
	t.Parallel()
	collected := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/heap", func(_ http.ResponseWriter, r *http.Request) {
		if r.FormValue("gc") == "1" {
			collected++
		}
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "# HELP go_goroutines n\ngo_goroutines_other 9\ngo_goroutines 12\ngo_memstats_heap_alloc_bytes 3.5e+06\n")
	})
	web := httptest.NewServer(mux)
	defer web.Close()
	s := &Server{Name: Own, Web: strings.TrimPrefix(web.URL, "http://")}
	in, err := s.Inside(t.Context())
	if err != nil || in.Goroutines != 12 || in.Heap != 3.5e6 || collected == 0 {
		t.Errorf("%+v, %v, collected %d times", in, err, collected)
	}
	if _, err := (&Server{Name: Own}).Inside(t.Context()); err == nil {
		t.Error("a server without pages was read")
	}
	if _, err := s.page(t.Context(), "/nowhere"); err == nil {
		t.Error("a page that is not there was read")
	}
}

func TestFreeAddressIsFree(t *testing.T) {
	t.Parallel()
	addr, err := freeAddr()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func TestGroupFilesSayTheLimit(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]map[string]string{
		"map[memory.max:1000 memory.swap.max:0]":               groupFiles("memory", true, 1000),
		"map[memory.limit_in_bytes:1000]":                      groupFiles("memory", false, 1000),
		"map[cpu.max:20000 100000]":                            groupFiles("cpu", true, .2),
		"map[cpu.cfs_period_us:100000 cpu.cfs_quota_us:20000]": groupFiles("cpu", false, .2),
	} {
		if fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	if _, err := NewGroup("gravity", 1); !errors.Is(err, ErrNoGroups) {
		t.Errorf("an unknown controller: %v", err)
	}
}
