package peer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"trunkline/blubbel"
)

// said is any event, as a program reads it.
type said struct {
	Ev, Self, Name, Fingerprint, Ref, Code, What, Why, Do, How string
	Who, Presence, State, From, To, Text, Kind, Grade          string
	ID                                                         json.RawMessage
	Count                                                      *int
	Retry                                                      float64
	Proven                                                     bool
	At                                                         time.Time
}

// String is what tests compare: the event's kind and what matters of it.
func (s said) String() string {
	words := []string{s.Ev}
	if s.ID != nil {
		words = append(words, "id "+string(s.ID))
	}
	for _, w := range []string{s.State, s.Code, s.Ref, s.Text} {
		if w != "" {
			words = append(words, w)
		}
	}
	if s.Count != nil {
		words = append(words, fmt.Sprint(*s.Count))
	}
	return strings.Join(words, " ")
}

// A dialog is a peer that runs, seen from the program that uses it.
type dialog struct {
	t     *testing.T
	in    *io.PipeWriter
	ended chan error
	stop  context.CancelFunc

	mu   sync.Mutex
	all  []said
	next int           // the first of all that no test has looked at
	more chan struct{} // a line came, or the last one did
	over bool
}

// talk runs n until the test ends or it is told to quit.
func talk(t *testing.T, n Network) *dialog {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	in, commands := io.Pipe()
	events, out := io.Pipe()
	d := &dialog{t: t, in: commands, ended: make(chan error, 1), stop: stop, more: make(chan struct{}, 1)}
	go func() {
		err := Run(ctx, n, in, out)
		_ = in.Close()
		_ = out.Close()
		d.ended <- err
		close(d.ended)
	}()
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		d.listen(events)
	}()
	t.Cleanup(func() {
		stop()
		<-d.ended
		<-listened
	})
	return d
}

// listen notes every line that the peer writes.
func (d *dialog) listen(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 2*MaxLine)
	for lines.Scan() {
		var s said
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&s); err != nil {
			d.t.Errorf("line %s: %v", lines.Text(), err)
		}
		d.mu.Lock()
		d.all = append(d.all, s)
		d.mu.Unlock()
		d.wake()
	}
	d.mu.Lock()
	d.over = true
	d.mu.Unlock()
	d.wake()
}

func (d *dialog) wake() {
	select {
	case d.more <- struct{}{}:
	default:
	}
}

// say gives the peer a line.
func (d *dialog) say(format string, args ...any) {
	d.t.Helper()
	if _, err := fmt.Fprintf(d.in, format+"\n", args...); err != nil {
		d.t.Fatalf("%s is not taken: %v", fmt.Sprintf(format, args...), err)
	}
}

// hear returns the next event; false if none follows.
func (d *dialog) hear() (said, bool) {
	d.t.Helper()
	patience := time.After(time.Minute)
	for {
		d.mu.Lock()
		if d.next < len(d.all) {
			d.next++
			s := d.all[d.next-1]
			d.mu.Unlock()
			return s, true
		}
		over := d.over
		d.mu.Unlock()
		if over {
			return said{}, false
		}
		select {
		case <-d.more:
		case <-patience:
			d.t.Fatalf("nothing comes any more after %v", d.transcript())
		}
	}
}

// find skips events up to the next one that reads like this.
func (d *dialog) find(line string) said {
	d.t.Helper()
	for begun := time.Now(); ; {
		s, ok := d.hear()
		if !ok || time.Since(begun) > time.Hour {
			d.t.Fatalf("%q never came: %v", line, d.transcript())
		}
		if s.String() == line {
			return s
		}
	}
}

// rest is everything that comes until the end.
func (d *dialog) rest() (lines []string) {
	d.t.Helper()
	for s, ok := d.hear(); ok; s, ok = d.hear() {
		lines = append(lines, s.String())
	}
	return lines
}

func (d *dialog) transcript() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var lines []string
	for _, s := range d.all {
		lines = append(lines, s.String())
	}
	return lines[max(0, len(lines)-30):]
}

// quit ends the peer in order and returns what it still said.
func (d *dialog) quit() []string {
	d.t.Helper()
	d.say(`{"do":"quit"}`)
	rest := d.rest()
	if err := <-d.ended; err != nil {
		d.t.Errorf("ended with %v", err)
	}
	return rest
}

// keys are made once: each takes a tenth of a second.
var keys = [...]func() *blubbel.SecretKey{
	sync.OnceValue(makeKey), sync.OnceValue(makeKey), sync.OnceValue(makeKey),
}

func makeKey() *blubbel.SecretKey {
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	key, err := blubbel.NewSecretKey(pair)
	if err != nil {
		panic(err)
	}
	return key
}
