package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"trunkline/blubbel"
	"trunkline/internal/server"
)

// TestMain makes the test's own program the command trunkline too, in a
// folder that stands first in PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trunkline": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(Main(ctx, os.Args[1:], System()))
	}})
}

// said is how a command ended and what it wrote.
type said struct {
	code        int
	out, errors string
}

// call runs a command in this process, without an environment of its own.
func call(t *testing.T, args ...string) said {
	t.Helper()
	return callWith(t, "", nil, args...)
}

func callWith(t *testing.T, in string, environ []string, args ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	code := Main(t.Context(), args, &Env{
		Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errs, Environ: environ, Exe: os.Executable,
	})
	return said{code, out.String(), errs.String()}
}

// pem is a key of 2048 bits, made once: one of 3072 takes a second.
var pem = sync.OnceValue(func() []byte {
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	key, err := blubbel.NewSecretKey(pair)
	if err != nil {
		panic(err)
	}
	text, err := key.PEM()
	if err != nil {
		panic(err)
	}
	return text
})

// put writes a file, and the folders that it needs.
func put(t testing.TB, b []byte, path ...string) {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// settings make a server quick and quiet: free ports, no time servers.
func settings() []string {
	return []string{
		"TRUNKLINE_WEB_LISTEN=127.0.0.1:0", "TRUNKLINE_BLUBBEL_LISTEN=127.0.0.1:0", "TRUNKLINE_CLOCK_SERVERS=[]",
	}
}

// prepare makes a data folder at path that a server used before.
func prepare(t testing.TB, path string) {
	t.Helper()
	if err := furnish(path); err != nil {
		t.Fatal(err)
	}
}

func furnish(path string) error {
	for _, dir := range []string{"run", "keys"} {
		if err := os.MkdirAll(filepath.Join(path, dir), 0o700); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(path, "keys", "blubbel-echo.pem"), pem(), 0o600)
}

// world is a folder in which somebody types commands, in processes of their own.
type world struct {
	t    *testing.T
	dir  string
	env  []string
	data string // the data folder that commands use unless told otherwise
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.data = filepath.Join(w.dir, "trunkline-data")
	w.env = append(os.Environ(), settings()...)
	w.env = append(w.env, "HOME="+w.dir, "XDG_CONFIG_HOME="+filepath.Join(w.dir, "config"), "TERM=xterm-256color")
	prepare(t, w.data)
	return w
}

func (w *world) command(args ...string) *exec.Cmd {
	c := exec.Command("trunkline", args...)
	c.Dir, c.Env = w.dir, w.env
	return c
}

// run runs a command to its end.
func (w *world) run(in string, args ...string) said {
	w.t.Helper()
	c := w.command(args...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(in), &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		w.t.Fatal(err)
	}
	return said{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// serving is a server in a process of its own.
type serving struct {
	command *exec.Cmd
	out     []string // up to the ready line
	log     bytes.Buffer
	rest    sync.WaitGroup
}

// begin starts a server and waits until it is ready.
func begin(c *exec.Cmd) (*serving, error) {
	s := &serving{command: c}
	c.Stderr = &s.log
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		s.out = append(s.out, lines.Text())
		if lines.Text() == server.ReadyLine {
			s.rest.Go(func() { _, _ = io.Copy(io.Discard, out) })
			return s, nil
		}
	}
	err = c.Wait()
	return nil, fmt.Errorf("server ended before it was ready: %v\n%s", err, s.log.String())
}

// end waits for the server, which somebody told to stop.
func (s *serving) end() error {
	s.rest.Wait()
	return s.command.Wait()
}

// serve runs a server on the data folder until the test ends or it is stopped.
func (w *world) serve() {
	w.t.Helper()
	s, err := begin(w.command("serve"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = s.command.Process.Signal(os.Interrupt)
		if err := s.end(); err != nil {
			w.t.Errorf("server ended with %v\n%s", err, s.log.String())
		}
	})
}

// relay is where the blubbel relay of the server on data answers.
func relay(t testing.TB, data string) string {
	t.Helper()
	address, err := relayOf(data)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func relayOf(data string) (string, error) {
	b, err := os.ReadFile(filepath.Join(data, "run", "addresses.json"))
	if err != nil {
		return "", err
	}
	var addresses struct{ Blubbel struct{ TCP []string } }
	if err := json.Unmarshal(b, &addresses); err != nil {
		return "", err
	}
	return addresses.Blubbel.TCP[0], nil
}
