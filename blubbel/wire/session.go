package wire

import (
	"trunkline/blubbel"
	"trunkline/internal/wire"
)

// visitKey visits a key whose form tells its size.
func visitKey(c *wire.Cursor, field string, key *[]byte) {
	n := len(*key)
	if c.Reading() {
		n = blubbel.KeySize(c.Peek(blubbel.DERHeadSize))
		if n < blubbel.DERHeadSize { // a size that does not hold the head that tells it
			c.Fail(field, wire.ErrRange)
		}
	} else if n != blubbel.KeySize(*key) {
		c.Fail(field, wire.ErrRange)
	}
	wire.Bytes(c, field, key, n)
}

// Start asks a client for a session, or tells it that one is asked for.
// Specification, Frame and Session.
type Start struct {
	Peer   []byte // to the relay: whom to ask; from it: who asks
	Sealed []byte // g^a mod p sealed to whom is asked; the relay does not look inside
}

func (p *Start) fields(c *wire.Cursor) {
	visitKey(c, "peer", &p.Peer)
	wire.Rest(c, "sealed value", &p.Sealed, blubbel.HighestMaxPayload)
}

// Kind is KindStart.
func (p *Start) Kind() Kind { return KindStart }

// AppendBinary appends the payload to b.
func (p *Start) AppendBinary(b []byte) ([]byte, error) {
	c := wire.Writer(b, wire.Big)
	p.fields(&c)
	return c.Bytes()
}

// UnmarshalBinary reads the payload; slices alias b.
func (p *Start) UnmarshalBinary(b []byte) error {
	c := wire.Reader(b, wire.Big)
	p.fields(&c)
	return c.Done()
}

// Accept answers a Start, or tells that it was answered.
// Specification, Frame and Session.
type Accept struct {
	Peer   []byte // to the relay: who asked; from it: who accepted
	Sealed []byte // g^b mod p sealed to who asked
}

func (p *Accept) fields(c *wire.Cursor) {
	visitKey(c, "peer", &p.Peer)
	wire.Rest(c, "sealed value", &p.Sealed, blubbel.HighestMaxPayload)
}

// Kind is KindAccept.
func (p *Accept) Kind() Kind { return KindAccept }

// AppendBinary appends the payload to b.
func (p *Accept) AppendBinary(b []byte) ([]byte, error) {
	c := wire.Writer(b, wire.Big)
	p.fields(&c)
	return c.Bytes()
}

// UnmarshalBinary reads the payload; slices alias b.
func (p *Accept) UnmarshalBinary(b []byte) error {
	c := wire.Reader(b, wire.Big)
	p.fields(&c)
	return c.Done()
}

// Message carries one sealed text. Specification, Message.
type Message struct {
	Peer []byte // to the relay: the recipient; from it: the sender
	// Sealed is, between our clients, a counter of 12 bytes and AES-256-GCM
	// ciphertext with its tag; the relay does not look inside.
	Sealed []byte
}

func (p *Message) fields(c *wire.Cursor) {
	visitKey(c, "peer", &p.Peer)
	wire.Rest(c, "ciphertext", &p.Sealed, blubbel.HighestMaxPayload)
}

// Kind is KindMessage.
func (p *Message) Kind() Kind { return KindMessage }

// AppendBinary appends the payload to b.
func (p *Message) AppendBinary(b []byte) ([]byte, error) {
	c := wire.Writer(b, wire.Big)
	p.fields(&c)
	return c.Bytes()
}

// UnmarshalBinary reads the payload; slices alias b.
func (p *Message) UnmarshalBinary(b []byte) error {
	c := wire.Reader(b, wire.Big)
	p.fields(&c)
	return c.Done()
}
