package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"trunkline/internal/bench"
	"trunkline/internal/health"
)

type benchCmd struct {
	Name   string  `arg:"" optional:"" help:"Which, for instance B5; all for every one. Without a name, all are listed."`
	Peer   string  `help:"Whom to compare with; none for nobody. Default: every peer that is installed."`
	Rounds int     `help:"How often each server is started and loaded." default:"5"`
	Secs   float64 `help:"Seconds of one measurement." default:"4"`
	Short  bool    `help:"Every step once and small, to show that it works; its figures mean nothing."`
	Gate   bool    `help:"A missed goal is a failure."`
	JSON   string  `name:"json" placeholder:"FILE" help:"Write a JSON line a measurement to this file; - for stdout."`
}

// Run measures.
func (c *benchCmd) Run(ctx context.Context, e *Env) (err error) {
	if c.Name == "" {
		return c.list(e)
	}
	exe, err := e.Exe()
	if err != nil {
		return fmt.Errorf("bench: own program: %w", err)
	}
	lines, done, err := c.lines(e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	err = bench.Run(ctx, c.Name, bench.Options{
		Exe: exe, Peer: c.Peer, Rounds: c.Rounds, Secs: c.Secs, Short: c.Short, Gate: c.Gate,
		JSON: lines, Out: e.Stdout, Progress: e.Stderr, Seeds: simulate,
	})
	if errors.Is(err, bench.ErrUnknown) {
		var names []string
		for _, b := range bench.All() {
			names = append(names, b.Name)
		}
		if near := health.Nearest(strings.ToUpper(c.Name), names); near != "" {
			err = health.Do(err, "did you mean "+near+"?")
		}
		return usageError{err}
	}
	return err
}

// lines opens where the JSON goes.
func (c *benchCmd) lines(e *Env) (io.Writer, func() error, error) {
	nothing := func() error { return nil }
	switch c.JSON {
	case "":
		return io.Discard, nothing, nil
	case "-":
		return e.Stdout, nothing, nil
	}
	f, err := os.Create(c.JSON)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	return f, f.Close, nil
}

func (c *benchCmd) list(e *Env) error {
	for _, b := range bench.All() {
		if _, err := fmt.Fprintf(e.Stdout, "%-8s %s\n", b.Name, b.Title); err != nil {
			return err
		}
	}
	return nil
}

// goStyle lets bench take its flags with one hyphen, as `go test` does: they are
// written so in benchmark notes.
func goStyle(args []string) []string {
	if len(args) == 0 || args[0] != "bench" {
		return args
	}
	out := []string{args[0]}
	for _, a := range args[1:] {
		if len(a) > 2 && a[0] == '-' && a[1] != '-' {
			a = "-" + a
		}
		out = append(out, a)
	}
	return out
}

type workerCmd struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"What to be."`
}

// Run is a load process until its input ends.
func (c *workerCmd) Run() error { return bench.Worker(c.Args) }
