package inspect

import (
	"bytes"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	"trunkline/internal/inspect/flow"
)

func blubbelProtocol() protocol {
	return protocol{
		name:      "blubbel",
		port:      blubbel.DefaultPort,
		recognise: recogniseBlubbel,
		explain:   explainBlubbel,
		reader: func(client flow.Side, out output) reader {
			r := &blubbelReader{}
			r.streams[client] = newBlubbelStream(wire.ToServer, out)
			r.streams[client.Other()] = newBlubbelStream(wire.ToClient, out)
			return r
		},
	}
}

// recogniseBlubbel looks for a login with a key that is one. At the usual port
// the head of any frame that could come is enough: the capture may have come
// late.
func recogniseBlubbel(first []byte, as role) verdict {
	switch {
	case len(first) == 0:
		return more
	case as == client:
		return plausible(wire.ToServer, first)
	case as == server && withoutLength(wire.ToClient, first):
		return yes
	case as == server:
		return plausible(wire.ToClient, first)
	}
	if first[0] != byte(wire.KindLogin) {
		return no
	}
	f, _, whole, err := wire.Split(first, blubbel.MaxDERKeySize)
	switch {
	case err != nil:
		return no
	case !whole:
		return more
	}
	if _, err := blubbel.ParsePublicKey(f.Payload); err != nil {
		return no
	}
	return yes
}

// plausible judges whether b could be the beginning of a frame.
func plausible(to wire.Direction, b []byte) verdict {
	if _, err := wire.New(to, wire.Kind(b[0])); err != nil {
		return no
	}
	if len(b) < wire.HeadSize {
		return more
	}
	f, _, whole, err := wire.Split(b, blubbel.HighestMaxPayload)
	if err != nil {
		return no
	}
	if whole {
		if _, err := wire.Parse(to, f.Kind, f.Payload); err != nil {
			return no
		}
		return yes
	}
	switch k := wire.Kind(b[0]); k {
	case wire.KindStart, wire.KindAccept, wire.KindMessage:
		if len(b) == wire.HeadSize {
			return more
		}
		if key := b[wire.HeadSize]; key < 0x80 && key != 0x30 {
			return no
		}
	}
	return yes
}

// A blubbelReader reads a conversation of blubbel, its streams by side.
type blubbelReader struct{ streams [2]*blubbelStream }

func (r *blubbelReader) data(e flow.Event) { r.streams[e.From].data(e) }

func (r *blubbelReader) lost(e flow.Event) { r.streams[e.From].lost(e) }

func (r *blubbelReader) close(e flow.Event) {
	for side, s := range r.streams {
		e.From = flow.Side(side)
		s.cut(e, "the conversation ends inside this frame", s.missing())
	}
}

// A blubbelStream reads one direction.
type blubbelStream struct {
	out    output
	to     wire.Direction
	table  meanings
	buf    []byte // the beginning of a frame
	offset int64  // of buf in the stream
	synced bool   // whether buf begins where a frame does
	rest   int64  // bytes that come yet of a frame that lost some
}

func newBlubbelStream(to wire.Direction, out output) *blubbelStream {
	return &blubbelStream{out: out, to: to, table: blubbelMeanings(), synced: true}
}

func (s *blubbelStream) data(e flow.Event) {
	b := e.Bytes
	if s.rest > 0 {
		n := min(s.rest, int64(len(b)))
		s.tell(unknownFrame(bytes.Clone(b[:n]), "more of the frame before the gap"), e, e.Offset)
		s.rest -= n
		e.Offset += n
		if b = b[n:]; len(b) == 0 {
			return
		}
	}
	if len(s.buf) == 0 {
		s.offset = e.Offset
	}
	if !s.synced {
		s.synced = withoutLength(s.to, b) || plausible(s.to, b) == yes
	}
	if !s.synced {
		s.tell(unknownFrame(bytes.Clone(b), "where a frame begins is not known"), e, e.Offset)
		return
	}
	if !s.out.grow(len(b)) {
		s.cut(e, "too many frames are incomplete at once", 0)
		s.synced = false
		s.tell(unknownFrame(bytes.Clone(b), ""), e, e.Offset)
		return
	}
	s.buf = append(s.buf, b...)
	s.split(e)
}

