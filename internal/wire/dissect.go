package wire

import (
	"encoding/hex"
	"strconv"
)

// A Field is one field of a packet as it stands in the input.
type Field struct {
	Name   string // as in the specification; "unknown" for bytes no field claims
	Offset int    // of its first byte
	Bytes  []byte // aliases the input
	Value  string // numbers in decimal, everything else in hexadecimal
}

// Len is the number of bytes that the field takes.
func (f Field) Len() int { return len(f.Bytes) }

func (f *Field) number(v uint64) { f.Value = strconv.FormatUint(v, 10) }

// Unknown is the name of a Field that covers bytes which nothing explains.
const Unknown = "unknown"

// Dissect lists the fields that visit reads from b, in their order. Bytes
// behind the last field, or behind the one that could not be read, come as a
// last field named Unknown: no byte is left out. The error is what reading b
// would have returned.
func Dissect(b []byte, o Order, visit func(c *Cursor)) ([]Field, error) {
	var fields []Field
	c := Reader(b, o)
	c.trace = &fields
	visit(&c)
	rest, err := c.b, c.Done()
	if len(rest) > 0 {
		fields = append(fields, Field{Name: Unknown, Offset: len(b) - len(rest), Bytes: rest})
	}
	for i := range fields {
		if fields[i].Value == "" {
			fields[i].Value = hex.EncodeToString(fields[i].Bytes)
		}
	}
	return fields, err
}
