//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/meter"
	"trunkline/internal/bench/peers"
)

// The goals of R11 and R22.
const (
	maxSlowDrift = 1.2 // p99 of others, with to without
	// maxSlowBytes is the queue of a client that does not read, one frame of the
	// largest size at its sender, and two connections.
	maxSlowBytes  = 256<<10 + 64<<10 + 16<<10
	maxFloodDrift = 2
	maxFloodRate  = 5500 // messages a second let through; the limit is 5,000
	maxStarts     = 25   // of the burst of 20 and what time adds
)

const (
	alone       = "others alone"
	amongSlow   = "others among slow readers"
	slowMemory  = "slow readers themselves"
	amongFlood  = "others beside a flood"
	firstHidden = 10_000 // number of the first client that is not measured
)

// measured are the pairs whose latency is watched, and their rate.
func (r *run) measured() (pairs int, a load.TrafficArgs) {
	return pick(r, 100, 10), load.TrafficArgs{Rate: pick(r, 1000.0, 100.0)}
}

// besides starts our server with the measured pairs and a second load process,
// measures the pairs alone, and then as f says.
func (r *run) besides(ctx context.Context, round int, f func(s *peers.Server, w, other *load.Process) error) error {
	return r.together(ctx, peers.Own, 0, nil, func(s *peers.Server, w *load.Process) error {
		other, err := r.worker(ctx)
		if err != nil {
			return err
		}
		defer other.Stop()
		n, a := r.measured()
		if err := r.pairUp(w, s, n); err != nil {
			return err
		}
		v, void, err := r.traffic(ctx, s, w, a)
		if err != nil {
			return err
		}
		r.report.add(Sample{Round: round, Server: peers.Own, Case: alone, Values: v, Void: void})
		return f(s, w, other)
	})
}

// slowReaders is R11.
func slowReaders(ctx context.Context, r *run) error {
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		return r.besides(ctx, round, func(s *peers.Server, w, other *load.Process) error {
			if err := r.amongSlowReaders(ctx, round, s, w, other); err != nil {
				return err
			}
			return r.memoryOfSlowReaders(ctx, round, s, other)
		})
	})
	if err != nil {
		return err
	}
	with, without := r.report.spread(peers.Own, amongSlow, "p99_ms"), r.report.spread(peers.Own, alone, "p99_ms")
	r.report.atMost("p99 of the others, with to without", with.Ratio(without), maxSlowDrift, "times")
	r.report.atMost("slow readers not cut off", r.report.spread(peers.Own, amongSlow, "not_cut").Max, 0, "")
	r.report.atMost("live memory a slow reader and its sender", r.report.spread(peers.Own, slowMemory, "live_bytes_each").Max, maxSlowBytes, "bytes")
	return nil
}

// beginSlow joins clients that stop reading and lets them be sent to; it returns
// how many there are. Their queues are full after about eight seconds.
func (r *run) beginSlow(s *peers.Server, other *load.Process) (n int, err error) {
	if err := other.Call("leave", load.None{}, nil); err != nil {
		return 0, err
	}
	if _, err := r.join(other, s, firstHidden, 2*pick(r, 200, 10)); err != nil {
		return 0, err
	}
	return n, other.Call("slow", load.SlowArgs{Rate: pick(r, 3.0, 40.0), Size: load.MaxBody}, &n)
}

// amongSlowReaders measures the others while the slow ones' queues fill and are
// full.
func (r *run) amongSlowReaders(ctx context.Context, round int, s *peers.Server, w, other *load.Process) error {
	if _, err := r.beginSlow(s, other); err != nil {
		return err
	}
	if err := wait(ctx, pick(r, 5*time.Second, 0)); err != nil {
		return err
	}
	_, a := r.measured()
	v, void, err := r.traffic(ctx, s, w, a)
	if err != nil {
		return err
	}
	end, err := untilCut(ctx, other)
	if err != nil {
		return err
	}
	if end.Err != "" {
		void = end.Err
	}
	v["not_cut"] = float64(end.N - end.Cut)
	v["cut_max_s"] = end.After.Max().Seconds()
	v["sent_to_each_kB"] = float64(end.Bytes) / 1e3 / float64(end.N)
	r.report.add(Sample{Round: round, Server: peers.Own, Case: amongSlow, Values: v, Void: void})
	return nil
}

