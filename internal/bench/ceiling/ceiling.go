//go:build linux

package ceiling

import (
	"context"
	"time"
)

// A Config says how long and where.
type Config struct {
	Round  time.Duration // of one measurement
	Rounds int           // the best one counts: a ceiling, not an average
	Dir    string        // where flushes go
}

// A Ceiling is one thing measured: what an operation costs, by its name.
type Ceiling struct {
	Name   string
	Anchor string // what was once measured elsewhere, to show the size of things
	// Values are in the units of their names.
	Values map[string]float64
}

// Measure measures every ceiling but those of idle connections and hands each
// to emit. It returns early if ctx ends.
func Measure(ctx context.Context, c Config, emit func(Ceiling)) error {
	for _, part := range []func(context.Context, Config, func(Ceiling)) error{primitives, network, flushes} {
		if err := part(ctx, c, emit); err != nil {
			return err
		}
	}
	return nil
}

// timed calls f for rounds of one length and returns the least time a call, in
// microseconds.
func timed(ctx context.Context, c Config, f func()) float64 {
	best := 0.0
	for i := 0; i < c.Rounds && ctx.Err() == nil; i++ {
		n, start := 0, time.Now()
		for time.Since(start) < c.Round {
			f()
			n++
		}
		if us := float64(time.Since(start)) / 1e3 / float64(n); i == 0 || us < best {
			best = us
		}
	}
	return best
}
