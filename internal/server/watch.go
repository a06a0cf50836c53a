package server

import (
	"context"
	"fmt"
	"slices"
	"time"

	"trunkline/internal/health"
	"trunkline/internal/netx"
)

const (
	lookEvery  = time.Minute
	clockEvery = time.Hour
	refusedFor = 10 * time.Minute // how long it is said that clients were turned away
)

// watch looks again, now and then, at what can go wrong while the server runs.
func (s *Server) watch(ctx context.Context) error {
	look, clock := time.NewTicker(lookEvery), time.NewTicker(clockEvery)
	defer look.Stop()
	defer clock.Stop()
	s.lookAtClock(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			s.look()
		case <-clock.C:
			s.lookAtClock(ctx)
		}
	}
}

// look checks what costs next to nothing.
func (s *Server) look() {
	c := s.settings().Config
	_, limit := netx.Descriptors()
	s.hold([]health.Code{health.KeyReadable, health.DataNotWritable}, checkFolder(s.folder.Path))
	s.hold([]health.Code{health.DiskNearlyFull}, checkDisk(s.folder.Path, c.Limits.DiskFree))
	s.hold([]health.Code{health.FewDescriptors}, checkDescriptors(c, limit))
	for _, n := range s.nets {
		s.lookAtListener(n)
	}
}

// lookAtListener finds out whether clients were turned away since the last look.
func (s *Server) lookAtListener(n *running) {
	if !n.on() {
		return
	}
	figures := n.listener.Stats()
	refused := figures.RefusedTotal + figures.RefusedDescriptors
	if more := refused - n.refused; more > 0 {
		s.findings.RaiseFor(health.New(health.ConnectionsFull, n.address(),
			fmt.Sprintf("%d connections turned away, %d are open", more, figures.Open), "").On(n.name), refusedFor)
	}
	n.refused = refused
}

func (s *Server) lookAtClock(ctx context.Context) {
	findings := checkClock(ctx, s.settings().Config.Clock.Servers)
	if ctx.Err() == nil {
		s.hold([]health.Code{health.ClockOff, health.ClockUnknown}, findings)
	}
}

// hold makes findings the only ones of these codes. What is new is logged once.
func (s *Server) hold(codes []health.Code, findings []health.Finding) {
	for _, old := range s.findings.Snapshot() {
		gone := slices.Contains(codes, old.Code) && !slices.ContainsFunc(findings, func(f health.Finding) bool {
			return f.Code == old.Code && f.Subject == old.Subject
		})
		if gone {
			s.findings.Clear(old.Code, old.Subject)
			s.log.Info("finding is over", "code", old.Code, "subject", old.Subject)
		}
	}
	for _, f := range findings {
		if s.findings.Raise(f) && f.Severity > health.Info {
			s.log.Warn("finding", "code", f.Code, "subject", f.Subject, "detail", f.Detail, "cure", f.Cure)
		}
	}
}
