package cli

import "context"

type chatCmd struct {
	With string `arg:"" help:"A network (blubbel), or a name that the running server knows (echo)."`
}

// Run is to come.
func (c *chatCmd) Run() error { return nil }

type simCmd struct{}

// Run is to come.
func (c *simCmd) Run() error { return nil }

func simulate(context.Context, uint64) (string, error) { return "", nil }
