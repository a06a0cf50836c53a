package simnet

import "net/netip"

// A NAT translates between its inside and the network that it is plugged into.
type NAT struct {
	box
	kind    Kind
	inside  realm
	opened  uint64
	out     map[mapKey]*mapping
	ports   map[portKey]*mapping
	sweepAt int
}

type mapKey struct {
	proto  proto
	inside netip.AddrPort
	peer   netip.AddrPort // as much of it as Kind.Mapping looks at
}

type portKey struct {
	proto proto
	port  uint16
}

// mapping is an outside port in use.
type mapping struct {
	mapKey
	port    uint16
	used    int64
	peers   map[netip.AddrPort]int64 // as much as Kind.Filtering looks at; when last sent to
	sweepAt int
}

// of is as much of the peer as the scope looks at.
func (s Scope) of(peer netip.AddrPort) netip.AddrPort {
	switch s {
	case EndpointIndependent:
		return netip.AddrPort{}
	case AddressDependent:
		return netip.AddrPortFrom(peer.Addr(), 0)
	default:
		return peer
	}
}

// Flush forgets all mappings, as a NAT does that is switched off and on.
func (n *NAT) Flush() { n.edit(n.forget) }

func (n *NAT) forget() {
	n.out = make(map[mapKey]*mapping)
	n.ports = make(map[portKey]*mapping)
	n.sweepAt = sweepMin
}

// translateOut gives p the outside address, opening a mapping if need be.
func (n *NAT) translateOut(p *packet) Fate {
	if n.kind.NoUDP && p.proto == udp {
		return UDPBlocked
	}
	key := mapKey{p.proto, p.from, n.kind.Mapping.of(p.to)}
	m := n.out[key]
	if m == nil || n.stale(p.proto, m.used) {
		m = n.open(key)
		if m == nil {
			return NoMapping
		}
	}
	m.used = n.w.at
	n.permit(m, n.kind.Filtering.of(p.to))
	p.from = netip.AddrPortFrom(n.addr, m.port)
	return Delivered
}

// translateIn gives p the inside address, if the NAT lets it in.
func (n *NAT) translateIn(p *packet) Fate {
	if n.kind.NoUDP && p.proto == udp {
		return UDPBlocked
	}
	m := n.ports[portKey{p.proto, p.to.Port()}]
	if m == nil || n.stale(p.proto, m.used) {
		return NoMapping
	}
	peer := n.kind.Filtering.of(p.from)
	sentTo, ok := m.peers[peer]
	if !ok || n.stale(p.proto, sentTo) {
		return Filtered
	}
	if p.proto == tcp {
		m.used = n.w.at
		m.peers[peer] = n.w.at
	}
	p.to = m.inside
	return Delivered
}

func (n *NAT) stale(pr proto, used int64) bool {
	life := n.kind.Lifetime
	if pr == tcp {
		life = n.kind.StreamLifetime
	}
	return n.w.at-used > int64(life)
}

// permit notes that the inside has sent to a peer.
func (n *NAT) permit(m *mapping, peer netip.AddrPort) {
	m.peers[peer] = n.w.at
	if len(m.peers) < m.sweepAt {
		return
	}
	for p, at := range m.peers {
		if n.stale(m.proto, at) {
			delete(m.peers, p)
		}
	}
	m.sweepAt = max(sweepMin, 2*len(m.peers))
}

// open makes a mapping, or returns nil if no port is free.
func (n *NAT) open(key mapKey) *mapping {
	n.drop(n.out[key])
	n.sweep()
	port, ok := n.freePort(key)
	if !ok {
		return nil
	}
	n.drop(n.ports[portKey{key.proto, port}])
	m := &mapping{mapKey: key, port: port, peers: make(map[netip.AddrPort]int64), sweepAt: sweepMin}
	n.out[key] = m
	n.ports[portKey{key.proto, port}] = m
	return m
}

// freePort is the first free port, from the inside port or from a random one on.
func (n *NAT) freePort(key mapKey) (uint16, bool) {
	low, count := int(n.kind.LowPort), int(n.kind.HighPort)-int(n.kind.LowPort)+1
	first := int(key.inside.Port()) - low
	if n.kind.Mapping != EndpointIndependent || first < 0 || first >= count {
		n.opened++
		d := newDice(n.w.cfg.Seed, n.id, n.opened)
		first = d.below(count)
	}
	for i := range count {
		port := uint16(low + (first+i)%count)
		m := n.ports[portKey{key.proto, port}]
		if m == nil || n.stale(key.proto, m.used) {
			return port, true
		}
	}
	return 0, false
}

const sweepMin = 64 // entries below which a table is not searched for old ones

// sweep removes old mappings when the table has doubled since the last time.
func (n *NAT) sweep() {
	if len(n.out) < n.sweepAt {
		return
	}
	for key, m := range n.out {
		if n.stale(key.proto, m.used) {
			n.drop(m)
		}
	}
	n.sweepAt = max(sweepMin, 2*len(n.out))
}

func (n *NAT) drop(m *mapping) {
	if m != nil {
		delete(n.out, m.mapKey)
		delete(n.ports, portKey{m.proto, m.port})
	}
}
