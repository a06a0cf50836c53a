package sim

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"trunkline/blubbel/server"
	"trunkline/internal/simnet"
)

// Options of Run. The zero Options play silently, with seed 0.
type Options struct {
	Seed    uint64    // decides all that is left to chance
	Log     io.Writer // gets a line for each event; nil: nobody
	JSON    bool      // each line is a JSON object
	Packets bool      // there is also a line for each packet

	keys *keyring // nil: its own
}

// A Report is what came of a scenario.
type Report struct {
	Seed     uint64        `json:"seed"`
	Length   time.Duration `json:"-"`       // in virtual time
	Seconds  float64       `json:"seconds"` // Length
	Events   int           `json:"events"`  // lines of the log
	Digest   string        `json:"digest"`  // of the log; equal for equal logs
	Packets  uint64        `json:"packets"` // that were delivered
	Lost     uint64        `json:"packets_lost"`
	Logins   uint64        `json:"logins"`
	Sessions uint64        `json:"sessions"` // confirmed by both, counted once for each side
	Texts    int           `json:"texts"`    // given to a client that took them
	Sent     int           `json:"sent"`     // of these, taken by a socket
	Arrived  int           `json:"arrived"`
	Slowest  time.Duration `json:"-"` // of those that arrived
	Stats    server.Stats  `json:"relay"`
	// Broken is promises that were broken, Failed is expectations of the
	// scenario that did not come true, both with the time. A run that breaks a
	// promise ends there.
	Broken []string `json:"broken,omitempty"`
	Failed []string `json:"failed,omitempty"`
}

// OK reports whether every promise and every expectation held.
func (r *Report) OK() bool { return len(r.Broken) == 0 && len(r.Failed) == 0 }

// run is a scenario that is being played.
type run struct {
	sc      *Scenario
	w       *simnet.World
	start   time.Time
	log     *journal
	rand    *rand.Rand // for choices of the timeline
	places  map[string]*place
	inOrder []*place
	relay   *relay
	people  []*person
	groups  map[string][]*person
	ledger  *ledger
	links   []*link
	seed    uint64
	report  Report
}

// step is how much virtual time passes between two looks at the context.
const step = time.Second

// Run plays a scenario. The error is [Problems] of the scenario, that of writing
// the log, or why ctx ended; broken promises and failed expectations are in the
// Report.
func Run(ctx context.Context, s Scenario, o Options) (Report, error) {
	r, err := newRun(&s, o)
	if err != nil {
		return Report{Seed: o.Seed}, err
	}
	err = r.play(ctx)
	r.finish()
	if err == nil {
		err = r.log.err
	}
	return r.report, err
}

func newRun(s *Scenario, o Options) (*run, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	keys := o.keys
	if keys == nil {
		var err error
		if keys, err = newKeyring(); err != nil {
			return nil, err
		}
	}
	r := &run{
		sc: s, seed: o.Seed, log: newJournal(o.Log, o.JSON), rand: rand.New(rand.NewPCG(o.Seed, 1)),
		places: make(map[string]*place), groups: make(map[string][]*person),
	}
	r.ledger = newLedger(r)
	config := simnet.Config{Seed: o.Seed, Path: s.Path.link(), Chop: s.Chop, Buffer: s.Buffer}
	if o.Packets {
		config.Trace = func(line string) { r.note("net", "packet", line) }
	}
	r.w = simnet.NewWorld(config)
	r.start = r.w.Now()
	if err := r.build(keys); err != nil {
		return nil, err
	}
	r.schedule()
	return r, nil
}

// build makes the hosts, the NATs and what runs on them.
func (r *run) build(keys *keyring) error {
	var err error
	if r.relay, err = newRelay(r); err != nil {
		return err
	}
	for i := range r.sc.NATs {
		r.addNAT(&r.sc.NATs[i])
	}
	return r.addPeople(keys)
}

// since is the virtual time that has passed.
func (r *run) since() time.Duration { return r.w.Now().Sub(r.start) }

