//go:build interop && linux

package exchange_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the executable: $TRUNKLINE, or one built for the test.
func program(t *testing.T) string {
	t.Helper()
	if p := os.Getenv("TRUNKLINE"); p != "" {
		return p
	}
	p := filepath.Join(t.TempDir(), "trunkline")
	build := exec.Command("go", "build", "-o", p, "trunkline/cmd/trunkline")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return p
}

// server is a running `trunkline serve`.
type server struct {
	program, data, address string
	process                *exec.Cmd
	log                    string // file with all that it printed
}

func serve(t *testing.T, set ...string) *server {
	t.Helper()
	s := &server{program: program(t), data: filepath.Join(t.TempDir(), "data"), log: filepath.Join(t.TempDir(), "log")}
	args := []string{"serve", "--data", s.data, "--no-self-check", "--set", "log.level=debug", "--set", "clock.servers=[]",
		"--set", "web.listen=127.0.0.1:0", "--set", "blubbel.listen=127.0.0.1:0"}
	for _, v := range set {
		args = append(args, "--set", v)
	}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process = exec.Command(s.program, args...)
	s.process.Stderr = log
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "running. Ctrl-C stops it." {
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	var addresses struct{ Blubbel struct{ TCP []string } }
	b, err := os.ReadFile(filepath.Join(s.data, "run", "addresses.json"))
	if err != nil || json.Unmarshal(b, &addresses) != nil || len(addresses.Blubbel.TCP) != 1 {
		t.Fatalf("addresses.json: %v\n%s", err, b)
	}
	s.address = addresses.Blubbel.TCP[0]
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s
}

// stop ends the server as Ctrl-C does.
func (s *server) stop(t *testing.T) {
	t.Helper()
	begun := time.Now()
	if err := s.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	t.Logf("ended %v after Ctrl-C", time.Since(begun).Round(time.Millisecond))
}

// event is any line of a peer.
type event struct {
	Ev, Self, Who, State, From, Text, Ref, Code, Why string
	ID                                               json.RawMessage
}

// client is a running `trunkline peer`.
type client struct {
	t       *testing.T
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	self    string
}

func (s *server) peer(t *testing.T, name string, flags ...string) *client {
	t.Helper()
	c := &client{t: t}
	profile := filepath.Join(t.TempDir(), name+".pem")
	c.process = exec.Command(s.program, append([]string{"peer", "blubbel", "--server", s.address, "--profile", profile}, flags...)...)
	c.process.Stderr = os.Stderr
	var err error
	if c.in, err = c.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.process.Process.Kill()
		_ = c.process.Wait()
	})
	c.out = bufio.NewScanner(out)
	c.out.Buffer(nil, 2<<20)
	c.self = c.until("ready").Self
	return c
}

// until reads events up to one of this kind.
func (c *client) until(kind string) event {
	c.t.Helper()
	for c.out.Scan() {
		var e event
		if err := json.Unmarshal(c.out.Bytes(), &e); err != nil {
			c.t.Fatalf("%v: %s", err, c.out.Bytes())
		}
		if e.Ev == kind {
			return e
		}
	}
	c.t.Fatalf("no %s came: %v", kind, c.out.Err())
	return event{}
}

func (c *client) do(command map[string]any) {
	c.t.Helper()
	b, err := json.Marshal(command)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(b, '\n')); err != nil {
		c.t.Fatal(err)
	}
}

const (
	messages = 10_000
	marker   = "xyzzy-plugh-nothing-else-says-this"
)

func text(name string, i int) string { return fmt.Sprintf("%s %s %d", marker, name, i) }

// converse sends all messages and reads until all of the other's and every
// answer have come.
func (c *client) converse(name, to, other string) error {
	sent := make(chan error, 1)
	go func() {
		w := bufio.NewWriter(c.in)
		encoder := json.NewEncoder(w)
		for i := range messages {
			if err := encoder.Encode(map[string]any{"do": "send", "id": i, "to": to, "text": text(name, i)}); err != nil {
				sent <- err
				return
			}
		}
		sent <- w.Flush()
	}()
	got, answered := 0, map[string]bool{}
	for (got < messages || len(answered) < messages) && c.out.Scan() {
		var e event
		if err := json.Unmarshal(c.out.Bytes(), &e); err != nil {
			return err
		}
		switch {
		case e.Ev == "message" && e.Text != text(other, got):
			return fmt.Errorf("%s got %q as message %d", name, e.Text, got)
		case e.Ev == "message":
			got++
		case e.Ev == "ok" && e.Ref != "":
			answered[string(e.ID)] = true
		case e.Ev == "error":
			return fmt.Errorf("%s was told %s %s", name, e.Code, e.Why)
		}
	}
	if got != messages || len(answered) != messages {
		return fmt.Errorf("%s got %d messages and %d answers: %v", name, got, len(answered), c.out.Err())
	}
	return <-sent
}

func TestTwoPeersExchangeTenThousandMessagesEachWay(t *testing.T) {
	s := serve(t)
	a, b := s.peer(t, "a", "--auto"), s.peer(t, "b", "--auto")
	a.do(map[string]any{"do": "add", "who": b.self})
	b.do(map[string]any{"do": "add", "who": a.self})
	begun := time.Now()
	errs := make(chan error, 2)
	go func() { errs <- a.converse("a", b.self, "b") }()
	go func() { errs <- b.converse("b", a.self, "a") }()
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages each way in %v", messages, time.Since(begun).Round(time.Millisecond))
	s.holdsNoText(t)
	s.stop(t)
	s.keepsNoText(t)
}

// holdsNoText searches the server's memory.
func (s *server) holdsNoText(t *testing.T) {
	t.Helper()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", s.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", s.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	searched := 0
	for line := range strings.Lines(string(maps)) {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil || mode[0] != 'r' || strings.Contains(line, "[v") {
			continue
		}
		b := make([]byte, to-from)
		n, err := memory.ReadAt(b, int64(from))
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) {
			t.Fatalf("memory at %x: %v", from, err)
		}
		searched += n
		if bytes.Contains(b[:n], []byte(marker)) {
			t.Errorf("the server's memory at %x holds a text", from)
		}
	}
	if searched < 1<<20 {
		t.Errorf("only %d bytes of memory could be searched", searched)
	}
	t.Logf("searched %d MiB of memory", searched>>20)
}

// keepsNoText searches log and data folder.
func (s *server) keepsNoText(t *testing.T) {
	t.Helper()
	files := []string{s.log}
	err := filepath.WalkDir(s.data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(marker)) {
			t.Errorf("%s holds a text", name)
		}
	}
	if len(files) < 2 {
		t.Errorf("only %d files were there to search", len(files))
	}
}
