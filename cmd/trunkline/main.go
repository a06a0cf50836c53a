// Command trunkline is a messaging server for clients that lost theirs, their
// clients, and the tools around them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"trunkline/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := cli.Main(ctx, os.Args[1:], cli.System())
	stop()
	os.Exit(code)
}
