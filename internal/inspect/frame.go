package inspect

import (
	"net/netip"
	"time"
)

// A Certainty says where the meaning of a field is known from.
type Certainty string

// The certainties.
const (
	Confirmed    Certainty = "confirmed"     // sources that do not know each other agree
	SingleSource Certainty = "single source" // one source says so
	Inferred     Certainty = "inferred"      // concluded from what is seen
	Choice       Certainty = "choice"        // this project's own decision
)

// Unknown is the name of protocols, frames and fields that nothing explains.
const Unknown = "unknown"

// A Frame is one unit of a protocol: a frame of a stream, a datagram, or bytes
// that nothing explains. Its fields cover its bytes, each once and in order.
type Frame struct {
	Number       int       // from 1
	Packet       int       // of the capture, which completed the frame; 0 without a capture
	Time         time.Time // of that packet; zero where the capture tells none
	Conversation int       // from 1; 0 for packets that belong to none
	Transport    string    // "tcp", "udp" or empty
	From, To     netip.AddrPort
	Protocol     string // "blubbel" or "unknown"
	Name         string // "message to server"
	Bytes        []byte
	Fields       []Field
	Missing      int64  // bytes that follow Bytes and are not in the capture
	Note         string // what is wrong with it, or was concluded; may be empty
	// Offset is where its first byte stands in what was sent that way over TCP.
	Offset int64
}

// A Field is some bytes of a frame.
type Field struct {
	Name      string
	Offset    int // in the frame
	Bytes     []byte
	Value     string // for people; may be empty
	Meaning   string
	Certainty Certainty // empty for unknown fields
}

// unknownField covers b, which stands at offset of its frame.
func unknownField(offset int, b []byte) Field {
	return Field{Name: Unknown, Offset: offset, Bytes: b, Meaning: "nothing explains these bytes"}
}

// unknownFrame is b without an explanation.
func unknownFrame(b []byte, note string) Frame {
	f := Frame{Protocol: Unknown, Name: Unknown, Bytes: b, Note: note}
	if len(b) > 0 {
		f.Fields = []Field{unknownField(0, b)}
	}
	return f
}
