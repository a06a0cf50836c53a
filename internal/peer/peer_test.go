package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/internal/health"
)

// fake is a network whose behaviour a test gives. What is nil does nothing.
type fake struct {
	do      func(ctx context.Context, c Command) error
	run     func(ctx context.Context, emit func(Event)) error
	drained func(ctx context.Context)
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Run(ctx context.Context, emit func(Event)) error {
	if f.run != nil {
		return f.run(ctx, emit)
	}
	<-ctx.Done()
	return nil
}

func (f *fake) Do(ctx context.Context, c Command) error {
	if f.do != nil {
		return f.do(ctx, c)
	}
	return nil
}

func (f *fake) Drained(ctx context.Context) {
	if f.drained != nil {
		f.drained(ctx)
	}
}

// echoing answers every command with ok.
func echoing() *fake {
	emitter := make(chan func(Event), 1)
	var once sync.Once
	var emit func(Event)
	return &fake{
		run: func(ctx context.Context, e func(Event)) error {
			emitter <- e
			<-ctx.Done()
			return nil
		},
		do: func(_ context.Context, c Command) error {
			once.Do(func() { emit = <-emitter })
			emit(OK{head: answering("ok", c), Ref: c.Text})
			return nil
		},
	}
}

func TestIDsComeBackAsTheyAre(t *testing.T) {
	t.Parallel()
	d := talk(t, echoing())
	for _, id := range []string{`1`, `-1.5e3`, `"a \" \\ ü <&>"`, `{"a":[1,null,{}]}`, `[true]`, `null`, `12345678901234567890`} {
		d.say(`{"do":"self","id":%s}`, id)
		if s, _ := d.hear(); string(s.ID) != id && id != "null" {
			t.Errorf("id %s came back as %s", id, s.ID)
		}
	}
	d.say(`{"do":"self"}`)
	if s, _ := d.hear(); s.Ev != "ok" || s.ID != nil {
		t.Errorf("without id: %+v", s)
	}
}

func TestCommandsAreAnsweredInTheirOrder(t *testing.T) {
	t.Parallel()
	d := talk(t, echoing())
	go func() {
		for i := range 2000 {
			d.say(`{"do":"send","text":"%d"}`, i)
		}
		d.say(`{"do":"quit","id":9}`)
	}()
	lines := d.rest()
	for i := range 2000 {
		if want := fmt.Sprintf("ok %d", i); lines[i] != want {
			t.Fatalf("answer %d is %q, want %q", i, lines[i], want)
		}
	}
	if want := []string{"ok id 9"}; !slices.Equal(lines[2000:], want) {
		t.Errorf("then %q", lines[2000:])
	}
}

func TestBadLinesAreAnsweredAndTheNextWorks(t *testing.T) {
	t.Parallel()
	d := talk(t, echoing())
	for _, line := range []string{"nonsense", "{}", `{"do":"quti","id":1}`, strings.Repeat("x", MaxLine+1), "\xff\xfe"} {
		d.say("%s", line)
		if s, _ := d.hear(); s.Ev != "error" || s.Code != string(health.PeerBadCommand) || s.What == "" {
			t.Errorf("%.20q is answered with %+v", line, s)
		}
	}
	d.say("")
	d.say("  \t\r")
	d.say(`{"do":"self","id":2}`)
	d.find("ok id 2")
}

func TestErrorOfACommandSaysWhatWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	d := talk(t, &fake{do: func(_ context.Context, c Command) error {
		return health.WithCode(health.Do(errors.New("no\nluck\x1b"), "try"), health.PeerBadAddress)
	}})
	d.say(`{"do":"add","id":"x"}`)
	s, _ := d.hear()
	if s.String() != `error id "x" PEER-004` || s.What != "add" || s.Why != "no, luck?" || s.Do != "try" {
		t.Errorf("got %+v", s)
	}
}

