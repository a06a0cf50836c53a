package cli

import (
	"context"
	"encoding/json"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"trunkline/internal/config"
	"trunkline/internal/server"
)

type serveCmd struct {
	dataFlag
	settingsFlags
	NoSelfCheck bool `help:"Do not try the networks after a first start."`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, e *Env) error {
	loaded, err := c.load(e)
	if err != nil {
		return err
	}
	s, err := server.New(server.Options{
		Data:      short(c.Data),
		Config:    loaded,
		Reload:    func() (*config.Loaded, error) { return c.load(e) },
		SelfCheck: !c.NoSelfCheck,
		Stdout:    e.Stdout,
		Stderr:    e.Stderr,
		Environ:   e.Environ,
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer stop()
	waiting.Go(func() { reloadOnHangup(ctx, s) })
	return s.Run(ctx)
}

// short is path as somebody in this folder would type it.
func short(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	from, err := filepath.Rel(here, path)
	if err != nil || !filepath.IsLocal(from) {
		return path
	}
	return from
}

// reloadOnHangup reads the settings again at each SIGHUP.
func reloadOnHangup(ctx context.Context, s *server.Server) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, hangup)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			s.Reload()
		}
	}
}

type statusCmd struct {
	dataFlag
	jsonFlag
	Watch bool `help:"Show it again every two seconds, until Ctrl-C."`
}

// watchEvery is how often status --watch looks again.
const watchEvery = 2 * time.Second

// Run asks the running server.
func (c *statusCmd) Run(ctx context.Context, e *Env) error {
	remote := server.Dial(c.Data)
	for {
		s, err := remote.Status(ctx)
		if err != nil {
			return err
		}
		s.Data = c.Data // the server says it as it was typed there
		if err := c.print(e, s); err != nil || !c.Watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

func (c *statusCmd) print(e *Env, s server.Status) error {
	if c.JSON {
		return json.NewEncoder(e.Stdout).Encode(s)
	}
	return s.Print(e.Stdout)
}

type stopCmd struct {
	dataFlag
}

// stopTimeout is how long stop waits; a server takes five seconds at most.
const stopTimeout = 10 * time.Second

// Run ends the running server.
func (c *stopCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	return server.Dial(c.Data).Stop(ctx)
}

type versionCmd struct {
	jsonFlag
}

// Run prints which program this is.
func (c *versionCmd) Run(e *Env) error {
	b := server.ThisBuild()
	if c.JSON {
		return json.NewEncoder(e.Stdout).Encode(b)
	}
	return printVersion(e.Stdout, b)
}
