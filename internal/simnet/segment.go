package simnet

import (
	"fmt"
	"net/netip"
)

// segmentKind is what a TCP packet is for.
type segmentKind uint8

const (
	syn segmentKind = iota
	synAck
	ack
	data
	fin
	rst
)

func (k segmentKind) String() string {
	return [...]string{"syn", "syn-ack", "ack", "data", "fin", "rst"}[k]
}

// header is the part of a TCP packet before its data. Sequence numbers count
// bytes from zero; the end of a stream counts as one.
type header struct {
	kind segmentKind
	id   uint64 // of the connection, made by the dialer: stands for random first numbers
	seq  uint64 // data, fin: of the first byte
	ack  uint64 // ack: all before this has arrived
	sack uint64 // ack: one more than the seq of the segment that is answered; 0: none
	edge uint64 // syn, synAck, ack: there is room up to here
	mss  int    // syn, synAck: longest data accepted
}

func (h header) String() string {
	switch h.kind {
	case ack:
		return fmt.Sprintf("ack %d", h.ack)
	case data:
		return fmt.Sprintf("data %d", h.seq)
	default:
		return h.kind.String()
	}
}

// streamKey finds a stream on its host.
type streamKey struct {
	port   uint16
	remote netip.AddrPort
}

// segment takes a TCP packet that has arrived at h.
func (h *Host) segment(p *packet) Fate {
	s := h.streams[streamKey{p.to.Port(), p.from}]
	if s != nil && s.id != p.seg.id {
		if p.seg.kind == syn {
			s.fail(errReset) // its other end is gone, and the port used again
		}
		s = nil
	}
	switch {
	case s != nil:
		s.receive(p)
		return Delivered
	case p.seg.kind == rst:
		return NoPort
	case p.seg.kind == syn:
		if l := h.listeners[p.to.Port()]; l != nil {
			return l.answer(p)
		}
	}
	h.w.transmit(h, p.to, p.from, header{kind: rst, id: p.seg.id}, nil)
	return NoPort
}

// transmit sends a TCP packet. It shares b, which must not change any more.
func (w *World) transmit(h *Host, from, to netip.AddrPort, seg header, b []byte) {
	p := w.newPacket()
	p.proto, p.from, p.to, p.seg, p.data = tcp, from, to, seg, b
	w.send(h, p)
}

// mss is the longest data of a segment that all lines of h's own let through.
func (h *Host) mss() int {
	mtu := 1500
	for b := &h.box; ; b = &b.in.exit.box {
		for _, l := range []*Link{&h.w.cfg.Path, &b.up, &b.down} {
			if l.MTU > 0 {
				mtu = min(mtu, l.MTU)
			}
		}
		if b.in.exit == nil {
			return max(mtu-40, 1)
		}
	}
}
