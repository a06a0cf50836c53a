package flow

import (
	"encoding/binary"
	"net/netip"

	"trunkline/internal/inspect/capture"
)

// Flags of TCP.
const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagACK = 16
)

// tcp takes a segment of TCP.
//
//	state of a direction   segment            next
//	not begun              SYN                begun at the byte behind it
//	not begun              data               begun there: the capture came late
//	begun                  data               told, or waits, or came before
//	begun                  SYN, new number    the conversation ends, another begins
//	begun                  FIN                ends when everything before it came
//	any                    RST                the conversation ends
//	over                   sent before        ignored
//	over                   new                another conversation
func (f *Flows) tcp(p capture.Packet, d datagram) {
	if len(d.body) < 20 {
		f.lose(p, errShort)
		return
	}
	head := int(d.body[12]>>4) * 4
	if head < 20 || head > d.size {
		f.lose(p, errShort)
		return
	}
	flags := d.body[13]
	s := segment{
		number: binary.BigEndian.Uint32(d.body[4:]),
		data:   d.body[min(head, len(d.body)):],
		packet: p.Number,
		time:   p.Time,
	}
	s.lost = d.size - head - len(s.data)
	t, from := f.find(p, d, s, flags)
	if t == nil {
		return // says nothing about a conversation that is not followed
	}
	f.segment(t, from, s, flags)
}

// find finds or begins the conversation of a segment; nil for a segment that
// belongs to none and begins none: a lone acknowledgement, or what is sent
// again after the end.
func (f *Flows) find(p capture.Packet, d datagram, s segment, flags byte) (*talk, Side) {
	k, sender := d.key()
	t := f.talks[k]
	if t != nil {
		h := &t.half[Opener]
		if t.Ends[Opener] != sender {
			h = &t.half[Answerer]
		}
		switch {
		case h.reopened(s, flags) || t.over && h.continues(s, flags):
			f.forget(t)
			t = nil
		case t.over:
			return nil, 0
		}
	}
	if t == nil && flags&flagSYN == 0 && s.size() == 0 {
		return nil, 0
	}
	begun := t == nil && flags&flagSYN != 0
	t, from := f.talk(d, p)
	if begun {
		t.Begun = true
		if flags&flagACK != 0 { // the answer: the other side opened
			t.Ends = [2]netip.AddrPort{t.Ends[Answerer], t.Ends[Opener]}
			from = Answerer
		}
	}
	return t, from
}

// reopened reports whether s opens another conversation between the same ends.
func (h *half) reopened(s segment, flags byte) bool {
	return flags&flagSYN != 0 && h.begun && h.first != s.number+1
}

// continues reports whether s has bytes that did not come before.
func (h *half) continues(s segment, flags byte) bool {
	if !h.begun {
		return flags&flagSYN != 0 || s.size() > 0
	}
	return s.size() > 0 && ahead(s.number+uint32(s.size()), h.next) > 0
}

func (f *Flows) segment(t *talk, from Side, s segment, flags byte) {
	h := &t.half[from]
	if flags&flagSYN != 0 {
		s.number++
	}
	if !h.begun {
		h.begun, h.first, h.next = true, s.number, s.number
	}
	if flags&flagFIN != 0 && !h.fin {
		h.fin, h.last = true, s.number+uint32(s.size())
	}
	if s.size() > 0 {
		f.take(t, from, s)
	}
	if flags&flagRST != 0 || t.half[0].done() && t.half[1].done() {
		f.end(t)
	}
}

// done reports whether everything up to the end came.
func (h *half) done() bool { return h.fin && ahead(h.last, h.next) <= 0 }
