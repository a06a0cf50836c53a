//go:build linux

package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"trunkline/internal/bench/child"
	"trunkline/internal/bench/meter"
)

// Own is the name of our own server.
const Own = "trunkline"

// Config says how to start a server. Only Dir is required, and Exe for Own.
type Config struct {
	Exe string // our executable
	Dir string // an empty or earlier used folder of this server's own
	// Set are settings of our server, KEY=VALUE, beside those of every run.
	Set []string
	// Limits hold for our server from its first instruction on.
	Limits Limits
	// Users is how many accounts a peer with accounts needs.
	Users int
	// Settle is how long memory is left alone between a collection and its
	// reading; default 2 s.
	Settle time.Duration
}

// A Server is one that runs.
type Server struct {
	Name     string
	Protocol string // what load speaks to it
	Addr     string // host:port
	Web      string // our own server's web pages, host:port
	Proc     *meter.Proc
	// NeedsAccounts means that clients have to be registered once before.
	NeedsAccounts bool

	settle time.Duration
	child  *child.Process
}

// A peer is how one server is started: it writes its files into dir and says
// which command serves on addr.
type peer struct {
	program, pack, protocol string
	command                 func(c Config, addr string) (child.Command, error)
	accounts                bool
	version                 []string // arguments that print the version
}

func table() map[string]peer {
	return map[string]peer{
		"nats-server": {program: "nats-server", pack: "nats-server", protocol: "nats", command: nats, version: []string{"--version"}},
		"ngircd":      {program: "ngircd", pack: "ngircd", protocol: "irc", command: ngircd, version: []string{"--version"}},
		"ejabberd":    {program: "ejabberdctl", pack: "ejabberd", protocol: "xmpp", command: ejabberd, accounts: true},
		"prosody":     {program: "prosody", pack: "prosody", protocol: "xmpp", command: prosody},
	}
}

// Resolve is the full name of a peer whose name was cut short, "nats" for
// instance; a name that fits none or several comes back as it is.
func Resolve(name string) string {
	found := name
	for full := range table() {
		if full == name {
			return name
		}
		if name != "" && strings.HasPrefix(full, name) {
			if found != name {
				return name
			}
			found = full
		}
	}
	return found
}

// ErrNotInstalled means that a peer's program is not on this machine.
var ErrNotInstalled = errors.New("not installed")

// Installed reports, as an error that says what to do, that a peer is missing,
// unknown or there.
func Installed(name string) error {
	p, ok := table()[name]
	if !ok {
		return fmt.Errorf("%s: no such peer", name)
	}
	if _, err := find(p.program); err != nil {
		return fmt.Errorf("%s: %w; apt-get install %s", name, ErrNotInstalled, p.pack)
	}
	return nil
}

// find looks where Debian puts servers too, whatever the search path is.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", program))
}

// Version is the first line that a peer says of its version; "" if unknown.
func Version(ctx context.Context, name string) string {
	p := table()[name]
	path, err := find(p.program)
	if err != nil || p.version == nil {
		return ""
	}
	out, _ := exec.CommandContext(ctx, path, p.version...).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// readyTimeout is how long a server may take to answer after its start.
const readyTimeout = 60 * time.Second

// Start starts a server and returns when it answers. It ends with ctx, with this
// process, or with [Server.Stop].
func Start(ctx context.Context, name string, c Config) (*Server, error) {
	s, err := start(ctx, name, c)
	if err != nil {
		return nil, err
	}
	s.Proc = meter.Watch(s.PID())
	if s.settle = c.Settle; s.settle == 0 {
		s.settle = defaultSettle
	}
	return s, nil
}

func start(ctx context.Context, name string, c Config) (*Server, error) {
	if name == Own {
		return startOwn(ctx, c)
	}
	if way, ok := strings.CutPrefix(name, idlePrefix); ok {
		return startIdle(ctx, c, way)
	}
	if err := Installed(name); err != nil {
		return nil, err
	}
	p := table()[name]
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	command, err := p.command(c, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if command.Path == "" {
		if command.Path, err = find(p.program); err != nil {
			return nil, err
		}
	}
	process, err := child.Start(ctx, command)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := &Server{Name: name, Protocol: p.protocol, Addr: addr, NeedsAccounts: p.accounts, child: process}
	if err := s.await(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// await waits until the server takes connections.
func (s *Server) await(ctx context.Context) error {
	return s.poll(ctx, func() bool {
		c, err := net.DialTimeout("tcp4", s.Addr, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// poll asks ready until it says so, the process ends or time is up.
func (s *Server) poll(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-s.child.Done():
			code, _ := s.child.Code()
			return fmt.Errorf("%s ended with code %d before it answered%s", s.Name, code, s.child.Complaint())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w%s", s.Name, ctx.Err(), s.child.Complaint())
		case <-tick.C:
		}
	}
	return nil
}

// stopGrace is how long a server may take to end by itself.
const stopGrace = 8 * time.Second

// Stop ends the server.
func (s *Server) Stop() {
	s.child.Stop(stopGrace)
}

// PID is the id of the server's first process.
func (s *Server) PID() int { return s.child.PID() }

// Done is closed when the server has ended.
func (s *Server) Done() <-chan struct{} { return s.child.Done() }

// Signal sends a signal to the server's first process.
func (s *Server) Signal(sig syscall.Signal) error { return s.child.Signal(sig) }

// Code is the exit code of a server that has ended.
func (s *Server) Code() (int, error) { return s.child.Code() }

// freeAddr is a loopback address with a TCP port that nobody has.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// write writes a configuration file into the folder and returns its name.
func write(dir, name, text string) (string, error) {
	file := filepath.Join(dir, name)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// port is the port of addr.
func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
