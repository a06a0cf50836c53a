package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"trunkline/internal/health"
	"trunkline/internal/server"
)

type doctorCmd struct {
	dataFlag
	settingsFlags
	jsonFlag
	Network string   `arg:"" optional:"" help:"Only what concerns this network."`
	Only    []string `help:"Only these checks." placeholder:"CHECK"`
	Fix     bool     `help:"Mend what is safe to mend: modes of files."`
}

// Validate refuses checks that do not exist.
func (c *doctorCmd) Validate() error {
	for _, name := range append(slices.Clone(c.Only), c.Network) {
		if name == "" || slices.Contains(server.CheckNames(), name) {
			continue
		}
		err := fmt.Errorf("no check is called %q", name)
		if near := health.Nearest(name, server.CheckNames()); near != "" {
			return health.Do(err, "did you mean "+near+"?")
		}
		return health.Do(err, fmt.Sprintf("there are %q", server.CheckNames()))
	}
	return nil
}

// Run examines the server and prints a check at a time.
func (c *doctorCmd) Run(ctx context.Context, e *Env) error {
	loaded, err := c.load(e)
	if err != nil {
		return err
	}
	d := server.Doctor{Data: c.Data, Config: loaded.Config, Only: c.Only, Fix: c.Fix}
	if c.Network != "" {
		d.Only = append(d.Only, c.Network)
	}
	found := 0
	d.Examine(ctx, func(check health.Check) {
		if !check.OK {
			found++
		}
		if c.JSON {
			err = json.NewEncoder(e.Stdout).Encode(check)
			return
		}
		err = server.PrintCheck(e.Stdout, check)
	})
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return usageError{fmt.Errorf("doctor: %w", context.Cause(ctx))}
	case found > 0:
		return errQuiet
	}
	return nil
}

type explainCmd struct {
	Code string `arg:"" optional:"" help:"The code, for instance NET-003. Without one, all are listed."`
	jsonFlag
}

// Run explains one code, or lists all.
func (c *explainCmd) Run(e *Env) error {
	if c.Code == "" {
		if c.JSON {
			return json.NewEncoder(e.Stdout).Encode(health.Table())
		}
		return health.List(e.Stdout)
	}
	code, err := health.ParseCode(c.Code)
	if err != nil {
		return usageError{err}
	}
	if !c.JSON {
		return health.Explain(e.Stdout, string(code))
	}
	entry, _ := health.Lookup(code)
	return json.NewEncoder(e.Stdout).Encode(entry)
}
