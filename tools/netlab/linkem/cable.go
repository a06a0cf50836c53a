package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A carrier owns one line: its goroutine alone touches it.
type carrier struct {
	line   *line
	to     io.Writer
	frames chan []byte
	calls  chan func(*line)
}

func newCarrier(l *line, to io.Writer) *carrier {
	return &carrier{line: l, to: to, frames: make(chan []byte, 64), calls: make(chan func(*line))}
}

// run carries frames until the context ends. What cannot be written is lost,
// as on a cable whose far end is down.
func (c *carrier) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-c.frames:
			c.line.accept(b, time.Now())
		case call := <-c.calls:
			call(c.line)
		case <-timer.C:
		}
		for b := range c.line.due(time.Now()) {
			_, _ = c.to.Write(b)
		}
		if at, ok := c.line.wake(); ok {
			timer.Reset(time.Until(at))
		}
	}
}

// do runs a function in the goroutine that owns the line, and waits for it.
func (c *carrier) do(ctx context.Context, f func(*line)) error {
	done := make(chan struct{})
	select {
	case c.calls <- func(l *line) { f(l); close(done) }:
		<-done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A cable is two carriers, one each way.
type cable struct{ ab, ba *carrier }

// run carries frames between the two devices until the context ends or a
// device is gone, and closes both.
func (c *cable) run(ctx context.Context, a, b io.ReadCloser) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, way := range []struct {
		carrier *carrier
		from    io.Reader
	}{{c.ab, a}, {c.ba, b}} {
		wg.Go(func() { way.carrier.run(ctx) })
		wg.Go(func() { cancel(feed(ctx, way.from, way.carrier.frames)) })
	}
	<-ctx.Done()
	err := errors.Join(a.Close(), b.Close())
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// feed reads frames until there are no more. A device that is down or on its
// way into another namespace answers errDown: then it waits and tries again.
func feed(ctx context.Context, from io.Reader, to chan<- []byte) error {
	buf := make([]byte, 65536)
	for {
		n, err := from.Read(buf)
		if errors.Is(err, errDown) {
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil {
			return fmt.Errorf("read a frame: %w", err)
		}
		select {
		case to <- append([]byte(nil), buf[:n]...):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// apply changes settings; on an error nothing is changed.
func (c *cable) apply(ctx context.Context, words string) error {
	changes, err := parse(words)
	if err != nil {
		return err
	}
	for _, ch := range changes {
		set := func(l *line) { err = errors.Join(err, l.plan.set(ch.key, ch.value)) }
		if ch.ab {
			err = errors.Join(err, c.ab.do(ctx, set))
		}
		if ch.ba {
			err = errors.Join(err, c.ba.do(ctx, set))
		}
	}
	return err
}

// state returns one line a direction: settings and counters.
func (c *cable) state(ctx context.Context) (string, error) {
	var ab, ba string
	err := errors.Join(
		c.ab.do(ctx, func(l *line) { ab = l.String() }),
		c.ba.do(ctx, func(l *line) { ba = l.String() }),
	)
	return "ab " + ab + "\nba " + ba + "\n", err
}

// control answers one caller at a time on the listener until the context ends,
// then closes it.
func (c *cable) control(ctx context.Context, l net.Listener) {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.Close()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c.answer(ctx, conn)
	}
}

// answer serves one caller, which has ten seconds.
func (c *cable) answer(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return
	}
	words := bufio.NewScanner(io.LimitReader(conn, 64<<10))
	for words.Scan() {
		reply := ""
		err := c.apply(ctx, words.Text())
		if err == nil {
			reply, err = c.state(ctx)
		}
		if err != nil {
			reply = fmt.Sprintln("error:", err)
		}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}
