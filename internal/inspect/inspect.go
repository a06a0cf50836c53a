package inspect

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"

	"trunkline/internal/inspect/capture"
	"trunkline/internal/inspect/flow"
)

// Options of Open. The zero value recognises protocols by port and content.
type Options struct {
	As []As
	// Unfinished is how many bytes of frames that are not complete are kept, of
	// all conversations together; default 64 MiB.
	Unfinished int
}

// An As says which protocol is spoken at a port, whatever the bytes look like.
type As struct {
	Protocol string // a name of Protocols
	Port     uint16 // TCP; 0 for the usual one
}

// A Capture is an opened capture file.
type Capture struct {
	in    *capture.Reader
	as    []As
	talks map[int]*talk
	ready []Frame // to be given out
	count int
	spare int // bytes that incomplete frames may still take
}

const defaultUnfinished = 64 << 20

// Open reads the head of a capture, pcap or pcapng. The error says what the file
// is not, or which protocol of the options is not known.
func Open(r io.Reader, o Options) (*Capture, error) {
	as := slices.Clone(o.As)
	for i := range as {
		p, ok := find(as[i].Protocol)
		if !ok {
			return nil, unknownProtocol(as[i].Protocol)
		}
		if as[i].Port == 0 {
			as[i].Port = p.port
		}
	}
	in, err := capture.NewReader(r)
	if err != nil {
		return nil, err
	}
	return &Capture{in: in, as: as, talks: map[int]*talk{}, spare: cmp.Or(o.Unfinished, defaultUnfinished)}, nil
}

// Frames gives every frame in the order in which packets completed it. It can be
// called once. An error comes last, after everything that could be read before
// it.
func (c *Capture) Frames() iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		flows := flow.New(c.event)
		for {
			p, err := c.in.Next()
			if err == nil {
				flows.Add(p)
			} else {
				flows.Flush()
			}
			for _, f := range c.ready {
				if !yield(f, nil) {
					return
				}
			}
			c.ready = c.ready[:0]
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Frame{}, fmt.Errorf("read the capture: %w", err))
				return
			}
		}
	}
}

// event takes what the packets told.
func (c *Capture) event(e flow.Event) {
	switch e.Kind {
	case flow.Unknown:
		f := unknownFrame(bytes.Clone(e.Bytes), "this packet cannot be followed: "+e.Why.Error())
		f.Packet, f.Time, f.Missing = e.Packet, e.Time, e.Missing
		c.give(f)
	case flow.Datagram:
		f := unknownFrame(bytes.Clone(e.Bytes), "")
		f.Missing = e.Missing
		c.give(address(f, e))
	case flow.Closed:
		if t := c.talks[e.Conversation.ID]; t != nil {
			t.close(e)
			delete(c.talks, e.Conversation.ID)
		}
	default:
		t := c.talks[e.Conversation.ID]
		if t == nil {
			t = newTalk(c, e.Conversation)
			c.talks[e.Conversation.ID] = t
		}
		t.event(e)
	}
}

// give numbers a frame and puts it up for its reader.
func (c *Capture) give(f Frame) {
	c.count++
	f.Number = c.count
	c.ready = append(c.ready, f)
}

// address fills in who sent f to whom, and when.
func address(f Frame, e flow.Event) Frame {
	f.Packet, f.Time = e.Packet, e.Time
	f.Conversation, f.Transport = e.Conversation.ID, e.Conversation.Transport
	f.From, f.To = e.Conversation.Ends[e.From], e.Conversation.Ends[e.From.Other()]
	return f
}
