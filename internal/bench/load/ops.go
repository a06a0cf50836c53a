//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"syscall"
	"time"
)

// worker is the state of a load process between calls.
type worker struct {
	crowd   crowd
	silence silence
	slow    *slowness
}

var (
	errNoTraffic = errors.New("no pairs were made")
	errNoSlow    = errors.New("no slow readers were made")
)

// Serve is a load process: it answers calls from r on w until r ends, and then
// closes every connection. The calls of extra are answered too.
func Serve(ctx context.Context, r io.Reader, w io.Writer, extra map[string]Op) error {
	raiseDescriptors()
	debug.SetGCPercent(400) // the load shares the machine with the server
	ctx, cancel := context.WithCancel(ctx)
	x := new(worker)
	defer func() {
		cancel()
		x.leave()
	}()
	ops := x.ops()
	maps.Copy(ops, extra)
	return answer(ctx, r, w, ops)
}

// raiseDescriptors raises the soft limit to the hard one.
func raiseDescriptors() {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil && lim.Cur < lim.Max {
		lim.Cur = lim.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim)
	}
}

func (x *worker) ops() map[string]Op {
	return map[string]Op{
		"join":     Handle(x.crowd.join),
		"pair":     Handle(func(ctx context.Context, _ None) (None, error) { return None{}, x.crowd.pairUp(ctx, 16) }),
		"held":     Handle(func(context.Context, None) (int, error) { return x.crowd.held(), nil }),
		"start":    Handle(x.start),
		"mark":     Handle(x.mark),
		"stop":     Handle(x.stop),
		"signins":  Handle(signIns),
		"churn":    Handle(churn),
		"register": Handle(register),
		"silent":   Handle(x.silence.begin),
		"silenced": Handle(func(ctx context.Context, d time.Duration) (Silenced, error) { return x.silence.result(ctx, d), nil }),
		"slow":     Handle(x.beginSlow),
		"slowed":   Handle(x.slowed),
		"replay":   Handle(replay),
		"starts":   Handle(starts),
		"converse": Handle(converse),
		"halfopen": Handle(x.halfOpen),
		"vanish":   Handle(x.vanish),
		"leave":    Handle(func(context.Context, None) (None, error) { x.leave(); return None{}, nil }),
	}
}

func (x *worker) start(ctx context.Context, a TrafficArgs) (None, error) {
	if x.crowd.traffic == nil {
		return None{}, errNoTraffic
	}
	return None{}, x.crowd.traffic.start(ctx, a)
}

func (x *worker) mark(context.Context, None) (Mark, error) {
	if x.crowd.traffic == nil {
		return Mark{}, errNoTraffic
	}
	return x.crowd.traffic.mark(), nil
}

func (x *worker) stop(ctx context.Context, _ None) (Tally, error) {
	if x.crowd.traffic == nil {
		return Tally{}, errNoTraffic
	}
	return x.crowd.traffic.stop(ctx), nil
}

func (x *worker) beginSlow(ctx context.Context, a SlowArgs) (n int, err error) {
	if x.slow != nil {
		return 0, errors.New("there are slow readers already")
	}
	x.slow, err = x.crowd.slow(ctx, a)
	return len(x.crowd.clients) / 2, err
}

func (x *worker) slowed(context.Context, None) (Slowed, error) {
	if x.slow == nil {
		return Slowed{}, errNoSlow
	}
	return x.slow.result(), nil
}

// leave ends all that goes on and closes every connection.
func (x *worker) leave() {
	if x.slow != nil {
		x.slow.cancel()
	}
	if x.crowd.traffic != nil {
		x.crowd.traffic.talking.Store(false)
	}
	x.crowd.leave()
	x.silence.leave()
	if x.slow != nil {
		x.slow.wg.Wait()
		x.slow = nil
	}
}

// register makes accounts on a server that needs them.
func register(ctx context.Context, a JoinArgs) (Joined, error) {
	p, err := ProtocolByName(a.Protocol)
	if err != nil {
		return Joined{}, err
	}
	r, ok := p.(interface {
		Register(ctx context.Context, to Target, i int) error
	})
	if !ok {
		return Joined{}, fmt.Errorf("%s has no accounts", a.Protocol)
	}
	start := time.Now()
	failed, first := each(ctx, a.N, a.Conc, func(i int) error { return r.Register(ctx, a.Target, a.First+i) })
	return Joined{a.N - failed, failed, text(first), time.Since(start)}, nil
}
