package netx_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"trunkline/internal/netx"
)

func TestEnvironmentIsPickedFromAList(t *testing.T) {
	got := netx.ReadEnvironment([]string{
		"HOME=/", "LISTEN_PID=12", "LISTEN_FDS=2", "LISTEN_FDNAMES=a:b", "NOTIFY_SOCKET=@x=y",
		"WATCHDOG_USEC=5", "WATCHDOG_PID=12", "=odd", "",
	})
	want := netx.Environment{
		ListenPID: "12", ListenFDs: "2", ListenNames: "a:b", NotifySocket: "@x=y",
		WatchdogPID: "12", WatchdogUsec: "5",
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSocketsForAnotherProcessAreLeftAlone(t *testing.T) {
	for _, env := range []netx.Environment{
		{},
		{ListenPID: "1", ListenFDs: "1"},
		{ListenPID: "", ListenFDs: "1"},
		{ListenPID: "42"},
	} {
		s, err := netx.NewSockets(env, 42)
		if err != nil || len(s.Unused()) != 0 {
			t.Errorf("NewSockets(%+v) = %v, %v; want none", env, s.Unused(), err)
		}
	}
}

func TestNonsenseInListenFdsIsAnError(t *testing.T) {
	for _, fds := range []string{"-1", "x", "99999999999999999999", "1000000"} {
		if _, err := netx.NewSockets(netx.Environment{ListenPID: "42", ListenFDs: fds}, 42); err == nil {
			t.Errorf("LISTEN_FDS=%s is no error", fds)
		}
	}
}

func TestListenOpensWhatWasNotPassed(t *testing.T) {
	t.Parallel()
	var s netx.Sockets
	l, err := s.Listen(t.Context(), "tcp", "127.0.0.1:0", "web")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Addr().(*net.TCPAddr).Port == 0 {
		t.Error("port 0 was not replaced by a free one")
	}
	c, err := s.ListenPacket(t.Context(), "udp", "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestListenBothGetsOneNumberFreeInBoth(t *testing.T) {
	t.Parallel()
	var s netx.Sockets
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		c, l, err := s.ListenBoth(t.Context(), address, "")
		if err != nil {
			t.Fatal(err)
		}
		udp, tcp := c.LocalAddr().(*net.UDPAddr).Port, l.Addr().(*net.TCPAddr).Port
		if udp != tcp || udp == 0 {
			t.Errorf("%s: UDP %d, TCP %d", address, udp, tcp)
		}
		c.Close()
		l.Close()
	}
	if _, _, err := s.ListenBoth(t.Context(), "nonsense", ""); err == nil {
		t.Error("an address without a port is no error")
	}
}

func TestListenBothGivesUpTheOneIfTheOtherIsTaken(t *testing.T) {
	t.Parallel()
	var s netx.Sockets
	for range 20 { // a number free for UDP may have become another's in TCP
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer udp.Close()
		address := udp.LocalAddr().String()
		_, _, err = s.ListenBoth(t.Context(), address, "")
		taken, ok := errors.AsType[*netx.InUseError](err)
		if !ok {
			t.Fatalf("got %v, want an InUseError", err)
		}
		if taken.Network != "udp" {
			continue
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		c.Close()
	}
	t.Error("TCP was kept twenty times")
}

func TestTakenPortNamesTheProgramThatHasIt(t *testing.T) {
	t.Parallel()
	var s netx.Sockets
	comm, err := os.ReadFile("/proc/self/comm")
	wantPID, wantName := os.Getpid(), strings.TrimSpace(string(comm))
	if err != nil {
		wantPID, wantName = 0, "" // a system without /proc
	}
	for _, c := range []struct{ network, bound, wanted string }{
		{"tcp", "127.0.0.1:0", "127.0.0.1"},
		{"tcp", "127.0.0.1:0", ""},
		{"tcp", ":0", "127.0.0.1"},
		{"tcp6", "[::1]:0", "::1"},
		{"udp", "127.0.0.1:0", "127.0.0.1"},
		{"udp6", "[::1]:0", "::1"},
	} {
		port, try := hold(t, &s, c.network, c.bound)
		address := net.JoinHostPort(c.wanted, port)
		err := try(address)
		taken, ok := errors.AsType[*netx.InUseError](err)
		if !ok || !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s %s: got %v, want an InUseError", c.network, address, err)
			continue
		}
		if taken.PID != wantPID || taken.Program != wantName || taken.Addr != address || taken.Network != c.network {
			t.Errorf("%s %s: %+v, want process %d %s", c.network, address, taken, wantPID, wantName)
		}
	}
}

// hold binds an address and returns its port and a way to bind once more.
func hold(t *testing.T, s *netx.Sockets, network, address string) (port string, try func(address string) error) {
	t.Helper()
	if strings.HasPrefix(network, "tcp") {
		l, err := s.Listen(t.Context(), network, address, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		_, port, _ := net.SplitHostPort(l.Addr().String())
		return port, func(a string) error { _, err := s.Listen(t.Context(), network, a, ""); return err }
	}
	c, err := s.ListenPacket(t.Context(), network, address, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, port, _ = net.SplitHostPort(c.LocalAddr().String())
	return port, func(a string) error { _, err := s.ListenPacket(t.Context(), network, a, ""); return err }
}

func TestInUseErrorSaysWhatIsKnown(t *testing.T) {
	for _, c := range []struct {
		err  netx.InUseError
		want string
	}{
		{netx.InUseError{PID: 7, Program: "nginx"}, "tcp :80 is in use by nginx (process 7)"},
		{netx.InUseError{PID: 7}, "tcp :80 is in use by process 7"},
		{netx.InUseError{}, "tcp :80 is in use by another program"},
	} {
		c.err.Network, c.err.Addr, c.err.Err = "tcp", ":80", syscall.EADDRINUSE
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if err := fmt.Errorf("web: %w", &c.err); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%v is not EADDRINUSE", err)
		}
	}
}

func TestOtherListenErrorsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	var s netx.Sockets
	for _, network := range []string{"tcp", "nonsense"} {
		_, err := s.Listen(t.Context(), network, "192.0.2.1:1", "")
		if _, ok := errors.AsType[*netx.InUseError](err); err == nil || ok {
			t.Errorf("%s: got %v, want another error", network, err)
		}
	}
}
