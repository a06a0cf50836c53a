package netx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
)

// bothAttempts is how many ports ListenBoth tries before it gives up.
const bothAttempts = 32

// Sockets gives out listening sockets: one that the service manager passed to us
// if there is one that fits, else one newly opened. The zero Sockets opens all. It
// is safe for concurrent use.
type Sockets struct {
	mu     sync.Mutex
	passed []*passedSocket // not taken yet
}

// Listen returns a listener for network ("tcp", "tcp4", "tcp6", "unix") at address
// ("host:port", port 0 for a free one). Of the sockets passed by systemd it takes
// one called name (FileDescriptorName=), whatever its address, or else one that is
// bound to address; name may be empty. A port that another program has is an
// *InUseError.
func (s *Sockets) Listen(ctx context.Context, network, address, name string) (net.Listener, error) {
	if p := s.take(ctx, true, network, address, name); p != nil {
		return p.listener, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, inUse(network, address, err)
	}
	return l, nil
}

// ListenPacket is Listen for datagrams: "udp", "udp4", "udp6", "unixgram".
func (s *Sockets) ListenPacket(ctx context.Context, network, address, name string) (net.PacketConn, error) {
	if p := s.take(ctx, false, network, address, name); p != nil {
		return p.packets, nil
	}
	var lc net.ListenConfig
	c, err := lc.ListenPacket(ctx, network, address)
	if err != nil {
		return nil, inUse(network, address, err)
	}
	return c, nil
}

// ListenBoth opens UDP and TCP on one address. With port 0 both get the same
// number, free in both. Sockets passed by systemd are taken as by Listen.
func (s *Sockets) ListenBoth(ctx context.Context, address, name string) (net.PacketConn, net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, err
	}
	for attempt := 1; ; attempt++ {
		l, err := s.Listen(ctx, "tcp", address, name)
		if err != nil {
			return nil, nil, err
		}
		same := net.JoinHostPort(host, portOf(l.Addr()))
		c, err := s.ListenPacket(ctx, "udp", same, name)
		if err == nil {
			return c, l, nil
		}
		l.Close()
		if port != "0" || !errors.Is(err, syscall.EADDRINUSE) || attempt == bothAttempts {
			return nil, nil, err
		}
	}
}

// Close closes the sockets that were passed and that nobody took.
func (s *Sockets) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.passed {
		p.close()
	}
	s.passed = nil
}

// Unused names the passed sockets that nobody took, as "name address": a unit file
// that does not fit the configuration.
func (s *Sockets) Unused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var unused []string
	for _, p := range s.passed {
		unused = append(unused, fmt.Sprintf("%s %v", p.name, p.addr()))
	}
	return unused
}

// take removes and returns the passed socket that fits best, or nil.
func (s *Sockets) take(ctx context.Context, stream bool, network, address, name string) *passedSocket {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, score := -1, 0
	for i, p := range s.passed {
		if (p.listener != nil) != stream {
			continue
		}
		fits := 0
		if name != "" && p.name == name {
			fits += 2
		}
		if sameAddress(ctx, p.addr(), network, address) {
			fits++
		}
		if fits > score {
			best, score = i, fits
		}
	}
	if best < 0 {
		return nil
	}
	p := s.passed[best]
	s.passed = slices.Delete(s.passed, best, best+1)
	return p
}

// sameAddress reports whether a socket bound to a is what network and address ask
// for.
func sameAddress(ctx context.Context, a net.Addr, network, address string) bool {
	if u, ok := a.(*net.UnixAddr); ok {
		return u.Net == network && u.Name == address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "0" || port != portOf(a) {
		return false
	}
	bound := addrOf(a)
	if host == "" {
		return bound.IsUnspecified()
	}
	wanted, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return err == nil && slices.ContainsFunc(wanted, func(w netip.Addr) bool { return w.Unmap() == bound })
}

func portOf(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}
