package simnet

import "time"

// Config says what the network is like. The zero value is a perfect network: no
// delay, nothing lost.
type Config struct {
	// Seed decides every random choice.
	Seed uint64
	// Start is the time at which a World begins; default 2026-01-01 UTC. A Net
	// begins now.
	Start time.Time
	// Path is what lies between any two hosts on the public internet. Hosts
	// behind the same NAT reach each other without it.
	Path Link
	// Buffer is how many bytes each end of a stream holds, per direction;
	// default 64 KiB.
	Buffer int
	// GiveUp is how long a stream tries to reach a silent peer; default 2 min.
	GiveUp time.Duration
	// Chop cuts and joins what is written to streams at random, as a reader
	// must expect.
	Chop bool
	// Trace, if not nil, is given a line for each packet whose fate is decided:
	// seconds since the start, sender, protocol, source, destination, bytes of
	// payload, fate, kind. Addresses are those at the place of the decision,
	// after the NATs passed so far. It must not use the network.
	Trace func(line string)
	// Describe names the kind of a datagram for Trace.
	Describe func(b []byte) string
}

func (c Config) withDefaults() Config {
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if c.Buffer == 0 {
		c.Buffer = 64 << 10
	}
	if c.GiveUp == 0 {
		c.GiveUp = 2 * time.Minute
	}
	return c
}

// A Link is one direction of a line. The zero Link is perfect.
type Link struct {
	// Delay is the least time that a packet takes.
	Delay time.Duration
	// Jitter is the most that is added to Delay. It swings slowly and so keeps
	// the order of packets.
	Jitter time.Duration
	// Loss, Duplicate and Reorder are probabilities from 0 to 1: that a packet
	// is lost, arrives twice, or is held back by up to Delay (at least 10 ms)
	// so that later ones overtake it.
	Loss, Duplicate, Reorder float64
	// MTU is the longest packet in bytes, headers of IP and UDP or TCP
	// included; longer ones are lost. Zero: no limit, and streams use 1500.
	MTU int
}

// Scope says for which peers a NAT treats an inside endpoint the same; the
// terms are those of RFC 4787.
type Scope uint8

// The scopes of mapping and filtering.
const (
	EndpointIndependent     Scope = iota // all peers
	AddressDependent                     // each address apart
	AddressAndPortDependent              // each address and port apart
)

// Kind is how a NAT behaves. The zero Kind is a full-cone NAT.
type Kind struct {
	// Mapping says for which peers an inside endpoint keeps its outside port.
	// With EndpointIndependent it has the inside port, if free; otherwise
	// ports are random.
	Mapping Scope
	// Filtering says who may send to an outside port: anyone once it is used,
	// or only peers that were sent to.
	Filtering Scope
	// Hairpin lets inside hosts reach each other by outside addresses.
	Hairpin bool
	// NoUDP drops all UDP.
	NoUDP bool
	// Lifetime of a UDP mapping after the last packet outward; default 2 min.
	Lifetime time.Duration
	// StreamLifetime of a TCP mapping after the last packet in any direction;
	// default 2 h 4 min (RFC 5382).
	StreamLifetime time.Duration
	// LowPort and HighPort bound the outside ports; default 1024 and 65535.
	LowPort, HighPort uint16
}

// FullCone lets anyone in to a port that was used.
func FullCone() Kind { return Kind{} }

// Restricted lets in the addresses that were sent to.
func Restricted() Kind { return Kind{Filtering: AddressDependent} }

// PortRestricted lets in the addresses with port that were sent to.
func PortRestricted() Kind { return Kind{Filtering: AddressAndPortDependent} }

// Symmetric has a new random port for each peer, and lets in only that peer.
func Symmetric() Kind {
	return Kind{Mapping: AddressAndPortDependent, Filtering: AddressAndPortDependent}
}

// NoUDP lets TCP through only.
func NoUDP() Kind { return Kind{Filtering: AddressAndPortDependent, NoUDP: true} }

func (k Kind) withDefaults() Kind {
	if k.Lifetime == 0 {
		k.Lifetime = 2 * time.Minute
	}
	if k.StreamLifetime == 0 {
		k.StreamLifetime = 2*time.Hour + 4*time.Minute
	}
	if k.LowPort == 0 {
		k.LowPort = 1024
	}
	if k.HighPort == 0 {
		k.HighPort = 65535
	}
	return k
}
