package simnet

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"trunkline/internal/loop"
)

// ErrHostDown is what the programs of a crashed host meet.
var ErrHostDown = errors.New("host is down")

const firstEphemeral = 49152

// Socket is a UDP socket.
type Socket struct {
	h      *Host
	port   uint16
	recv   func(now time.Time, from netip.AddrPort, b []byte) Fate
	closed bool
	lost   bool   // by a crash
	onEnd  func() // of the Net: what to do then
}

// Socket opens a UDP socket on h; port 0 takes a free one. It drops what it
// receives until Attach.
func (w *World) Socket(h *Host, port uint16) (*Socket, error) {
	if h.down {
		return nil, fmt.Errorf("listen on %v: %w", h, ErrHostDown)
	}
	if port == 0 {
		port = h.freePort(func(p uint16) bool { return h.sockets[p] == nil })
	}
	if port == 0 || h.sockets[port] != nil {
		return nil, fmt.Errorf("listen on %v, port %d: %w", h, port, syscall.EADDRINUSE)
	}
	s := &Socket{h: h, port: port}
	h.sockets[port] = s
	return s, nil
}

// freePort is the next of the ports for outgoing connections that is free; 0 if
// none is.
func (h *Host) freePort(free func(port uint16) bool) uint16 {
	for range 65536 - firstEphemeral {
		h.lastOut = max(h.lastOut+1, firstEphemeral)
		if free(h.lastOut) {
			return h.lastOut
		}
	}
	return 0
}

// Attach gives what the socket receives to m, and drives m on the same host.
func (s *Socket) Attach(m loop.Machine) {
	s.recv = func(now time.Time, from netip.AddrPort, b []byte) Fate {
		m.Receive(now, from, b)
		return Delivered
	}
	s.h.w.Drive(s.h, m)
}

// Addr is the host's IPv4 address with the socket's port.
func (s *Socket) Addr() netip.AddrPort { return netip.AddrPortFrom(s.h.addr, s.port) }

// Send sends a datagram and does not keep b. From the closed socket of a crashed
// host nothing goes out.
func (s *Socket) Send(to netip.AddrPort, b []byte) {
	if s.closed {
		return
	}
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	p := s.h.w.newPacket()
	p.own = append(p.own, b...)
	p.proto, p.to, p.data = udp, to, p.own
	p.from = netip.AddrPortFrom(s.h.source(to.Addr()), s.port)
	s.h.w.send(s.h, p)
}

// source is the address from which h reaches to; not valid if it has none.
func (h *Host) source(to netip.Addr) netip.Addr {
	if to.Is6() {
		return h.addr6
	}
	return h.addr
}

// Close frees the port.
func (s *Socket) Close() {
	if !s.closed {
		s.closed = true
		delete(s.h.sockets, s.port)
	}
}

func (s *Socket) receive(now time.Time, from netip.AddrPort, b []byte) Fate {
	if s.recv == nil {
		return NoPort
	}
	return s.recv(now, from, b)
}

func (s *Socket) crashed() {
	s.closed, s.lost = true, true
	if s.onEnd != nil {
		s.onEnd()
	}
}
