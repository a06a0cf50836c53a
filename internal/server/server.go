package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"trunkline/internal/config"
	"trunkline/internal/console"
	"trunkline/internal/health"
	"trunkline/internal/metrics"
	"trunkline/internal/netx"
)

// Options say what to run.
type Options struct {
	Data      string                         // the data folder; required
	Config    *config.Loaded                 // required
	Reload    func() (*config.Loaded, error) // reads the configuration again; nil: Reload does nothing
	SelfCheck bool                           // try every network after a first start
	Stdout    io.Writer                      // the first screen; default: discard
	Stderr    io.Writer                      // the log; default: discard
	Environ   []string                       // as of os.Environ
	Ready     func(Status)                   // called once everything answers; may be nil
}

// A Server is an exchange.
type Server struct {
	options  Options
	build    Build
	started  time.Time
	logs     *Logs
	log      *slog.Logger
	folder   *Folder
	findings *health.Registry // of the server itself; networks keep their own
	metrics  *metrics.Registry
	notifier *netx.Notifier
	sockets  *netx.Sockets
	socket   net.Listener // of control
	nets     []*running

	stop context.CancelFunc // ends Run

	mu     sync.Mutex // Reload replaces config while others read it
	config *config.Loaded
}

// grace is what a shutdown may take before the rest is cut.
const grace = 5 * time.Second

// New prepares a server; nothing is opened or written yet.
func New(o Options) (*Server, error) {
	if o.Data == "" || o.Config == nil {
		return nil, errors.New("server: Data and Config are required")
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	s := &Server{options: o, build: ThisBuild(), config: o.Config, findings: new(health.Registry)}
	s.logs = NewLogs(o.Stderr, o.Config.Config.Log, o.Environ)
	s.log = s.logs.Logger("server")
	env := netx.ReadEnvironment(o.Environ)
	var err error
	if s.metrics, err = metrics.New(metrics.Config{
		Version: s.build.Version, Commit: s.build.Commit, Go: s.build.Go, Log: s.logs.Logger("web"),
	}); err != nil {
		return nil, err
	}
	if s.notifier, err = netx.NewNotifier(env, os.Getpid()); err != nil {
		return nil, err
	}
	if s.sockets, err = netx.NewSockets(env, os.Getpid()); err != nil {
		return nil, err
	}
	return s, nil
}

// Run serves until ctx ends or stop is asked for over the control socket, and
// returns nil after an orderly end. What it opened is closed when it returns.
func (s *Server) Run(ctx context.Context) error {
	folder, err := OpenFolder(s.options.Data)
	if err != nil {
		return err
	}
	s.folder, s.started = folder, time.Now()
	defer folder.Close()
	defer s.sockets.Close()
	folder.removeLeftovers()
	if _, err := netx.RaiseDescriptors(); err != nil {
		s.log.Warn("limit on open files", "err", err)
	}
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	defer s.close()
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.serve(ctx)
}

// close closes what open opened; what was served is closed already.
func (s *Server) close() {
	for _, n := range s.nets {
		if n.on() {
			_ = n.listener.Close()
		}
	}
	if s.socket != nil {
		_ = s.socket.Close()
	}
}

// serve runs what open opened.
func (s *Server) serve(ctx context.Context) error {
	if err := s.bindFigures(); err != nil {
		return err
	}
	s.look()
	group, inner := errgroup.WithContext(ctx)
	for _, n := range s.nets {
		group.Go(func() error { return s.runNetwork(inner, n) })
	}
	group.Go(func() error { return s.control(inner) })
	group.Go(func() error { return s.watch(inner) })
	group.Go(func() error { return s.notifier.Watchdog(inner, func() bool { return true }) })
	group.Go(func() error { return s.present(inner) })
	<-inner.Done()
	_ = s.notifier.Stopping()
	s.log.Info("stopping")
	return s.wait(group)
}

// wait returns when everything has ended, or the grace is over.
func (s *Server) wait(group *errgroup.Group) error {
	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	select {
	case err := <-ended:
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	case <-time.After(grace):
		return fmt.Errorf("stop: not everything ended within %v; the rest is cut", grace)
	}
}

// present tells whoever waits that the server answers: addresses.json for
// programs, the screen for people, the service manager.
func (s *Server) present(ctx context.Context) error {
	if err := s.writeAddresses(); err != nil {
		return err
	}
	s.screen(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err := s.notifier.Ready(); err != nil {
		s.log.Warn("tell the service manager", "err", err)
	}
	if s.options.Ready != nil {
		s.options.Ready(s.Status())
	}
	return nil
}

// writeAddresses writes DIR/run/addresses.json: an object with one entry a
// network that is on.
func (s *Server) writeAddresses() error {
	all := map[string]map[string][]string{}
	for _, n := range s.nets {
		if !n.on() {
			continue
		}
		all[n.name] = map[string][]string{n.socket: {n.address()}}
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write the addresses: %w", err)
	}
	return s.folder.writeFile(s.folder.file("run", "addresses.json"), append(b, '\n'))
}

// Status says how the server is. It may be called from any goroutine.
func (s *Server) Status() Status {
	st := Status{
		Build: s.build, PID: os.Getpid(), Data: s.options.Data, Config: s.settings().File, Started: s.started,
		Findings: s.allFindings(),
	}
	for _, n := range s.nets {
		st.Networks = append(st.Networks, n.status())
	}
	return st
}

// settings are those in force.
func (s *Server) settings() *config.Loaded {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

// checks is what is known of the health of all parts.
func (s *Server) checks() []health.Check {
	checks := []health.Check{health.NewCheck("server", "", 0, s.findings.Snapshot()...)}
	for _, n := range s.nets {
		if n.network != nil {
			checks = append(checks, n.network.Health()...)
		}
	}
	return checks
}

func (s *Server) allFindings() []health.Finding {
	all := []health.Finding{}
	for _, c := range s.checks() {
		all = append(all, c.Findings...)
	}
	slices.SortStableFunc(all, func(a, b health.Finding) int { return int(b.Severity) - int(a.Severity) })
	return all
}

// about is what the front page tells.
func (s *Server) about() console.About {
	a := console.About{Version: s.build.Version, Commit: s.build.Commit, Go: s.build.Go}
	for _, n := range s.nets {
		if st := n.status(); n.on() && n.network != nil {
			a.Networks = append(a.Networks, console.Network{
				Title: st.Title, Addresses: st.addresses(), Capabilities: st.Capabilities,
			})
		}
	}
	return a
}

// Reload reads the configuration again and takes what may change while the
// server runs. A configuration with mistakes changes nothing and is a finding.
func (s *Server) Reload() {
	if s.options.Reload == nil {
		return
	}
	_ = s.notifier.Reloading()
	defer func() { _ = s.notifier.Ready() }()
	next, err := s.options.Reload()
	if err != nil {
		s.findings.Raise(health.New(health.ConfigRefused, "configuration", health.Line(err), ""))
		s.log.Error("reload: the old configuration stays", "err", err)
		return
	}
	s.findings.Clear(health.ConfigRefused, "configuration")
	s.mu.Lock()
	changes := config.Diff(&s.config.Config, &next.Config)
	s.config = next
	s.mu.Unlock()
	s.logs.SetLevels(next.Config.Log)
	for _, c := range changes {
		s.log.Info("reload", "key", c.Key, "restart", c.Restart)
	}
	s.log.Info("reloaded", "changes", len(changes))
}