// split takes whole frames off the buffer.
func (s *blubbelStream) split(e flow.Event) {
	for len(s.buf) > 0 {
		if withoutLength(s.to, s.buf) {
			s.emit(len(s.buf), s.explainShipped, e)
			return
		}
		f, _, whole, err := wire.Split(s.buf, blubbel.HighestMaxPayload)
		if err != nil {
			s.cut(e, err.Error(), 0)
			s.synced = false
			return
		}
		if !whole {
			return
		}
		s.emit(f.Size(), s.explainFrame, e)
	}
}

// withoutLength reports whether b begins with a frame as the ancestor of the
// protocol ships it to clients: a key, whose top bit is set, stands where a
// length would, which has that bit clear.
func withoutLength(to wire.Direction, b []byte) bool {
	if to != wire.ToClient || len(b) < 2 || b[1] < 0x80 {
		return false
	}
	return b[0] >= byte(wire.KindStart) && b[0] <= byte(wire.KindMessage)
}

// emit tells the first n bytes as explained.
func (s *blubbelStream) emit(n int, explain func([]byte) Frame, e flow.Event) {
	s.tell(explain(bytes.Clone(s.buf[:n])), e, s.offset)
	s.buf = s.buf[n:]
	s.offset += int64(n)
	s.out.grow(-n)
	if len(s.buf) == 0 {
		s.buf = nil
	}
}

// cut tells what there is of an incomplete frame.
func (s *blubbelStream) cut(e flow.Event, why string, missing int64) {
	if len(s.buf) == 0 {
		return
	}
	s.emit(len(s.buf), func(b []byte) Frame {
		f := s.explainFrame(b)
		f.Note, f.Missing = why, missing
		return f
	}, e)
}

// missing is how many bytes the frame in the buffer lacks, as far as its head
// tells.
func (s *blubbelStream) missing() int64 {
	if len(s.buf) < wire.HeadSize {
		return 0
	}
	_, _, _, err := wire.Split(s.buf, blubbel.HighestMaxPayload)
	if err != nil {
		return 0
	}
	return announced(s.buf) - int64(len(s.buf))
}

// announced is the size that the head of a frame gives it.
func announced(b []byte) int64 {
	return wire.HeadSize + int64(b[1])<<24 + int64(b[2])<<16 + int64(b[3])<<8 + int64(b[4])
}

// lost takes note of bytes that are missing. If they lie inside a frame whose
// size is known, the next frame is found behind it.
func (s *blubbelStream) lost(e flow.Event) {
	left := s.rest
	if len(s.buf) > 0 {
		left = s.missing()
	}
	s.cut(e, "bytes of this frame are not in the capture", min(left, e.Missing))
	s.rest = max(0, left-e.Missing)
	s.synced = left >= e.Missing
	s.tell(gap(e.Missing), e, e.Offset)
}

func (s *blubbelStream) tell(f Frame, e flow.Event, offset int64) { s.out.frame(f, e, offset) }

// title names a frame: its kind, or what the kind holds in one direction, and
// the direction.
func title(to wire.Direction, kind wire.Kind) string {
	name := kind.String()
	switch {
	case to == wire.ToClient && kind == wire.KindProof:
		name = "challenge"
	case to == wire.ToClient && kind == wire.KindLogin:
		name = "login accepted"
	}
	return name + " " + to.String()
}

