package simnet

import (
	"bytes"
	"slices"
	"time"
)

// control sends a packet without data; sack is that of its header.
func (s *Stream) control(kind segmentKind, sack uint64) {
	if kind != rst {
		s.in.promised = s.room()
	}
	s.w.transmit(s.h, s.local, s.remote, header{
		kind: kind, id: s.id, ack: s.in.next, sack: sack, edge: s.in.promised, mss: s.h.mss(),
	}, nil)
}

// room is up to where the peer may send.
func (s *Stream) room() uint64 {
	return s.in.next + uint64(s.w.cfg.Buffer-s.in.inbox.Len())
}

// shake sends the first packet of our end, again if need be.
func (s *Stream) shake() {
	s.tries++
	if s.state == dialing {
		s.control(syn, 0)
	} else {
		s.control(synAck, 0)
	}
}

// meet learns what the peer's first packet says.
func (s *Stream) meet(seg header) {
	s.out.mss = min(s.out.mss, seg.mss)
	s.out.edge = seg.edge
}

// receive takes a packet of this connection.
func (s *Stream) receive(p *packet) {
	s.heard = s.w.at
	switch kind := p.seg.kind; {
	case kind == rst && s.state == dialing:
		s.fail(errRefused)
	case kind == rst:
		s.fail(errReset)
	case kind == syn && s.state == answering:
		s.control(synAck, 0)
	case kind == synAck:
		s.connected(p.seg)
	case s.state == answering && !s.admitted():
		s.reset()
	case kind == ack && s.state == open:
		s.acked(p.seg)
	case (kind == data || kind == fin) && s.state == open:
		s.take(p)
	}
	s.settle()
}

// connected is the peer's answer to our call.
func (s *Stream) connected(seg header) {
	first := s.state == dialing
	if first {
		s.meet(seg)
		s.opened()
	}
	s.control(ack, 0) // again, if the one before was lost
	if !first {
		return
	}
	if s.notify != nil {
		s.notify()
		return
	}
	s.handler.Connected(s.w.Now())
}

// admitted hands a connection that has been made to the listener.
func (s *Stream) admitted() bool {
	l := s.door
	l.half--
	s.door = nil
	s.opened()
	return !l.closed && l.admit(s.w.Now(), s)
}

func (s *Stream) opened() {
	s.state = open
	if s.tries == 1 {
		s.out.rtt = time.Duration(s.w.at - s.begun)
	}
}

// acked takes what the peer has confirmed out of the flight.
func (s *Stream) acked(seg header) {
	o := &s.out
	for i := range o.flight {
		f := &o.flight[i]
		if f.acked || f.end() > seg.ack && f.seq+1 != seg.sack {
			continue
		}
		f.acked = true
		o.held -= len(f.data)
		if f.tries == 1 && f.seq+1 == seg.sack {
			o.measure(time.Duration(s.w.at - f.sent))
		}
	}
	for len(o.flight) > 0 && o.flight[0].acked {
		o.flight = slices.Delete(o.flight, 0, 1)
	}
	if seg.edge > o.edge {
		s.widen(seg.edge)
	}
	if o.short && o.held+o.pending.Len() <= s.w.cfg.Buffer/2 {
		o.short = false
		s.drained()
	}
}

// measure takes a round trip into the average.
func (o *outgoing) measure(rtt time.Duration) {
	if o.rtt == 0 {
		o.rtt = rtt
		return
	}
	o.rtt += (rtt - o.rtt) / 8
}

// widen notes that the peer has more room: a probe that did not fit may follow at
// once.
func (s *Stream) widen(edge uint64) {
	for i := range s.out.flight {
		if f := &s.out.flight[i]; f.seq+uint64(len(f.data)) > s.out.edge {
			f.due, f.tries = s.w.at, 0
		}
	}
	s.out.edge = edge
}

func (s *Stream) drained() {
	if s.notify != nil {
		s.notify()
	} else if d, ok := s.handler.(Drained); ok && !s.closed {
		d.Drained(s.w.Now())
	}
}

// take takes data, or the end.
func (s *Stream) take(p *packet) {
	in, seq := &s.in, p.seg.seq
	if s.closed && len(p.data) > 0 && seq >= in.next {
		s.reset() // nobody will read it
		return
	}
	if seq+uint64(len(p.data)) > s.room() {
		s.control(ack, 0)
		return
	}
	b := p.data
	if p.seg.kind == fin {
		b = nil
	}
	if seq > in.next {
		if in.early == nil {
			in.early = make(map[uint64][]byte)
		}
		in.early[seq] = b
	} else if seq == in.next {
		s.append(b)
		for s.state == open {
			b, ok := in.early[in.next]
			if !ok {
				break
			}
			delete(in.early, in.next)
			s.append(b)
		}
	}
	if s.state == open {
		s.control(ack, seq+1)
	}
	s.tell()
}

// append takes the next piece in order.
func (s *Stream) append(b []byte) {
	if b == nil {
		s.in.next++
		s.in.ended = true
		return
	}
	s.in.next += uint64(len(b))
	switch {
	case s.closed:
	case s.notify != nil || s.in.paused || s.in.inbox.Len() > 0:
		s.in.inbox.Write(b)
	default:
		s.handler.Receive(s.w.Now(), b)
	}
}

