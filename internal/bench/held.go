//go:build linux

package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// The goals of B4, G1, G3 and G9.
const (
	maxConnectionBytes = 8000
	maxIdleCPU         = 2    // per cent of a core at the largest step
	maxMemoryDrift     = 0.15 // of the marginal memory between sizes
	maxSignInDrift     = 0.20 // of CPU a sign-in with connections held
	maxLeftGoroutines  = 10
	maxLeftHeap        = 2e6
)

func heldCase(n int) string { return fmt.Sprintf("%d held", n) }

func (r *run) heldSteps() []int { return pick(r, []int{1000, 5000, 10_000, 15_000}, []int{100, 400}) }

// heldIdle is B4.
func heldIdle(ctx context.Context, r *run) error {
	rivals, err := r.rivals()
	if err != nil {
		return err
	}
	rivals = append(rivals, peers.Idle("lazy1"))
	steps := r.heldSteps()
	if err := r.held(ctx, rivals, steps); err != nil {
		return err
	}
	for _, n := range steps {
		r.report.atMost("memory a connection, "+heldCase(n), r.report.spread(peers.Own, heldCase(n), "marginal_bytes").Median, maxConnectionBytes, "bytes")
	}
	last := heldCase(steps[len(steps)-1])
	r.report.atMost("CPU idle, "+last, r.report.spread(peers.Own, last, "idle_cpu_percent").Median, maxIdleCPU, "% of a core")
	return nil
}

// held joins clients step by step and measures the server at each.
func (r *run) held(ctx context.Context, rivals []string, steps []int) error {
	return r.inTurn(ctx, rivals, func(ctx context.Context, round int, name string) error {
		return r.together(ctx, name, 0, nil, func(s *peers.Server, w *load.Process) error {
			before, err := s.Memory(ctx)
			if err != nil {
				return err
			}
			had := 0
			for _, n := range steps {
				v, void, err := r.hold(ctx, s, w, had, n)
				if err != nil {
					return err
				}
				now, err := s.Memory(ctx)
				if err != nil {
					return err
				}
				v["marginal_bytes"] = float64(now-before) / float64(n-had)
				v["memory_MB"] = float64(now) / 1e6
				r.report.add(Sample{Round: round, Server: name, Case: heldCase(n), Values: v, Void: void})
				had, before = n, now
			}
			return nil
		})
	})
}

// hold joins clients until n are there, and measures the joining and an idle
// window.
func (r *run) hold(ctx context.Context, s *peers.Server, w *load.Process, had, n int) (Values, string, error) {
	g := read(s, w)
	j, err := r.join(w, s, had, n-had)
	if err != nil {
		return nil, "", err
	}
	joining := g.values(uint64(n - had))
	v := Values{"signin_cpu_us": joining["cpu_us"], "signin_per_s": float64(n-had) / j.Took.Seconds()}
	if err := wait(ctx, pick(r, 2*time.Second, 0)); err != nil {
		return nil, "", err
	}
	g = read(s, w)
	if err := wait(ctx, r.window()); err != nil {
		return nil, "", err
	}
	v["idle_cpu_percent"] = 100 * g.values(1)["cores"]
	var still int
	if err := w.Call("held", load.None{}, &still); err != nil {
		return nil, "", err
	}
	void := ""
	if still != n {
		void = fmt.Sprintf("%d of %d clients are still connected", still, n)
	}
	return v, void, nil
}

