package chat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// ErrNotTerminal means that input or output is no terminal.
var ErrNotTerminal = errors.New("chat: not a terminal; use trunkline peer for scripts")

// Config is what a chat needs.
type Config struct {
	Network string   // as people call it
	Server  string   // the relay, to be shown
	Client  Client   // required; Run runs it
	Profile *Profile // required; Run closes it
	// Open is the address of a contact to open at once. If it is new, it is added
	// under OpenName, without asking.
	Open, OpenName string
	Input, Output  *os.File // default: stdin and stdout
	NoColor        bool     // no colours; those who set NO_COLOR get none anyway
}

// CheckTerminal returns [ErrNotTerminal] unless both files are terminals.
func CheckTerminal(in, out *os.File) error {
	if !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return ErrNotTerminal
	}
	return nil
}

// Run shows the chat until the user ends it, ctx does, or the terminal is gone;
// it takes the signal of a terminal that hangs up meanwhile. It returns why the
// network came to an end, if it did, and what could not be stored.
func Run(ctx context.Context, c Config) error {
	if c.Input == nil {
		c.Input = os.Stdin
	}
	if c.Output == nil {
		c.Output = os.Stdout
	}
	if err := CheckTerminal(c.Input, c.Output); err != nil {
		return errors.Join(err, c.Profile.Close())
	}
	m, err := newModel(c)
	if err != nil {
		return errors.Join(err, c.Profile.Close())
	}
	in := &input{File: c.Input}
	options := []tea.ProgramOption{tea.WithInput(in), tea.WithOutput(c.Output), tea.WithoutSignalHandler()}
	if c.NoColor {
		options = append(options, tea.WithEnvironment(append(os.Environ(), "NO_COLOR=1")))
	}
	s := &session{model: m, program: tea.NewProgram(m, options...), finished: make(chan struct{})}
	in.gone = s.program.Quit
	return s.run(ctx)
}

// input is a terminal that tells when it is gone: the program would go on
// without one.
type input struct {
	*os.File
	gone func()
}

// Read reads keys.
func (i *input) Read(b []byte) (int, error) {
	n, err := i.File.Read(b)
	if err != nil {
		i.gone()
	}
	return n, err
}

// session is a program on the screen with the network below it.
type session struct {
	model    *model
	program  *tea.Program
	finished chan struct{} // closed when the program does not use the model any more
	unstored error         // of events that came after that
}

func (s *session) run(ctx context.Context) error {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGHUP) // the window was closed
	defer cancel()
	var network error
	var work sync.WaitGroup
	work.Go(func() {
		network = s.model.Client.Run(ctx)
		if ctx.Err() == nil {
			s.program.Send(ended{network})
		}
	})
	work.Go(s.pump)
	stop := context.AfterFunc(ctx, s.program.Quit)
	_, err := s.program.Run()
	stop()
	close(s.finished)
	cancel()
	work.Wait()
	if err != nil {
		err = fmt.Errorf("chat: %w", err)
	}
	return errors.Join(err, network, s.unstored, s.model.close())
}

// maxBatch is how many events are stored with one write.
const maxBatch = 256

// batch is events for the model, which closes taken once they are stored.
type batch struct {
	events []Event
	taken  chan struct{}
}

// ended is the end of the network.
type ended struct{ err error }

// pump gives the client's events to the model, as many at a time as there are.
func (s *session) pump() {
	events := make(chan Event, maxBatch)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(events)
		for e := range s.model.Client.Events() {
			events <- e
		}
	})
	for e := range events {
		b := batch{events: []Event{e}, taken: make(chan struct{})}
		for len(b.events) < maxBatch && len(events) > 0 {
			b.events = append(b.events, <-events)
		}
		s.deliver(b)
	}
	reader.Wait()
}

// deliver returns when the events are stored. Those that the program did not take
// any more are stored here: they have left the network and come only once.
func (s *session) deliver(b batch) {
	s.program.Send(b)
	select {
	case <-b.taken:
		return
	case <-s.finished:
	}
	select {
	case <-b.taken:
	default:
		s.unstored = errors.Join(s.unstored, s.model.store(b.events))
	}
}