// reopen tells the peer about room, once it is worth a packet.
func (s *Stream) reopen() {
	worth := min(s.w.cfg.Buffer/2, 2*s.out.mss)
	if s.state == open && !s.in.ended && s.room()-s.in.promised >= uint64(worth) {
		s.control(ack, 0)
	}
}

// settle sends what can be sent and sets the timer. Everything that changes the
// stream ends here.
func (s *Stream) settle() {
	if s.state == open {
		s.flush()
		if s.closed && s.out.finished && len(s.out.flight) == 0 {
			if s.in.ended {
				s.forget()
			} else if s.lingerAt == 0 {
				s.lingerAt = s.w.at + int64(linger)
			}
		}
	}
	s.arm()
}

// flush sends what waits, as far as the peer has room.
func (s *Stream) flush() {
	o := &s.out
	if o.corkedTo > s.w.at {
		return
	}
	o.corkedTo = 0
	for o.pending.Len() > 0 && o.next < o.edge {
		n := min(o.pending.Len(), o.mss, int(o.edge-o.next))
		if s.w.cfg.Chop {
			n = 1 + s.dice.below(n)
		}
		s.launch(bytes.Clone(o.pending.Next(n)))
	}
	if o.finish && !o.finished && o.pending.Len() == 0 {
		o.finished = true
		s.launch(nil)
	}
}

// launch puts b in flight; nil is the end.
func (s *Stream) launch(b []byte) {
	o := &s.out
	o.flight = append(o.flight, flying{seq: o.next, data: b, sent: s.w.at})
	f := &o.flight[len(o.flight)-1]
	o.next = f.end()
	o.held += len(b)
	s.put(f)
}

// put sends a segment, the first time or again.
func (s *Stream) put(f *flying) {
	f.tries++
	f.due = s.w.at + int64(s.patience(f.tries))
	if end := s.lastHope(f.sent); end > s.w.at {
		f.due = min(f.due, end)
	}
	kind := data
	if f.data == nil {
		kind = fin
	}
	s.w.transmit(s.h, s.local, s.remote, header{kind: kind, id: s.id, seq: f.seq}, f.data)
}

// patience is how long to wait for an answer to the n-th try: twice as long each
// time, but so that there are some tries before GiveUp.
func (s *Stream) patience(n int) time.Duration {
	first := firstRetry
	if s.out.rtt > 0 {
		first = leastRetry + 2*s.out.rtt
	}
	most := min(mostRetry, max(s.w.cfg.GiveUp/8, leastRetry))
	return min(first<<min(n-1, 20), most)
}

// arm sets the timer to the first thing that is due.
func (s *Stream) arm() {
	switch s.state {
	case open:
		s.w.set(&s.timer, s.nextDue())
	case dialing, answering:
		// The waits are 1 s, 2 s, 4 s and so on.
		wait := firstRetry<<min(s.tries, 20) - firstRetry
		s.w.set(&s.timer, s.begun+int64(min(wait, s.w.cfg.GiveUp)))
	}
}

// nextDue is when the first thing of an open stream is due.
func (s *Stream) nextDue() int64 {
	o := &s.out
	at := int64(never)
	for i := range o.flight {
		if f := &o.flight[i]; !f.acked {
			at = min(at, f.due)
		}
	}
	if o.corkedTo > 0 {
		at = min(at, o.corkedTo)
	}
	if s.lingerAt > 0 {
		at = min(at, s.lingerAt)
	}
	if !s.stuck() {
		o.probeAt = 0
		return at
	}
	if o.probeAt == 0 {
		o.probeAt = s.w.at + int64(s.patience(1))
	}
	return min(at, o.probeAt)
}

// stuck says that only the peer's lack of room holds the stream up.
func (s *Stream) stuck() bool {
	o := &s.out
	return s.state == open && len(o.flight) == 0 && o.pending.Len() > 0 && o.corkedTo == 0
}

// due does what the timer was set for.
func (s *Stream) due() {
	now := s.w.at
	switch {
	case s.state != open && now-s.begun >= int64(s.w.cfg.GiveUp):
		s.fail(errTimeout)
	case s.state != open:
		s.shake()
	case s.lingerAt > 0 && now >= s.lingerAt:
		s.forget()
	default:
		s.retry(now)
	}
	s.settle()
	s.h.refresh()
}

// lastHope is when something sent first at that time is to be given up, if the
// peer stays silent.
func (s *Stream) lastHope(sent int64) int64 {
	return max(sent, s.heard) + int64(s.w.cfg.GiveUp)
}

// retry sends again what has not been answered in time.
func (s *Stream) retry(now int64) {
	for i := range s.out.flight {
		f := &s.out.flight[i]
		if f.acked || f.due > now {
			continue
		}
		if now >= s.lastHope(f.sent) {
			s.fail(errTimeout)
			return
		}
		s.put(f)
	}
	if s.stuck() && now >= s.out.probeAt {
		s.launch(bytes.Clone(s.out.pending.Next(1)))
	}
}
