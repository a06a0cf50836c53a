package simnet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// realm is a set of boxes that reach each other directly: the public internet,
// or the inside of a NAT.
type realm struct {
	boxes  map[netip.Addr]*box
	exit   *NAT // nil: public
	subnet int  // number of the NAT, 0: public
	used   int  // addresses given out
}

// box is what hosts and NATs have in common: a place in a realm, and a line.
type box struct {
	w        *World
	id       uint64
	name     string
	in       *realm
	addr     netip.Addr
	addr6    netip.Addr // public boxes only
	up, down Link
	deadUp   bool
	deadDown bool
	host     *Host // exactly one of these is set
	nat      *NAT
}

const insideAddrs = 253 // behind one NAT

// A Host is a computer with one IPv4 address and, outside of NATs, one IPv6
// address.
type Host struct {
	box
	side    int            // of the partition; 0: everybody's
	severed map[*Host]bool // what is sent to them disappears
	down    bool
	life    int // number of crashes
	sent    uint64
	dialed  uint64
	lastOut uint16 // last port given out

	sockets   map[uint16]*Socket
	listeners map[uint16]*Listener
	streams   map[streamKey]*Stream
	machines  []*driven
}

// A Party is a Host, or a Node of a Net.
type Party interface{ party() *Host }

func (h *Host) party() *Host { return h }

func (w *World) place(b *box, name string, behind []*NAT) {
	w.boxes++
	b.w, b.id, b.name, b.in = w, w.boxes, name, &w.public
	if len(behind) > 0 {
		b.in = &behind[0].inside
	}
	b.plug()
}

// plug gives a box the next address of its realm.
func (b *box) plug() {
	b.in.used++
	if b.in.exit == nil {
		b.addr = publicAddr(b.in.used)
		b.addr6 = publicAddr6(b.in.used)
		b.in.boxes[b.addr6] = b
	} else {
		b.addr = b.in.freeAddr()
	}
	b.in.boxes[b.addr] = b
}

// freeAddr is the next free address inside a NAT, from 10.77.x.2 on.
func (r *realm) freeAddr() netip.Addr {
	if r.subnet >= 178<<8 {
		panic("simnet: too many NATs")
	}
	for range insideAddrs {
		n := byte(2 + (r.used-1)%insideAddrs)
		a := netip.AddrFrom4([4]byte{10, 77 + byte(r.subnet>>8), byte(r.subnet), n})
		if r.boxes[a] == nil {
			return a
		}
		r.used++
	}
	panic("simnet: more than 253 boxes behind a NAT")
}

// publicAddr is the n-th address of the documentation prefixes (RFC 5737), and
// after those of the prefix for benchmarks (RFC 2544).
func publicAddr(n int) netip.Addr {
	prefixes := [][3]byte{{198, 51, 100}, {203, 0, 113}, {192, 0, 2}}
	if n <= 254*len(prefixes) {
		p := prefixes[(n-1)/254]
		return netip.AddrFrom4([4]byte{p[0], p[1], p[2], byte((n-1)%254 + 1)})
	}
	n -= 254 * len(prefixes)
	if n >= 1<<17 {
		panic("simnet: more boxes than public addresses")
	}
	return netip.AddrFrom4([4]byte{198, 18 + byte(n>>16), byte(n >> 8), byte(n)})
}

// publicAddr6 is the n-th address of the documentation prefix (RFC 3849).
func publicAddr6(n int) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint64(a[8:], uint64(n))
	return netip.AddrFrom16(a)
}

// Host adds a host, on the public internet or behind a NAT. Its name is for
// traces and for Node.Dial; of several hosts of one name, Dial finds the last.
func (w *World) Host(name string, behind ...*NAT) *Host {
	w.lock.Lock()
	defer w.lock.Unlock()
	h := &Host{lastOut: firstEphemeral - 1}
	h.host = h
	h.clear()
	w.place(&h.box, name, behind)
	w.hosts = append(w.hosts, h)
	w.names[name] = h
	return h
}

