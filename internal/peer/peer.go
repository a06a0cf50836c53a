package peer

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"trunkline/internal/health"
)

// A Network is the headless client of one network.
type Network interface {
	// Name is the network's word: "blubbel".
	Name() string
	// Run connects, stays connected and emits events until ctx ends, and returns
	// nil then; an error means that going on makes no sense.
	Run(ctx context.Context, emit func(Event)) error
	// Do carries out one command and emits its answer, now or later. An error is
	// the command's bad end; errCannot-like ones carry PEER-001. It is called by
	// one goroutine.
	Do(ctx context.Context, c Command) error
	// Drained returns when everything that was sent before has been handed to
	// the network, or ctx ends.
	Drained(ctx context.Context)
}

// drainTimeout is how long an ending peer waits for what was sent before.
const drainTimeout = 2 * time.Second

// errQuit ends a peer in order.
var errQuit = errors.New("quit")

// errUnread ends a peer whose last events nobody took.
var errUnread = health.Do(errors.New("write events: nobody reads them"), "read standard output to its end")

// Run connects a network's client with the lines of in and out until `quit`, the
// end of in, or the end of ctx, and returns nil then. Other errors are those of
// the network, of in and of out. When Run returns, a read of in or a write to
// out may still be blocked, which nothing but their other side can end; out is
// given up two seconds after the end of ctx.
func Run(ctx context.Context, n Network, in io.Reader, out io.Writer) error {
	_, err := run(ctx, n, in, out)
	return err
}

// run is Run; obeyed is closed when in is not read any more.
func run(outer context.Context, n Network, in io.Reader, out io.Writer) (obeyed <-chan struct{}, err error) {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	p := newPrinter()
	printable, stopPrinting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPrinting()
	var client sync.WaitGroup
	client.Go(func() {
		if err := n.Run(ctx, p.emit); err != nil {
			p.emit(fault(nil, n.Name(), err))
			cancel(err)
		}
	})
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		if err := p.run(printable, out); err != nil {
			cancel(err)
		}
	}()
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		cancel(obey(ctx, n, in, p.emit))
	}()
	<-ctx.Done()
	unread := make(chan struct{})
	defer context.AfterFunc(outer, func() {
		select {
		case <-printed:
		case <-time.After(drainTimeout):
			close(unread)
			p.end()
		}
	})()
	client.Wait()
	stopPrinting()
	select {
	case <-printed:
	case <-unread:
		return reading, errUnread
	}
	if err := context.Cause(ctx); !errors.Is(err, errQuit) && !errors.Is(err, context.Canceled) {
		return reading, err
	}
	return reading, nil
}

// obey carries out the commands of in until quit or its end.
func obey(ctx context.Context, n Network, in io.Reader, emit func(Event)) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	for ctx.Err() == nil {
		line, err := readLine(lines)
		if errors.Is(err, errLongLine) {
			emit(fault(nil, "line", err))
			continue
		}
		if errors.Is(err, io.EOF) {
			return leave(ctx, n)
		}
		if err != nil {
			return err
		}
		if blank(line) {
			continue
		}
		c, err := parseCommand(line)
		if err == nil && c.Do == "quit" {
			err := leave(ctx, n)
			emit(OK{head: answering("ok", c)})
			return err
		}
		if err == nil {
			err = n.Do(ctx, c)
		}
		if err != nil {
			emit(fault(c.ID, or(c.Do, "line"), err))
		}
	}
	return nil
}

// leave waits a little for what was sent before.
func leave(ctx context.Context, n Network) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	n.Drained(ctx)
	return errQuit
}
