//go:build linux

package load

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"trunkline/internal/bench/meter"
)

// comingBack is the network from which clients reconnect whose host vanished.
const comingBack = 3

// HalfOpenArgs say who is there before the hosts vanish: N clients that will,
// and Data others that will send to as many of them afterwards.
type HalfOpenArgs struct {
	Addr string `json:"addr"`
	N    int    `json:"n"`
	Data int    `json:"data"`
}

// halfOpen joins the clients and makes the pairs.
func (x *worker) halfOpen(ctx context.Context, a HalfOpenArgs) (Joined, error) {
	if a.Data < 0 || 2*a.Data > a.N {
		return Joined{}, fmt.Errorf("%d of %d vanished clients cannot be written to and as many come back", a.Data, a.N)
	}
	j, err := x.crowd.join(ctx, JoinArgs{Protocol: "blubbel", Target: Target{Addr: a.Addr}, N: a.N + a.Data, Conc: 8})
	if err != nil || j.Failed > 0 {
		return j, err
	}
	for i := range a.Data {
		if err := x.crowd.protocol.Pair(x.crowd.clients[a.N+i], x.crowd.clients[i]); err != nil {
			return j, err
		}
	}
	return j, nil
}

// Vanished is how long reconnecting took those whose host had vanished.
type Vanished struct {
	Joined
	Latency *meter.Hist `json:"latency"`
}

// vanish makes the first N clients deaf, sends one message to each that has a
// pair and lets Data others of them sign in again from elsewhere.
func (x *worker) vanish(ctx context.Context, a HalfOpenArgs) (Vanished, error) {
	for _, c := range x.crowd.clients[:a.N] {
		if err := deafen(c.Conn()); err != nil {
			return Vanished{}, fmt.Errorf("let a client vanish: %w", err)
		}
	}
	var w writer
	for _, sender := range x.crowd.clients[a.N:] {
		if err := sender.Send(w.append(nil, 0, 100)); err != nil {
			return Vanished{}, err
		}
	}
	latency, start := new(meter.Hist), time.Now()
	for i := range a.Data {
		began := time.Now()
		back, err := x.crowd.protocol.Join(ctx, Target{Addr: a.Addr, Net: comingBack}, a.Data+i)
		if err != nil {
			return Vanished{}, err
		}
		latency.Add(time.Since(began))
		x.crowd.clients = append(x.crowd.clients, back)
	}
	return Vanished{Joined{N: a.Data, Took: time.Since(start)}, latency}, nil
}

// deafen makes the kernel drop every packet that comes for c before TCP sees
// it: nothing is acknowledged any more, as if the host were gone. Closing c
// then sends a reset and leaves nothing behind.
func deafen(c net.Conn) error {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	nothing := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	program := unix.SockFprog{Len: 1, Filter: &nothing}
	var inner error
	err = raw.Control(func(fd uintptr) {
		inner = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		if inner == nil {
			inner = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
		}
	})
	if err != nil {
		return err
	}
	return inner
}
