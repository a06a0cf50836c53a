//go:build linux

package bench

import (
	"context"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// maxHalfOpen is how long a vanished client may stay: twice the keep-alive's
// 30 s.
const maxHalfOpen = 60 * time.Second

// maxTakeover is how long a client that comes back may wait for its place.
const maxTakeover = 1000 // ms

const vanishedCase = "clients whose host vanished"

// halfOpen is R10: nothing that the server sends reaches some of its clients
// any more, and nothing comes from them.
func halfOpen(ctx context.Context, r *run) error {
	if err := r.rounds(ctx, r.vanishRound); err != nil {
		return err
	}
	r.report.atMost("idle ones are freed after", r.report.spread(peers.Own, vanishedCase, "idle_freed_s").Max, maxHalfOpen.Seconds(), "s")
	r.report.atMost("those that were sent something are freed after", r.report.spread(peers.Own, vanishedCase, "data_freed_s").Max, maxHalfOpen.Seconds(), "s")
	r.report.atMost("coming back took", r.report.spread(peers.Own, vanishedCase, "takeover_max_ms").Max, maxTakeover, "ms")
	return nil
}

func (r *run) vanishRound(ctx context.Context, round int) error {
	return r.together(ctx, peers.Own, 0, nil, func(s *peers.Server, w *load.Process) error {
		a := load.HalfOpenArgs{Addr: s.Addr, N: pick(r, 1000, 40), Data: pick(r, 100, 10)}
		if err := w.Call("halfopen", a, nil); err != nil {
			return err
		}
		// Let what was sent be acknowledged: it counts as unanswered data else.
		if err := wait(ctx, time.Second/2); err != nil {
			return err
		}
		full := s.Proc.Descriptors()
		var back load.Vanished
		if err := w.Call("vanish", a, &back); err != nil {
			return err
		}
		r.progress("waiting until the server has noticed, up to %v", maxHalfOpen)
		// Senders stay, and those that came back take the place of their former
		// connection. Of the others, those that were sent nothing go first.
		left := func() int { return s.Proc.Descriptors() - (full - (a.N - a.Data)) }
		idle, _ := until(ctx, maxHalfOpen+time.Second, func() bool { return left() <= a.Data })
		data, _ := until(ctx, maxHalfOpen+time.Second-idle, func() bool { return left() <= 0 })
		r.report.add(Sample{Round: round, Server: peers.Own, Case: vanishedCase, Void: back.Void(), Values: Values{
			"idle_freed_s": idle.Seconds(), "data_freed_s": (idle + data).Seconds(),
			"takeover_max_ms": ms(back.Latency.Max()), "left": float64(max(0, left())),
		}})
		return ctx.Err()
	})
}
