package loop

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	queueLen = 256 // turns that wait
	batchLen = 64  // turns run in a row before the deadline is looked at
)

// ErrEnded is returned by Do and Post when the loop has ended: what they were
// given did not run and never will.
var ErrEnded = errors.New("loop has ended")

var errSecondRun = errors.New("loop runs a second time; make a new one")

// Timed is something that is due at times.
type Timed interface {
	// Advance does what is due at now, which may be late.
	Advance(now time.Time)
	// Deadline is when Advance is next due; zero means never. It is asked
	// again after every turn, so it must be cheap.
	Deadline() time.Time
}

// Machine is one protocol role over datagrams, without goroutine, clock,
// socket or lock.
type Machine interface {
	Timed
	// Receive takes a datagram. It must not keep b.
	Receive(now time.Time, from netip.AddrPort, b []byte)
}

// Loop owns one machine while Run runs. Its methods may be called from any
// goroutine, also before Run.
type Loop struct {
	turns   chan func(now time.Time)
	started atomic.Bool
	ended   chan struct{}
}

// New returns a loop that does not run yet.
func New() *Loop {
	return &Loop{
		turns: make(chan func(now time.Time), queueLen),
		ended: make(chan struct{}),
	}
}

// Run runs m in the calling goroutine, and each reader in a goroutine of its
// own, until ctx ends or a reader returns an error. It then ends the context of
// all readers, waits for them, and returns the cause: the first reader's error,
// or why ctx ended. What a reader has queued before its error still runs. A
// reader that returns nil has merely finished.
//
// A panic of the machine or of a turn is passed on to Run's caller, without
// waiting for the readers.
func (l *Loop) Run(ctx context.Context, m Timed, readers ...func(ctx context.Context) error) error {
	if l.started.Swap(true) {
		return errSecondRun
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	failed := make(chan error, len(readers))
	var wg sync.WaitGroup
	for _, read := range readers {
		wg.Go(func() {
			if err := read(ctx); err != nil {
				failed <- err
			}
		})
	}
	err := l.rounds(ctx, m, failed)
	cancel(err)
	wg.Wait()
	return err
}

// rounds is the loop: wait for one thing, do it, do what is due.
func (l *Loop) rounds(ctx context.Context, m Timed, failed <-chan error) error {
	defer close(l.ended)
	alarm := newAlarm()
	defer alarm.Stop()
	for {
		alarm.set(m.Deadline())
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-failed:
			l.run(len(l.turns))
			advance(m)
			return err
		case f := <-l.turns:
			f(time.Now())
			l.run(batchLen - 1)
		case <-alarm.C:
			alarm.rung()
		}
		// At most one Advance a round: a machine that is always due still
		// leaves each round to whoever is ready.
		advance(m)
	}
}

// run runs up to n of the turns that wait.
func (l *Loop) run(n int) {
	for range n {
		select {
		case f := <-l.turns:
			f(time.Now())
		default:
			return
		}
	}
}

func advance(m Timed) {
	due := m.Deadline()
	if due.IsZero() {
		return
	}
	if now := time.Now(); !due.After(now) {
		m.Advance(now)
	}
}

// Do runs f in the loop's goroutine and waits until it has run. Before Run it
// waits for Run. When Do returns an error, f has not run and never will: the
// error is ErrEnded when the loop is over, or why ctx ended. Do must not be
// called from a turn of the same loop: it would wait for itself.
func (l *Loop) Do(ctx context.Context, f func(now time.Time)) error {
	var taken atomic.Bool // by the turn, or by giving up
	done := make(chan struct{})
	err := l.Post(ctx, func(now time.Time) {
		if taken.Swap(true) {
			return
		}
		f(now)
		close(done)
	})
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-l.ended:
		err = ErrEnded
	}
	if !taken.Swap(true) {
		return err
	}
	return l.finish(done)
}

// finish waits for a turn that is running; only a panic in it leaves done open.
func (l *Loop) finish(done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-l.ended:
	}
	select {
	case <-done:
		return nil
	default:
		return ErrEnded
	}
}

// Post queues f for the loop's goroutine and returns without waiting for it to
// run. Turns of one goroutine run in the order of its calls. While the queue is
// full Post blocks, until there is room, ctx ends (the error says why) or the
// loop ends (ErrEnded). A turn that is queued when ctx of Run ends does not run.
// A turn may call Post only if it can be sure of room in the queue.
func (l *Loop) Post(ctx context.Context, f func(now time.Time)) error {
	select {
	case <-l.ended:
		return ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
	}
	select {
	case l.turns <- f:
		return nil
	case <-l.ended:
		return ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// alarm is a timer that is touched only when the time asked for changes.
type alarm struct {
	*time.Timer
	at    time.Time
	armed bool
}

func newAlarm() *alarm {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &alarm{Timer: t}
}

// set makes the alarm ring at that time, at once if it is past, never if zero.
func (a *alarm) set(at time.Time) {
	if a.armed && at.Equal(a.at) {
		return
	}
	a.at, a.armed = at, true
	if at.IsZero() {
		a.Stop()
		return
	}
	a.Reset(time.Until(at))
}

// rung notes that the alarm has rung and must be set anew.
func (a *alarm) rung() { a.armed = false }
