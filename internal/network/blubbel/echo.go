package blubbel

import (
	"context"
	"sync"
	"sync/atomic"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/internal/health"
)

// echo is the contact that answers every message with the same text.
type echo struct {
	public guarded
	online atomic.Bool
	ready  chan struct{} // closed at the first login
}

func (e *echo) key() blubbel.PublicKey { return e.public.get() }

// runEcho runs the echo contact until ctx ends. A contact that cannot run is a
// finding; the relay goes on without it.
func (a *Adapter) runEcho(ctx context.Context) {
	log := a.config.Logger("blubbel.echo")
	err := a.echoOnce(ctx)
	if err != nil && ctx.Err() == nil {
		a.findings.Raise(health.New(health.SelfCheckFailed, "echo contact", health.Line(err), "").On(Name))
		log.Error("echo contact ended", "net", Name, "err", err)
	}
}

func (a *Adapter) echoOnce(ctx context.Context) error {
	key, err := a.echoKey(ctx)
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{
		Key: key, Server: a.local(), AutoAccept: true, Log: a.config.Logger("blubbel.echo"),
	})
	if err != nil {
		return err
	}
	a.echo.public.set(key.Public())
	return a.converse(ctx, c)
}

// converse lets c answer until ctx ends.
func (a *Adapter) converse(ctx context.Context, c *client.Client) error {
	var events sync.WaitGroup
	events.Go(func() { a.answer(ctx, c) })
	err := c.Run(ctx)
	events.Wait()
	return err
}

// echoKey gets the key without waiting for the end of a search for primes, which
// nothing can interrupt: the goroutine ends by itself within seconds.
func (a *Adapter) echoKey(ctx context.Context) (*blubbel.SecretKey, error) {
	type result struct {
		key *blubbel.SecretKey
		err error
	}
	done := make(chan result, 1)
	go func() {
		key, err := a.config.EchoKey(ctx)
		done <- result{key, err}
	}()
	select {
	case r := <-done:
		return r.key, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer sends back what comes in, until c has ended.
func (a *Adapter) answer(ctx context.Context, c *client.Client) {
	log := a.config.Logger("blubbel.echo")
	v := newVisitors(or(a.config.Settings.Sessions, blubbel.MaxSessions))
	var once sync.Once
	for event := range c.Events() {
		switch e := event.(type) {
		case client.Online:
			a.echo.online.Store(true)
			once.Do(func() { close(a.echo.ready) })
		case client.Offline:
			a.echo.online.Store(false)
		case client.Received:
			if v.waiting+len(e.Text) > maxWaiting {
				continue
			}
			ref, err := c.Send(ctx, e.From, e.Text)
			if err != nil {
				log.Debug("no answer", "peer", e.From, "err", err)
				continue
			}
			v.answering(ref, len(e.Text))
		case client.Sent:
			v.answered(e.Ref)
		case client.Failed:
			v.answered(e.Ref)
		}
		for _, who := range v.leave(event) {
			_ = c.Remove(ctx, who) // they may be forgotten already
		}
	}
	a.echo.online.Store(false)
}

// or is value, or standard if it is zero.
func or(value, standard int) int {
	if value == 0 {
		return standard
	}
	return value
}
