//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trunkline/internal/bench/peers"
)

var errNoSimulator = errors.New("no simulator was given; Options.Seeds runs one")

// repeatEvery is of how many seeds one is run twice.
const repeatEvery = 20

// seeds is R24: every seed holds its invariants, and the same seed gives the
// same events.
func seeds(ctx context.Context, r *run) error {
	if r.Seeds == nil {
		return errNoSimulator
	}
	n := pick(r, 200, 3)
	var broken, other int
	start := time.Now()
	for i := range n * r.Rounds {
		seed := uint64(i + 1)
		digest, err := r.Seeds(ctx, seed)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			broken++
			r.report.note("seed %d: %v", seed, err)
			continue
		}
		if i%repeatEvery > 0 {
			continue
		}
		if again, err := r.Seeds(ctx, seed); err != nil || again != digest {
			other++
			r.report.note("seed %d gives other events the second time", seed)
		}
	}
	r.report.add(Sample{Round: 1, Server: peers.Own, Case: fmt.Sprintf("%d seeds", n*r.Rounds), Values: Values{
		"broken": float64(broken), "not_repeated": float64(other), "seconds": time.Since(start).Seconds(),
	}})
	r.report.holds("every seed keeps its promises", broken)
	r.report.holds("a seed gives the same events again", other)
	return nil
}
