package netx

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// An InUseError says that a port is taken, and by whom if that can be seen.
// errors.Is(err, syscall.EADDRINUSE) holds.
type InUseError struct {
	Network string // "tcp", "udp", ...
	Addr    string // the address that was asked for
	PID     int    // the process that has it; 0: not to be seen
	Program string // its name, as the system knows it; empty: not to be seen
	Err     error  // what the system said
}

// Error names the address and the program.
func (e *InUseError) Error() string {
	switch {
	case e.Program != "":
		return fmt.Sprintf("%s %s is in use by %s (process %d)", e.Network, e.Addr, e.Program, e.PID)
	case e.PID != 0:
		return fmt.Sprintf("%s %s is in use by process %d", e.Network, e.Addr, e.PID)
	}
	return fmt.Sprintf("%s %s is in use by another program", e.Network, e.Addr)
}

// Unwrap returns what the system said.
func (e *InUseError) Unwrap() error { return e.Err }

// inUse adds the program that has the port to err if it says that the port is
// taken.
func inUse(network, address string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	e := &InUseError{Network: network, Addr: address, Err: err}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		return e
	}
	if at, ok := addrPortOf(op.Addr); ok {
		e.PID, e.Program = holder(network, at)
	}
	return e
}

func addrPortOf(a net.Addr) (netip.AddrPort, bool) {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort(), true
	case *net.UDPAddr:
		return a.AddrPort(), true
	}
	return netip.AddrPort{}, false
}
