package flow

import (
	"bytes"
	"container/list"
	"encoding/binary"
	"net/netip"
	"time"

	"trunkline/internal/inspect/capture"
)

// MaxConversations is how many conversations are followed at once.
const MaxConversations = 4096

// A Kind says what an Event tells.
type Kind uint8

// The kinds.
const (
	Data     Kind = 1 // the next bytes of a TCP conversation in one direction
	Datagram Kind = 2 // one datagram of UDP
	Lost     Kind = 3 // Missing bytes of a TCP conversation are not in the file
	Closed   Kind = 4 // the conversation is over, or followed no longer
	Unknown  Kind = 5 // a packet that cannot be followed, for the reason Why
)

// A Side says who of a conversation sent something.
type Side uint8

// The two sides.
const (
	Opener   Side = 0
	Answerer Side = 1
)

// Other returns the other side.
func (s Side) Other() Side { return 1 - s }

// A Conversation is what two ends say to each other over TCP or UDP.
type Conversation struct {
	ID        int               // from 1, in the order in which they begin
	Transport string            // "tcp" or "udp"
	Ends      [2]netip.AddrPort // by Side; who was seen first where nobody is seen to open
	Begun     bool              // whether its beginning was seen: its first SYN
}

// An Event is something that packets told.
type Event struct {
	Kind         Kind
	Packet       int           // number of the packet that brought it
	Time         time.Time     // of that packet
	Conversation *Conversation // nil for Unknown
	From         Side
	Bytes        []byte // valid until the handler returns
	Offset       int64  // of Data: of the first byte, from the beginning of the direction
	Missing      int64  // of Lost; of Datagram and Unknown: what was not captured of it
	Why          error  // of Unknown
}

// Flows follows the conversations of one capture. It is used by one goroutine.
type Flows struct {
	emit      func(Event)
	fragments fragments
	talks     map[ends]*talk
	order     list.List // of *talk: those that are over, then the longest silent first
	count     int
	waiting   int // bytes out of order in all conversations
}

// ends names a conversation: the smaller address first.
type ends struct {
	proto uint8
	a, b  netip.AddrPort
}

// A talk is a conversation and the state of both directions.
type talk struct {
	Conversation
	key   ends
	place *list.Element
	half  [2]half
	over  bool // Closed was told; kept to know what is sent again
}

// New returns Flows that tells emit what packets told, in order.
func New(emit func(Event)) *Flows {
	return &Flows{emit: emit, talks: map[ends]*talk{}}
}

// Add takes the next packet of a capture.
func (f *Flows) Add(p capture.Packet) {
	at, err := ipOf(p.Link, p.Data)
	if err != nil {
		f.lose(p, err)
		return
	}
	d, err := readIP(p.Data[at:])
	if err != nil {
		f.lose(p, err)
		return
	}
	if d.fragmented() {
		var ok bool
		if d, ok = f.fragments.add(p, d, f.lose); !ok {
			return
		}
	}
	switch d.proto {
	case protoUDP:
		f.udp(p, d)
	case protoTCP:
		f.tcp(p, d)
	default:
		f.lose(p, errProtocol)
	}
}

// Flush ends every conversation, oldest first: what waited for bytes that never
// came is told.
func (f *Flows) Flush() {
	f.fragments.flush(f.lose)
	for f.order.Len() > 0 {
		f.forget(f.order.Front().Value.(*talk))
	}
}

// lose tells of a packet that cannot be followed.
func (f *Flows) lose(p capture.Packet, why error) {
	f.emit(Event{Kind: Unknown, Packet: p.Number, Time: p.Time, Bytes: p.Data, Missing: int64(p.Length - len(p.Data)), Why: why})
}

func (f *Flows) udp(p capture.Packet, d datagram) {
	if len(d.body) < 8 {
		f.lose(p, errShort)
		return
	}
	size := int(binary.BigEndian.Uint16(d.body[4:]))
	if size < 8 || size > d.size {
		size = d.size
	}
	body := d.body[8:min(size, len(d.body))]
	t, from := f.talk(d, p)
	f.emit(Event{
		Kind: Datagram, Packet: p.Number, Time: p.Time, Conversation: &t.Conversation, From: from,
		Bytes: body, Missing: int64(size - 8 - len(body)),
	})
}

// key returns the name of the conversation that d belongs to, whose ports stand
// first in its body, and who sends.
func (d datagram) key() (k ends, from netip.AddrPort) {
	from = netip.AddrPortFrom(d.from, binary.BigEndian.Uint16(d.body))
	to := netip.AddrPortFrom(d.to, binary.BigEndian.Uint16(d.body[2:]))
	if from.Compare(to) <= 0 {
		return ends{d.proto, from, to}, from
	}
	return ends{d.proto, to, from}, from
}

// talk finds or begins the conversation of d.
func (f *Flows) talk(d datagram, p capture.Packet) (t *talk, from Side) {
	k, sender := d.key()
	t = f.talks[k]
	if t == nil {
		if len(f.talks) == MaxConversations {
			f.forget(f.order.Front().Value.(*talk))
		}
		to := k.a
		if to == sender {
			to = k.b
		}
		f.count++
		t = &talk{key: k, Conversation: Conversation{ID: f.count, Transport: "tcp", Ends: [2]netip.AddrPort{sender, to}}}
		if d.proto == protoUDP {
			t.Transport = "udp"
		}
		t.place = f.order.PushBack(t)
		f.talks[k] = t
	}
	f.order.MoveToBack(t.place)
	for i := range t.half {
		t.half[i].packet, t.half[i].time = p.Number, p.Time
	}
	if t.Ends[Opener] == sender {
		return t, Opener
	}
	return t, Answerer
}

// end tells what waits in a conversation, and that it is over.
func (f *Flows) end(t *talk) {
	for side := range t.half {
		for len(t.half[side].waiting) > 0 {
			f.skip(t, Side(side))
		}
	}
	t.over = true
	f.order.MoveToFront(t.place)
	h := t.half[Opener]
	f.emit(Event{Kind: Closed, Packet: h.packet, Time: h.time, Conversation: &t.Conversation})
}

// forget ends a conversation, unless it is over, and follows it no longer.
func (f *Flows) forget(t *talk) {
	if !t.over {
		f.end(t)
	}
	f.order.Remove(t.place)
	delete(f.talks, t.key)
}

// keep clones what outlives its packet.
func keep(b []byte) []byte { return bytes.Clone(b) }
