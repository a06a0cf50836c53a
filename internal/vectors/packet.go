package vectors

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
)

// A Packet is a struct that writes and reads itself.
type Packet interface {
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// Of inputs up to maxEveryCut bytes every shorter one is tried; of longer ones
// that many of each end.
const maxEveryCut = 2048

// RoundTrip checks what must hold between the fields of a packet, in the form
// that [Fill] takes, and its bytes:
//
//   - the bytes decode to the fields, and decoding leaves them as they are
//   - the fields encode to the bytes, behind a prefix that stays
//   - every shorter input, and the input with one byte more, is refused or is
//     itself what its fields encode to
//
// fresh returns an empty packet.
func RoundTrip(fresh func() Packet, fields json.RawMessage, b []byte) error {
	want, got := fresh(), fresh()
	if err := Fill(want, fields); err != nil {
		return fmt.Errorf("fields of the vector: %w", err)
	}
	input := bytes.Clone(b)
	if err := got.UnmarshalBinary(input); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if err := same("decoded", want, got); err != nil {
		return err
	}
	if err := Same("input after decoding", b, input); err != nil {
		return err
	}
	for _, p := range []Packet{want, got} {
		if err := encodes(p, b); err != nil {
			return err
		}
	}
	return neighbours(fresh, b)
}

// encodes checks that p appends b to a prefix and leaves the prefix alone.
func encodes(p Packet, b []byte) error {
	const prefix = "prefix"
	out, err := p.AppendBinary([]byte(prefix))
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if !bytes.HasPrefix(out, []byte(prefix)) {
		return &Mismatch{"encoded", "the prefix kept", "the prefix changed"}
	}
	return Same("encoded", b, out[len(prefix):])
}

// neighbours tries inputs a little shorter and longer than b.
func neighbours(fresh func() Packet, b []byte) error {
	for n := range b {
		if n > maxEveryCut && n < len(b)-maxEveryCut {
			continue
		}
		if err := canonical(fresh(), b[:n:n]); err != nil {
			return fmt.Errorf("cut to %d bytes: %w", n, err)
		}
	}
	if err := canonical(fresh(), append(bytes.Clone(b), 0)); err != nil {
		return fmt.Errorf("with one byte more: %w", err)
	}
	return nil
}

// canonical checks that p refuses b or encodes to it again.
func canonical(p Packet, b []byte) error {
	if p.UnmarshalBinary(b) != nil {
		return nil
	}
	out, err := p.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("decodes, but does not encode: %w", err)
	}
	return Same("decoded and encoded", b, out)
}
