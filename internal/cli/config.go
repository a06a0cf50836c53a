package cli

import (
	"encoding/json"
	"fmt"

	"trunkline/internal/config"
)

type configCmd struct {
	Show     configShowCmd     `cmd:"" help:"Show the settings in force and where each comes from."`
	Describe configDescribeCmd `cmd:"" help:"Print a settings file with every key, its default and what it does."`
	Check    configCheckCmd    `cmd:"" help:"Name every mistake in the settings."`
}

type configShowCmd struct {
	settingsFlags
	jsonFlag
}

// Run prints the settings in force.
func (c *configShowCmd) Run(e *Env) error {
	loaded, err := c.load(e)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.Stdout).Encode(loaded.Values())
	}
	return loaded.Show(e.Stdout)
}

type configDescribeCmd struct{}

// Run prints an annotated settings file.
func (c *configDescribeCmd) Run(e *Env) error { return config.Describe(e.Stdout) }

type configCheckCmd struct {
	settingsFlags
}

// Run checks the settings.
func (c *configCheckCmd) Run(e *Env) error {
	loaded, err := c.load(e)
	if err != nil {
		return err
	}
	from := loaded.File
	if from == "" {
		from = "no settings file: the defaults"
	}
	_, err = fmt.Fprintf(e.Stdout, "%s: no mistakes\n", from)
	return err
}
