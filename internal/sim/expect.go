package sim

import (
	"slices"
	"time"

	"trunkline/blubbel/client"
)

// expectations looks at what the scenario says must be true now.
func (r *run) expectations() {
	e := &r.sc.Expect
	if e.AllOpen {
		r.expectSessions()
	}
	r.expectTexts(e)
	r.expectPeople(e)
}

// expectSessions wants a session for each two people of whom one wants it and the
// other does too, or accepts everybody.
func (r *run) expectSessions() {
	for _, p := range r.people {
		for _, o := range r.people {
			if p == o || !agreed(p, o) {
				continue
			}
			if s := p.state(o); s != client.Open {
				r.failed("%s has no session with %s, but %v", p.name, o.name, s)
			}
		}
	}
}

// agreed reports whether p and o both want a session, or one of them does and the
// other accepts everybody.
func agreed(p, o *person) bool {
	mine, theirs := slices.Contains(p.wants, o), slices.Contains(o.wants, p)
	return mine && theirs || mine && o.welcomes(p) || theirs && p.welcomes(o)
}

// welcomes reports whether p accepts o without asking its user.
func (p *person) welcomes(o *person) bool {
	return p.spec.AutoAccept && !slices.Contains(p.blocked, o)
}

// state is how far p's session with o is; Gone without a program.
func (p *person) state(o *person) client.State {
	if prog := p.running(); prog != nil {
		for _, c := range prog.m.Contacts() {
			if c.Key == o.key.Public() {
				return c.State
			}
		}
	}
	return client.Gone
}

func (r *run) expectTexts(e *Expect) {
	l := r.ledger
	if l.arrived < e.Arrive {
		r.failed("%d texts have arrived, of %d expected", l.arrived, e.Arrive)
	}
	if e.Slowest > 0 && l.slowest > time.Duration(e.Slowest) {
		r.failed("a text took %v, of %v allowed", l.slowest, time.Duration(e.Slowest))
	}
	if !e.AllArrive && e.AllArriveFrom == 0 {
		return
	}
	for _, pair := range l.inOrder {
		for _, t := range pair.texts {
			if t.fate != arrived && t.at >= time.Duration(e.AllArriveFrom) {
				r.failed("text #%d from %s to %s has not arrived", t.number, pair.from.name, pair.to.name)
				break // one of a pair tells enough
			}
		}
	}
}

func (r *run) expectPeople(e *Expect) {
	for _, p := range r.named(e.Undisturbed) {
		if p.troubles > 0 {
			r.failed("%s was disturbed %d times", p.name, p.troubles)
		}
	}
	for _, p := range r.named(e.Online) {
		if !p.online() {
			r.failed("%s is not logged in", p.name)
		}
	}
	for _, p := range r.named(e.Gone) {
		if p.online() {
			r.failed("%s is logged in", p.name)
		}
	}
}

// named is the clients that a list of words stands for.
func (r *run) named(words []string) (list []*person) {
	for _, w := range words {
		list = append(list, r.pick(w)...)
	}
	return list
}

// online reports whether the newest program of p is logged in.
func (p *person) online() bool {
	prog := p.running()
	return prog != nil && prog.online
}
