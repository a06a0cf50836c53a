//go:build linux

package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"trunkline/internal/bench/meter"
)

// The networks of the half-open test: clients that vanish come from one, those
// that stay or come back from the other.
const (
	vanishing = 2
	staying   = 3
)

// HalfOpenArgs say who is there before the network goes: N clients that will
// vanish, and Data others that will send to as many of them afterwards.
type HalfOpenArgs struct {
	Addr string `json:"addr"`
	N    int    `json:"n"`
	Data int    `json:"data"`
}

// halfOpen joins the clients and makes the pairs. The process must be alone in
// a network namespace.
func (x *worker) halfOpen(ctx context.Context, a HalfOpenArgs) (Joined, error) {
	j, err := x.crowd.join(ctx, JoinArgs{Protocol: "blubbel", Target: Target{Addr: a.Addr, Net: vanishing}, N: a.N, Conc: 8})
	if err != nil || j.Failed > 0 {
		return j, err
	}
	s, err := x.crowd.join(ctx, JoinArgs{Protocol: "blubbel", Target: Target{Addr: a.Addr, Net: staying}, First: a.N, N: a.Data, Conc: 8})
	if err != nil || s.Failed > 0 {
		return s, err
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

// vanish takes the network of the vanishing away, sends one message to each that
// has a pair and lets Data others of them come back from the other network.
func (x *worker) vanish(ctx context.Context, a HalfOpenArgs) (Vanished, error) {
	if err := blackhole([4]byte{127, 0, vanishing, 0}, 24); err != nil {
		return Vanished{}, fmt.Errorf("take the network away: %w", err)
	}
	var w writer
	for i := range a.Data {
		if err := x.crowd.clients[a.N+i].Send(w.append(nil, 0, 100)); err != nil {
			return Vanished{}, err
		}
	}
	latency, start := new(meter.Hist), time.Now()
	for i := range a.Data {
		began := time.Now()
		back, err := x.crowd.protocol.Join(ctx, Target{Addr: a.Addr, Net: staying}, a.Data+i)
		if err != nil {
			return Vanished{}, err
		}
		latency.Add(time.Since(began))
		x.crowd.clients = append(x.crowd.clients, back)
	}
	return Vanished{Joined{N: a.Data, Took: time.Since(start)}, latency}, nil
}

// loopbackUp turns on the loopback interface of a new network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, r); err != nil {
		return err
	}
	r.SetUint16(r.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

var errHostNetwork = errors.New("this process has the machine's own network")

// blackhole makes every packet to a prefix of addresses vanish, in this
// process's network namespace, which must not be the machine's own.
func blackhole(prefix [4]byte, bits byte) error {
	own, err1 := os.Readlink("/proc/self/ns/net")
	parents, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", os.Getppid()))
	if err1 != nil || err2 != nil || own == parents {
		return errHostNetwork
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Sendto(fd, routeMessage(prefix, bits), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	b := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, b, 0)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 {
		return errors.New("the kernel's answer is too short")
	}
	if code := int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

// routeMessage asks rtnetlink(7) for a route of type blackhole in the table of
// local addresses, to be acknowledged.
func routeMessage(prefix [4]byte, bits byte) []byte {
	const attribute = 4 + 4
	b := make([]byte, 0, unix.SizeofNlMsghdr+unix.SizeofRtMsg+attribute)
	b = binary.NativeEndian.AppendUint32(b, uint32(cap(b)))
	b = binary.NativeEndian.AppendUint16(b, unix.RTM_NEWROUTE)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	b = binary.NativeEndian.AppendUint32(b, 1) // sequence
	b = binary.NativeEndian.AppendUint32(b, 0) // to the kernel
	b = append(b, unix.AF_INET, bits, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, unix.RT_SCOPE_UNIVERSE, unix.RTN_BLACKHOLE)
	b = binary.NativeEndian.AppendUint32(b, 0) // flags
	b = binary.NativeEndian.AppendUint16(b, attribute)
	b = binary.NativeEndian.AppendUint16(b, unix.RTA_DST)
	return append(b, prefix[:]...)
}
