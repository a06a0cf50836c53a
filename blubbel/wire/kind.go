package wire

import (
	"encoding"
	"errors"
	"fmt"

	"trunkline/internal/wire"
)

// A Kind is the first byte of a frame.
type Kind uint8

// The kinds. Specification, Frame.
const (
	KindLogin   Kind = 0x01 // to the relay: Login; from it: LoginAccepted
	KindStart   Kind = 0x02
	KindAccept  Kind = 0x03
	KindMessage Kind = 0x04
	KindError   Kind = 0x05 // from the relay only
	KindProof   Kind = 0x06 // to the relay: Proof; from it: Challenge
)

// String is the word used in logs, metrics and captures.
func (k Kind) String() string {
	switch k {
	case KindLogin:
		return "login"
	case KindStart:
		return "start"
	case KindAccept:
		return "accept"
	case KindMessage:
		return "message"
	case KindError:
		return "error"
	case KindProof:
		return "proof"
	}
	return fmt.Sprintf("0x%02x", uint8(k))
}

// A Direction says which way a frame goes: the same kind holds different
// packets each way.
type Direction uint8

// The two directions.
const (
	ToServer Direction = 1
	ToClient Direction = 2
)

// String is the phrase used in captures.
func (d Direction) String() string {
	if d == ToServer {
		return "to server"
	}
	return "to client"
}

// A Packet is the payload of a frame as a struct.
type Packet interface {
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
	// Kind is the type of the frame that carries the packet.
	Kind() Kind
	fields(c *wire.Cursor)
}

// ErrUnknownKind means that no packet of this kind goes this way.
var ErrUnknownKind = errors.New("unknown kind of packet")

// New returns an empty packet of the kind that goes in direction d, or an error
// that wraps [ErrUnknownKind].
func New(d Direction, k Kind) (Packet, error) {
	switch {
	case k == KindLogin && d == ToServer:
		return new(Login), nil
	case k == KindLogin:
		return new(LoginAccepted), nil
	case k == KindStart:
		return new(Start), nil
	case k == KindAccept:
		return new(Accept), nil
	case k == KindMessage:
		return new(Message), nil
	case k == KindError && d == ToClient:
		return new(Error), nil
	case k == KindProof && d == ToServer:
		return new(Proof), nil
	case k == KindProof:
		return new(Challenge), nil
	}
	return nil, fmt.Errorf("%w: %v %v", ErrUnknownKind, k, d)
}

// Parse reads the payload of a frame. The packet aliases it. Errors are
// [ErrUnknownKind] or tell the field that cannot be read.
func Parse(d Direction, k Kind, payload []byte) (Packet, error) {
	p, err := New(d, k)
	if err != nil {
		return nil, err
	}
	if err := p.UnmarshalBinary(payload); err != nil {
		return nil, fmt.Errorf("%v %v: %w", k, d, err)
	}
	return p, nil
}

// Dissect lists the fields of a payload, every byte once. What cannot be read
// comes as a field named unknown, with the error that Parse would return.
func Dissect(d Direction, k Kind, payload []byte) ([]wire.Field, error) {
	p, err := New(d, k)
	if err != nil {
		fields, _ := wire.Dissect(payload, wire.Big, func(*wire.Cursor) {})
		return fields, err
	}
	return wire.Dissect(payload, wire.Big, p.fields)
}
