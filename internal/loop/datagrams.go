package loop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

const (
	maxDatagram     = 65535 // bytes; no UDP datagram is longer
	packetsLen      = 128   // datagrams between reader and machine
	maxReadFailures = 100   // in a row
)

// PacketConn is a UDP socket: *net.UDPConn, or one of a simulated network.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (n int, from netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	SetReadDeadline(t time.Time) error
	LocalAddr() net.Addr
	Close() error
}

// Datagrams runs m as Loop.Run does and feeds it what conn receives, until ctx
// ends or conn fails. It does not close conn, but uses its read deadline.
//
// open, if not nil, is called in the reader's goroutine for each datagram,
// before the machine sees it: the place for public-key work and decryption. It
// returns what the machine is given (a part of b or memory of its own, neither
// kept), or nil to drop the datagram. It must not touch the machine.
//
// IPv4 addresses come as such, never mapped to IPv6. When the machine is slower
// than the network, the reader waits and the socket drops. Single errors of
// reading are passed over, since some systems report a peer's closed port that
// way; a hundred in a row end the loop.
func Datagrams(ctx context.Context, l *Loop, conn PacketConn, m Machine, open func(from netip.AddrPort, b []byte) []byte) error {
	defer conn.SetReadDeadline(time.Time{})
	r := &reader{conn: conn, open: open, loop: l, free: newPackets(m)}
	return l.Run(ctx, m, r.run, func(ctx context.Context) error {
		<-ctx.Done()
		return conn.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
	})
}

// packet is a datagram on its way to the machine. It is used again: with its
// turn made once, handing a datagram over allocates nothing.
type packet struct {
	from netip.AddrPort
	b    []byte
	turn func(now time.Time)
}

func newPackets(m Machine) chan *packet {
	free := make(chan *packet, packetsLen)
	for range packetsLen {
		p := new(packet)
		p.turn = func(now time.Time) {
			m.Receive(now, p.from, p.b)
			free <- p
		}
		free <- p
	}
	return free
}

// reader moves datagrams from a socket to a loop.
type reader struct {
	conn PacketConn
	open func(from netip.AddrPort, b []byte) []byte
	loop *Loop
	free chan *packet
}

func (r *reader) run(ctx context.Context) error {
	buf := make([]byte, maxDatagram)
	failures := 0
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			failures = 0
		case errors.Is(err, net.ErrClosed) || failures == maxReadFailures:
			return fmt.Errorf("read datagram: %w", err)
		default:
			failures++
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		b := buf[:n]
		if r.open != nil {
			b = r.open(from, b)
			if b == nil {
				continue
			}
		}
		if err := r.hand(ctx, from, b); err != nil {
			return err
		}
	}
}

// hand copies a datagram into a free packet and queues it.
func (r *reader) hand(ctx context.Context, from netip.AddrPort, b []byte) error {
	select {
	case p := <-r.free:
		p.from = from
		p.b = append(p.b[:0], b...)
		return r.loop.Post(ctx, p.turn)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