// growthOfMemory is G1.
func growthOfMemory(ctx context.Context, r *run) error {
	steps := r.heldSteps()
	if err := r.held(ctx, []string{peers.Own}, steps); err != nil {
		return err
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, n := range steps {
		v := r.report.spread(peers.Own, heldCase(n), "marginal_bytes").Median
		least, most = min(least, v), max(most, v)
	}
	r.report.atMost("memory a connection between sizes, from the middle", (most-least)/(most+least), maxMemoryDrift, "of it")
	return nil
}

// growthOfSignIns is G3.
func growthOfSignIns(ctx context.Context, r *run) error {
	steps, n := pick(r, []int{0, 5000, 15_000}, []int{0, 200}), pick(r, 2000, 50)
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		return r.together(ctx, peers.Own, 0, nil, func(s *peers.Server, w *load.Process) error {
			second, err := r.worker(ctx)
			if err != nil {
				return err
			}
			defer second.Stop()
			had := 0
			for _, held := range steps {
				if _, err := r.join(w, s, had, held-had); err != nil {
					return err
				}
				had = held
				v, void, err := r.comeAndGo(s, second, n)
				if err != nil {
					return err
				}
				r.report.add(Sample{Round: round, Server: peers.Own, Case: heldCase(held), Values: v, Void: void})
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, figure := range []string{"accept_cpu_us", "signin_cpu_us"} {
		none := r.report.spread(peers.Own, heldCase(0), figure).Median
		for _, held := range steps[1:] {
			v := r.report.spread(peers.Own, heldCase(held), figure).Median
			r.report.atMost(fmt.Sprintf("%s, %s to none", figure, heldCase(held)), math.Abs(v/none-1), maxSignInDrift, "of it")
		}
	}
	return nil
}

// firstGuest is the number of the first client that comes and goes while those
// of lower numbers are held.
const firstGuest = 15_100

// guests is how many such clients there are: keys are few beyond the held.
const guests = 100

// acceptsEach is how many connections without sign-in are measured for each with
// one: they cost so little that a clock tick would show.
const acceptsEach = 10

// comeAndGo measures the CPU of connections without sign-in and of n with.
func (r *run) comeAndGo(s *peers.Server, w *load.Process, n int) (Values, string, error) {
	args := r.joinArgs(s, firstGuest, acceptsEach*n)
	var j load.Joined
	g := read(s, w)
	if err := w.Call("churn", load.ChurnArgs{JoinArgs: args}, &j); err != nil {
		return nil, "", err
	}
	v := Values{"accept_cpu_us": g.values(uint64(args.N))["cpu_us"]}
	void := j.Void()
	var in load.SignIns
	g = read(s, w)
	for done := 0; done < n && void == ""; done += guests {
		// One batch has distinct keys: none takes another's place.
		args.N = min(guests, n-done)
		if err := w.Call("signins", load.SignInArgs{JoinArgs: args}, &in); err != nil {
			return nil, "", err
		}
		void = in.Void()
	}
	v["signin_cpu_us"] = g.values(uint64(n))["cpu_us"]
	return v, void, nil
}

// leftAfterChurn is G9.
func leftAfterChurn(ctx context.Context, r *run) error {
	n := pick(r, 100_000, 1000)
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		return r.together(ctx, peers.Own, 0, nil, func(s *peers.Server, w *load.Process) error {
			args := load.ChurnArgs{JoinArgs: r.joinArgs(s, 0, n/10), SignInEvery: 20}
			if err := w.Call("churn", args, nil); err != nil { // buffers and pools grow first
				return err
			}
			before, err := s.Inside(ctx)
			if err != nil {
				return err
			}
			var j load.Joined
			args.N = n
			if err := w.Call("churn", args, &j); err != nil {
				return err
			}
			var after peers.Inside
			until(ctx, 20*time.Second, func() bool {
				after, err = s.Inside(ctx)
				return err != nil || after.Goroutines-before.Goroutines <= maxLeftGoroutines
			})
			if err != nil {
				return err
			}
			r.report.add(Sample{Round: round, Server: peers.Own, Case: fmt.Sprintf("%d connected and left", n), Void: j.Void(), Values: Values{
				"goroutines": float64(after.Goroutines), "goroutines_left": float64(after.Goroutines - before.Goroutines),
				"heap_MB": after.Heap / 1e6, "heap_left_MB": (after.Heap - before.Heap) / 1e6,
			}})
			return nil
		})
	})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d connected and left", n)
	r.report.atMost("goroutines left", r.report.spread(peers.Own, name, "goroutines_left").Max, maxLeftGoroutines, "")
	r.report.atMost("heap left", r.report.spread(peers.Own, name, "heap_left_MB").Max, maxLeftHeap/1e6, "MB")
	return nil
}
