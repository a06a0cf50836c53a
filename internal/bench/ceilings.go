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

func idleCase(way string) string { return "idle connections, " + way }

// ceilings is the benchmark "ceiling": primitives in this process, and idle
// connections held by small servers.
func ceilings(ctx context.Context, r *run) error {
	r.report.anchors = map[string]string{
		idleCase("bufio2"): "11.4 kB", idleCase("small1"): "4.3 kB", idleCase("lazy1"): "3.7 kB", idleCase("epoll"): "0.24 kB",
	}
	for round := 1; round <= r.Rounds; round++ {
		r.progress("round %d of %d: primitives, sockets, flushes", round, r.Rounds)
		c := ceiling.Config{Round: pick(r, 200*time.Millisecond, 5*time.Millisecond), Rounds: pick(r, 3, 1), Dir: r.dir}
		err := ceiling.Measure(ctx, c, func(m ceiling.Ceiling) {
			r.report.add(Sample{Round: round, Server: machineItself, Case: m.Name, Values: m.Values})
			r.report.anchors[m.Name] = m.Anchor
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
		r.report.add(Sample{Round: round, Server: machineItself, Case: idleCase(way), Void: j.Void(), Values: Values{
			"marginal_bytes": float64(after-before) / float64(n),
			"accept_cpu_us":  accept["cpu_us"],
		}})
		return nil
	})
}
