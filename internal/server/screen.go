package server

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"trunkline/internal/health"
)

// ReadyLine is the last line of the first screen: everything answers.
const ReadyLine = "running. Ctrl-C stops it."

// screen prints what the operator sees at the start: what was made, where the
// server answers, whether it works, what to do next.
func (s *Server) screen(ctx context.Context) {
	first := len(s.folder.made) > 0
	s.say("Trunkline %-37s %s", s.build, s.greeting(first))
	for i, m := range s.folder.made {
		lead := ""
		if i == 0 {
			lead = "\n"
		}
		s.say(lead+"  made    %-29s %s", m.What, m.Note)
	}
	s.listening()
	if first && s.options.SelfCheck {
		s.selfCheck(ctx)
	}
	if first {
		s.next()
	}
	s.say("")
	if ctx.Err() == nil {
		s.say(ReadyLine)
	}
}

func (s *Server) say(format string, a ...any) {
	_, _ = fmt.Fprintln(s.options.Stdout, strings.TrimRight(fmt.Sprintf(format, a...), " "))
}

func (s *Server) greeting(first bool) string {
	if first {
		return "first start, nothing found in " + s.options.Data
	}
	return "data in " + s.options.Data
}

func (s *Server) listening() {
	s.say("\n  listening%s", s.reach())
	for _, n := range s.nets {
		if n.on() {
			s.say("    %-16s  %s", n.title, strings.Join(n.status().addresses(), ", "))
		}
	}
	for _, n := range s.nets {
		if !n.on() {
			s.say("    %-16s  off: %s", n.title, n.why)
		}
	}
	for _, f := range s.findings.Snapshot() {
		if f.Severity > health.Info && f.Network == "" {
			s.say("    %s", f)
		}
	}
}

// reach says who can connect.
func (s *Server) reach() string {
	for _, n := range s.nets {
		if !n.on() {
			continue
		}
		if a, err := netip.ParseAddrPort(n.address()); err != nil || !a.Addr().Unmap().IsLoopback() {
			return ""
		}
	}
	return " on this machine only"
}

func (s *Server) next() {
	s.say("\n  next")
	number := 0
	line := func(verb, what string) {
		number++
		s.say("    %d  %-7s %s", number, verb, what)
	}
	for _, n := range s.nets {
		if n.on() && n.socket == "http" {
			line("open", "http://"+n.address()+"/")
		}
		if n.on() && n.can.Echoing != nil {
			line("talk", "trunkline chat echo"+s.dataFlag())
		}
	}
	line("stuck?", "trunkline doctor"+s.dataFlag())
}

// dataFlag is what commands need to find this server's folder.
func (s *Server) dataFlag() string {
	if filepath.Clean(s.options.Data) == DefaultData {
		return ""
	}
	return " --data " + s.options.Data
}

// DefaultData is the data folder unless a flag or TRUNKLINE_DATA names another.
const DefaultData = "trunkline-data"

// seconds is a duration as the screen writes it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
