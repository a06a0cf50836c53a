//go:build linux

package peers

import (
	"context"
	"fmt"
	"slices"

	"trunkline/internal/bench/child"
	"trunkline/internal/bench/load"
)

// idlePrefix begins the names of servers that hold idle connections in one of
// the ways of [IdleWays].
const idlePrefix = "idle-"

// IdleCommand is the argument by which a load process knows that it is to be
// such a server: see ceiling.HoldIdle.
const IdleCommand = "idle"

// IdleWays lists the ways to wait for bytes of an idle connection: two
// goroutines and buffered reader and writer, one goroutine with 512 bytes, one
// that takes a buffer only while bytes are there, and none at all.
func IdleWays() []string { return []string{"bufio2", "small1", "lazy1", "epoll"} }

// Idle is the name of the server that waits in the given way.
func Idle(way string) string { return idlePrefix + way }

func startIdle(ctx context.Context, c Config, way string) (*Server, error) {
	if !slices.Contains(IdleWays(), way) {
		return nil, fmt.Errorf("no way %q to hold idle connections", way)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	process, err := child.Start(ctx, child.Command{Path: c.Exe, Args: []string{load.WorkerCommand, IdleCommand, way, addr}})
	if err != nil {
		return nil, err
	}
	s := &Server{Name: Idle(way), Protocol: "line", Addr: addr, child: process}
	if err := s.await(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}
