//go:build linux

package bench

import (
	"context"
	"errors"
	"os"

	"trunkline/internal/bench/ceiling"
	"trunkline/internal/bench/load"
	"trunkline/internal/bench/peers"
)

// Worker is the hidden command of our program, [load.WorkerCommand], by which
// the benchmarks start it again: without arguments as a load process that takes
// calls on standard input, else as one of the small servers it measures beside.
// It returns when its input ends.
func Worker(args []string) error {
	switch {
	case len(args) == 0:
		return load.Serve(context.Background(), os.Stdin, os.Stdout, nil)
	case len(args) == 2 && args[0] == peers.LimitedCommand:
		return peers.Become(args[1])
	case len(args) == 3 && args[0] == peers.IdleCommand:
		return ceiling.HoldIdle(context.Background(), args[1], args[2])
	}
	return errors.New("a load process is started by bench, not by hand")
}
