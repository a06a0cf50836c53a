//go:build interop && linux

package exchange_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// freePort is a port that nobody has at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestServeTakesTheSocketThatSystemdPasses(t *testing.T) {
	p := program(t)
	passed := "127.0.0.1:" + freePort(t)
	command := exec.Command("systemd-socket-activate", "-l", passed, "--fdname=blubbel", "-E", "HOME",
		p, "serve", "--data", filepath.Join(t.TempDir(), "data"), "--no-self-check",
		"--set", "web.listen=", "--set", "blubbel.listen=127.0.0.1:0", "--set", "clock.servers=[]")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	var s *stranger
	for s == nil { // the first connection starts the server
		c, err := net.Dial("tcp", passed)
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			s = &stranger{t: t, c: c}
		}
	}
	s.login()
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var screen strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		screen.WriteString(lines.Text() + "\n")
	}
	if !strings.Contains(screen.String(), passed) {
		t.Errorf("the screen does not name %s:\n%s", passed, screen.String())
	}
	if err := command.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
}

func TestServeTellsSystemdWhenItIsReadyAliveAndStopping(t *testing.T) {
	p := program(t)
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	command := exec.Command(p, "serve", "--data", filepath.Join(t.TempDir(), "data"), "--no-self-check",
		"--set", "web.listen=", "--set", "blubbel.listen=127.0.0.1:0", "--set", "clock.servers=[]")
	command.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC="+strconv.Itoa(200_000))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	next := func(want string) {
		t.Helper()
		b := make([]byte, 4096)
		for {
			if err := l.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := l.Read(b)
			if err != nil {
				t.Fatalf("wait for %s: %v", want, err)
			}
			if strings.Contains(string(b[:n]), want) {
				return
			}
		}
	}
	next("READY=1")
	next("WATCHDOG=1")
	if err := command.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	next("RELOADING=1")
	next("READY=1")
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	next("STOPPING=1")
	if err := command.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
}
