package sim

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Replay is the command that plays Random(seed) again with all its events.
func Replay(seed uint64) string { return fmt.Sprintf("trunkline sim random --seed %d", seed) }

// Search plays Random scenarios for the seeds from from up to and including to,
// as many at once as there are workers (at least one), and calls report with each
// Report as it comes, not two at once and in no certain order. It returns why
// ctx ended, or the first error of Run; what was found is in the reports.
func Search(ctx context.Context, from, to uint64, workers int, report func(Report)) error {
	keys, err := newKeyring()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Uint64
	next.Store(from)
	var wg sync.WaitGroup
	var mu sync.Mutex // held while report is called
	for range max(workers, 1) {
		wg.Go(func() {
			for {
				seed := next.Add(1) - 1
				if seed < from || seed > to || ctx.Err() != nil {
					return
				}
				r, err := Run(ctx, Random(seed), Options{Seed: seed, keys: keys})
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				report(r)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
