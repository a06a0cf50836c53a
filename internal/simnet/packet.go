package simnet

import (
	"fmt"
	"net/netip"
	"time"
)

type proto uint8

const (
	udp proto = iota
	tcp
)

func (p proto) String() string { return [...]string{"udp", "tcp"}[p] }

// packet is a datagram or a segment on its way.
type packet struct {
	proto    proto
	from, to netip.AddrPort // as the NATs so far have made them
	src      *Host
	data     []byte
	own      []byte // memory of data, used again; segments share theirs
	seg      header // TCP only

	next   *box // where it arrives next
	dice   dice
	flow   uint64
	delay  time.Duration // collected since it last arrived
	twice  bool          // a link wants to repeat it
	repeat bool          // it is the repetition
}

// size is with the headers of IPv4 and UDP or TCP.
func (p *packet) size() int {
	if p.proto == udp {
		return len(p.data) + 28
	}
	return len(p.data) + 40
}

func (w *World) newPacket() *packet {
	if n := len(w.free); n > 0 {
		p := w.free[n-1]
		w.free = w.free[:n-1]
		return p
	}
	return new(packet)
}

// end is where every packet ends: counted, traced, its memory kept.
func (w *World) end(p *packet, f Fate) {
	if f == Delivered && p.repeat {
		f = Repeated
	}
	w.counts[f]++
	if w.cfg.Trace != nil {
		w.cfg.Trace(w.line(p, f))
	}
	*p = packet{own: p.own[:0]}
	w.free = append(w.free, p)
}

func (w *World) line(p *packet, f Fate) string {
	kind := ""
	switch {
	case p.proto == tcp:
		kind = " " + p.seg.String()
	case w.cfg.Describe != nil:
		kind = " " + w.cfg.Describe(p.data)
	}
	return fmt.Sprintf("%d.%09d %s %v %v > %v %d %v%s", w.at/1e9, w.at%1e9,
		p.src.name, p.proto, p.from, p.to, len(p.data), f, kind)
}

// send sends p, which has proto, from, to and content, from h into the world.
func (w *World) send(h *Host, p *packet) {
	h.sent++
	p.src = h
	p.dice = newDice(w.cfg.Seed, h.id, h.sent)
	p.flow = mix(w.cfg.Seed ^ h.id)
	if f := w.outward(&h.box, p); f != Delivered {
		w.end(p, f)
	}
}

// outward takes p from box to box until one is found in whose network the
// destination is, and sends it towards that.
func (w *World) outward(b *box, p *packet) Fate {
	if !p.from.IsValid() || p.from.Addr() != b.addr && p.from.Addr() != b.addr6 {
		return NoRoute
	}
	for {
		if b.deadUp {
			return Cut
		}
		if f := b.up.carry(p, w.at); f != Delivered {
			return f
		}
		exit := b.in.exit
		if next := b.in.boxes[p.to.Addr()]; next != nil {
			if exit == nil && next != b {
				if f := w.cfg.Path.carry(p, w.at); f != Delivered {
					return f
				}
			}
			if next == b && b.nat != nil && !b.nat.kind.Hairpin {
				return NoHairpin
			}
			return w.inward(next, p)
		}
		if exit == nil {
			return NoRoute
		}
		if f := exit.translateOut(p); f != Delivered {
			return f
		}
		b = &exit.box
	}
}

// inward sends p down the line of next.
func (w *World) inward(next *box, p *packet) Fate {
	p.next = next
	p.flow = mix(p.flow ^ next.id)
	if f := next.down.carry(p, w.at); f != Delivered {
		return f
	}
	delay := p.delay
	p.delay = 0
	if p.twice {
		p.twice = false
		w.queue.push(w.at+int64(delay+p.dice.upTo(max(delay, time.Millisecond))), w.repeat(p))
	}
	w.queue.push(w.at+int64(delay), p)
	return Delivered
}

func (w *World) repeat(p *packet) *packet {
	q := w.newPacket()
	own := q.own
	*q = *p
	q.repeat, q.own = true, own
	if p.proto == udp {
		q.own = append(own, p.data...)
		q.data = q.own
	}
	return q
}

// run is p's arrival at its next box.
func (p *packet) run(w *World) {
	b := p.next
	if b.deadDown {
		w.end(p, Cut)
		return
	}
	if b.host != nil {
		w.deliver(b.host, p)
		return
	}
	f := b.nat.translateIn(p)
	if f == Delivered {
		f = NoRoute
		if next := b.nat.inside.boxes[p.to.Addr()]; next != nil {
			f = w.inward(next, p)
		}
	}
	if f != Delivered {
		w.end(p, f)
	}
}

// deliver hands p to what listens on h.
func (w *World) deliver(h *Host, p *packet) {
	f := NoPort
	switch {
	case h.down:
		f = HostDown
	case h.separated(p.src):
		f = Cut
	case p.proto == tcp:
		f = h.segment(p)
	default:
		if s := h.sockets[p.to.Port()]; s != nil {
			f = s.receive(w.Now(), p.from, p.data)
		}
	}
	w.end(p, f)
	h.refresh()
}
