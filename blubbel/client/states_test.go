package client

import (
	"os"
	"strings"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// walk shows one line of the table of states: set leads to the state, act is
// the event. p is the client that the table is about.
type walk struct {
	larger bool // p has the larger key
	set    func(w *world, p, o *peer)
	act    func(w *world, p, o *peer)
	sends  string // kinds of the frames that p queues
	tells  string // what p tells its user, but for changes of the contact
}

func nothing(*world, *peer, *peer) {}

// asks makes p ask o, whose request stands afterwards.
func asks(w *world, p, o *peer) { p.add(o); w.run() }

// isAsked makes o ask p.
func isAsked(w *world, p, o *peer) { asks(w, o, p) }

func opens(w *world, p, o *peer) { asks(w, p, o); asks(w, o, p) }

// misses makes p ask o, who is not connected, and connects o.
func misses(w *world, p, o *peer) {
	o.disconnect()
	asks(w, p, o)
	o.connect()
	w.run()
}

// later lets time pass without moving a frame.
func later(w *world, p *peer, d time.Duration) {
	w.now = w.now.Add(d)
	p.m.Advance(w.now)
}

// bothAsk makes both ask, and o's Start wait on p's line.
func bothAsk(w *world, p, o *peer) {
	p.add(o)
	o.add(p)
	w.lift(p)
	w.lift(o)
	o.down = nil
}

func walks() map[string]walk {
	return map[string]walk{
		"gone | Add":  {set: nothing, act: func(_ *world, p, o *peer) { p.add(o) }, sends: "start"},
		"gone | Send": {set: misses, act: func(w *world, p, o *peer) { p.say(o, "hi"); later(w, p, time.Second) }, sends: "start"},
		"gone | login": {
			set:   func(w *world, p, o *peer) { opens(w, p, o); p.disconnect(); p.connect(); w.lift(p) },
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			sends: "start", tells: "online",
		},
		"gone | Start": {
			set:   func(w *world, p, o *peer) { misses(w, p, o); o.add(p); w.lift(o) },
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			sends: "accept message",
		},
		"gone | Start of unknown": {
			set:   func(w *world, p, o *peer) { o.add(p); w.lift(o) },
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			tells: "request o",
		},
		"asking | Accept": {
			set:   isAsked,
			act:   func(w *world, p, o *peer) { w.ok(p.m.Accept(w.now, o.key)) },
			sends: "accept message",
		},
		"asking | late Accept": {
			set:   func(w *world, p, o *peer) { isAsked(w, p, o); w.now = w.now.Add(110*time.Second + 1) },
			act:   func(w *world, p, o *peer) { w.ok(p.m.Accept(w.now, o.key)) },
			sends: "start",
		},
		"asking | Remove": {set: isAsked, act: func(w *world, p, o *peer) { w.ok(p.m.Remove(w.now, o.key)) }},
		"asked | Accept": {
			set:   func(w *world, p, o *peer) { asks(w, p, o); o.add(p); w.lift(o) },
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			sends: "message",
		},
		"asked | Start, we smaller": {
			set:   func(w *world, p, o *peer) { bothAsk(w, p, o); later(w, p, glareAge+1) },
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			sends: "start",
		},
		"asked | Start, we larger": {
			larger: true,
			set:    bothAsk,
			act:    func(w *world, p, _ *peer) { w.drop(p) },
			sends:  "accept message",
		},
		"asked | confirmation": {
			set: func(w *world, p, o *peer) {
				asks(w, p, o)
				p.say(o, "hi")
				o.add(p)
				w.lift(o)
				w.lift(o)
				w.drop(p)
				p.up = nil
			},
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			sends: "message",
		},
		"asked | error 6": {
			set:   func(w *world, p, o *peer) { o.disconnect(); p.add(o); w.lift(p) },
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			tells: "refused start to o: recipient not connected",
		},
		"asked | error 9": {
			set: func(w *world, p, o *peer) {
				p.add(o)
				p.up = nil
				w.send(p, &wire.Error{Code: blubbel.CodeSlowDown, Answered: wire.KindStart, Peer: o.key.Bytes()})
			},
			act: func(w *world, p, _ *peer) {
				w.drop(p)
				later(w, p, time.Second-1)
				if len(p.up) > 0 {
					w.t.Error("asks again before a second has passed")
				}
				later(w, p, 1)
			},
			sends: "start", tells: "refused start to o: slow down",
		},
		"asked | no Accept, 120 s": {
			set: func(w *world, p, o *peer) { asks(w, p, o); later(w, p, 120*time.Second-1) },
			act: func(w *world, p, _ *peer) { later(w, p, 1) },
		},
		"asked | unconfirmed, 20 s": {
			set: func(w *world, p, o *peer) {
				asks(w, p, o)
				o.add(p)
				w.lift(o)
				w.drop(p)
				p.up = nil
				later(w, p, 20*time.Second-1)
			},
			act: func(w *world, p, _ *peer) { later(w, p, 1) },
		},
		"open | Start": {
			set:   func(w *world, p, o *peer) { opens(w, p, o); o.renew(p); w.lift(o) },
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			sends: "accept message",
		},
		"open | gap": {
			set: func(w *world, p, o *peer) {
				opens(w, p, o)
				o.say(p, "lost", "shows it")
				w.lift(o)
				w.lift(o)
				p.down = p.down[1:]
			},
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			sends: "start", tells: "lost from o",
		},
		"open | error 7": {
			set: func(w *world, p, o *peer) {
				opens(w, p, o)
				o.disconnect()
				o.connect()
				w.lift(o)
				w.drop(o) // logged in again, and its Start is late
				p.say(o, "to a session that is no more")
				w.lift(p)
			},
			act:   func(w *world, p, _ *peer) { w.drop(p) },
			tells: "refused message to o: no session",
		},
		"open | disconnection": {set: opens, act: func(_ *world, p, _ *peer) { p.disconnect() }, tells: "offline: cut"},
		"open | Remove": {
			set:   func(w *world, p, o *peer) { opens(w, p, o); p.most = 0; p.say(o, "waits") },
			act:   func(w *world, p, o *peer) { w.ok(p.m.Remove(w.now, o.key)) },
			tells: "failed 1 to o: contact was removed",
		},
	}
}

func TestStatesChangeAsTheTableSays(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	walks := walks()
	for line := range strings.Lines(string(doc)) {
		row, ok := strings.CutPrefix(line, "//\t")
		cells := strings.Split(row, "|")
		if !ok || len(cells) != 4 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		name := cells[0] + " | " + cells[1]
		walk, ok := walks[name]
		if !ok {
			t.Errorf("no walk shows %q", name)
			continue
		}
		delete(walks, name)
		t.Run(name, func(t *testing.T) { take(t, walk, cells[0], cells[2]) })
	}
	for name := range walks {
		t.Errorf("%q is not in the table", name)
	}
}

// take walks from one state to another.
func take(t *testing.T, walk walk, from, to string) {
	w := cheapWorld(t)
	smaller, larger := inOrder(t, "ann", "ben")
	p, o := w.add(smaller), w.add(larger)
	if walk.larger {
		p, o = o, p
	}
	p.connect()
	o.connect()
	w.run()
	walk.set(w, p, o)
	if got := max(p.state(o), Gone).String(); got != from {
		t.Fatalf("set up %s, want %s", got, from)
	}
	p.told()
	p.up = nil
	walk.act(w, p, o)
	if got := max(p.state(o), Gone).String(); got != to {
		t.Errorf("ends %s, want %s", got, to)
	}
	if got := kinds(p.up); got != walk.sends {
		t.Errorf("sends %q, want %q", got, walk.sends)
	}
	var told []string
	for _, line := range p.told() {
		if !strings.HasPrefix(line, o.name+" ") {
			told = append(told, strings.ReplaceAll(line, o.name, "o"))
		}
	}
	if got := strings.Join(told, ", "); got != walk.tells {
		t.Errorf("tells %q, want %q", got, walk.tells)
	}
}
