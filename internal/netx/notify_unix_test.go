//go:build unix

package netx_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"trunkline/internal/netx"
)

// manager is the service manager's end of the notification socket.
type manager struct{ *net.UnixConn }

func listenManager(t *testing.T, name string) manager {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return manager{c}
}

func (m manager) next(t *testing.T) string {
	t.Helper()
	b := make([]byte, 4096)
	m.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := m.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func notifier(t *testing.T, env netx.Environment) *netx.Notifier {
	t.Helper()
	n, err := netx.NewNotifier(env, 42)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNotifierTellsTheServiceManager(t *testing.T) {
	t.Parallel()
	names := []string{filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		names = append(names, "@netx-test-"+strconv.Itoa(os.Getpid()))
	}
	for _, name := range names {
		m := listenManager(t, name)
		n := notifier(t, netx.Environment{NotifySocket: name})
		for _, c := range []struct {
			say  func() error
			want string
		}{
			{n.Ready, "READY=1"},
			{n.Stopping, "STOPPING=1"},
			{func() error { return n.Status("three\nlines READY=1\r\nof text") }, "STATUS=three lines READY=1 of text"},
		} {
			if err := c.say(); err != nil {
				t.Fatal(err)
			}
			if got := m.next(t); got != c.want {
				t.Errorf("%s: sent %q, want %q", name, got, c.want)
			}
		}
		if err := n.Reloading(); err != nil {
			t.Fatal(err)
		}
		usec, ok := strings.CutPrefix(m.next(t), "RELOADING=1\nMONOTONIC_USEC=")
		if v, err := strconv.ParseInt(usec, 10, 64); !ok || err != nil || runtime.GOOS == "linux" && v <= 0 {
			t.Errorf("%s: reloading at %q", name, usec)
		}
	}
}

func TestWithoutServiceManagerNothingIsSaid(t *testing.T) {
	t.Parallel()
	never := func() bool { t.Error("asked whether alive"); return true }
	var none *netx.Notifier
	for _, n := range []*netx.Notifier{none, notifier(t, netx.Environment{WatchdogUsec: "1000"})} {
		if err := errors.Join(n.Ready(), n.Reloading(), n.Stopping(), n.Status("x"), n.Watchdog(t.Context(), never)); err != nil {
			t.Error(err)
		}
	}
	m := filepath.Join(t.TempDir(), "notify")
	for _, env := range []netx.Environment{
		{NotifySocket: m},
		{NotifySocket: m, WatchdogUsec: "1000", WatchdogPID: "41"},
	} {
		if err := notifier(t, env).Watchdog(t.Context(), never); err != nil {
			t.Errorf("not watched: %v", err)
		}
	}
}

func TestWatchdogReportsOnlyWhileAlive(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "notify")
	m := listenManager(t, name)
	n := notifier(t, netx.Environment{NotifySocket: name, WatchdogUsec: "4000", WatchdogPID: "42"})
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	began := time.Now()
	err := n.Watchdog(ctx, func() bool {
		asked++
		if asked == 6 {
			cancel()
		}
		return asked%2 == 1
	})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 10*time.Millisecond {
		t.Errorf("six beats of 2 ms took %v", took)
	}
	n.Stopping()
	for range 3 {
		if got := m.next(t); got != "WATCHDOG=1" {
			t.Fatalf("sent %q, want a beat", got)
		}
	}
	if got := m.next(t); got != "STOPPING=1" {
		t.Errorf("sent %q after three beats, want STOPPING=1", got)
	}
}

func TestManagerThatIsGoneIsAnError(t *testing.T) {
	t.Parallel()
	n := notifier(t, netx.Environment{NotifySocket: filepath.Join(t.TempDir(), "gone"), WatchdogUsec: "2000"})
	if err := n.Ready(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Ready = %v, want not exist", err)
	}
	if err := n.Watchdog(t.Context(), func() bool { return true }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Watchdog = %v, want not exist", err)
	}
}

func TestNonsenseFromTheServiceManagerIsAnError(t *testing.T) {
	for _, env := range []netx.Environment{
		{NotifySocket: "relative"},
		{NotifySocket: "vsock:2:1"},
		{NotifySocket: "/x", WatchdogUsec: "soon"},
		{NotifySocket: "/x", WatchdogUsec: "-1"},
		{NotifySocket: "/x", WatchdogUsec: "0"},
		{NotifySocket: "/x", WatchdogUsec: "9223372036854775807"},
	} {
		if _, err := netx.NewNotifier(env, 42); err == nil {
			t.Errorf("%+v is no error", env)
		}
	}
}
