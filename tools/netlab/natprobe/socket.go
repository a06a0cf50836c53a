package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// A socket is a UDP socket that closes when its context ends.
type socket struct{ *net.UDPConn }

func open(ctx context.Context, at netip.AddrPort) (socket, error) {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", at.String())
	if err != nil {
		return socket{}, fmt.Errorf("open a socket at %v: %w", at, err)
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	return socket{conn.(*net.UDPConn)}, nil
}

// anywhere is the address of a socket that calls.
func anywhere() netip.AddrPort { return netip.AddrPortFrom(netip.IPv4Unspecified(), 0) }

// tell sends a line. What cannot be sent is as lost as on any network: the
// caller asks again.
func (s socket) tell(to netip.AddrPort, line string) {
	_, _ = s.WriteToUDPAddrPort([]byte(line), to)
}

// hear returns the next line that comes within the time, and who sent it.
func (s socket) hear(wait time.Duration) (line string, from netip.AddrPort, ok bool) {
	if err := s.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return "", netip.AddrPort{}, false
	}
	return s.next()
}

// next returns the next line, and false once the socket is closed or its time
// is over.
func (s socket) next() (line string, from netip.AddrPort, ok bool) {
	b := make([]byte, 200)
	n, from, err := s.ReadFromUDPAddrPort(b)
	if err != nil {
		return "", netip.AddrPort{}, false
	}
	return string(b[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), true
}

// ask sends a question up to four times, each with the given patience, until an
// answer comes that begins as wanted. It returns "" if none does.
func (s socket) ask(ctx context.Context, to netip.AddrPort, question, want string, patience time.Duration) string {
	for range 4 {
		if ctx.Err() != nil {
			return ""
		}
		s.tell(to, question)
		for end := time.Now().Add(patience); ; {
			line, _, ok := s.hear(time.Until(end))
			if !ok {
				break
			}
			if strings.HasPrefix(line, want) {
				return line
			}
		}
	}
	return ""
}
