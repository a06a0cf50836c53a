//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"trunkline/internal/bench/child"
	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// maxHalfOpen is how long a vanished client may stay: twice the keep-alive's
// 30 s.
const maxHalfOpen = 60 * time.Second

// maxTakeover is how long a client that comes back may wait for its place.
const maxTakeover = 1000 // ms

const vanishedCase = "clients whose host vanished"

var errNotRoot = errors.New("it needs a network of its own; run it as root")

// halfOpen is R10: server and clients share a network namespace in which the
// clients' network is then taken away.
func halfOpen(ctx context.Context, r *run) error {
	if os.Getuid() != 0 {
		if r.many {
			r.report.note("not run: %v", errNotRoot)
			return nil
		}
		return errNotRoot
	}
	err := r.rounds(ctx, r.vanishRound)
	if err != nil {
		return err
	}
	r.report.atMost("idle ones are freed after", r.report.spread(peers.Own, vanishedCase, "idle_freed_s").Max, maxHalfOpen.Seconds(), "s")
	r.report.atMost("those that were sent something are freed after", r.report.spread(peers.Own, vanishedCase, "data_freed_s").Max, maxHalfOpen.Seconds(), "s")
	r.report.atMost("coming back took", r.report.spread(peers.Own, vanishedCase, "takeover_max_ms").Max, maxTakeover, "ms")
	return nil
}

func (r *run) vanishRound(ctx context.Context, round int) error {
	w, err := load.Start(ctx, r.Exe, child.Command{Attr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}})
	if err != nil {
		return fmt.Errorf("a network namespace: %w", err)
	}
	defer w.Stop()
	if err := w.Call("network", load.None{}, nil); err != nil {
		return err
	}
	s, err := r.serveLimited(ctx, peers.Own, 0, peers.Limits{Namespace: w.PID()})
	if err != nil {
		return err
	}
	defer s.Stop()
	base := s.Proc.Descriptors()
	a := load.HalfOpenArgs{Addr: s.Addr, N: pick(r, 1000, 40), Data: pick(r, 100, 10)}
	if err := w.Call("halfopen", a, nil); err != nil {
		return err
	}
	var back load.Vanished
	if err := w.Call("vanish", a, &back); err != nil {
		return err
	}
	r.progress("waiting until the server has noticed, up to %v", maxHalfOpen+5*time.Second)
	// Senders stay and so do those that came back; the first to go are the idle.
	stay := base + 2*a.Data
	idle, _ := until(ctx, maxHalfOpen+5*time.Second, func() bool { return s.Proc.Descriptors() <= stay+a.Data })
	data, freed := until(ctx, maxHalfOpen+5*time.Second-idle, func() bool { return s.Proc.Descriptors() <= stay })
	v := Values{
		"idle_freed_s": idle.Seconds(), "data_freed_s": (idle + data).Seconds(),
		"takeover_max_ms": ms(back.Latency.Max()), "left": float64(max(0, s.Proc.Descriptors()-stay)),
	}
	if !freed {
		r.report.note("round %d: %d connections of vanished hosts were still held", round, s.Proc.Descriptors()-stay)
	}
	r.report.add(Sample{Round: round, Server: peers.Own, Case: vanishedCase, Values: v, Void: back.Void()})
	return ctx.Err()
}
