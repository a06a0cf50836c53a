//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/meter"
	"trunkline/internal/bench/peers"
)

// The goals of R13.
const (
	memoryLimit   = 256e6
	cpuShare      = 0.2
	maxRefuseCPU  = 20 // per cent of a core while refusing
	fewDescriptor = 600
)

const (
	fewCase    = "descriptors used up"
	memoryCase = "256 MB of memory"
	cpuCase    = "20 % of a core"
)

// shortages is R13: each shortage with a server of its own.
func shortages(ctx context.Context, r *run) error {
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		for _, f := range []func(context.Context, int) error{r.fewDescriptors, r.littleMemory, r.littleCPU} {
			if err := f(ctx, round); errors.Is(err, peers.ErrNoGroups) {
				r.report.note("not run: %v", err)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range []string{fewCase, memoryCase, cpuCase} {
		if s := r.report.spread(peers.Own, name, "held_lost"); s.N > 0 {
			r.report.atMost("connections lost, "+name, s.Max, 0, "")
			r.report.atMost("sign-ins refused afterwards, "+name, r.report.spread(peers.Own, name, "refused_after").Max, 0, "")
		}
	}
	r.report.atMost("CPU while refusing", r.report.spread(peers.Own, fewCase, "refusing_cpu_percent").Median, maxRefuseCPU, "% of a core")
	return nil
}

// fewDescriptors takes nearly all descriptors with clients that talk, and then
// connects thousands more.
func (r *run) fewDescriptors(ctx context.Context, round int) error {
	s, err := r.serveLimited(ctx, peers.Own, 0, peers.Limits{Descriptors: fewDescriptor})
	if err != nil {
		return err
	}
	defer s.Stop()
	w, err := r.worker(ctx)
	if err != nil {
		return err
	}
	defer w.Stop()
	storm, err := r.worker(ctx)
	if err != nil {
		return err
	}
	defer storm.Stop()
	const held = 200
	if err := r.pairUp(w, s, held/2); err != nil {
		return err
	}
	var begun load.Silenced
	r.progress("more connections than descriptors")
	if err := storm.Call("silent", load.SilentArgs{Addr: s.Addr, N: pick(r, 5000, 1000), State: load.Mute}, &begun); err != nil {
		return err
	}
	before, start := s.Proc.CPU(), time.Now()
	if err := wait(ctx, pick(r, 5*time.Second, time.Second)); err != nil {
		return err
	}
	refusing := 100 * (s.Proc.CPU() - before).Seconds() / time.Since(start).Seconds()
	v, void, err := r.traffic(ctx, s, w, load.TrafficArgs{Rate: 200})
	if err != nil {
		return err
	}
	v["refusing_cpu_percent"] = refusing
	v["connected"] = float64(begun.N)
	if err := storm.Call("leave", load.None{}, nil); err != nil {
		return err
	}
	return r.afterwards(ctx, s, w, storm, Sample{Round: round, Case: fewCase, Values: v, Void: void}, held)
}

// recovery is how long a server may take to accept again.
const recovery = 20 * time.Second

// afterwards counts whom the shortage cost and whether new clients can sign in
// once it is over, and adds the sample.
func (r *run) afterwards(ctx context.Context, s *peers.Server, w, other *load.Process, sample Sample, held int) error {
	var still int
	if err := w.Call("held", load.None{}, &still); err != nil {
		return err
	}
	var j load.Joined
	var err error
	took, _ := until(ctx, recovery, func() bool {
		err = other.Call("signins", load.SignInArgs{JoinArgs: r.joinArgs(s, firstGuest, 10)}, &j)
		return err != nil || j.Failed == 0
	})
	if err != nil {
		return err
	}
	if j.Failed > 0 {
		r.report.note("round %d: sign-in after %s: %s", sample.Round, sample.Case, j.Err)
	}
	if !meter.Watch(s.PID()).Alive() {
		sample.Void = "the server ended"
	}
	sample.Server = peers.Own
	sample.Values["held_lost"] = float64(held - still)
	sample.Values["refused_after"] = float64(j.Failed)
	sample.Values["recovered_s"] = took.Seconds()
	r.report.add(sample)
	return nil
}

// littleMemory lets clients join a server that may use 256 MB.
func (r *run) littleMemory(ctx context.Context, round int) error {
	return r.inGroup(ctx, "memory", memoryLimit, func(_ *peers.Group, s *peers.Server, w, other *load.Process) error {
		n := pick(r, 10_000, 200)
		r.progress("%d clients in 256 MB", n)
		j, err := r.join(w, s, 0, n)
		if err != nil {
			return err
		}
		v := Values{"pss_MB": float64(s.Proc.PSS()) / 1e6, "signin_per_s": float64(n) / j.Took.Seconds()}
		return r.afterwards(ctx, s, w, other, Sample{Round: round, Case: memoryCase, Values: v}, n)
	})
}

// littleCPU lets clients join a server that gets a fifth of a core, and then
// gives it back all of it.
func (r *run) littleCPU(ctx context.Context, round int) error {
	return r.inGroup(ctx, "cpu", cpuShare, func(g *peers.Group, s *peers.Server, w, other *load.Process) error {
		n := pick(r, 10_000, 100)
		r.progress("%d clients with 20 %% of a core", n)
		gauge := read(s, w)
		j, err := r.join(w, s, 0, n)
		if err != nil {
			return err
		}
		v := Values{"signin_per_s": float64(n) / j.Took.Seconds(), "cores": gauge.values(1)["cores"]}
		if err := g.Lift(); err != nil {
			return fmt.Errorf("lift the limit: %w", err)
		}
		return r.afterwards(ctx, s, w, other, Sample{Round: round, Case: cpuCase, Values: v}, n)
	})
}

// inGroup starts our server in a control group, and two load processes outside.
func (r *run) inGroup(ctx context.Context, controller string, value float64, f func(g *peers.Group, s *peers.Server, w, other *load.Process) error) error {
	g, err := peers.NewGroup(controller, value)
	if err != nil {
		return err
	}
	defer g.Close()
	s, err := r.serveLimited(ctx, peers.Own, 0, peers.Limits{Groups: [2]string{g.Dir}})
	if err != nil {
		return err
	}
	defer s.Stop()
	w, err := r.worker(ctx)
	if err != nil {
		return err
	}
	defer w.Stop()
	other, err := r.worker(ctx)
	if err != nil {
		return err
	}
	defer other.Stop()
	return f(g, s, w, other)
}
