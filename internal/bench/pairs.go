//go:build linux

package bench

import (
	"context"
	"fmt"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// The goals of B5, B6 and G2.
const (
	maxMessageCPU    = 7   // microseconds at 100 pairs
	maxPairsGrowth   = 1.3 // 1,000 pairs to 10
	maxMessageGrowth = 1.5
	maxRateToNats    = 2 // p99 to that of nats in the same run
)

func closedCase(pairs, window int) string {
	return fmt.Sprintf("%d pairs, %d in flight", pairs, window)
}

func (r *run) pairCounts() []int { return pick(r, []int{10, 100, 1000}, []int{5, 20}) }

// pairsClosed is B5.
func pairsClosed(ctx context.Context, r *run) error {
	rivals, err := r.rivals()
	if err != nil {
		return err
	}
	counts := r.pairCounts()
	if err := r.closed(ctx, rivals, counts, []int{1, 10}); err != nil {
		return err
	}
	for _, w := range []int{1, 10} {
		small, middle, large := r.cpu(closedCase(counts[0], w)), r.cpu(closedCase(counts[1], w)), r.cpu(closedCase(counts[len(counts)-1], w))
		r.report.atMost(fmt.Sprintf("CPU a message, %s", closedCase(counts[1], w)), middle, maxMessageCPU, "us")
		r.report.atMost(fmt.Sprintf("%d to %d pairs, %d in flight", counts[len(counts)-1], counts[0], w), large/small, maxPairsGrowth, "times")
	}
	return nil
}

func (r *run) cpu(name string) float64 { return r.report.spread(peers.Own, name, "cpu_us").Median }

// closed measures a fixed number of messages in flight for numbers of pairs.
func (r *run) closed(ctx context.Context, rivals []string, counts, windows []int) error {
	users := 2 * counts[len(counts)-1]
	return r.inTurn(ctx, rivals, func(ctx context.Context, round int, name string) error {
		return r.together(ctx, name, users, ownOnly(name, peers.FullSpeed), func(s *peers.Server, w *load.Process) error {
			for _, n := range counts {
				if err := r.pairUp(w, s, n); err != nil {
					return err
				}
				for _, window := range windows {
					v, void, err := r.traffic(ctx, s, w, load.TrafficArgs{Window: window})
					if err != nil {
						return err
					}
					r.report.add(Sample{Round: round, Server: name, Case: closedCase(n, window), Values: v, Void: void})
				}
			}
			return nil
		})
	})
}

// ownOnly are settings for our server and nothing for peers.
func ownOnly(name string, set ...string) []string {
	if name == peers.Own {
		return set
	}
	return nil
}

// pairUp replaces the clients of a load process by n pairs.
func (r *run) pairUp(w *load.Process, s *peers.Server, n int) error {
	if err := w.Call("leave", load.None{}, nil); err != nil {
		return err
	}
	if _, err := r.join(w, s, 0, 2*n); err != nil {
		return err
	}
	return w.Call("pair", load.None{}, nil)
}

// pairsOffered is B6.
func pairsOffered(ctx context.Context, r *run) error {
	rivals, err := r.rivals()
	if err != nil {
		return err
	}
	n, rates := pick(r, 100, 10), pick(r, []float64{1000, 5000}, []float64{200})
	err = r.inTurn(ctx, rivals, func(ctx context.Context, round int, name string) error {
		return r.together(ctx, name, 2*n, ownOnly(name, peers.FullSpeed), func(s *peers.Server, w *load.Process) error {
			if err := r.pairUp(w, s, n); err != nil {
				return err
			}
			for _, rate := range rates {
				v, void, err := r.traffic(ctx, s, w, load.TrafficArgs{Rate: rate})
				if err != nil {
					return err
				}
				r.report.add(Sample{Round: round, Server: name, Case: offeredCase(rate), Values: v, Void: void})
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, rate := range rates {
		if theirs := r.report.spread("nats-server", offeredCase(rate), "p99_ms"); theirs.N > 0 {
			ours := r.report.spread(peers.Own, offeredCase(rate), "p99_ms")
			r.report.atMost("p99 to that of nats-server, "+offeredCase(rate), ours.Ratio(theirs), maxRateToNats, "times")
		}
	}
	return nil
}

func offeredCase(rate float64) string { return fmt.Sprintf("%.0f messages/s offered", rate) }

// growthOfMessages is G2.
func growthOfMessages(ctx context.Context, r *run) error {
	counts := r.pairCounts()
	if err := r.closed(ctx, []string{peers.Own}, counts, []int{1}); err != nil {
		return err
	}
	least := r.cpu(closedCase(counts[0], 1))
	for _, n := range counts[1:] {
		r.report.atMost(fmt.Sprintf("CPU a message, %d to %d pairs", n, counts[0]), r.cpu(closedCase(n, 1))/least, maxMessageGrowth, "times")
	}
	return nil
}
