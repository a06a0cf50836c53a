package client

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A plan is what two users do, as moves of their own that may happen at any
// time between the moves of frames.
type plan struct {
	name  string
	heard [2]string // what each receives, in the order of their keys
	setup func(w *world, a, b *peer)
	moves []func(w *world, a, b *peer)
}

// explorer tries every order in which the moves of a plan and the frames that
// they cause can happen. States that it has seen by another way it does not
// leave again.
type explorer struct {
	t    *testing.T
	plan plan
	seen map[string]bool
	ends int
}

// play makes the moves of a schedule, and returns the number of moves that are
// possible then.
func (e *explorer) play(schedule []int) (w *world, possible []func()) {
	w = cheapWorld(e.t)
	smaller, larger := inOrder(e.t, "ann", "ben")
	a, b := w.add(smaller), w.add(larger)
	a.connect()
	b.connect()
	w.run()
	if e.plan.setup != nil {
		e.plan.setup(w, a, b)
	}
	left := slices.Clone(e.plan.moves)
	list := func() (moves []func()) {
		for _, p := range w.peers {
			if p.linked && len(p.up) > 0 {
				moves = append(moves, func() { w.lift(p) })
			}
			if p.linked && len(p.down) > 0 {
				moves = append(moves, func() { w.drop(p) })
			}
		}
		for i, m := range left {
			if m != nil {
				moves = append(moves, func() { left[i] = nil; m(w, a, b) })
			}
		}
		return moves
	}
	for _, i := range schedule {
		list()[i]()
	}
	return w, list()
}

// explore tries every continuation of a schedule.
func (e *explorer) explore(schedule []int) {
	w, moves := e.play(schedule)
	state := w.fingerprint(len(moves))
	if e.seen[state] || e.t.Failed() {
		return
	}
	e.seen[state] = true
	if len(moves) == 0 {
		e.ends++
		e.check(w, schedule)
	}
	for i := range moves {
		e.explore(append(schedule[:len(schedule):len(schedule)], i))
	}
}

// check wants a session in which both can talk.
func (e *explorer) check(w *world, schedule []int) {
	a, b := w.peers[0], w.peers[1]
	w.pass(2 * glareAge)
	if a.state(b) != Open || b.state(a) != Open {
		e.t.Errorf("schedule %v ends %v and %v", schedule, a.state(b), b.state(a))
		return
	}
	a.say(b, "last")
	b.say(a, "last")
	w.run()
	for i, p := range w.peers {
		var texts []string
		for _, line := range p.told() {
			if _, text, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(line, "from ") {
				texts = append(texts, text)
			}
		}
		if got := strings.Join(texts, " "); got != e.plan.heard[i] {
			e.t.Errorf("schedule %v: %s received %q, want %q", schedule, p.name, got, e.plan.heard[i])
		}
	}
}

// fingerprint tells states apart that may go on differently.
func (w *world) fingerprint(moves int) string {
	var b strings.Builder
	fmt.Fprintln(&b, moves, sorted(w.asked), sorted(w.open))
	for _, p := range w.peers {
		fmt.Fprintf(&b, "%s %x %x %v\n", p.name, p.up, p.down, p.linked)
		for _, line := range p.told2() {
			fmt.Fprintln(&b, line)
		}
		for _, c := range p.m.roster.inOrder {
			fmt.Fprintln(&b, c.standing, c.state(), c.start != nil, c.request != nil, c.outbox.len(), c.queued, c.retryAt)
			for _, s := range []*session{c.pending, c.current} {
				if s != nil {
					fmt.Fprintf(&b, "%d %d %x\n", s.out.next, s.in.next, s.in.aead.Seal(nil, make([]byte, 12), nil, nil))
				}
			}
			if c.old != nil {
				fmt.Fprintln(&b, "old", c.old.next)
			}
		}
	}
	return b.String()
}

// told2 is told without taking the events.
func (p *peer) told2() []string {
	lines := make([]string, len(p.events))
	for i, e := range p.events {
		lines[i] = p.line(e)
	}
	return lines
}

func sorted(m map[[2]string]bool) []string {
	var all []string
	for k := range maps.Keys(m) {
		all = append(all, k[0][:60]+k[1][:60])
	}
	slices.Sort(all)
	return all
}

func TestBothAskingEndsInOneSessionWhateverTheOrder(t *testing.T) {
	t.Parallel()
	addA := func(_ *world, a, b *peer) { a.add(b); a.say(b, "first") }
	addB := func(_ *world, a, b *peer) { b.add(a); b.say(a, "first") }
	session := func(w *world, a, b *peer) { opens(w, a, b); a.told(); b.told() }
	both := [2]string{"first last", "first last"}
	for _, p := range []plan{
		{name: "both add", heard: both, moves: []func(w *world, a, b *peer){addA, addB}},
		{
			name: "both renew", heard: both, setup: session,
			moves: []func(w *world, a, b *peer){
				func(_ *world, a, b *peer) { a.renew(b); a.say(b, "first") },
				func(_ *world, a, b *peer) { b.renew(a); b.say(a, "first") },
			},
		},
		{
			name: "the smaller reconnects", heard: [2]string{"last", "first last"}, setup: session,
			moves: []func(w *world, a, b *peer){
				func(_ *world, a, b *peer) { a.disconnect(); a.connect(); a.say(b, "first") },
				func(_ *world, a, b *peer) { b.renew(a) },
			},
		},
		{
			name: "the larger reconnects", heard: [2]string{"first last", "last"}, setup: session,
			moves: []func(w *world, a, b *peer){
				func(_ *world, a, b *peer) { b.disconnect(); b.connect(); b.say(a, "first") },
				func(_ *world, a, b *peer) { a.renew(b) },
			},
		},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			e := &explorer{t: t, plan: p, seen: map[string]bool{}}
			e.explore(nil)
			t.Logf("%d states, %d ends", len(e.seen), e.ends)
			if e.ends == 0 {
				t.Error("nothing was explored")
			}
		})
	}
}
