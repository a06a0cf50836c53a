package blubbel

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel/server"
	"trunkline/internal/config"
	"trunkline/internal/health"
)

func TestConnectionThatSaysNothingIsNoticedForAWhile(t *testing.T) {
	t.Parallel()
	keys := crowd(t, 1)
	synctest.Test(t, func(t *testing.T) {
		h := open(t, keys[0], func(c *config.Blubbel) { c.PendingPerAddress = 2 })
		stranger := h.net.Host("stranger")
		for range 3 {
			c, err := stranger.Dial(context.Background(), "tcp", h.server)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}
		codes := func() string {
			check := h.adapter.Health()[0]
			var found []string
			for _, f := range check.Findings {
				found = append(found, fmt.Sprintf("%s %s: %s", f.Code, f.Subject, f.Detail))
			}
			if !check.OK {
				t.Errorf("a stranger makes the relay look unwell: %q", found)
			}
			return strings.Join(found, "\n")
		}
		time.Sleep(11 * time.Second)
		if got, want := codes(), "NET-005 "+h.server+": 1 connections refused within 10s"; got != want {
			t.Errorf("at once: %q, want %q", got, want)
		}
		time.Sleep(10 * time.Second)
		if got, want := codes(), "BLB-012 "+h.server+": 2 connections not logged in in time within 10s"; !strings.HasPrefix(got, want) {
			t.Errorf("after the time for logins: %q, want %q", got, want)
		}
		time.Sleep(noticedFor)
		if got := codes(); got != "" {
			t.Errorf("later: %q", got)
		}
	})
}

func TestReaderThatWasCutIsNoticed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := New(Config{Listener: l, Settings: config.Default().Blubbel})
	if err != nil {
		t.Fatal(err)
	}
	a.compare(server.Stats{Cuts: 3}, server.Stats{Cuts: 3})
	if check := a.Health()[0]; len(check.Findings) > 0 {
		t.Errorf("nothing happened: %v", check.Findings)
	}
	a.compare(server.Stats{Cuts: 3}, server.Stats{Cuts: 5})
	f := a.Health()[0].Findings
	if len(f) != 1 || f[0].Code != health.BlubbelReaderCut || !strings.HasPrefix(f[0].Detail, "2 clients") || f[0].Cure == "" {
		t.Errorf("got %v", f)
	}
}
