//go:build linux

package ceiling

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEveryCeilingIsMeasured(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	c := Config{Round: 2 * time.Millisecond, Rounds: 1, Dir: t.TempDir()}
	err := Measure(t.Context(), c, func(m Ceiling) {
		if seen[m.Name] || len(m.Values) == 0 {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
		for name, v := range m.Values {
			if v < 0 || (name == "us" && v == 0) || (name == "per_s" && v == 0) {
				t.Errorf("%s: %s is %v", m.Name, name, v)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"RC4", "X25519", "RSA-2048 private", "RSA-3072 public", "AES-256-GCM", "UDP echo", "TCP echo", "flush loop", "group commit, 512"} {
		found := false
		for name := range seen {
			found = found || strings.Contains(name, want)
		}
		if !found {
			t.Errorf("no %q in %v", want, seen)
		}
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		t.Errorf("%d files left, %v", len(left), err)
	}
}

func TestEndOfContextEndsMeasuring(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := 0
	err := Measure(ctx, Config{Round: time.Minute, Rounds: 3, Dir: t.TempDir()}, func(Ceiling) { n++ })
	if !errors.Is(err, context.Canceled) || n > 1 {
		t.Errorf("%d measured, %v", n, err)
	}
}

func TestBestRoundCounts(t *testing.T) {
	t.Parallel()
	n := 0
	us := timed(t.Context(), Config{Round: time.Millisecond, Rounds: 3}, func() { n++ })
	if us <= 0 || us > 1000 || n < 3 {
		t.Errorf("%v us, %d calls", us, n)
	}
}

func TestRecordsOfAllWritersAreCommitted(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	v, err := flush(t.Context(), name, 16, 30*time.Millisecond)
	if err != nil || v["per_s"] <= 0 || v["p99_ms"] < v["p50_ms"] {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := flush(t.Context(), filepath.Join(name, "below", "nothing"), 1, time.Millisecond); err == nil {
		t.Error("a log in no folder was written")
	}
}

func TestIdleConnectionsAreHeldUntilTheEnd(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"bufio2", "small1", "lazy1", "epoll"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := l.Addr().String()
			_ = l.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- HoldIdle(ctx, way, addr) }()
			c := connect(t, addr)
			if _, err := c.Write(make([]byte, 5000)); err != nil {
				t.Fatal(err)
			}
			second := connect(t, addr)
			_ = second.Close()
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("ended with %v", err)
			}
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("held connection: %v after the end", err)
			}
		})
	}
}

// connect dials until somebody listens.
func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for {
		c, err := net.Dial("tcp4", addr)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal(err)
		}
	}
}

func TestUnknownWayIsRefused(t *testing.T) {
	t.Parallel()
	if err := HoldIdle(t.Context(), "nap", "127.0.0.1:0"); err == nil {
		t.Error("accepted")
	}
}

func TestTCPEchoCounts(t *testing.T) {
	t.Parallel()
	n, err := tcpEcho(t.Context(), 20*time.Millisecond)
	if err != nil && !errors.Is(err, io.EOF) || n == 0 {
		t.Errorf("%d echoes, %v", n, err)
	}
}
