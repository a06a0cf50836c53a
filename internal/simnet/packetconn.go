package simnet

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// ListenPacket opens a UDP socket; port 0 takes a free one.
func (n *Node) ListenPacket(port uint16) (*PacketConn, error) {
	n.net.enter()
	defer n.net.leave()
	s, err := n.net.w.Socket(n.Host, port)
	if err != nil {
		return nil, err
	}
	c := &PacketConn{net: n.net, s: s, addr: net.UDPAddrFromAddrPort(s.Addr()), read: side{cond: sync.NewCond(&n.net.mu)}}
	s.recv, s.onEnd = c.receive, func() { c.read.set(time.Time{}) }
	return c, nil
}

const maxWaiting = 256 // datagrams that a socket keeps

// PacketConn is a UDP socket of a Node. Up to 256 datagrams wait to be read,
// further ones are dropped. It is a loop.PacketConn.
type PacketConn struct {
	net   *Net
	s     *Socket
	addr  net.Addr
	read  side
	queue []datagram // a ring that grows up to maxWaiting
	first int
	count int
}

type datagram struct {
	from netip.AddrPort
	b    []byte
}

// receive is called with the lock held.
func (c *PacketConn) receive(_ time.Time, from netip.AddrPort, b []byte) Fate {
	if c.count == maxWaiting {
		return Overflow
	}
	if c.count == len(c.queue) {
		c.queue = append(append(make([]datagram, 0, c.count+1), c.queue[c.first:]...), c.queue[:c.first]...)
		c.queue = append(c.queue, datagram{})
		c.first = 0
	}
	d := &c.queue[(c.first+c.count)%len(c.queue)]
	d.from, d.b = from, append(d.b[:0], b...)
	c.count++
	c.read.cond.Signal()
	return Delivered
}

// ReadFromUDPAddrPort waits for a datagram. What does not fit into b is lost.
func (c *PacketConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.net.enter()
	defer c.net.leave()
	for {
		switch {
		case c.s.closed:
			return 0, netip.AddrPort{}, c.failure("read", c.ended())
		case c.read.expired():
			return 0, netip.AddrPort{}, c.failure("read", os.ErrDeadlineExceeded)
		case c.count > 0:
			d := &c.queue[c.first]
			c.first = (c.first + 1) % len(c.queue)
			c.count--
			return copy(b, d.b), d.from, nil
		}
		c.net.wait(c.read.cond)
	}
}

// WriteToUDPAddrPort sends a datagram.
func (c *PacketConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	c.net.enter()
	defer c.net.leave()
	switch {
	case c.s.closed:
		return 0, c.failure("write", c.ended())
	case len(b) > 65507:
		return 0, c.failure("write", syscall.EMSGSIZE)
	}
	c.s.Send(to, b)
	return len(b), nil
}

// ended is why the socket is closed.
func (c *PacketConn) ended() error {
	if c.s.lost {
		return ErrHostDown
	}
	return net.ErrClosed
}

func (c *PacketConn) failure(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.addr, Err: err}
}

// SetReadDeadline ends reads that wait at t; zero: never.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	c.net.enter()
	defer c.net.leave()
	if c.s.closed {
		return c.failure("set", c.ended())
	}
	c.read.set(t)
	return nil
}

// LocalAddr is the IPv4 address that the host had at first, with the port.
func (c *PacketConn) LocalAddr() net.Addr { return c.addr }

// Close frees the port and ends reads that wait.
func (c *PacketConn) Close() error {
	c.net.enter()
	defer c.net.leave()
	if c.s.closed {
		return c.failure("close", c.ended())
	}
	c.s.Close()
	c.read.set(time.Time{})
	return nil
}
