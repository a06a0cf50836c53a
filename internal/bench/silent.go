//go:build linux

package bench

import (
	"context"
	"fmt"
	"time"

	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// The goals of R12.
const (
	maxSilentBytes   = 4000
	maxHonestRatio   = 2 // p99 of honest sign-ins with to without
	pendingAnAddress = 32
)

// silentSockets is R12.
func silentSockets(ctx context.Context, r *run) error {
	timeout := pick(r, 15*time.Second, 4*time.Second)
	err := r.rounds(ctx, func(ctx context.Context, round int) error {
		if err := r.silentRound(ctx, round, timeout); err != nil {
			return err
		}
		return r.pendingRound(ctx, round)
	})
	if err != nil {
		return err
	}
	with, without := r.report.spread(peers.Own, withSilent, "p99_ms"), r.report.spread(peers.Own, withoutSilent, "p99_ms")
	r.report.atMost("memory a silent socket", r.report.spread(peers.Own, withSilent, "marginal_bytes").Median, maxSilentBytes, "bytes")
	r.report.atMost("a silent socket is closed after", r.report.spread(peers.Own, withSilent, "closed_max_s").Max, timeout.Seconds()+1.5, "s")
	r.report.atMost("silent sockets left", r.report.spread(peers.Own, withSilent, "left").Max, 0, "")
	r.report.atMost("p99 of honest sign-ins, with to without", with.Ratio(without), maxHonestRatio, "times")
	r.report.atMost("pending connections of one address", r.report.spread(peers.Own, onePlace, "pending").Max, pendingAnAddress, "")
	return nil
}

const (
	withoutSilent = "honest sign-ins alone"
	withSilent    = "honest sign-ins among silent sockets"
	onePlace      = "silent sockets of one address, limits.loopback on"
)

// silences are who bothers the server: most say nothing, the others stay in one
// state of the sign-in each.
func (r *run) silences(addr string) []load.SilentArgs {
	n, trickle := pick(r, 10_000, 200), pick(r, 10*time.Second, time.Second/2)
	list := []load.SilentArgs{{Addr: addr, N: n * 7 / 10, State: load.Mute}}
	for i, state := range []string{load.InHead, load.InKey, load.InProof} {
		list = append(list, load.SilentArgs{Addr: addr, N: n / 10, First: 12_000 + 1000*i, State: state, Trickle: trickle})
	}
	return list
}

func (r *run) silentRound(ctx context.Context, round int, timeout time.Duration) error {
	set := []string{fmt.Sprintf("blubbel.login_timeout=%v", timeout)}
	return r.together(ctx, peers.Own, 0, set, func(s *peers.Server, w *load.Process) error {
		honest, err := r.worker(ctx)
		if err != nil {
			return err
		}
		defer honest.Stop()
		alone, void, err := r.honest(s, honest)
		if err != nil {
			return err
		}
		r.report.add(Sample{Round: round, Server: peers.Own, Case: withoutSilent, Values: alone, Void: void})
		before, err := s.Memory(ctx)
		if err != nil {
			return err
		}
		n := 0
		for _, a := range r.silences(s.Addr) {
			var begun load.Silenced
			if err := w.Call("silent", a, &begun); err != nil {
				return err
			}
			if begun.N != a.N {
				return fmt.Errorf("%d of %d silent sockets connected: %s", begun.N, a.N, begun.Err)
			}
			n += begun.N
		}
		after, err := s.Memory(ctx)
		if err != nil {
			return err
		}
		among, void, err := r.honest(s, honest)
		if err != nil {
			return err
		}
		var end load.Silenced
		if err := w.Call("silenced", timeout+10*time.Second, &end); err != nil {
			return err
		}
		among["marginal_bytes"] = float64(after-before) / float64(n)
		among["closed_max_s"] = end.Closed.Max().Seconds()
		among["closed_p50_s"] = end.Closed.Quantile(.5).Seconds()
		among["left"] = float64(end.Open)
		r.report.add(Sample{Round: round, Server: peers.Own, Case: withSilent, Values: among, Void: void})
		return nil
	})
}

// honest measures sign-ins at an offered rate.
func (r *run) honest(s *peers.Server, w *load.Process) (Values, string, error) {
	args := r.joinArgs(s, firstGuest, pick(r, guests, 20))
	var in load.SignIns
	err := w.Call("signins", load.SignInArgs{JoinArgs: args, Rate: float64(args.N) / r.Secs}, &in)
	if err != nil {
		return nil, "", err
	}
	v := Values{}
	latencies(v, in.Latency)
	return v, in.Void(), nil
}

// pendingRound opens more silent sockets from one address than may be, with the
// limits on for loopback; another address signs in meanwhile.
func (r *run) pendingRound(ctx context.Context, round int) error {
	return r.together(ctx, peers.Own, 0, []string{"limits.loopback=true"}, func(s *peers.Server, w *load.Process) error {
		var begun, after load.Silenced
		err := w.Call("silent", load.SilentArgs{Addr: s.Addr, N: pendingAnAddress + 18, State: load.Mute, Source: "127.0.0.77"}, &begun)
		if err != nil {
			return err
		}
		if err := w.Call("silenced", time.Second, &after); err != nil {
			return err
		}
		v, void, err := r.honest(s, w)
		if err != nil {
			return err
		}
		v["pending"] = float64(after.Open)
		v["refused"] = float64(begun.N - after.Open)
		r.report.add(Sample{Round: round, Server: peers.Own, Case: onePlace, Values: v, Void: void})
		return nil
	})
}
