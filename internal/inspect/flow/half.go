package flow

import (
	"slices"
	"time"
)

// Bounds of what waits for bytes before it, each segment counted with its
// bookkeeping.
const (
	MaxWaiting    = 1 << 20  // in one direction
	MaxWaitingAll = 64 << 20 // in all conversations
)

// segmentCost is added to the bytes of a segment that waits.
const segmentCost = 128

// A half is one direction of a TCP conversation.
type half struct {
	begun   bool
	first   uint32 // number of the byte at offset 0
	next    uint32 // number of the byte that comes next
	offset  int64  // of that byte
	fin     bool
	last    uint32    // with fin: the number behind the last byte
	waiting []segment // in order, none overlapping next
	cost    int       // of waiting
	packet  int       // the last one of the conversation
	time    time.Time // of that
}

// A segment is a piece of one direction.
type segment struct {
	number uint32
	data   []byte
	lost   int // bytes behind data that were not captured
	packet int
	time   time.Time
}

func (s segment) size() int { return len(s.data) + s.lost }

// ahead is how far number lies before (positive) or behind base, across the
// wrap of numbers.
func ahead(number, base uint32) int { return int(int32(number - base)) }

// take adds a segment: what continues the direction is told, with what waited
// for it; what lies ahead waits.
func (f *Flows) take(t *talk, from Side, s segment) {
	h := &t.half[from]
	if ahead(s.number, h.next) <= 0 {
		f.deliver(t, from, s)
		f.drain(t, from)
		return
	}
	i, _ := slices.BinarySearchFunc(h.waiting, s.number, func(w segment, n uint32) int { return ahead(w.number, n) })
	if i < len(h.waiting) && h.waiting[i].number == s.number && h.waiting[i].size() >= s.size() {
		return // came before
	}
	s.data = keep(s.data)
	h.waiting = slices.Insert(h.waiting, i, s)
	h.cost += len(s.data) + segmentCost
	f.waiting += len(s.data) + segmentCost
	for len(h.waiting) > 0 && (h.cost > MaxWaiting || f.waiting > MaxWaitingAll) {
		f.skip(t, from)
	}
}

// deliver tells the part of s that is new.
func (f *Flows) deliver(t *talk, from Side, s segment) {
	h := &t.half[from]
	old := -ahead(s.number, h.next)
	if old >= s.size() {
		return
	}
	e := Event{Packet: s.packet, Time: s.time, Conversation: &t.Conversation, From: from, Offset: h.offset}
	if data := s.data[min(old, len(s.data)):]; len(data) > 0 {
		e.Kind, e.Bytes = Data, data
		f.emit(e)
		e.Offset += int64(len(data))
	}
	if lost := min(s.lost, s.size()-old); lost > 0 {
		e.Kind, e.Bytes, e.Missing = Lost, nil, int64(lost)
		f.emit(e)
	}
	h.next += uint32(s.size() - old)
	h.offset += int64(s.size() - old)
}

// drain tells what waited and continues the direction now.
func (f *Flows) drain(t *talk, from Side) {
	h := &t.half[from]
	n := 0
	for n < len(h.waiting) && ahead(h.waiting[n].number, h.next) <= 0 {
		s := h.waiting[n]
		h.cost -= len(s.data) + segmentCost
		f.waiting -= len(s.data) + segmentCost
		f.deliver(t, from, s)
		n++
	}
	h.waiting = slices.Delete(h.waiting, 0, n)
}

// skip gives up the bytes before the first segment that waits.
func (f *Flows) skip(t *talk, from Side) {
	h := &t.half[from]
	s := h.waiting[0]
	missing := ahead(s.number, h.next)
	f.emit(Event{
		Kind: Lost, Packet: s.packet, Time: s.time, Conversation: &t.Conversation, From: from,
		Offset: h.offset, Missing: int64(missing),
	})
	h.next, h.offset = s.number, h.offset+int64(missing)
	f.drain(t, from)
}
