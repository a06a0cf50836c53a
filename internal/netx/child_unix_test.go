//go:build unix

package netx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"trunkline/internal/netx"
)

// childVariable makes the test binary play a part of its own: limits and passed
// sockets belong to a whole process.
const childVariable = "NETX_TEST_CHILD"

func TestMain(m *testing.M) {
	parts := map[string]func() error{
		"descriptors": playDescriptors,
		"starving":    playStarving,
		"activated":   playActivated,
	}
	play := parts[os.Getenv(childVariable)]
	if play == nil {
		os.Exit(m.Run())
	}
	if err := play(); err != nil {
		fmt.Println("child:", err)
		os.Exit(1)
	}
}

// child is a process that plays a part; its lines are what it prints.
type child struct {
	in    io.WriteCloser
	lines *bufio.Scanner
}

func start(t *testing.T, part string, files ...*os.File) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+part)
	cmd.ExtraFiles = files
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{in: in, lines: bufio.NewScanner(out)}
	t.Cleanup(func() {
		defer cancel()
		in.Close()
		for c.lines.Scan() {
		}
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("child: %v", err)
		}
	})
	return c
}

func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatal("the child says nothing more")
	}
	return c.lines.Text()
}

// playDescriptors lowers its limit, raises it, and counts what it opens.
func playDescriptors() error {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return err
	}
	low := syscall.Rlimit{Cur: 50, Max: 200}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		return err
	}
	first, err := os.Open(os.DevNull) // starts the runtime's poller, which keeps two
	if err != nil {
		return err
	}
	defer first.Close()
	before, lowered := netx.Descriptors()
	raised, err := netx.RaiseDescriptors()
	if err != nil {
		return err
	}
	again, err := netx.RaiseDescriptors()
	if err != nil {
		return err
	}
	for range 70 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer f.Close()
	}
	after, limit := netx.Descriptors()
	fmt.Println(after-before, lowered, raised, again, limit)
	return nil
}

func TestDescriptorsAreCountedAndRaised(t *testing.T) {
	t.Parallel()
	if got, want := start(t, "descriptors").line(t), "70 50 200 200 200"; got != want {
		t.Errorf("opened, lowered, raised, raised again, limit: %s; want %s", got, want)
	}
}

// playStarving listens, uses up its descriptors, and frees some when told to.
func playStarving() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 100, Max: 100}); err != nil {
		return err
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l := netx.LimitListener(inner, netx.Limits{})
	var hoard []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			return err
		}
		hoard = append(hoard, f)
	}
	fmt.Println(l.Addr())
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		for _, f := range hoard[:10] {
			f.Close()
		}
		fmt.Println("freed")
	}()
	c, err := l.Accept()
	if err != nil {
		return err
	}
	s := l.Stats()
	fmt.Fprintf(c, "%d %d %t", s.Accepted, s.RefusedDescriptors, s.AcceptErrors <= 2*s.RefusedDescriptors)
	return c.Close()
}

func TestWithoutDescriptorsNewConnectionsAreRefusedUntilThereAreSome(t *testing.T) {
	t.Parallel()
	c := start(t, "starving")
	addr := c.line(t)
	ask := func() string {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		answer, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		return string(answer)
	}
	const refused = 20
	for range refused {
		if got := ask(); got != "" {
			t.Fatalf("a connection without a descriptor was served: %q", got)
		}
	}
	io.WriteString(c.in, "\n")
	if got := c.line(t); got != "freed" {
		t.Fatal(got)
	}
	if got, want := ask(), fmt.Sprintf("1 %d true", refused); got != want {
		t.Errorf("accepted, refused, few errors: %q, want %q", got, want)
	}
}

// playActivated takes the sockets that its parent passed, as systemd would.
func playActivated() error {
	pid := os.Getpid()
	env := netx.ReadEnvironment(append(os.Environ(),
		"LISTEN_PID="+strconv.Itoa(pid), "LISTEN_FDS=4", "LISTEN_FDNAMES=web:tox:tox:other"))
	s, err := netx.NewSockets(env, pid)
	if err != nil {
		return err
	}
	ctx := context.Background()
	in := bufio.NewScanner(os.Stdin)
	next := func() string { in.Scan(); return in.Text() }
	byAddress, err := s.Listen(ctx, "tcp", next(), "")
	if err != nil {
		return err
	}
	packets, listener, err := s.ListenBoth(ctx, "192.0.2.1:1", "tox") // not ours: only passed ones can work
	if err != nil {
		return err
	}
	fmt.Println(byAddress.Addr(), packets.LocalAddr(), listener.Addr())
	for _, u := range s.Unused() {
		fmt.Println(u)
	}
	s.Close()
	fmt.Println(len(s.Unused()))
	c, err := byAddress.Accept()
	if err != nil {
		return err
	}
	io.WriteString(c, "served")
	return c.Close()
}

func TestSocketsPassedBySystemdAreTakenByNameOrAddress(t *testing.T) {
	t.Parallel()
	tcp1, tcp2 := loopback(t), loopback(t)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	path := filepath.Join(t.TempDir(), "s")
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	var files []*os.File
	for _, s := range []any{tcp1, tcp2, udp, unix} {
		f, err := s.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	c := start(t, "activated", files...)
	fmt.Fprintln(c.in, tcp1.Addr())
	want := fmt.Sprint(tcp1.Addr(), udp.LocalAddr(), tcp2.Addr())
	if got := strings.ReplaceAll(c.line(t), " ", ""); got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("took %s, want %s", got, want)
	}
	if got := c.line(t); got != "other "+path {
		t.Errorf("unused: %q, want %q", got, "other "+path)
	}
	if got := c.line(t); got != "0" {
		t.Errorf("%s unused after Close", got)
	}
	conn, err := net.Dial("tcp", tcp1.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := io.ReadAll(conn); string(got) != "served" {
		t.Errorf("read %q, %v from the passed socket", got, err)
	}
}
