package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	words "trunkline/blubbel"
	"trunkline/internal/config"
	"trunkline/internal/console"
	"trunkline/internal/health"
	"trunkline/internal/network"
	"trunkline/internal/network/blubbel"
	"trunkline/internal/netx"
)

// running is a network, or the web pages, with its listener.
type running struct {
	name, title string
	socket      string // the entry of addresses.json: "tcp" or "http"
	advertised  string
	listener    *netx.LimitedListener // nil: it does not answer
	refused     uint64                // connections turned away until the last look
	why         string                // it does not
	network     network.Network
	can         network.Capabilities
	serve       func(ctx context.Context) error
}

func (n *running) on() bool { return n.listener != nil }

func (n *running) address() string { return n.listener.Addr().String() }

func (n *running) status() NetworkStatus {
	st := NetworkStatus{
		Name: n.name, Title: n.title, On: n.on(), Why: n.why,
		Capabilities: n.can.Names(), Advertised: n.advertised,
	}
	if !n.on() {
		return st
	}
	if n.socket == "http" {
		st.HTTP = []string{n.address()}
	} else {
		st.TCP = []string{n.address()}
	}
	if n.can.Presence != nil {
		st.Connected = new(n.can.Presence.Connected())
	}
	if n.can.Echoing != nil {
		if contact, server := n.can.Echoing.Echo(); contact != "" {
			st.Echo = &Contact{Address: contact, Server: server}
		}
	}
	return st
}

// connections is how many a listener may hold where the settings leave it open:
// what the limit on open files allows, less what everything else needs.
func connections(setting int) int {
	if setting > 0 {
		return setting
	}
	_, limit := netx.Descriptors()
	return max(16, int(min(limit, 1<<20))-descriptorReserve)
}

// Descriptors that are not for clients: files, the web pages, the system.
const (
	descriptorReserve = 200
	webConnections    = 100
)

// open opens the listeners, builds the networks and opens the control socket. A network whose port is
// busy stays off and is a finding; the others go on.
func (s *Server) open(ctx context.Context) error {
	c := s.config.Config
	if c.Web.Listen != "" {
		if err := s.openWeb(ctx, c.Web); err != nil {
			return err
		}
	}
	if c.Blubbel.Listen != "" {
		if err := s.openBlubbel(ctx, c); err != nil {
			return err
		}
	}
	return s.openControl()
}

// listen opens the listener of n, or notes why not.
func (s *Server) listen(ctx context.Context, n *running, address string, most int) {
	s.nets = append(s.nets, n)
	l, err := s.sockets.Listen(ctx, "tcp", address, n.name)
	if err == nil {
		n.listener = netx.LimitListener(l, netx.Limits{Total: most})
		return
	}
	f := listenFinding(n.name, address, err)
	n.why = f.Detail
	s.findings.Raise(f)
	s.log.Error("listen", "net", n.name, "err", err)
}

// listenFinding says why a listener could not be opened, and what to do.
func listenFinding(name, address string, err error) health.Finding {
	code, cure := health.ListenFailed, ""
	detail := err.Error()
	if held, ok := errors.AsType[*netx.InUseError](err); ok {
		code = health.PortHeld
		detail, cure = "held by another program", fmt.Sprintf("end that program, or take another port: --set %s.listen=127.0.0.1:0", name)
		if held.Program != "" {
			detail = fmt.Sprintf("held by %s (pid %d)", held.Program, held.PID)
			cure = fmt.Sprintf("end it with `kill %d`, or take another port: --set %s.listen=127.0.0.1:0", held.PID, name)
		}
	}
	return health.New(code, address, detail, cure).On(name)
}

func (s *Server) openWeb(ctx context.Context, c config.Web) error {
	token, err := readToken(c.MetricsTokenFile)
	if err != nil {
		return err
	}
	con, err := console.New(console.Config{
		About:        s.about,
		Checks:       s.checks,
		Metrics:      s.metrics.Handler(),
		MetricsToken: token,
		Profiles:     c.Profiles,
		Log:          s.logs.Logger("web"),
	})
	if err != nil {
		return err
	}
	n := &running{name: "web", title: "web", socket: "http", advertised: c.Advertise}
	n.serve = func(ctx context.Context) error { return con.Serve(ctx, n.listener) }
	s.listen(ctx, n, c.Listen, webConnections)
	return nil
}

// leastToken is the shortest token that is no guess, in characters.
const leastToken = 16

// readToken reads a secret that stands alone in a file; no file, no token.
func readToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("web.metrics_token_file %s: %w", file, reason(err))
	}
	token := strings.TrimSpace(string(b))
	if len(token) < leastToken {
		return "", health.Do(fmt.Errorf("web.metrics_token_file %s: less than %d characters", file, leastToken),
			"write a random one into it, for instance of `openssl rand -hex 32`")
	}
	return token, nil
}

func (s *Server) openBlubbel(ctx context.Context, c config.Config) error {
	n := &running{name: "blubbel", title: "blubbel", socket: "tcp", advertised: c.Blubbel.Advertise}
	s.listen(ctx, n, c.Blubbel.Listen, connections(c.Blubbel.Connections))
	if !n.on() {
		return nil
	}
	a, err := blubbel.New(blubbel.Config{
		Listener:      n.listener,
		Settings:      c.Blubbel,
		LimitLoopback: c.Limits.Loopback,
		EchoKey:       s.echoKey,
		Logger:        s.logs.Logger,
	})
	if err != nil {
		return fmt.Errorf("blubbel: %w", err)
	}
	n.network, n.can, n.serve = a, network.CapabilitiesOf(a), a.Run
	if !a.Echoes() {
		n.can.Echoing = nil
	}
	return nil
}

// echoKey reads the key of the echo contact, or makes it.
func (s *Server) echoKey(ctx context.Context) (*words.SecretKey, error) {
	pem, made, err := s.folder.secret(ctx, "blubbel-echo", func() ([]byte, error) {
		k, err := words.GenerateKey(words.DER)
		if err != nil {
			return nil, err
		}
		return k.PEM()
	})
	if err != nil {
		return nil, err
	}
	k, err := words.ParseSecretKey(pem)
	if err != nil {
		return nil, health.Do(fmt.Errorf("key file %s: %w", s.folder.file("keys", "blubbel-echo.pem"), err),
			"restore it, or delete it and a new one is made")
	}
	if made {
		s.log.Info("made the echo contact's key", "net", "blubbel", "fingerprint", k.Public().Fingerprint())
	}
	return k, nil
}

// runNetwork serves one network. One that fails is a finding; the others go on.
func (s *Server) runNetwork(ctx context.Context, n *running) error {
	if !n.on() {
		return nil
	}
	if err := n.serve(ctx); err != nil && ctx.Err() == nil {
		s.findings.Raise(health.New(health.ListenFailed, n.address(), health.Line(err), "").On(n.name))
		s.log.Error("network ended", "net", n.name, "err", err)
	}
	return nil
}