func TestEndOfInputAndQuitWaitForWhatWasSent(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"quit", "eof"} {
		synctest.Test(t, func(t *testing.T) {
			n := echoing()
			n.drained = func(ctx context.Context) {
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
				}
			}
			d, begun := talk(t, n), time.Now()
			d.say(`{"do":"send","text":"last"}`)
			want := []string{"ok last", "ok"}
			if end == "quit" {
				d.say(`{"do":"quit"}`)
			} else {
				want = want[:1]
				d.in.Close()
			}
			if got := d.rest(); !slices.Equal(got, want) {
				t.Errorf("%s: said %q", end, got)
			}
			if err := <-d.ended; err != nil || time.Since(begun) != time.Second {
				t.Errorf("%s: ended with %v after %v", end, err, time.Since(begun))
			}
		})
	}
}

func TestEndWaitsTwoSecondsAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, begun := talk(t, &fake{drained: func(ctx context.Context) { <-ctx.Done() }}), time.Now()
		d.quit()
		if took := time.Since(begun); took != drainTimeout {
			t.Errorf("took %v", took)
		}
	})
}

func TestEndOfTheContextEndsThePeerInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := talk(t, &fake{run: func(ctx context.Context, emit func(Event)) error {
			<-ctx.Done()
			emit(Line{head: named("offline"), Why: "the end"})
			return nil
		}})
		d.stop()
		if got := d.rest(); !slices.Equal(got, []string{"offline"}) {
			t.Errorf("said %q", got)
		}
		if err := <-d.ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestErrorOfTheNetworkIsToldAndEndsThePeer(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	d := talk(t, &fake{run: func(context.Context, func(Event)) error { return broken }})
	if s, _ := d.hear(); s.Ev != "error" || s.What != "fake" || s.Why != "broken" {
		t.Errorf("said %+v", s)
	}
	if err := <-d.ended; !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
}

func TestErrorOfTheInputEndsThePeer(t *testing.T) {
	t.Parallel()
	d, broken := talk(t, echoing()), errors.New("broken")
	d.in.CloseWithError(broken)
	if err := <-d.ended; !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
}

// flood is a network that emits as fast as it may, and counts.
func flood(emitted *counter) *fake {
	return &fake{run: func(ctx context.Context, emit func(Event)) error {
		for ctx.Err() == nil {
			emit(Message{head: named("message"), Text: strings.Repeat("x", 1000)})
			emitted.add()
		}
		return nil
	}}
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *counter) get() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestNetworkWaitsForAReaderThatIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var emitted counter
		ctx, stop := context.WithCancel(t.Context())
		in, commands := io.Pipe()
		events, out := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, flood(&emitted), in, out) }()
		synctest.Wait() // everything waits for the reader
		if n := emitted.get(); n > maxWaiting+200 {
			t.Errorf("%d events were taken while nobody read", n)
		}
		before := emitted.get()
		if _, err := io.CopyN(io.Discard, events, 1<<20); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := emitted.get(); n < before+800 {
			t.Errorf("%d events after a reader took a megabyte", n-before)
		}
		begun := time.Now()
		stop()
		if err := <-ended; !errors.Is(err, errUnread) || time.Since(begun) != drainTimeout {
			t.Errorf("ended with %v after %v", err, time.Since(begun))
		}
		_, _ = events.Close(), commands.Close()
	})
}

func TestEndOfInputWaitsForAReaderThatIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, commands := io.Pipe()
		events, out := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- Run(t.Context(), echoing(), in, out) }()
		go func() {
			defer commands.Close()
			for range 500 {
				fmt.Fprintf(commands, `{"do":"send","text":"%s"}`+"\n", strings.Repeat("x", 1000))
			}
		}()
		time.Sleep(time.Hour)
		go func() {
			ended <- <-ended
			out.Close()
		}()
		b, err := io.ReadAll(events)
		if n := strings.Count(string(b), "\n"); n != 500 || err != nil {
			t.Errorf("%d lines of 500, %v", n, err)
		}
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestClosedOutputEndsThePeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var emitted counter
		in, commands := io.Pipe()
		events, out := io.Pipe()
		events.Close()
		if err := Run(t.Context(), flood(&emitted), in, out); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("ended with %v", err)
		}
		commands.Close()
	})
}
