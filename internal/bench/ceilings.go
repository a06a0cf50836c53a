//go:build linux

package bench

import (
	"context"
	"time"

	"trunkline/internal/bench/ceiling"
	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// machineItself stands where a server's name would.
const machineItself = "this machine"

// ceilings is the benchmark "ceiling": primitives in this process, and idle
// connections held by small servers.
func ceilings(ctx context.Context, r *run) error {
	for round := 1; round <= r.Rounds; round++ {
		r.progress("round %d of %d: primitives, sockets, flushes", round, r.Rounds)
		c := ceiling.Config{Round: pick(r, 200*time.Millisecond, 5*time.Millisecond), Rounds: pick(r, 3, 1), Dir: r.dir}
		err := ceiling.Measure(ctx, c, func(m ceiling.Ceiling) {
			r.report.add(Sample{Round: round, Server: machineItself, Case: m.Name, Values: m.Values})
			if m.Anchor != "" {
				r.report.note("once measured on a busy two-core machine: %s: %s", m.Name, m.Anchor)
			}
		})
		if err != nil {
			return err
		}
		for _, way := range peers.IdleWays() {
			if err := r.idleCeiling(ctx, round, way); err != nil {
				return err
			}
		}
	}
	r.report.note("idle connections once measured: bufio2 11.4, small1 4.3, lazy1 3.7, epoll 0.24 kB each")
	return nil
}

// idleCeiling measures what one more idle connection costs a server that does
// nothing else.
func (r *run) idleCeiling(ctx context.Context, round int, way string) error {
	n := pick(r, 10_000, 500)
	r.progress("round %d: %d idle connections, %s", round, n, way)
	return r.together(ctx, peers.Idle(way), 0, nil, func(s *peers.Server, w *load.Process) error {
		before, err := s.Memory(ctx)
		if err != nil {
			return err
		}
		g := read(s, w)
		j, err := r.join(w, s, 0, n)
		if err != nil {
			return err
		}
		accept := g.values(uint64(n))
		after, err := s.Memory(ctx)
		if err != nil {
			return err
		}
		r.report.add(Sample{Round: round, Server: machineItself, Case: "idle connections, " + way, Void: j.Void(), Values: Values{
			"marginal_bytes": float64(after-before) / float64(n),
			"accept_cpu_us":  accept["cpu_us"],
		}})
		return nil
	})
}
