//go:build linux

package bench

import (
	"context"
	"sync"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/meter"
	"trunkline/internal/bench/peers"
)

// The goals of R11 and R22.
const (
	maxSlowDrift  = 1.2     // p99 of others, with to without
	maxSlowBytes  = 256_000 // memory a client that does not read
	maxFloodDrift = 2
	maxFloodRate  = 5500 // messages a second let through; the limit is 5,000
	maxStarts     = 25   // of the burst of 20 and what time adds
)

const (
	alone       = "others alone"
	amongSlow   = "others among slow readers"
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
	n := pick(r, 200, 10)
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		return r.besides(ctx, round, func(s *peers.Server, w, other *load.Process) error {
			if _, err := r.join(other, s, firstHidden, 2*n); err != nil {
				return err
			}
			return r.amongSlowReaders(ctx, round, s, w, other)
		})
	})
	if err != nil {
		return err
	}
	with, without := r.report.spread(peers.Own, amongSlow, "p99_ms"), r.report.spread(peers.Own, alone, "p99_ms")
	r.report.atMost("p99 of the others, with to without", with.Ratio(without), maxSlowDrift, "times")
	r.report.atMost("memory a slow reader", r.report.spread(peers.Own, amongSlow, "bytes_each").Max, maxSlowBytes, "bytes")
	r.report.atMost("slow readers not cut off", r.report.spread(peers.Own, amongSlow, "not_cut").Max, 0, "")
	return nil
}

func (r *run) amongSlowReaders(ctx context.Context, round int, s *peers.Server, w, other *load.Process) error {
	before, err := s.Memory(ctx)
	if err != nil {
		return err
	}
	_, a := r.measured()
	var n int
	slow := load.SlowArgs{Rate: pick(r, 4.0, 40.0), Size: 16 << 10}
	if err := other.Call("slow", slow, &n); err != nil {
		return err
	}
	kernel := meter.TCPBuffers()
	stop := watchMemory(ctx, s)
	v, void, err := r.traffic(ctx, s, w, a)
	if err != nil {
		stop()
		return err
	}
	var end load.Slowed
	_, _ = until(ctx, 90*time.Second, func() bool {
		err = other.Call("slowed", load.None{}, &end)
		return err != nil || end.Cut == end.N || end.Err != ""
	})
	peak, buffers := stop()
	if err != nil {
		return err
	}
	if end.Err != "" {
		void = end.Err
	}
	v["bytes_each"] = max(0, float64(peak-before)) / float64(n)
	v["kernel_bytes_each"] = max(0, float64(buffers-kernel)) / float64(n)
	v["not_cut"] = float64(end.N - end.Cut)
	v["cut_max_s"] = end.After.Max().Seconds()
	v["sent_to_each_kB"] = float64(end.Bytes) / 1e3 / float64(n)
	r.report.add(Sample{Round: round, Server: peers.Own, Case: amongSlow, Values: v, Void: void})
	return nil
}

// watchMemory reads the server's memory, and what the kernel holds for sockets,
// four times a second until stop, which returns the most that it saw.
func watchMemory(ctx context.Context, s *peers.Server) (stop func() (pss, kernel int64)) {
	ctx, cancel := context.WithCancel(ctx)
	var most, buffers int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			most, buffers = max(most, s.Proc.PSS()), max(buffers, meter.TCPBuffers())
			_ = wait(ctx, time.Second/4)
		}
	})
	return func() (int64, int64) {
		cancel()
		wg.Wait()
		return most, buffers
	}
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
	v["flood_per_s"] = float64(m.Delivered) / time.Since(start).Seconds()
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
