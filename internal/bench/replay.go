//go:build linux

package bench

import (
	"context"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// replays is R19.
func replays(ctx context.Context, r *run) error {
	const name = "recorded streams sent again"
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		return r.together(ctx, peers.Own, 0, nil, func(s *peers.Server, w *load.Process) error {
			var done load.Replayed
			if err := w.Call("replay", load.ReplayArgs{Addr: s.Addr, N: pick(r, 50, 3)}, &done); err != nil {
				return err
			}
			for _, d := range done.Deeds {
				r.report.note("%s", d)
			}
			r.report.add(Sample{Round: round, Server: peers.Own, Case: name, Values: Values{
				"streams": float64(done.Streams), "deeds": float64(len(done.Deeds)),
			}})
			return nil
		})
	})
	if err != nil {
		return err
	}
	r.report.holds("no replay signs in, is delivered or disturbs", int(r.report.spread(peers.Own, name, "deeds").Max))
	return nil
}
