package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"trunkline/internal/health"
	"trunkline/internal/network"
)

// selfCheck tries every network as a client would, over real sockets, and
// prints a line for each. What fails is a finding.
func (s *Server) selfCheck(ctx context.Context) {
	s.say("\n  self-check: real sockets, our own clients, one echo contact")
	started, ok, all := time.Now(), 0, 0
	for _, n := range s.nets {
		if !n.on() {
			continue
		}
		all++
		begun := time.Now()
		what, err := s.tryNetwork(ctx, n)
		if err == nil {
			ok++
			s.say("    %-9s %-42s ok   %s", n.title, what, seconds(time.Since(begun)))
			continue
		}
		f := health.New(health.SelfCheckFailed, n.address(), health.Line(err), "").On(n.name)
		s.findings.Raise(f)
		s.say("    %-9s %-42s FAIL %s", n.title, what, seconds(time.Since(begun)))
		s.say("              %s", f)
	}
	s.say("  %d of %d ok in %s", ok, all, seconds(time.Since(started)))
}

func (s *Server) tryNetwork(ctx context.Context, n *running) (what string, err error) {
	ctx, cancel := context.WithTimeout(ctx, network.SelfCheckTimeout)
	defer cancel()
	if n.socket == "http" {
		return "ask for the front page", tryWeb(ctx, n.address())
	}
	if n.can.SelfChecker == nil {
		return "no self-check", nil
	}
	return n.can.SelfChecker.SelfCheck(ctx)
}

// tryWeb asks for the front page of the web listener at address.
func tryWeb(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("front page: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)); err != nil {
		return fmt.Errorf("front page: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("front page: %s", answer.Status)
	}
	return nil
}
