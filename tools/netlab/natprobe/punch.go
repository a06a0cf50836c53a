package main

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// meet tells the first two callers each other's outside address, again at
// every call of theirs. It ends with its context.
func meet(ctx context.Context, at netip.AddrPort) error {
	s, err := open(ctx, at)
	if err != nil {
		return err
	}
	var seen []netip.AddrPort
	for {
		_, from, ok := s.next()
		if !ok {
			return nil
		}
		if len(seen) < 2 && !slices.Contains(seen, from) {
			seen = append(seen, from)
		}
		if len(seen) == 2 {
			s.tell(seen[0], seen[1].String())
			s.tell(seen[1], seen[0].String())
		}
	}
}

// A puncher tries to open a way through two NATs: both hosts write to each
// other's outside address at the same time until each has heard the other.
type puncher struct {
	meeting netip.AddrPort
	peer    netip.AddrPort // unknown until the meeting point tells
	heard   bool           // the peer reaches us
	open    bool           // and we reach the peer: it has said that it heard us
}

// say returns what to send now, and where.
func (p *puncher) say() (netip.AddrPort, string) {
	switch {
	case !p.peer.IsValid():
		return p.meeting, "hello"
	case p.heard:
		return p.peer, "punch+"
	}
	return p.peer, "punch"
}

// hear takes a line. It reports whether the line told the peer's address for
// the first time.
func (p *puncher) hear(line string, from netip.AddrPort) bool {
	if from == p.meeting {
		peer, err := netip.ParseAddrPort(line)
		if err != nil || p.peer.IsValid() {
			return false
		}
		p.peer = peer
		return true
	}
	if line == "punch" || line == "punch+" {
		p.heard, p.peer = true, from // a symmetric NAT speaks from a port of its own
		p.open = p.open || line == "punch+"
	}
	return false
}

// punch answers direct if this host and the other caller reach each other, and
// relay if not. It takes the whole of its time, for each host must go on until
// the other has heard it: effort to learn the other's address, then as much
// again to reach it.
func punch(ctx context.Context, meeting netip.AddrPort, effort time.Duration) (string, error) {
	s, err := open(ctx, anywhere())
	if err != nil {
		return "", err
	}
	defer s.Close()
	p := &puncher{meeting: meeting}
	end := time.Now().Add(effort)
	for time.Now().Before(end) && ctx.Err() == nil {
		to, line := p.say()
		s.tell(to, line)
		line, from, ok := s.hear(effort / 30)
		if ok && p.hear(line, from) {
			end = time.Now().Add(effort)
		}
	}
	if p.open {
		return "direct\n", nil
	}
	return "relay\n", ctx.Err()
}
