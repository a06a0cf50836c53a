//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// A run is one benchmark under way.
type run struct {
	Options
	bench  Bench
	many   bool // one of several
	dir    string
	report report
	// registered are the peers whose accounts exist.
	registered map[string]int
}

// all is the table of benchmarks.
func all() []Bench {
	chat := []string{"nats-server", "ngircd", "ejabberd", "prosody"}
	return []Bench{
		{Name: "B4", Title: "signed-in idle connections: memory and CPU", Peers: []string{"nats-server"}, run: heldIdle},
		{Name: "B5", Title: "frames of 100 bytes between pairs", Peers: chat, run: pairsClosed},
		{Name: "B6", Title: "frames of 100 bytes between 100 pairs at an offered rate", Peers: []string{"nats-server", "ejabberd"}, run: pairsOffered},
		{Name: "ceiling", Title: "what this machine and Go do at best", run: ceilings},
		{Name: "G1", Title: "growth of memory a connection", run: growthOfMemory},
		{Name: "G2", Title: "growth of CPU a message with pairs", run: growthOfMessages},
		{Name: "G3", Title: "growth of accept and sign-in with connections held", run: growthOfSignIns},
		{Name: "G9", Title: "what is left after many connections have gone", run: leftAfterChurn},
		{Name: "R10", Title: "hosts vanish without a word", run: halfOpen},
		{Name: "R11", Title: "200 clients stop reading", run: slowReaders},
		{Name: "R12", Title: "sockets that say nothing, or very slowly", run: silentSockets},
		{Name: "R13", Title: "too few descriptors, little memory, little CPU", run: shortages},
		{Name: "R19", Title: "recorded conversations once more", run: replays},
		{Name: "R22", Title: "one client floods", run: floods},
		{Name: simulation, Title: "simulated worlds by seed", run: seeds},
		{Name: "R27", Title: "SIGTERM, idle and under load", run: shutdowns},
	}
}

// one runs one benchmark and prints its report.
func one(ctx context.Context, b Bench, o Options, dir string, many bool) error {
	dir = filepath.Join(dir, b.Name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	r := &run{Options: o, bench: b, many: many, dir: dir, registered: map[string]int{}}
	r.report = report{bench: b.Name, title: b.Title, json: o.JSON, short: o.Short}
	start := time.Now()
	err := b.run(ctx, r)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	r.progress("done in %.0f s", time.Since(start).Seconds())
	if err == nil || len(r.report.samples) > 0 {
		r.report.print(o.Out)
	}
	return errors.Join(err, r.report.failure(o.Gate))
}

func (r *run) progress(format string, args ...any) {
	_, _ = fmt.Fprintf(r.Progress, "%s: %s\n", r.bench.Name, fmt.Sprintf(format, args...))
}

// pick is full, or short in a short run.
func pick[T any](r *run, full, short T) T {
	if r.Short {
		return short
	}
	return full
}

// rivals are the servers that take turns: ours first.
func (r *run) rivals() ([]string, error) {
	list := []string{peers.Own}
	if r.Peer == NoPeer {
		return list, nil
	}
	if r.Peer != "" {
		name := peers.Resolve(r.Peer)
		return append(list, name), peers.Installed(name)
	}
	var missing error
	for _, name := range r.bench.Peers {
		if err := peers.Installed(name); err != nil {
			missing = errors.Join(missing, err)
			r.report.note("%v", err)
			continue
		}
		if list = append(list, name); r.Short {
			break
		}
	}
	if len(list) == 1 && len(r.bench.Peers) > 0 && !r.many {
		return nil, missing
	}
	return list, nil
}

// inTurn runs f for every server, in turn, as many rounds as there are.
func (r *run) inTurn(ctx context.Context, servers []string, f func(ctx context.Context, round int, server string) error) error {
	for round := 1; round <= r.Rounds; round++ {
		for _, name := range servers {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.progress("round %d of %d: %s", round, r.Rounds, name)
			if err := f(ctx, round, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// rounds runs f with our server alone.
func (r *run) rounds(ctx context.Context, f func(ctx context.Context, round int) error) error {
	return r.inTurn(ctx, []string{peers.Own}, func(ctx context.Context, round int, _ string) error { return f(ctx, round) })
}

// serve starts a server; ours with further settings. users is how many accounts
// a peer needs. The folder of a server stays the same over all rounds.
func (r *run) serve(ctx context.Context, name string, users int, set ...string) (*peers.Server, error) {
	return r.serveLimited(ctx, name, users, peers.Limits{}, set...)
}

func (r *run) serveLimited(ctx context.Context, name string, users int, l peers.Limits, set ...string) (*peers.Server, error) {
	dir := filepath.Join(r.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := peers.Start(ctx, name, peers.Config{
		Exe: r.Exe, Dir: dir, Set: set, Users: users, Limits: l, Settle: pick(r, 0, 200*time.Millisecond),
	})
	if err != nil || !s.NeedsAccounts || r.registered[name] >= users {
		return s, err
	}
	r.progress("%s: making %d accounts", name, users)
	if err := r.register(ctx, s, users); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (r *run) register(ctx context.Context, s *peers.Server, users int) error {
	w, err := r.worker(ctx)
	if err != nil {
		return err
	}
	defer w.Stop()
	first := r.registered[s.Name]
	var j load.Joined
	if err := w.Call("register", r.joinArgs(s, first, users-first), &j); err != nil {
		return err
	}
	if j.Failed > 0 {
		return fmt.Errorf("make accounts: %s", j.Err)
	}
	r.registered[s.Name] = users
	return nil
}

// worker starts a load process.
func (r *run) worker(ctx context.Context) (*load.Process, error) {
	return load.Start(ctx, r.Exe)
}

// atOnce is how many clients join at the same time.
const atOnce = 16

func (r *run) joinArgs(s *peers.Server, first, n int) load.JoinArgs {
	return load.JoinArgs{Protocol: s.Protocol, Target: load.Target{Addr: s.Addr}, First: first, N: n, Conc: atOnce}
}

// join adds clients and wants all of them.
func (r *run) join(w *load.Process, s *peers.Server, first, n int) (load.Joined, error) {
	var j load.Joined
	if err := w.Call("join", r.joinArgs(s, first, n), &j); err != nil {
		return j, err
	}
	if j.Failed > 0 {
		return j, fmt.Errorf("%d of %d clients could not join: %s", j.Failed, n, j.Err)
	}
	return j, nil
}

// together starts our or another server and one load process for it, runs f and
// ends both.
func (r *run) together(ctx context.Context, name string, users int, set []string, f func(s *peers.Server, w *load.Process) error) error {
	s, err := r.serve(ctx, name, users, set...)
	if err != nil {
		return err
	}
	defer s.Stop()
	w, err := r.worker(ctx)
	if err != nil {
		return err
	}
	defer w.Stop()
	return f(s, w)
}

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// until asks done every 50 ms until it says so, for d at most, and returns how
// long that took; ok is false if time ran out.
func until(ctx context.Context, d time.Duration, done func() bool) (took time.Duration, ok bool) {
	start := time.Now()
	for time.Since(start) < d && ctx.Err() == nil {
		if done() {
			return time.Since(start), true
		}
		if wait(ctx, 50*time.Millisecond) != nil {
			break
		}
	}
	return time.Since(start), done()
}