// clear forgets what ran on the host.
func (h *Host) clear() {
	h.sockets = make(map[uint16]*Socket)
	h.listeners = make(map[uint16]*Listener)
	h.streams = make(map[streamKey]*Stream)
	h.machines = nil
}

// NAT adds a NAT with an outside address on the public internet, or behind
// another NAT.
func (w *World) NAT(name string, kind Kind, behind ...*NAT) *NAT {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.nats++
	n := &NAT{kind: kind.withDefaults()}
	n.nat = n
	n.inside = realm{boxes: make(map[netip.Addr]*box), exit: n, subnet: w.nats}
	n.forget()
	w.place(&n.box, name, behind)
	return n
}

func (b *box) edit(f func()) {
	b.w.lock.Lock()
	defer b.w.lock.Unlock()
	f()
}

// Name is the name given at its making.
func (b *box) Name() string { return b.name }

// Addr is the IPv4 address; of a NAT, the outside one.
func (b *box) Addr() (a netip.Addr) {
	b.edit(func() { a = b.addr })
	return a
}

// Addr6 is the IPv6 address; not valid behind a NAT.
func (b *box) Addr6() (a netip.Addr) {
	b.edit(func() { a = b.addr6 })
	return a
}

// SetLine sets the line of its own that joins it to its network, in addition to
// Config.Path.
func (b *box) SetLine(up, down Link) { b.edit(func() { b.up, b.down = up, down }) }

// Cut cuts its line. What is under way to it is lost too.
func (b *box) Cut() { b.edit(func() { b.deadUp, b.deadDown = true, true }) }

// CutUp loses what it sends, and still lets it receive.
func (b *box) CutUp() { b.edit(func() { b.deadUp = true }) }

// CutDown loses what is sent to it, and still lets it send.
func (b *box) CutDown() { b.edit(func() { b.deadDown = true }) }

// Heal undoes Cut, CutUp and CutDown.
func (b *box) Heal() { b.edit(func() { b.deadUp, b.deadDown = false, false }) }

// Renumber gives it another address, as a roaming phone or a redialing router
// gets. Streams and mappings of the old address are dead, but do not know.
func (b *box) Renumber() {
	b.edit(func() {
		delete(b.in.boxes, b.addr)
		delete(b.in.boxes, b.addr6)
		b.plug()
		if b.nat != nil {
			b.nat.forget()
		}
	})
}

// Sever loses, from now on, what h sends to the other host, but not what that
// sends to h.
func (h *Host) Sever(to Party) {
	h.edit(func() {
		if h.severed == nil {
			h.severed = make(map[*Host]bool)
		}
		h.severed[to.party()] = true
	})
}

// Mend undoes Sever.
func (h *Host) Mend(to Party) { h.edit(func() { delete(h.severed, to.party()) }) }

// Crash stops the host without a word to anybody: its sockets, listeners,
// streams and machines are gone, and orders of AtHost void.
func (h *Host) Crash() {
	h.edit(func() {
		h.down = true
		h.life++
		for _, m := range h.machines {
			m.timer.at = never
		}
		for _, s := range h.streams {
			s.crashed()
		}
		for _, s := range h.sockets {
			s.crashed()
		}
		for _, l := range h.listeners {
			l.crashed()
		}
		h.clear()
	})
}

// Restart brings a crashed host up again, at its old address, with nothing
// running.
func (h *Host) Restart() { h.edit(func() { h.down = false }) }

// Partition sets these hosts apart: they reach each other and nobody else. Each
// call makes another group; a host is in one at a time.
func (w *World) Partition(group ...Party) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.sides++
	for _, p := range group {
		p.party().side = w.sides
	}
}

// Reunite undoes all Partitions.
func (w *World) Reunite() {
	w.lock.Lock()
	defer w.lock.Unlock()
	for _, h := range w.hosts {
		h.side = 0
	}
}

// separated says whether what from sends cannot reach h.
func (h *Host) separated(from *Host) bool {
	return h.side != from.side || from.severed[h]
}

func (b *box) String() string { return fmt.Sprintf("%s(%v)", b.name, b.addr) }