// memoryOfSlowReaders measures what slow readers cost while nobody else talks:
// the collections that it forces would be felt.
func (r *run) memoryOfSlowReaders(ctx context.Context, round int, s *peers.Server, other *load.Process) error {
	before, err := s.Inside(ctx)
	if err != nil {
		return err
	}
	pss, kernel := float64(s.Proc.PSS()), float64(meter.TCPBuffers())
	n, err := r.beginSlow(s, other)
	if err != nil {
		return err
	}
	m := watchMemory(ctx, s)
	end, err := untilCut(ctx, other)
	if err := errors.Join(err, m.stop()); err != nil {
		return err
	}
	r.report.add(Sample{Round: round, Server: peers.Own, Case: slowMemory, Void: end.Err, Values: Values{
		"live_bytes_each":   max(0, m.live-before.Heap) / float64(n),
		"pss_bytes_each":    max(0, m.pss-pss) / float64(n),
		"kernel_bytes_each": max(0, m.kernel-kernel) / float64(n),
	}})
	return nil
}

// untilCut waits until all slow readers are cut off, for 90 s at most.
func untilCut(ctx context.Context, other *load.Process) (end load.Slowed, err error) {
	_, _ = until(ctx, 90*time.Second, func() bool {
		err = other.Call("slowed", load.None{}, &end)
		return err != nil || end.Cut == end.N || end.Err != ""
	})
	return end, err
}

// A watch holds the most memory that was seen while it went on: the server's
// proportional set size and live heap, and what the kernel holds for sockets.
type watch struct {
	cancel            context.CancelFunc
	wg                sync.WaitGroup
	pss, kernel, live float64
	err               error
}

// watchMemory looks once a second until stop. Every look forces a collection.
func watchMemory(ctx context.Context, s *peers.Server) *watch {
	m := new(watch)
	ctx, m.cancel = context.WithCancel(ctx)
	m.wg.Go(func() {
		for ctx.Err() == nil {
			m.pss = max(m.pss, float64(s.Proc.PSS()))
			m.kernel = max(m.kernel, float64(meter.TCPBuffers()))
			in, err := s.Inside(ctx)
			if err != nil && ctx.Err() == nil {
				m.err = err
				return
			}
			m.live = max(m.live, in.Heap)
			_ = wait(ctx, time.Second)
		}
	})
	return m
}

// stop ends the watch and returns what went wrong with it.
func (m *watch) stop() error {
	m.cancel()
	m.wg.Wait()
	return m.err
}

// floods is R22.
func floods(ctx context.Context, r *run) error {
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		return r.besides(ctx, round, func(s *peers.Server, w, other *load.Process) error {
			return r.besideFlood(ctx, round, s, w, other)
		})
	})
	if err != nil {
		return err
	}
	with, without := r.report.spread(peers.Own, amongFlood, "p99_ms"), r.report.spread(peers.Own, alone, "p99_ms")
	r.report.atMost("p99 of the others, with to without", with.Ratio(without), maxFloodDrift, "times")
	r.report.atMost("messages of the flood let through", r.report.spread(peers.Own, amongFlood, "flood_per_s").Max, maxFloodRate, "a second")
	r.report.atMost("requests for sessions let through", r.report.spread(peers.Own, amongFlood, "starts").Max, maxStarts, "")
	return nil
}

// besideFlood lets one client offer 10,000 messages a second, and another as
// many requests for sessions as it can.
func (r *run) besideFlood(ctx context.Context, round int, s *peers.Server, w, other *load.Process) error {
	if _, err := r.join(other, s, firstHidden, 2); err != nil {
		return err
	}
	if err := other.Call("pair", load.None{}, nil); err != nil {
		return err
	}
	flood := load.TrafficArgs{Rate: 10_000, Size: bodySize}
	if err := other.Call("start", flood, nil); err != nil {
		return err
	}
	// What a client may send at once is let through first.
	if err := wait(ctx, pick(r, 2*time.Second, 0)); err != nil {
		return err
	}
	_, a := r.measured()
	if err := other.Call("mark", load.None{}, nil); err != nil {
		return err
	}
	start := time.Now()
	v, void, err := r.traffic(ctx, s, w, a)
	if err != nil {
		return err
	}
	var m load.Mark
	if err := other.Call("mark", load.None{}, &m); err != nil {
		return err
	}
	lasted := time.Since(start)
	var whole load.Conversed
	if err := w.Call("converse", load.ConverseArgs{Addr: s.Addr, N: 100}, &whole); err != nil {
		return fmt.Errorf("whole clients beside the flood: %w", err)
	}
	v["conversation_ms"] = ms(whole.Took)
	v["flood_per_s"] = float64(m.Delivered) / lasted.Seconds()
	var t load.Tally
	if err := other.Call("stop", load.None{}, &t); err != nil {
		return err
	}
	if void == "" {
		void = t.Void()
	}
	var in load.Started
	if err := other.Call("starts", load.StartsArgs{Addr: s.Addr, N: pick(r, 1000, 100)}, &in); err != nil {
		return err
	}
	v["starts"] = float64(in.Forwarded)
	r.report.add(Sample{Round: round, Server: peers.Own, Case: amongFlood, Values: v, Void: void})
	return nil
}
