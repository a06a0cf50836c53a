//go:build !linux

package bench

import (
	"context"
	"errors"
)

var errLinux = errors.New("benchmarks need /proc and control groups: run them on Linux")

type run struct{}

func all() []Bench { return nil }

func one(context.Context, Bench, Options, string, bool) error { return errLinux }

// Worker is the load process of the benchmarks; here there are none.
func Worker([]string) error { return errLinux }
