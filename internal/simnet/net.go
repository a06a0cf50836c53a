package simnet

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// A Net is a network whose hosts run ordinary goroutines with sockets, listeners
// and connections. It keeps the time of the clock, and is made to be used in a
// testing/synctest bubble: make it inside. It starts no goroutine that stays.
// Its methods, and those of all that belongs to it, may be called from any
// goroutine.
type Net struct {
	mu    sync.Mutex
	w     *World // what happens to packets and streams; its calls are all our own
	timer *time.Timer
	wake  int64 // when timer rings
}

// New returns a network without hosts.
func New(c Config) *Net {
	c = c.withDefaults()
	c.Start = time.Now()
	n := &Net{wake: never}
	n.w = newWorld(c, (*turnstile)(n))
	n.timer = time.AfterFunc(time.Hour, func() {
		n.enter()
		n.wake = never
		n.leave()
	})
	n.timer.Stop()
	return n
}

// turnstile lets the methods that a World shares with a Net in and out.
type turnstile Net

func (t *turnstile) Lock()   { (*Net)(t).enter() }
func (t *turnstile) Unlock() { (*Net)(t).leave() }

// enter takes the lock and brings the world up to the present.
func (n *Net) enter() {
	n.mu.Lock()
	n.catchUp()
}

func (n *Net) catchUp() { n.w.runTo(int64(time.Since(n.w.cfg.Start))) }

// leave does what is due at once, sets the timer for what is due later, and
// gives the lock back.
func (n *Net) leave() {
	n.arm()
	n.mu.Unlock()
}

// arm says whether something was due at once.
func (n *Net) arm() bool {
	busy := n.w.runTo(n.w.at)
	switch next := n.w.queue.next(); next {
	case n.wake:
	case never:
		n.wake = never
		n.timer.Stop()
	default:
		n.wake = next
		n.timer.Reset(time.Duration(next - n.w.at))
	}
	return busy
}

// wait waits for c, which has the lock of n, between enter and leave. Like any
// wait for a condition it may return for no reason.
func (n *Net) wait(c *sync.Cond) {
	if !n.arm() { // else what is waited for may have happened just now
		c.Wait()
	}
	n.catchUp()
}

// Host adds a host, on the public internet or behind a NAT.
func (n *Net) Host(name string, behind ...*NAT) *Node {
	return &Node{Host: n.w.Host(name, behind...), net: n}
}

// NAT adds a NAT with an outside address on the public internet, or behind
// another NAT.
func (n *Net) NAT(name string, kind Kind, behind ...*NAT) *NAT {
	return n.w.NAT(name, kind, behind...)
}

// Count is how many packets met that fate so far.
func (n *Net) Count(f Fate) uint64 { return n.w.Count(f) }

// Partition sets these hosts apart, as World.Partition does.
func (n *Net) Partition(group ...Party) { n.w.Partition(group...) }

// Reunite undoes all Partitions.
func (n *Net) Reunite() { n.w.Reunite() }

// A Node is a host of a Net.
type Node struct {
	*Host
	net *Net
}

// Listen accepts connections; port 0 takes a free one. Up to 128 connections
// wait for Accept, further ones are reset.
func (n *Node) Listen(port uint16) (net.Listener, error) {
	l := &listener{net: n.net, queue: make(chan *Conn, maxHalf), end: make(chan struct{})}
	n.net.enter()
	defer n.net.leave()
	inner, err := n.net.w.listen(n.Host, port, l.admit)
	if err != nil {
		return nil, err
	}
	inner.onEnd = l.shut
	l.inner, l.addr = inner, net.TCPAddrFromAddrPort(inner.Addr())
	return l, nil
}

// Dial connects to address, "host:port" with an IP address or the name of a host
// of the Net; network is "tcp", "tcp4" or "tcp6". It ends with ctx, or after
// Config.GiveUp.
func (n *Node) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := n.resolve(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	n.net.enter()
	c := newConn(n.net, n.net.w.dial(n.Host, to))
	n.net.leave()
	select {
	case <-c.settled:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	n.net.enter()
	defer n.net.leave()
	if c.s.state == open {
		if err == nil {
			return c, nil
		}
	} else if err == nil {
		err = c.s.err
	}
	c.s.Close()
	return nil, c.failure("dial", err)
}

// resolve turns an address into one of the family that network asks for.
func (n *Node) resolve(network, address string) (netip.AddrPort, error) {
	var none netip.AddrPort
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return none, net.UnknownNetworkError(network)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return none, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return none, &net.AddrError{Err: "port is not a number", Addr: address}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a, uint16(number)), nil
	}
	n.net.enter()
	defer n.net.leave()
	h := n.net.w.names[host]
	if h == nil {
		return none, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if network == "tcp6" {
		return netip.AddrPortFrom(h.addr6, uint16(number)), nil
	}
	return netip.AddrPortFrom(h.addr, uint16(number)), nil
}
