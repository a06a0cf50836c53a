package client

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"

	"pgregory.net/rapid"
)

// talk counts what two peers say to each other.
type talk struct {
	w    *world
	a, b *peer
	said map[*peer]int
}

// say lets p say the next number to the other.
func (x *talk) say(p *peer) {
	to := x.a
	if p == x.a {
		to = x.b
	}
	x.said[p]++
	p.say(to, fmt.Sprint(x.said[p]))
}

// heard returns the texts that p received.
func (x *talk) heard(p *peer) (texts []string) {
	for _, e := range p.events {
		if r, ok := e.(Received); ok {
			texts = append(texts, r.Text)
		}
	}
	return texts
}

func (x *talk) lost(p *peer) bool {
	return slices.ContainsFunc(p.events, func(e Event) bool { _, ok := e.(Lost); return ok })
}

// move moves one frame, if there is one.
func (x *talk) move(p *peer, up bool) {
	switch {
	case up && p.linked && len(p.up) > 0:
		x.w.lift(p)
	case !up && p.linked && len(p.down) > 0:
		x.w.drop(p)
	}
}

func draw(rt *rapid.T, x *talk) *peer {
	if rapid.Bool().Draw(rt, "a") {
		return x.a
	}
	return x.b
}

// TestNewKeysLoseNothing renews keys at any time while texts are under way.
func TestNewKeysLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := cheapWorld(t)
		a, b := w.pair("ann", "ben")
		x := &talk{w: w, a: a, b: b, said: map[*peer]int{}}
		for range rapid.IntRange(0, 60).Draw(rt, "steps") {
			p := draw(rt, x)
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				if c := p.m.contact(x.other(p).key); c.current != nil {
					c.renew = true
					p.m.ask(w.now, c)
				}
			case 1, 2, 3:
				x.say(p)
			case 4:
				w.now = w.now.Add(100 * time.Millisecond)
				p.m.Advance(w.now)
			default:
				x.move(p, rapid.Bool().Draw(rt, "up"))
			}
		}
		w.run()
		w.pass(2 * time.Minute)
		for _, p := range []*peer{a, b} {
			var want []string
			for i := range x.said[x.other(p)] {
				want = append(want, fmt.Sprint(i+1))
			}
			if got := x.heard(p); !slices.Equal(got, want) || x.lost(p) {
				rt.Errorf("%s heard %v of %v, lost: %v", p.name, got, want, x.lost(p))
			}
		}
		if a.state(b) != Open || b.state(a) != Open {
			rt.Errorf("states %v and %v", a.state(b), b.state(a))
		}
	})
}

func (x *talk) other(p *peer) *peer {
	if p == x.a {
		return x.b
	}
	return x.a
}

// TestNoRelayCanDoubleOrReorderTexts lets a relay do what it likes to frames,
// and connections end at any time. What is heard is always part of what was
// said, in its order; and once the relay behaves, both talk again.
func TestNoRelayCanDoubleOrReorderTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := cheapWorld(t)
		a, b := w.pair("ann", "ben")
		x := &talk{w: w, a: a, b: b, said: map[*peer]int{}}
		var kept []wire.Frame
		for range rapid.IntRange(0, 80).Draw(rt, "steps") {
			p := draw(rt, x)
			x.mischief(rt, p, &kept)
		}
		for _, p := range []*peer{a, b} {
			p.disconnect()
			p.connect()
		}
		w.pass(5 * time.Minute)
		for _, p := range []*peer{a, b} {
			p.say(x.other(p), "999")
		}
		w.pass(time.Minute)
		for _, p := range []*peer{a, b} {
			heard := x.heard(p)
			if len(heard) == 0 || heard[len(heard)-1] != "999" {
				rt.Errorf("%s (%v) heard %v; never the last text", p.name, p.state(x.other(p)), heard)
			}
			last := 0
			for _, text := range heard {
				var n int
				fmt.Sscan(text, &n)
				if n <= last {
					rt.Errorf("%s heard %v", p.name, heard)
				}
				last = n
			}
		}
	})
}

