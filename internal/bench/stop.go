//go:build linux

package bench

import (
	"context"
	"errors"
	"syscall"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// The goals of R27, in seconds.
const (
	maxIdleStop   = 1
	maxLoadedStop = 5
)

const (
	idleStop   = "SIGTERM, idle"
	loadedStop = "SIGTERM, under load"
)

// shutdowns is R27.
func shutdowns(ctx context.Context, r *run) error {
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		return errors.Join(r.shutdown(ctx, round, idleStop), r.shutdown(ctx, round, loadedStop))
	})
	if err != nil {
		return err
	}
	r.report.atMost(idleStop, r.report.spread(peers.Own, idleStop, "stop_s").Max, maxIdleStop, "s")
	r.report.atMost(loadedStop, r.report.spread(peers.Own, loadedStop, "stop_s").Max, maxLoadedStop, "s")
	for _, name := range []string{idleStop, loadedStop} {
		r.report.holds("exit code 0, "+name, int(r.report.spread(peers.Own, name, "exit_code").Max))
	}
	return nil
}

// patienceForStop bounds the wait for a server that does not end.
const patienceForStop = 30 * time.Second

func (r *run) shutdown(ctx context.Context, round int, name string) error {
	return r.together(ctx, peers.Own, 0, []string{peers.FullSpeed}, func(s *peers.Server, w *load.Process) error {
		if err := r.pairUp(w, s, pick(r, 100, 10)); err != nil {
			return err
		}
		if name == loadedStop {
			if err := w.Call("start", load.TrafficArgs{Window: 10, Size: bodySize}, nil); err != nil {
				return err
			}
			if err := wait(ctx, r.warmUp()); err != nil {
				return err
			}
		}
		start := time.Now()
		if err := s.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		t := time.NewTimer(patienceForStop)
		defer t.Stop()
		select {
		case <-s.Done():
		case <-t.C:
			return errors.New("the server does not end")
		case <-ctx.Done():
			return ctx.Err()
		}
		took := time.Since(start)
		code, err := s.Code()
		if err != nil {
			return err
		}
		if code < 0 {
			code = 255 // a signal ended it
		}
		r.report.add(Sample{Round: round, Server: peers.Own, Case: name, Values: Values{
			"stop_s": took.Seconds(), "exit_code": float64(code),
		}})
		return nil
	})
}
