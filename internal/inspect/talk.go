package inspect

import (
	"bytes"
	"fmt"
	"strings"

	"trunkline/internal/inspect/flow"
)

// A protocol is what a conversation over TCP may speak.
type protocol struct {
	name string
	port uint16
	// recognise judges by the first bytes of one side whether it speaks the
	// protocol in the role that the ports suggest.
	recognise func(first []byte, as role) verdict
	// reader returns what reads both directions once the client is known.
	reader func(client flow.Side, out output) reader
	// explain reads bytes that are given without a capture, sent to "server",
	// "client" or, if that is empty, whichever fits.
	explain func(b []byte, to string, out output)
}

// protocols is the table of what is known.
func protocols() []protocol { return []protocol{blubbelProtocol()} }

// Protocols lists the names of the protocols that are known.
func Protocols() []string {
	var names []string
	for _, p := range protocols() {
		names = append(names, p.name)
	}
	return names
}

func find(name string) (protocol, bool) {
	for _, p := range protocols() {
		if p.name == name {
			return p, true
		}
	}
	return protocol{}, false
}

func unknownProtocol(name string) error {
	return fmt.Errorf("protocol %q is not known: it is one of %s", name, strings.Join(Protocols(), ", "))
}

// A role is what the ports of a conversation suggest about a side.
type role int

const (
	anyone role = 0 // neither port is the usual one
	client role = 1 // the other side has the usual port
	server role = 2 // this side has it
)

func (p protocol) role(c *flow.Conversation, side flow.Side) role {
	switch p.port {
	case c.Ends[side.Other()].Port():
		return client
	case c.Ends[side].Port():
		return server
	}
	return anyone
}

// A verdict says whether bytes look like a protocol.
type verdict int

const (
	no   verdict = 0
	yes  verdict = 1
	more verdict = 2 // too few bytes to say
)

// A reader reads the stream of a conversation.
type reader interface {
	data(e flow.Event)  // the next bytes of one side
	lost(e flow.Event)  // bytes of one side that are missing
	close(e flow.Event) // the end
}

// An output takes frames: e brought the last byte, and offset is that of the
// first in its direction.
type output interface {
	frame(f Frame, e flow.Event, offset int64)
	// grow asks for n bytes more to keep, or gives back -n.
	grow(n int) bool
}

// A talk is one conversation over TCP: undecided at first, then read by a
// protocol or shown as unknown.
type talk struct {
	capture *Capture
	events  []flow.Event // while it is undecided
	first   [2][]byte
	reader  reader
}

// maxFirst bounds the first bytes of a side by which a protocol is recognised.
const maxFirst = 1024

func newTalk(c *Capture, conv *flow.Conversation) *talk {
	t := &talk{capture: c}
	for _, as := range c.as {
		for side, end := range conv.Ends {
			if p, ok := find(as.Protocol); ok && end.Port() == as.Port && t.reader == nil {
				t.reader = p.reader(flow.Side(side).Other(), t)
			}
		}
	}
	return t
}

func (t *talk) event(e flow.Event) {
	if t.reader == nil {
		t.wonder(e)
		return
	}
	t.pass(e)
}

func (t *talk) pass(e flow.Event) {
	if e.Kind == flow.Lost {
		t.reader.lost(e)
	} else {
		t.reader.data(e)
	}
}

// wonder keeps e until the first bytes of a side decide.
func (t *talk) wonder(e flow.Event) {
	e.Bytes = bytes.Clone(e.Bytes)
	t.events = append(t.events, e)
	open := e.Kind == flow.Data
	if open {
		t.first[e.From] = append(t.first[e.From], e.Bytes...)
	}
	undecided := false
	for _, p := range protocols() {
		for side, first := range t.first {
			side := flow.Side(side)
			role := p.role(e.Conversation, side)
			switch p.recognise(first, role) {
			case yes:
				if role == server {
					side = side.Other()
				}
				t.decide(p.reader(side, t))
				return
			case more:
				undecided = true
			}
		}
	}
	if !open || !undecided || len(t.first[0]) > maxFirst || len(t.first[1]) > maxFirst || len(t.events) > maxFirst {
		t.decide(opaque{t})
	}
}

// decide passes everything that waited on to r.
func (t *talk) decide(r reader) {
	t.reader = r
	for _, e := range t.events {
		t.pass(e)
	}
	t.events, t.first = nil, [2][]byte{}
}

func (t *talk) close(e flow.Event) {
	if t.reader == nil {
		t.decide(opaque{t})
	}
	t.reader.close(e)
}

func (t *talk) frame(f Frame, e flow.Event, offset int64) {
	f.Offset = offset
	t.capture.give(address(f, e))
}

func (t *talk) grow(n int) bool {
	if n > t.capture.spare {
		return false
	}
	t.capture.spare -= n
	return true
}

// opaque reads what nothing explains.
type opaque struct{ out output }

func (o opaque) data(e flow.Event) { o.out.frame(unknownFrame(bytes.Clone(e.Bytes), ""), e, e.Offset) }

func (o opaque) lost(e flow.Event) { o.out.frame(gap(e.Missing), e, e.Offset) }

func (o opaque) close(flow.Event) {}

// gap stands for bytes that the capture does not have.
func gap(missing int64) Frame {
	return Frame{Protocol: Unknown, Name: "gap", Missing: missing, Note: "these bytes are not in the capture"}
}
