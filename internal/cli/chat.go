package cli

type chatCmd struct {
	With string `arg:"" help:"A network (blubbel), or a name that the running server knows (echo)."`
}
type inspectCmd struct{}
type simCmd struct{}
type benchCmd struct{}
type workerCmd struct{}

// Run is to come.
func (c *chatCmd) Run() error { return nil }

// Run is to come.
func (c *inspectCmd) Run() error { return nil }

// Run is to come.
func (c *simCmd) Run() error { return nil }

// Run is to come.
func (c *benchCmd) Run() error { return nil }

// Run is to come.
func (c *workerCmd) Run() error { return nil }
