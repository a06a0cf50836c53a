package sim

import (
	"time"
)

// each calls f for every client in Who, in order.
func (r *run) each(a *Action, f func(p *person)) {
	for _, p := range r.pick(a.Who) {
		f(p)
	}
}

// eachPair calls f for every pair of a client in Who and another in To.
func (r *run) eachPair(a *Action, f func(p, o *person)) {
	for _, p := range r.pick(a.Who) {
		for _, o := range r.pick(a.To) {
			if p != o {
				f(p, o)
			}
		}
	}
}

// eachPlace calls f for every place in Who.
func (r *run) eachPlace(a *Action, f func(p *place)) {
	if r.groups[a.Who] == nil && r.places[a.Who] != nil && (r.places[a.Who].nat != nil || a.Who == relayName) {
		f(r.places[a.Who])
		return
	}
	r.each(a, func(p *person) { f(p.place) })
}

// undo calls f after Action.For, if it has one.
func (r *run) undo(a *Action, f func()) {
	if a.For > 0 {
		r.after(time.Duration(a.For), f)
	}
}

// deed notes something that a person does about another, does it in all of their
// programs, and says of each why it cannot.
func (r *run) deed(p *person, what string, o *person, f func(prog *program, now time.Time) error) {
	for _, prog := range p.programs {
		if prog.gone {
			continue
		}
		r.say(entry{Who: prog.name, What: what, Peer: o.name})
		prog.turn(func(now time.Time) {
			if err := f(prog, now); err != nil {
				r.say(entry{Who: prog.name, What: "cannot " + what, Peer: o.name, Note: err.Error()})
			}
		})
	}
}

func (r *run) actAdd(a *Action) {
	r.eachPair(a, func(p, o *person) {
		p.want(o)
		r.deed(p, "add", o, func(prog *program, now time.Time) error { return prog.m.Add(now, o.key.Public()) })
	})
}

func (r *run) actAccept(a *Action) {
	r.eachPair(a, func(p, o *person) {
		r.deed(p, "accept", o, func(prog *program, now time.Time) error {
			err := prog.m.Accept(now, o.key.Public())
			if err == nil {
				p.want(o)
			}
			return err
		})
	})
}

func (r *run) actRemove(a *Action) {
	r.eachPair(a, func(p, o *person) {
		p.wants = without(p.wants, o)
		r.deed(p, "remove", o, func(prog *program, now time.Time) error { return prog.m.Remove(now, o.key.Public()) })
	})
}

func (r *run) actBlock(a *Action) {
	r.eachPair(a, func(p, o *person) {
		p.wants = without(p.wants, o)
		p.blocked = append(without(p.blocked, o), o)
		r.deed(p, "block", o, func(prog *program, now time.Time) error { return prog.m.Block(now, o.key.Public()) })
	})
}

func (r *run) actSend(a *Action) {
	r.eachPair(a, func(p, o *person) { r.send(p, o, a, max(a.Count, 1)) })
}

// send sends n texts, the first now.
func (r *run) send(p, o *person, a *Action, n int) {
	for ; n > 0; n-- {
		if prog := p.running(); prog != nil {
			r.ledger.give(prog, o, a.Bytes)
		}
		if a.Every > 0 {
			if n > 1 {
				r.after(time.Duration(a.Every), func() { r.send(p, o, a, n-1) })
			}
			return
		}
	}
}

func (r *run) actLeave(a *Action) {
	r.each(a, func(p *person) {
		p.leave()
		r.undo(a, p.start)
	})
}

func (r *run) actTakeover(a *Action) {
	r.each(a, func(p *person) {
		if p.place.down {
			return
		}
		r.note(p.name, "logs in elsewhere too", "")
		p.elsewhere()
	})
}

func (r *run) actHangup(a *Action) {
	r.each(a, func(p *person) {
		if prog := p.running(); prog != nil && prog.connected {
			prog.disconnect(errRequest)
		}
	})
}

func (r *run) actStall(a *Action) {
	r.each(a, func(p *person) {
		r.note(p.name, "stops reading", "")
		p.stall()
		r.undo(a, func() {
			r.note(p.name, "reads on", "")
			p.resume()
		})
	})
}

func (r *run) actCrash(a *Action) {
	if a.Who == relayName {
		r.note(relayName, "crashes", "")
		r.relay.crash()
		r.undo(a, r.restartRelay)
		return
	}
	r.each(a, func(p *person) {
		r.note(p.name, "crashes", "")
		p.crash()
		r.undo(a, func() { r.bringBack(p) })
	})
}

func (r *run) actReturn(a *Action) {
	if a.Who == relayName {
		r.restartRelay()
		return
	}
	r.each(a, r.bringBack)
}

func (r *run) restartRelay() {
	if r.relay.place.down {
		r.note(relayName, "returns", "")
		r.relay.restart()
	}
}

func (r *run) bringBack(p *person) {
	if p.place.down || p.running() == nil {
		r.note(p.name, "returns", "")
		p.comeBack()
	}
}

func (r *run) actClock(a *Action) {
	r.eachPlace(a, func(p *place) {
		r.note(p.name, "clock steps", time.Duration(a.By).String())
		p.skew += time.Duration(a.By)
	})
}

func (r *run) actCut(a *Action) {
	r.eachPlace(a, func(p *place) {
		r.note(p.name, "line is cut", a.Way)
		p.cut(a.Way)
		r.undo(a, func() { r.healed(p) })
	})
}

func (r *run) healed(p *place) {
	if p.noUp || p.noDown {
		r.note(p.name, "line is healed", "")
		p.heal()
	}
}

func (r *run) actHeal(a *Action) { r.eachPlace(a, r.healed) }

func (r *run) actLine(a *Action) {
	r.eachPlace(a, func(p *place) {
		r.note(p.name, "line changes", "")
		line := *a.Line
		line.MTU = p.line.MTU
		p.setLine(line)
	})
}

func (r *run) actRenumber(a *Action) {
	r.eachPlace(a, func(p *place) {
		r.note(p.name, "has another address", "")
		p.renumber()
	})
}

func (r *run) actFlush(a *Action) {
	p := r.places[a.Who]
	r.note(p.name, "forgets its mappings", "")
	p.flush()
}

func (r *run) actMeddle(a *Action) {
	r.eachPair(a, func(p, o *person) {
		r.relay.meddling = append(r.relay.meddling, &meddling{pair: r.ledger.pair(p, o), what: a.What, left: max(a.Count, 1)})
	})
}

// actCalm ends all faults: lines are whole and lose nothing, everybody is there
// and reads, the relay is honest.
func (r *run) actCalm(*Action) {
	r.note("sim", "calm", "")
	r.relay.meddling = nil
	r.repair()
	for _, p := range r.people {
		r.bringBack(p)
	}
}