// note logs an event without text or peer.
func (r *run) note(who, what, note string) { r.say(entry{Who: who, What: what, Note: note}) }

func (r *run) say(e entry) { r.log.add(r.since(), e) }

// broken notes that a promise was broken.
func (r *run) broken(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	r.note("sim", "BROKEN", what)
	r.report.Broken = append(r.report.Broken, fmt.Sprintf("%.6f: %s", r.since().Seconds(), what))
}

// failed notes that an expectation did not come true.
func (r *run) failed(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	r.note("sim", "FAILED", what)
	r.report.Failed = append(r.report.Failed, fmt.Sprintf("%.6f: %s", r.since().Seconds(), what))
}

// schedule puts the timeline into the queue of events.
func (r *run) schedule() {
	for i := range r.sc.Timeline {
		a := &r.sc.Timeline[i]
		for n := range max(a.Times, 1) {
			at := time.Duration(a.At) + time.Duration(n)*time.Duration(a.Each)
			r.w.At(r.start.Add(at), func(time.Time) { rules()[a.Do].do(r, a) })
		}
	}
	r.after(keepaliveStep, r.keepalive)
}

// after calls f when d has passed.
func (r *run) after(d time.Duration, f func()) { r.w.After(d, func(time.Time) { f() }) }

// pass lets virtual time pass, until a promise is broken.
func (r *run) pass(ctx context.Context, d time.Duration) error {
	for end := r.since() + d; r.since() < end && len(r.report.Broken) == 0; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		r.w.Run(r.w.Now().Add(min(step, end-r.since())))
	}
	return nil
}

// Times of the end of a scenario.
const (
	settling = time.Minute // on perfect lines, for what is under way
	leaving  = time.Minute // until the relay has to be empty
)

// play plays the timeline, looks at the expectations, and brings everything to
// its end to see what the relay keeps.
func (r *run) play(ctx context.Context) error {
	if err := r.pass(ctx, time.Duration(r.sc.Length)); err != nil || len(r.report.Broken) > 0 {
		return err
	}
	r.expectations()
	r.note("sim", "end of the scenario", "")
	r.repair()
	if err := r.pass(ctx, settling); err != nil || len(r.report.Broken) > 0 {
		return err
	}
	r.ledger.settle()
	for _, p := range r.people {
		p.leave()
	}
	if err := r.pass(ctx, leaving); err != nil || len(r.report.Broken) > 0 {
		return err
	}
	r.relay.mustBeEmpty()
	return nil
}

// repair takes every fault out of the network, and lets nobody stall.
func (r *run) repair() {
	for _, p := range r.inOrder {
		p.heal()
		p.calm()
	}
	if r.relay.place.down {
		r.relay.restart()
	}
	for _, p := range r.people {
		p.resume()
	}
}

// finish fills in the report.
func (r *run) finish() {
	p := &r.report
	p.Seed, p.Length, p.Seconds = r.seed, r.since(), r.since().Seconds()
	p.Packets = r.w.Count(simnet.Delivered) + r.w.Count(simnet.Repeated)
	for _, f := range []simnet.Fate{simnet.Lost, simnet.TooBig, simnet.Cut, simnet.HostDown} {
		p.Lost += r.w.Count(f)
	}
	for _, c := range r.people {
		for _, prog := range c.programs {
			s := prog.m.Stats()
			p.Logins += s.LoggedIn
			p.Sessions += s.Sessions
		}
	}
	p.Stats = r.relay.stats()
	r.ledger.count(p)
	p.Events, p.Digest = r.log.events, r.log.sum()
}

// pick returns the clients that a word of the timeline stands for.
func (r *run) pick(word string) []*person {
	switch word {
	case everybody:
		return r.people
	case anybody:
		return []*person{r.people[r.rand.IntN(len(r.people))]}
	}
	if group, ok := r.groups[word]; ok {
		return group
	}
	i := slices.IndexFunc(r.people, func(p *person) bool { return p.name == word })
	if i < 0 {
		return nil // the relay, or a NAT
	}
	return r.people[i : i+1]
}