// explainFrame explains a frame in the documented framing, or what there is of
// one.
func (s *blubbelStream) explainFrame(b []byte) Frame {
	kind := wire.Kind(b[0])
	f := Frame{Protocol: "blubbel", Name: title(s.to, kind), Bytes: b}
	f.Fields = append(f.Fields, s.field(kind, "type", 0, b[:1]))
	if len(b) < wire.HeadSize {
		if len(b) > 1 {
			f.Fields = append(f.Fields, unknownField(1, b[1:]))
		}
		return f
	}
	f.Fields = append(f.Fields, s.field(kind, "length", 1, b[1:wire.HeadSize]))
	var note error
	f.Fields, note = s.payload(f.Fields, kind, b[wire.HeadSize:], wire.HeadSize)
	if note != nil {
		f.Note = note.Error()
	}
	return f
}

// explainShipped explains a frame without a length: its key is raw, and it ends
// where its segment does.
func (s *blubbelStream) explainShipped(b []byte) Frame {
	kind := wire.Kind(b[0])
	f := Frame{
		Protocol: "blubbel", Name: title(s.to, kind) + ", as shipped", Bytes: b,
		Note: "this frame has no length: its end is taken to be that of its segment",
	}
	f.Fields = append(f.Fields, s.field(kind, "type", 0, b[:1]))
	f.Fields, _ = s.payload(f.Fields, kind, b[1:], 1)
	return f
}

func (s *blubbelStream) field(kind wire.Kind, name string, offset int, b []byte) Field {
	return s.table.of(s.to, kind, name).field(name, offset, b)
}

// payload appends the fields of a payload that stands at offset of its frame.
func (s *blubbelStream) payload(fields []Field, kind wire.Kind, b []byte, offset int) ([]Field, error) {
	list, err := wire.Dissect(s.to, kind, b)
	for _, p := range list {
		switch {
		case p.Name == Unknown:
			fields = append(fields, unknownField(offset+p.Offset, p.Bytes))
		case kind == wire.KindMessage && p.Name == "ciphertext":
			fields = s.sealed(fields, offset+p.Offset, p.Bytes)
		default:
			fields = append(fields, s.field(kind, p.Name, offset+p.Offset, p.Bytes))
		}
	}
	return fields, err
}

// sealed appends the parts of a sealed text: those that our clients give it,
// where it is long enough for them.
func (s *blubbelStream) sealed(fields []Field, offset int, b []byte) []Field {
	const ends = blubbel.CounterSize + blubbel.TagSize
	part := func(name string, from, until int) {
		if from < until {
			fields = append(fields, s.field(wire.KindMessage, name, offset+from, b[from:until]))
		}
	}
	if len(b) < ends {
		part("ciphertext", 0, len(b))
		return fields
	}
	part("counter", 0, blubbel.CounterSize)
	part("sealed text", blubbel.CounterSize, len(b)-blubbel.TagSize)
	part("tag", len(b)-blubbel.TagSize, len(b))
	return fields
}

// explainBlubbel reads bytes in the direction that leaves fewer unexplained.
func explainBlubbel(b []byte, to string, out output) {
	d := wire.ToServer
	switch {
	case to == "client":
		d = wire.ToClient
	case to == "" && (withoutLength(wire.ToClient, b) || unread(wire.ToClient, b) < unread(wire.ToServer, b)):
		d = wire.ToClient
	}
	readBlubbel(d, b, out)
}

func readBlubbel(d wire.Direction, b []byte, out output) {
	s := newBlubbelStream(d, out)
	s.data(flow.Event{Kind: flow.Data, Bytes: b})
	s.cut(flow.Event{}, "the bytes end inside this frame", s.missing())
}

// unread counts the bytes that a direction does not explain.
func unread(d wire.Direction, b []byte) int {
	var c collected
	readBlubbel(d, b, &c)
	n := 0
	for _, f := range c.frames {
		for _, field := range f.Fields {
			if field.Name == Unknown {
				n += len(field.Bytes)
			}
		}
		if f.Note != "" {
			n++
		}
	}
	return n
}
