package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"trunkline/blubbel"
	"trunkline/internal/health"
	"trunkline/internal/peer"
)

// peerFlags say which headless client to run.
type peerFlags struct {
	Server  string `required:"" placeholder:"HOST:PORT" help:"The network's server."`
	Profile string `required:"" placeholder:"FILE" help:"The key file; made if there is none."`
	Raw     bool   `help:"Make a key of 1024 bits where there is none, as the reference server of blubbel wants it."`
	Debug   bool   `help:"Log what happens, on stderr."`
}

// Validate refuses an address that no server can have.
func (f peerFlags) Validate() error { return checkServer(f.Server) }

// checkServer refuses what is not HOST:PORT.
func checkServer(address string) error {
	if address == "" {
		return nil // that it is missing is said elsewhere
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" {
		return health.Do(fmt.Errorf("--server %q is not HOST:PORT", address), "write for instance 127.0.0.1:8000")
	}
	return nil
}

// open makes the client.
func (f peerFlags) open(e *Env, auto bool) (peer.Network, error) {
	form := blubbel.DER
	if f.Raw {
		form = blubbel.Raw
	}
	key, _, err := OpenKey(f.Profile, form)
	if err != nil {
		return nil, err
	}
	return peer.NewBlubbel(peer.BlubbelConfig{Server: f.Server, Key: key, Auto: auto, Log: f.log(e)})
}

func (f peerFlags) log(e *Env) *slog.Logger {
	if !f.Debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type peerCmd struct {
	Network string `arg:"" enum:"blubbel" help:"The network: blubbel."`
	peerFlags
	Auto bool `help:"Accept whoever asks."`
}

// Run connects the client with stdin and stdout.
func (c *peerCmd) Run(ctx context.Context, e *Env) error {
	n, err := c.open(e, c.Auto)
	if err != nil {
		return err
	}
	return peer.Run(ctx, n, e.Stdin, e.Stdout)
}

type botCmd struct {
	Run botRunCmd `cmd:"" help:"Connect a program's stdin and stdout with a network, as its client."`
}

type botRunCmd struct {
	Program string   `arg:"" help:"The program. It reads events and writes commands, one JSON object a line."`
	Args    []string `arg:"" optional:"" passthrough:"" help:"Its arguments."`
	Network string   `enum:"blubbel" default:"blubbel" help:"The network: blubbel."`
	peerFlags
	NoAuto bool `help:"Leave it to the program to accept who asks."`
}

// Run runs the program until it ends.
func (c *botRunCmd) Run(ctx context.Context, e *Env) error {
	n, err := c.open(e, !c.NoAuto)
	if err != nil {
		return err
	}
	return peer.Bot{Program: c.Program, Args: c.Args, Stderr: e.Stderr}.Run(ctx, n)
}
