package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors that a FieldError wraps.
var (
	// ErrShort means that the input ends inside a field.
	ErrShort = errors.New("input ends early")
	// ErrRange means that a value, count or length is outside its bounds.
	ErrRange = errors.New("value out of range")
	// ErrTrailing means that bytes are left after the last field.
	ErrTrailing = errors.New("bytes left over")
)

// A FieldError says which field of a packet could not be read or written.
type FieldError struct {
	Field  string // as named in the specification; empty after the last field
	Offset int    // of the field's first byte, from the start of the packet
	Err    error  // what is wrong: ErrShort, ErrRange, ErrTrailing or a packet's own
}

// Error gives field, byte and reason in one phrase.
func (e *FieldError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("byte %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("field %s at byte %d: %v", e.Field, e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// An Order is the order of bytes within numbers.
type Order bool

// The two orders.
const (
	Big    Order = false
	Little Order = true
)

// A Cursor visits the fields of a packet, reading or writing each. The first
// error sticks: later visits do nothing. A Cursor is used by one goroutine for
// one packet.
type Cursor struct {
	b       []byte // reading: what is left; writing: everything written
	size    int    // reading: of the whole input; writing: of the prefix
	order   Order
	reading bool
	err     *FieldError
	trace   *[]Field
}

// Writer returns a cursor that appends to b. What b holds is kept.
func Writer(b []byte, o Order) Cursor { return Cursor{b: b, size: len(b), order: o} }

// Reader returns a cursor that reads b.
func Reader(b []byte, o Order) Cursor { return Cursor{b: b, size: len(b), order: o, reading: true} }

// Reading reports whether visits read. Code that prepares a struct for what
// follows (a slice of the right length) does so only when reading.
func (c *Cursor) Reading() bool { return c.reading }

// Left is the number of bytes not yet read; 0 when writing.
func (c *Cursor) Left() int {
	if !c.reading {
		return 0
	}
	return len(c.b)
}

// Peek returns up to n bytes that come next without reading them. It returns
// nil when writing and after an error.
func (c *Cursor) Peek(n int) []byte {
	if !c.reading || c.err != nil {
		return nil
	}
	return c.b[:min(n, len(c.b))]
}

// Offset is the position of the next field from the start of the packet.
func (c *Cursor) Offset() int {
	if c.reading {
		return c.size - len(c.b)
	}
	return len(c.b) - c.size
}

// Fail makes err the cursor's error, unless it has one already.
func (c *Cursor) Fail(field string, err error) {
	if c.err == nil {
		c.err = &FieldError{Field: field, Offset: c.Offset(), Err: err}
	}
}

// Bytes ends writing: the prefix and the packet, or the first error with the
// prefix alone.
func (c *Cursor) Bytes() ([]byte, error) {
	if c.err != nil {
		return c.b[:c.size], c.err
	}
	return c.b, nil
}

// Done ends reading: the first error, or one that says that bytes are left.
func (c *Cursor) Done() error {
	if c.err == nil && len(c.b) > 0 {
		c.Fail("", ErrTrailing)
	}
	if c.err != nil {
		return c.err
	}
	return nil
}

// take reads n bytes; nil after an error.
func (c *Cursor) take(field string, n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > len(c.b) {
		c.Fail(field, ErrShort)
		return nil
	}
	p := c.b[:n:n]
	if c.trace != nil {
		*c.trace = append(*c.trace, Field{Name: field, Offset: c.Offset(), Bytes: p})
	}
	c.b = c.b[n:]
	return p
}

// uint visits an unsigned number of n bytes.
func (c *Cursor) uint(field string, n int, v uint64) uint64 {
	if c.err != nil {
		return v
	}
	if !c.reading {
		c.b = appendUint(c.b, n, v, c.order)
		return v
	}
	p := c.take(field, n)
	if p == nil {
		return v
	}
	got := readUint(p, c.order)
	if c.trace != nil {
		(*c.trace)[len(*c.trace)-1].number(got)
	}
	return got
}

func readUint(p []byte, o Order) uint64 {
	switch {
	case len(p) == 1:
		return uint64(p[0])
	case len(p) == 2 && o == Big:
		return uint64(binary.BigEndian.Uint16(p))
	case len(p) == 2:
		return uint64(binary.LittleEndian.Uint16(p))
	case len(p) == 4 && o == Big:
		return uint64(binary.BigEndian.Uint32(p))
	case len(p) == 4:
		return uint64(binary.LittleEndian.Uint32(p))
	case o == Big:
		return binary.BigEndian.Uint64(p)
	}
	return binary.LittleEndian.Uint64(p)
}

func appendUint(b []byte, n int, v uint64, o Order) []byte {
	switch {
	case n == 1:
		return append(b, byte(v))
	case n == 2 && o == Big:
		return binary.BigEndian.AppendUint16(b, uint16(v))
	case n == 2:
		return binary.LittleEndian.AppendUint16(b, uint16(v))
	case n == 4 && o == Big:
		return binary.BigEndian.AppendUint32(b, uint32(v))
	case n == 4:
		return binary.LittleEndian.AppendUint32(b, uint32(v))
	case o == Big:
		return binary.BigEndian.AppendUint64(b, v)
	}
	return binary.LittleEndian.AppendUint64(b, v)
}
