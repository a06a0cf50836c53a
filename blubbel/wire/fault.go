package wire

import (
	"trunkline/blubbel"
	"trunkline/internal/wire"
)

// Error tells a client that a frame of its was not obeyed. Specification, Errors.
type Error struct {
	Code     blubbel.Code
	Answered Kind   // the type of the frame that is answered; 0 for none
	Peer     []byte // the other's key as the client wrote it; empty for none
	Text     string // UTF-8, at most 256 bytes
}

func (p *Error) fields(c *wire.Cursor) {
	wire.U8(c, "code", &p.Code)
	wire.U8(c, "type answered", &p.Answered)
	wire.Bytes16(c, "peer", &p.Peer, blubbel.MaxDERKeySize)
	wire.RestText(c, "text", &p.Text, blubbel.MaxErrorText)
}

// Kind is KindError.
func (p *Error) Kind() Kind { return KindError }

// AppendBinary appends the payload to b.
func (p *Error) AppendBinary(b []byte) ([]byte, error) {
	c := wire.Writer(b, wire.Big)
	p.fields(&c)
	return c.Bytes()
}

// UnmarshalBinary reads the payload; slices alias b.
func (p *Error) UnmarshalBinary(b []byte) error {
	c := wire.Reader(b, wire.Big)
	p.fields(&c)
	return c.Done()
}
