package blubbel

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/wire"
)

// probeText is what a probe says to the echo contact.
const probeText = "hello"

// probeBits keeps a probe's key, which lives for seconds, quick to make.
const probeBits = 2048

// Probe tries the relay at address (host:port) as a client does: it logs in and,
// where echo is a key, says hello to it and waits to hear it back. In the
// as-shipped framing it only logs in. ctx bounds it.
func Probe(ctx context.Context, address string, asShipped bool, echo blubbel.PublicKey) error {
	if asShipped {
		err := probeRaw(ctx, address)
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("relay %s: log in: %w", address, ctx.Err()) // not that the socket was closed
		}
		return err
	}
	pair, err := rsa.GenerateKey(rand.Reader, probeBits)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	key, err := blubbel.NewSecretKey(pair)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	c, err := client.New(client.Config{Key: key, Server: address})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var ended sync.WaitGroup
	defer ended.Wait()
	defer cancel()
	failed := make(chan error, 1)
	ended.Go(func() { failed <- c.Run(ctx) })
	said := make(chan error, 1)
	ended.Go(func() { said <- converse(ctx, c, echo) })
	select {
	case err := <-said:
		return err
	case err := <-failed:
		if err == nil {
			err = ctx.Err()
		}
		return fmt.Errorf("relay %s: %w", address, err)
	}
}

// converse takes c's events until the probe has what it wants.
func converse(ctx context.Context, c *client.Client, echo blubbel.PublicKey) error {
	step := "log in"
	for event := range c.Events() {
		switch e := event.(type) {
		case client.Online:
			if echo.IsZero() {
				return nil
			}
			step = "reach the echo contact"
			if err := c.Add(ctx, echo); err != nil {
				return fmt.Errorf("%s: %w", step, err)
			}
			if _, err := c.Send(ctx, echo, probeText); err != nil {
				return fmt.Errorf("%s: %w", step, err)
			}
		case client.Received:
			if e.From == echo && e.Text == probeText {
				return nil
			}
		case client.Offline:
			return fmt.Errorf("%s: %w", step, e.Why) // a probe tries once
		case client.Refused:
			if errors.Is(e.Err, &blubbel.Error{Code: blubbel.CodeNotConnected}) {
				return fmt.Errorf("%s: %w", step, e.Err)
			}
		}
	}
	return fmt.Errorf("%s: %w", step, context.Cause(ctx))
}

// probeRaw logs in with a key that nobody else has and reads the acceptance.
func probeRaw(ctx context.Context, address string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	key := make([]byte, blubbel.RawKeySize)
	_, _ = rand.Read(key) // never fails
	key[0] |= 0x80
	key[len(key)-1] |= 1
	b, err := wire.AppendFrame(nil, &wire.Login{Key: key})
	if err != nil {
		return err
	}
	if _, err := c.Write(b); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	accepted := wire.AppendHead(nil, wire.KindLogin, 0)
	got := make([]byte, len(accepted))
	if _, err := io.ReadFull(c, got); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	if !slices.Equal(got, accepted) {
		return fmt.Errorf("log in: the relay answered %x, not %x", got, accepted)
	}
	return nil
}
