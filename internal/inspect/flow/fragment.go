package flow

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"time"

	"trunkline/internal/inspect/capture"
)

// Bounds of fragments.
const (
	// MaxFragmented is how many datagrams may be incomplete at once.
	MaxFragmented = 64
	// fragmentTime is how long an incomplete datagram waits: RFC 8200, 4.5.
	fragmentTime = 60 * time.Second
	maxFragments = 128 // of one datagram
	maxDatagram  = 64 << 10
	maxGathered  = 4 << 20 // bytes of packets kept for all datagrams
)

var (
	errFragment   = errors.New("fragments are missing")
	errOverlap    = errors.New("fragments overlap or do not fit")
	errCutHeaders = errors.New("cut before its end by the capture")
)

// A whole names the datagram that a fragment belongs to.
type whole struct {
	from, to netip.Addr
	proto    uint8
	id       uint32
}

// A pieces is a datagram whose fragments are being gathered.
type pieces struct {
	whole
	since time.Time
	parts []piece // in order of offset
	size  int     // of the datagram; 0 until its last fragment is there
}

type piece struct {
	off    int
	body   []byte
	packet capture.Packet // for what cannot be put together
}

// fragments gathers fragments, oldest datagram first.
type fragments struct {
	waiting []*pieces
	kept    int // bytes of their packets
}

// A lose function takes a packet that cannot be followed.
type lose func(p capture.Packet, why error)

// add takes a fragment. When it completes a datagram, that is returned. Every
// fragment that will not become part of one is given to lose.
func (f *fragments) add(p capture.Packet, d datagram, lose lose) (datagram, bool) {
	f.expire(p.Time, lose)
	if len(d.body) < d.size {
		lose(p, errCutHeaders)
		return datagram{}, false
	}
	w := f.find(whole{d.from, d.to, d.proto, d.id}, p.Time, lose)
	if w.has(d) {
		return datagram{}, false
	}
	if !w.insert(p, d) {
		lose(p, errOverlap)
		f.drop(w, errOverlap, lose)
		return datagram{}, false
	}
	f.kept += len(p.Data)
	body, ok := w.join()
	if !ok {
		for f.kept > maxGathered {
			f.drop(f.waiting[0], errFragment, lose)
		}
		return datagram{}, false
	}
	f.forget(w)
	d.body, d.size, d.off, d.more = body, len(body), 0, false
	return d, true
}

func (f *fragments) find(k whole, now time.Time, lose lose) *pieces {
	for _, w := range f.waiting {
		if w.whole == k {
			return w
		}
	}
	if len(f.waiting) == MaxFragmented {
		f.drop(f.waiting[0], errFragment, lose)
	}
	w := &pieces{whole: k, since: now}
	f.waiting = append(f.waiting, w)
	return w
}

// drop gives up a datagram.
func (f *fragments) drop(w *pieces, why error, lose lose) {
	for _, part := range w.parts {
		lose(part.packet, why)
	}
	f.forget(w)
}

func (f *fragments) forget(w *pieces) {
	for _, part := range w.parts {
		f.kept -= len(part.packet.Data)
	}
	f.waiting = slices.DeleteFunc(f.waiting, func(o *pieces) bool { return o == w })
}

func (f *fragments) expire(now time.Time, lose lose) {
	for len(f.waiting) > 0 && now.Sub(f.waiting[0].since) > fragmentTime {
		f.drop(f.waiting[0], errFragment, lose)
	}
}

// flush gives up everything.
func (f *fragments) flush(lose lose) {
	for len(f.waiting) > 0 {
		f.drop(f.waiting[0], errFragment, lose)
	}
}

// has reports whether the same fragment is there already.
func (w *pieces) has(d datagram) bool {
	return slices.ContainsFunc(w.parts, func(p piece) bool { return p.off == d.off && bytes.Equal(p.body, d.body) })
}

// insert adds a fragment in its place. It reports false for one that overlaps
// another or contradicts the size: RFC 5722 drops the datagram then.
func (w *pieces) insert(p capture.Packet, d datagram) bool {
	end := d.off + len(d.body)
	if end > maxDatagram || len(w.parts) == maxFragments || (d.more && len(d.body)%8 != 0) {
		return false
	}
	i, _ := slices.BinarySearchFunc(w.parts, d.off, func(p piece, off int) int { return p.off - off })
	if i < len(w.parts) && end > w.parts[i].off || i > 0 && w.parts[i-1].end() > d.off {
		return false
	}
	if !d.more {
		if w.size != 0 && w.size != end {
			return false
		}
		w.size = end
	}
	p.Data = bytes.Clone(p.Data)
	w.parts = slices.Insert(w.parts, i, piece{d.off, bytes.Clone(d.body), p})
	return w.size == 0 || w.parts[len(w.parts)-1].end() <= w.size
}

func (p piece) end() int { return p.off + len(p.body) }

// join returns the datagram once it is whole.
func (w *pieces) join() ([]byte, bool) {
	if w.size == 0 {
		return nil, false
	}
	var body []byte
	for _, p := range w.parts {
		if p.off != len(body) {
			return nil, false
		}
		body = append(body, p.body...)
	}
	return body, len(body) == w.size
}
