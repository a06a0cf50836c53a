package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// HeadSize is the type and the length that precede a payload.
const HeadSize = 5

// ErrTooLarge means that a frame announces a payload above the limit.
var ErrTooLarge = errors.New("payload above the limit")

// A Frame is one unit of the stream between a client and the relay:
// type (1 byte), length (4 bytes, big-endian), payload.
type Frame struct {
	Kind    Kind
	Payload []byte
}

// Size is the number of bytes that the frame takes with its head.
func (f Frame) Size() int { return HeadSize + len(f.Payload) }

// Split takes the first whole frame off b, its payload at most limit bytes, and
// returns what follows it. The payload aliases b. While b holds only part of a
// frame, ok is false and rest is b. An announced payload above the limit is
// [ErrTooLarge] as soon as its length can be read.
func Split(b []byte, limit int) (f Frame, rest []byte, ok bool, err error) {
	if len(b) < HeadSize {
		return Frame{}, b, false, nil
	}
	n := binary.BigEndian.Uint32(b[1:])
	if uint64(n) > uint64(limit) {
		return Frame{Kind: Kind(b[0])}, b, false, fmt.Errorf("%w: %d bytes of %d", ErrTooLarge, n, limit)
	}
	end := HeadSize + int(n)
	if len(b) < end {
		return Frame{}, b, false, nil
	}
	return Frame{Kind: Kind(b[0]), Payload: b[HeadSize:end:end]}, b[end:], true, nil
}

// AppendHead appends type and length of a frame whose payload of n bytes follows.
func AppendHead(b []byte, k Kind, n int) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(k)), uint32(n))
}

// AppendFrame appends p as a whole frame. b is returned unchanged with an error.
func AppendFrame(b []byte, p Packet) ([]byte, error) {
	start := len(b)
	out, err := p.AppendBinary(AppendHead(b, p.Kind(), 0))
	if err != nil {
		return b, err
	}
	binary.BigEndian.PutUint32(out[start+1:], uint32(len(out)-start-HeadSize))
	return out, nil
}
