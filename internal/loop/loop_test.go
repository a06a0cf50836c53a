package loop_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/internal/loop"
)

// clockwork is a machine that is due at a time and notes when it was woken.
type clockwork struct {
	due   time.Time
	woken []time.Time
	then  func(now time.Time) // called by Advance; by default due is cleared
}

func (c *clockwork) Deadline() time.Time { return c.due }

func (c *clockwork) Advance(now time.Time) {
	c.woken = append(c.woken, now)
	if c.then == nil {
		c.due = time.Time{}
		return
	}
	c.then(now)
}

// running is a loop that runs m in a bubble until stop.
type running struct {
	*loop.Loop
	stop context.CancelFunc
	err  chan error
}

func start(t *testing.T, m loop.Timed, readers ...func(context.Context) error) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Loop: loop.New(), stop: cancel, err: make(chan error, 1)}
	go func() { r.err <- r.Run(ctx, m, readers...) }()
	t.Cleanup(cancel)
	return r
}

func (r *running) do(t *testing.T, f func(now time.Time)) {
	t.Helper()
	if err := r.Do(t.Context(), f); err != nil {
		t.Fatalf("Do: %v", err)
	}
}

func TestMachineIsAdvancedAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		m := &clockwork{due: begin.Add(time.Minute)}
		m.then = func(now time.Time) { m.due = now.Add(time.Hour) }
		r := start(t, m)
		time.Sleep(3 * time.Hour)
		r.stop()
		<-r.err
		want := []time.Duration{time.Minute, time.Hour + time.Minute, 2*time.Hour + time.Minute}
		if got := since(begin, m.woken); !slices.Equal(got, want) {
			t.Errorf("advanced at %v, want %v", got, want)
		}
	})
}

func since(begin time.Time, times []time.Time) []time.Duration {
	var d []time.Duration
	for _, at := range times {
		d = append(d, at.Sub(begin))
	}
	return d
}

func TestDeadlineMovedByATurnIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		m := &clockwork{}
		r := start(t, m)
		time.Sleep(time.Second) // never due: nothing happens
		r.do(t, func(now time.Time) { m.due = now.Add(time.Hour) })
		r.do(t, func(now time.Time) { m.due = now.Add(time.Minute) }) // earlier
		time.Sleep(2 * time.Minute)
		r.do(t, func(now time.Time) { m.due = now.Add(time.Minute) })
		r.do(t, func(now time.Time) { m.due = now.Add(time.Hour) }) // later
		time.Sleep(2 * time.Hour)
		r.do(t, func(now time.Time) { m.due = now.Add(time.Minute) })
		r.do(t, func(time.Time) { m.due = time.Time{} }) // never
		time.Sleep(time.Hour)
		r.stop()
		<-r.err
		want := []time.Duration{61 * time.Second, 121*time.Second + time.Hour}
		if got := since(begin, m.woken); !slices.Equal(got, want) {
			t.Errorf("advanced at %v, want %v", got, want)
		}
	})
}

func TestTurnThatMakesTheMachineDueIsFollowedByAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &clockwork{}
		r := start(t, m)
		r.do(t, func(now time.Time) { m.due = now })
		synctest.Wait()
		r.do(t, func(now time.Time) {
			if len(m.woken) != 1 || !m.woken[0].Equal(now) {
				t.Errorf("advanced at %v, want once at %v", m.woken, now)
			}
		})
	})
}

func TestDoWaitsUntilTheTurnHasRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &clockwork{})
		ran := false
		r.do(t, func(time.Time) {
			time.Sleep(time.Second)
			ran = true
		})
		if !ran {
			t.Error("Do returned before the turn ended")
		}
	})
}

func TestDoBeforeRunWaitsForRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		done := make(chan error, 1)
		go func() { done <- l.Do(t.Context(), func(time.Time) {}) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("Do returned %v before Run", err)
		default:
		}
		ctx, cancel := context.WithCancel(t.Context())
		go l.Run(ctx, &clockwork{})
		if err := <-done; err != nil {
			t.Errorf("Do: %v", err)
		}
		cancel()
	})
}

func TestEndedLoopRefusesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &clockwork{})
		r.stop()
		<-r.err
		f := func(time.Time) { t.Error("a turn ran after the end") }
		if err := r.Do(t.Context(), f); !errors.Is(err, loop.ErrEnded) {
			t.Errorf("Do: %v, want %v", err, loop.ErrEnded)
		}
		if err := r.Post(t.Context(), f); !errors.Is(err, loop.ErrEnded) {
			t.Errorf("Post: %v, want %v", err, loop.ErrEnded)
		}
	})
}

func TestTurnOfAnImpatientCallerNeverRunsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := l.Do(ctx, func(time.Time) { t.Error("ran although Do had given up") })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do: %v, want deadline exceeded", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		go l.Run(ctx, &clockwork{})
		if err := l.Do(t.Context(), func(time.Time) {}); err != nil { // behind the other
			t.Error(err)
		}
		cancel()
	})
}

func TestDoWaitsForATurnThatRunsWhileItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &clockwork{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ran := false
		err := r.Do(ctx, func(time.Time) {
			time.Sleep(time.Minute)
			ran = true
		})
		if err != nil || !ran {
			t.Errorf("Do: %v, ran %v; want nil, true", err, ran)
		}
	})
}

func TestPostBlocksWhileTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var queued, ran int
		for {
			err := l.Post(ctx, func(time.Time) { ran++ })
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if queued++; err != nil || queued > 100_000 {
				t.Fatalf("Post number %d: %v; want it to block", queued, err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx, &clockwork{}) }()
		if err := l.Do(t.Context(), func(time.Time) {}); err != nil {
			t.Fatal(err)
		}
		stop()
		<-ended
		if ran != queued {
			t.Errorf("%d turns ran, %d were queued", ran, queued)
		}
	})
}

func TestPostedTurnsRunInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &clockwork{})
		var got []int
		for i := range 1000 {
			if err := r.Post(t.Context(), func(time.Time) { got = append(got, i) }); err != nil {
				t.Fatal(err)
			}
		}
		r.do(t, func(time.Time) {})
		if len(got) != 1000 || !slices.IsSorted(got) {
			t.Errorf("ran %d turns, sorted %v; want 1000 in order", len(got), slices.IsSorted(got))
		}
	})
}

func TestFirstReaderErrorEndsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waited := false
		r := start(t, &clockwork{},
			func(context.Context) error { time.Sleep(time.Second); return io.ErrUnexpectedEOF },
			func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second)
				waited = true
				return ctx.Err()
			},
			func(context.Context) error { return nil },
		)
		if err := <-r.err; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Run: %v, want %v", err, io.ErrUnexpectedEOF)
		}
		if !waited {
			t.Error("Run returned before the other reader")
		}
	})
}

func TestReaderThatFinishesLeavesTheLoopRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &clockwork{}, func(context.Context) error { return nil })
		time.Sleep(time.Second)
		r.do(t, func(time.Time) {})
		r.stop()
		if err := <-r.err; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v, want %v", err, context.Canceled)
		}
	})
}

func TestTurnsQueuedBeforeTheReadersErrorStillRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		m := &clockwork{}
		ran := 0
		err := l.Run(t.Context(), m, func(ctx context.Context) error {
			for range 200 {
				if err := l.Post(ctx, func(now time.Time) { ran++; m.due = now }); err != nil {
					return err
				}
			}
			return io.EOF
		})
		if !errors.Is(err, io.EOF) || ran != 200 {
			t.Errorf("Run: %v after %d turns, want EOF after 200", err, ran)
		}
		if len(m.woken) == 0 || !m.due.IsZero() {
			t.Error("what the last turns made due was not done")
		}
	})
}

func TestRunReturnsTheCauseOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("closing time")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		if err := loop.New().Run(ctx, &clockwork{}); !errors.Is(err, why) {
			t.Errorf("Run: %v, want %v", err, why)
		}
	})
}

func TestRestlessMachineLetsTurnsAndTheEndIn(t *testing.T) {
	m := &clockwork{due: time.Unix(1, 0)}
	m.then = func(time.Time) { m.woken = m.woken[:0] } // stays due for ever
	l := loop.New()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, m) }()
	for range 100 {
		if err := l.Do(t.Context(), func(time.Time) {}); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v, want %v", err, context.Canceled)
	}
}

func TestEndlessTurnsLetTheDeadlineIn(t *testing.T) {
	m := &clockwork{due: time.Now()}
	l := loop.New()
	ended := errors.New("advanced")
	ctx, cancel := context.WithCancelCause(t.Context())
	m.then = func(time.Time) { cancel(ended) }
	err := l.Run(ctx, m, func(ctx context.Context) error {
		for {
			if err := l.Post(ctx, func(time.Time) {}); err != nil {
				return nil
			}
		}
	})
	if !errors.Is(err, ended) {
		t.Errorf("Run: %v, want %v", err, ended)
	}
}

func TestPanicOfTheMachineReachesTheCallerOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &clockwork{due: time.Now()}
		m.then = func(time.Time) { panic("broken") }
		l := loop.New()
		left := make(chan struct{})
		defer func() {
			if got := recover(); got != "broken" {
				t.Errorf("recovered %v, want the machine's panic", got)
			}
			<-left // the readers were told
			if err := l.Do(t.Context(), func(time.Time) {}); !errors.Is(err, loop.ErrEnded) {
				t.Errorf("Do: %v, want %v", err, loop.ErrEnded)
			}
		}()
		l.Run(t.Context(), m, func(ctx context.Context) error {
			<-ctx.Done()
			close(left)
			return nil
		})
	})
}

func TestDoReturnsWhenItsTurnPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		done := make(chan error, 1)
		go func() { done <- l.Do(t.Context(), func(time.Time) { panic("broken turn") }) }()
		func() {
			defer func() { recover() }()
			l.Run(t.Context(), &clockwork{})
		}()
		if err := <-done; !errors.Is(err, loop.ErrEnded) {
			t.Errorf("Do: %v, want %v", err, loop.ErrEnded)
		}
	})
}

func TestLoopRunsOnlyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &clockwork{})
		synctest.Wait()
		if err := r.Run(t.Context(), &clockwork{}); err == nil {
			t.Error("second Run: no error")
		}
		r.do(t, func(time.Time) {}) // the first is not disturbed
	})
}

func BenchmarkDo(b *testing.B) {
	b.ReportAllocs()
	l := loop.New()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, &clockwork{}) }()
	for b.Loop() {
		if err := l.Do(ctx, func(time.Time) {}); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	<-ended
}

func BenchmarkPost(b *testing.B) {
	b.ReportAllocs()
	l := loop.New()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, &clockwork{due: time.Now().Add(time.Hour)}) }()
	turn := func(time.Time) {}
	for b.Loop() {
		if err := l.Post(ctx, turn); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	<-ended
}

var _ loop.Machine = (*echo)(nil)

// echo sends each datagram back and counts them.
type echo struct {
	clockwork
	received int
	last     []byte
	from     netip.AddrPort
	reply    func(b []byte, to netip.AddrPort) (int, error)
}

func (e *echo) Receive(_ time.Time, from netip.AddrPort, b []byte) {
	e.received++
	e.from, e.last = from, append(e.last[:0], b...)
	if e.reply != nil {
		e.reply(b, from)
	}
}
