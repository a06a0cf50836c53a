package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"trunkline/internal/health"
	"trunkline/internal/sim"
)

type simCmd struct {
	Scenario string `arg:"" help:"The scenario, a JSON file; docs/reference/sim.md describes it. The word random stands for one that the seed makes up."`
	Seed     uint64 `help:"Decides all that is left to chance." default:"1"`
	Packets  bool   `help:"A line for each packet too."`
	Quiet    bool   `help:"Only the report at the end."`
	jsonFlag
}

// randomScenario is the word for a scenario that the seed makes up.
const randomScenario = "random"

// Run plays the scenario. Broken promises and failed expectations are a failure.
func (c *simCmd) Run(ctx context.Context, e *Env) error {
	scenario, err := c.scenario()
	if err != nil {
		return err
	}
	log := e.Stdout
	if c.Quiet {
		log = io.Discard
	}
	report, err := sim.Run(ctx, scenario, sim.Options{Seed: c.Seed, Log: log, JSON: c.JSON, Packets: c.Packets})
	if err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	if c.JSON {
		err = json.NewEncoder(e.Stdout).Encode(report)
	} else {
		err = printReport(e.Stdout, report)
	}
	if err == nil && !report.OK() {
		return errQuiet
	}
	return err
}

func (c *simCmd) scenario() (sim.Scenario, error) {
	if c.Scenario == randomScenario {
		return sim.Random(c.Seed), nil
	}
	text, err := os.ReadFile(c.Scenario)
	if err != nil {
		return sim.Scenario{}, fmt.Errorf("sim: %w", err)
	}
	s, err := sim.Parse(text)
	problems, ok := errors.AsType[sim.Problems](err)
	if err != nil && !ok {
		return sim.Scenario{}, usageError{fmt.Errorf("sim %s: %w", c.Scenario, err)}
	}
	var each []error
	for _, problem := range problems {
		each = append(each, health.Do(fmt.Errorf("sim %s: %s", c.Scenario, problem), "docs/reference/sim.md has every key"))
	}
	if len(each) > 0 {
		return sim.Scenario{}, usageError{errors.Join(each...)}
	}
	return s, nil
}

// printReport writes what came of a scenario for people.
func printReport(w io.Writer, r sim.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nseed %d: %v of virtual time, %d events, log %s\n", r.Seed, r.Length, r.Events, r.Digest)
	fmt.Fprintf(&b, "texts %d, sent %d, arrived %d, the slowest after %v\n", r.Texts, r.Sent, r.Arrived, r.Slowest)
	fmt.Fprintf(&b, "packets %d, lost %d; logins %d, sessions %d\n", r.Packets, r.Lost, r.Logins, r.Sessions)
	for _, s := range r.Broken {
		fmt.Fprintf(&b, "BROKEN  %s\n", s)
	}
	for _, s := range r.Failed {
		fmt.Fprintf(&b, "FAILED  %s\n", s)
	}
	if r.OK() {
		b.WriteString("every promise and expectation held\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// simulate plays the world of one seed for R24.
func simulate(ctx context.Context, seed uint64) (digest string, err error) {
	r, err := sim.Run(ctx, sim.Random(seed), sim.Options{Seed: seed})
	if err == nil && !r.OK() {
		err = errors.New(strings.Join(append(r.Broken, r.Failed...), "; "))
	}
	return r.Digest, err
}
