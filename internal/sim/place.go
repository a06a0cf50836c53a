package sim

import (
	"time"

	"trunkline/internal/simnet"
)

// link is the line as simnet has it, in one direction.
func (l Line) link() simnet.Link {
	return simnet.Link{
		Delay: time.Duration(l.Delay), Jitter: time.Duration(l.Jitter), MTU: l.MTU,
		Loss: l.Loss, Duplicate: l.Duplicate, Reorder: l.Reorder,
	}
}

// box is what a simnet.Host and a simnet.NAT have in common.
type box interface {
	SetLine(up, down simnet.Link)
	Cut()
	CutUp()
	CutDown()
	Heal()
	Renumber()
}

// place is a host or a NAT, and what the timeline did to it.
type place struct {
	r      *run
	name   string
	box    box
	host   *simnet.Host // one of these is set
	nat    *simnet.NAT
	behind *place // the NAT it is behind; nil: none
	line   Line
	noUp   bool
	noDown bool
	moves  int  // after which no connection through it lives on
	down   bool // the host has crashed
	skew   time.Duration
}

func (r *run) put(p *place, line Line) *place {
	p.r = r
	p.setLine(line)
	r.places[p.name] = p
	r.inOrder = append(r.inOrder, p)
	return p
}

// nats is the NATs that p is behind, the nearest first: none, or one, for a NAT
// knows what it is behind.
func (p *place) nats() []*simnet.NAT {
	if p.behind == nil {
		return nil
	}
	return []*simnet.NAT{p.behind.nat}
}

func (r *run) addHost(name string, behind *place, line Line) *place {
	p := &place{name: name, behind: behind}
	p.host = r.w.Host(name, p.nats()...)
	p.box = p.host
	return r.put(p, line)
}

func (r *run) addNAT(n *NAT) {
	kind := natKinds()[n.Kind]
	kind.Hairpin = n.Hairpin
	kind.StreamLifetime = 2 * maxLength // keep-alive would keep it
	p := &place{name: n.Name, behind: r.places[n.Behind]}
	p.nat = r.w.NAT(n.Name, kind, p.nats()...)
	p.box = p.nat
	r.put(p, n.Line)
}

func (p *place) setLine(l Line) {
	p.line = l
	p.box.SetLine(l.link(), l.link())
}

// calm leaves of the line what is no fault.
func (p *place) calm() { p.setLine(Line{Delay: p.line.Delay, MTU: p.line.MTU}) }

func (p *place) cut(way string) {
	switch way {
	case "up":
		p.noUp = true
		p.box.CutUp()
	case "down":
		p.noDown = true
		p.box.CutDown()
	default:
		p.noUp, p.noDown = true, true
		p.box.Cut()
	}
}

func (p *place) heal() {
	p.noUp, p.noDown = false, false
	p.box.Heal()
}

func (p *place) renumber() {
	p.moves++
	p.box.Renumber()
}

func (p *place) flush() {
	p.moves++
	p.nat.Flush()
}

// now is the time on the clock of the host.
func (p *place) now() time.Time { return p.r.w.Now().Add(p.skew) }

// later calls f on the host when d has passed, unless it has crashed by then.
func (p *place) later(d time.Duration, f func()) {
	p.r.w.AtHost(p.host, p.r.w.Now().Add(d), func(time.Time) { f() })
}

// path is the places between a host and the relay, both included.
func (p *place) path() []*place {
	list := []*place{p.r.relay.place}
	for ; p != nil; p = p.behind {
		list = append(list, p)
	}
	return list
}