// mischief is one step of a relay without honour, or of its surroundings.
func (x *talk) mischief(rt *rapid.T, p *peer, kept *[]wire.Frame) {
	switch rapid.IntRange(0, 14).Draw(rt, "what") {
	case 0, 1, 2:
		if p.m.contact(x.other(p).key) != nil {
			x.say(p)
		}
	case 3:
		if len(p.down) > 0 { // dropped
			p.down = p.down[1:]
		}
	case 4:
		if n := len(p.down); n > 1 { // overtaken
			p.down[0], p.down[n-1] = p.down[n-1], p.down[0]
		}
	case 5:
		if len(p.down) > 0 { // doubled, and remembered
			*kept = append(*kept, p.down[0])
			p.down = append(p.down, p.down[0])
		}
	case 6:
		if len(*kept) > 0 { // replayed, to either
			p.down = append(p.down, rapid.SampledFrom(*kept).Draw(rt, "kept"))
		}
	case 7:
		p.disconnect()
		p.connect()
	case 8:
		x.w.now = x.w.now.Add(time.Duration(rapid.IntRange(1, 30).Draw(rt, "seconds")) * time.Second)
		p.m.Advance(x.w.now)
	default:
		x.move(p, rapid.Bool().Draw(rt, "up"))
	}
	if p.hungUp != nil {
		p.disconnect()
		p.connect()
	}
}

// TestNoCounterServesTwoMessages watches every ciphertext that leaves a client
// through renewals, reconnections and recalled texts.
func TestNoCounterServesTwoMessages(t *testing.T) {
	t.Parallel()
	watched := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := cheapWorld(t)
		a, b := w.pair("ann", "ben")
		x := &talk{w: w, a: a, b: b, said: map[*peer]int{}}
		used := map[string]string{}
		for _, p := range []*peer{a, b} {
			p.m.out = &watch{peer: p, used: used, t: rt}
		}
		for range rapid.IntRange(0, 60).Draw(rt, "steps") {
			p := draw(rt, x)
			switch rapid.IntRange(0, 8).Draw(rt, "what") {
			case 0:
				p.disconnect()
				p.connect()
			case 1:
				p.m.Add(w.now, x.other(p).key)
			case 2, 3:
				x.say(p)
			case 4:
				if c := p.m.contact(x.other(p).key); c.current != nil {
					c.renew = true
					p.m.ask(w.now, c)
				}
			default:
				x.move(p, rapid.Bool().Draw(rt, "up"))
			}
		}
		w.run()
		watched += len(used)
	})
	if watched == 0 {
		t.Error("no message was watched")
	}
}

// watch is an outlet that records under which key and counter a message goes.
type watch struct {
	*peer
	used map[string]string
	t    *rapid.T
}

func (o *watch) Queue(p wire.Packet) {
	if msg, ok := p.(*wire.Message); ok {
		c := o.m.roster.find(msg.Peer)
		for _, s := range []*session{c.pending, c.current} {
			if s == nil {
				continue
			}
			if _, err := s.out.aead.Open(nil, msg.Sealed[:blubbel.CounterSize], msg.Sealed[blubbel.CounterSize:], s.out.aad); err != nil {
				continue
			}
			// What the key makes of nothing names the key.
			id := fmt.Sprintf("%x %x", s.out.aead.Seal(nil, []byte(strings.Repeat("\xff", 12)), nil, nil), msg.Sealed[:blubbel.CounterSize])
			if before, ok := o.used[id]; ok {
				o.t.Fatalf("counter %x again: %x and %x", msg.Sealed[:blubbel.CounterSize], before, msg.Sealed)
			}
			o.used[id] = string(msg.Sealed)
		}
	}
	o.peer.Queue(p)
}
