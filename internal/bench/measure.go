//go:build linux

package bench

import (
	"context"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/meter"
	"trunkline/internal/bench/peers"
)

// bodySize is the body of every message that is not meant to be large.
const bodySize = 100

// A gauge reads the CPU time of a server over a window.
type gauge struct {
	s     *peers.Server
	load  *meter.Proc
	start time.Time
	cpu   time.Duration
	own   time.Duration
}

func read(s *peers.Server, w *load.Process) *gauge {
	l := meter.Watch(w.PID())
	return &gauge{s: s, load: l, start: time.Now(), cpu: s.Proc.CPU(), own: l.CPU()}
}

// values are the figures of the window for n operations.
func (g *gauge) values(n uint64) Values {
	took, cpu, own := time.Since(g.start).Seconds(), g.s.Proc.CPU()-g.cpu, g.load.CPU()-g.own
	return Values{
		"cpu_us":      float64(cpu) / 1e3 / float64(n),
		"load_cpu_us": float64(own) / 1e3 / float64(n),
		"cores":       cpu.Seconds() / took,
		"per_s":       float64(n) / took,
	}
}

// warmUp is how long traffic runs before it is measured.
func (r *run) warmUp() time.Duration { return pick(r, time.Second, 100*time.Millisecond) }

// traffic lets the pairs of a load process talk and measures one window. What
// the load process finds wrong makes it void.
func (r *run) traffic(ctx context.Context, s *peers.Server, w *load.Process, a load.TrafficArgs) (Values, string, error) {
	if a.Size == 0 {
		a.Size = bodySize
	}
	if err := w.Call("start", a, nil); err != nil {
		return nil, "", err
	}
	if err := wait(ctx, r.warmUp()); err != nil {
		return nil, "", err
	}
	if err := w.Call("mark", load.None{}, nil); err != nil {
		return nil, "", err
	}
	g := read(s, w)
	if err := wait(ctx, r.window()); err != nil {
		return nil, "", err
	}
	var m load.Mark
	if err := w.Call("mark", load.None{}, &m); err != nil {
		return nil, "", err
	}
	v := g.values(m.Delivered)
	var t load.Tally
	if err := w.Call("stop", load.None{}, &t); err != nil {
		return nil, "", err
	}
	void := t.Void()
	if void == "" && m.Delivered == 0 {
		void = "nothing was delivered in the window"
	}
	if a.Rate > 0 {
		latencies(v, m.Latency)
	}
	return v, void, nil
}

// latencies adds the quantiles of h in milliseconds.
func latencies(v Values, h *meter.Hist) {
	for name, q := range map[string]float64{"p50_ms": .5, "p99_ms": .99, "p999_ms": .999} {
		v[name] = ms(h.Quantile(q))
	}
	v["max_ms"] = ms(h.Max())
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
