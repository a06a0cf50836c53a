package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// A Bench is one benchmark or endurance test.
type Bench struct {
	Name  string // B5
	Title string // one line
	// Peers are the servers that it can be compared with, the usual one first.
	Peers []string

	run func(context.Context, *run) error
}

// Options say how to run a benchmark. Exe is required.
type Options struct {
	// Exe is our own executable: it is started as server ("serve") and as load
	// process ("worker", see [Worker]).
	Exe string
	// Peer is whom to compare with; empty: every peer that is installed, one at
	// least; "none": nobody.
	Peer string
	// Rounds is how often each server is started and loaded; default 5.
	Rounds int
	// Secs is the length of one measurement in seconds; default 4.
	Secs float64
	// Short does every step once and small, to show that it works. Its figures
	// mean nothing.
	Short bool
	// Gate makes a missed goal an error.
	Gate bool
	// JSON gets one line a measurement, if not nil.
	JSON io.Writer
	// Out gets the table at the end, if not nil.
	Out io.Writer
	// Progress gets a line for what is being done, if not nil.
	Progress io.Writer
	// Seeds runs one simulation and returns a digest of its event log; R24 needs it.
	Seeds func(ctx context.Context, seed uint64) (string, error)
}

// The length and number of measurements unless told otherwise.
const (
	defaultRounds = 5
	defaultSecs   = 4
	maxRounds     = 1000
	maxSecs       = 3600
	shortSecs     = 0.4
)

// NoPeer as Options.Peer compares with nobody.
const NoPeer = "none"

func (o Options) complete() (Options, error) {
	if o.Short {
		o.Rounds, o.Secs = 1, shortSecs
	}
	if o.Rounds == 0 {
		o.Rounds = defaultRounds
	}
	if o.Secs == 0 {
		o.Secs = defaultSecs
	}
	if o.Rounds < 1 || o.Rounds > maxRounds || o.Secs < 0.1 || o.Secs > maxSecs {
		return o, fmt.Errorf("%d rounds of %v seconds: at least 1 of 0.1; at most %d of %d", o.Rounds, o.Secs, maxRounds, maxSecs)
	}
	if o.Exe == "" {
		return o, errors.New("no executable to start")
	}
	for _, w := range []*io.Writer{&o.JSON, &o.Out, &o.Progress} {
		if *w == nil {
			*w = io.Discard
		}
	}
	return o, nil
}

func (o Options) window() time.Duration { return time.Duration(o.Secs * float64(time.Second)) }

// All lists every benchmark in the order of "all"; none on systems other than
// Linux.
func All() []Bench { return slices.Clone(all()) }

// ErrUnknown means that there is no benchmark of a name.
var ErrUnknown = errors.New("no such benchmark")

// Everything as a name runs all of [All] one after the other.
const Everything = "all"

// Run runs the benchmark of the given name, or all. It returns an error if one
// does not work or a measurement is void; with Options.Gate also if a goal is
// missed.
func Run(ctx context.Context, name string, o Options) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	var list []Bench
	for _, b := range all() {
		if strings.EqualFold(name, Everything) || strings.EqualFold(name, b.Name) {
			list = append(list, b)
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("%s: %w; there are %s", name, ErrUnknown, strings.Join(names(), " "))
	}
	if strings.EqualFold(name, Everything) && o.Seeds == nil {
		list = slices.DeleteFunc(list, func(b Bench) bool { return b.Name == simulation })
	}
	return runAll(ctx, list, o)
}

// simulation is the name of the one benchmark that needs Options.Seeds.
const simulation = "R24"

func names() []string {
	list := []string{Everything}
	for _, b := range all() {
		list = append(list, b.Name)
	}
	return list
}

// runAll goes on after a benchmark that failed, but not after the end of ctx.
func runAll(ctx context.Context, list []Bench, o Options) error {
	dir, err := os.MkdirTemp("", "trunkline-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var errs []error
	for _, b := range list {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		if err := one(ctx, b, o, dir, len(list) > 1); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", b.Name, err))
		}
	}
	return errors.Join(errs...)
}
