package wire

// U8 visits an unsigned number of one byte.
func U8[T ~uint8](c *Cursor, field string, v *T) {
	if got := T(c.uint(field, 1, uint64(*v))); c.reading {
		*v = got
	}
}

// U16 visits an unsigned number of two bytes in the cursor's order.
func U16[T ~uint16](c *Cursor, field string, v *T) {
	if got := T(c.uint(field, 2, uint64(*v))); c.reading {
		*v = got
	}
}

// U32 visits an unsigned number of four bytes in the cursor's order.
func U32[T ~uint32](c *Cursor, field string, v *T) {
	if got := T(c.uint(field, 4, uint64(*v))); c.reading {
		*v = got
	}
}

// U64 visits an unsigned number of eight bytes in the cursor's order.
func U64[T ~uint64](c *Cursor, field string, v *T) {
	if got := T(c.uint(field, 8, uint64(*v))); c.reading {
		*v = got
	}
}

// Fixed visits exactly len(b) bytes; reading copies them into b.
func Fixed(c *Cursor, field string, b []byte) {
	if c.err != nil {
		return
	}
	if !c.reading {
		c.b = append(c.b, b...)
		return
	}
	copy(b, c.take(field, len(b)))
}

// Bytes visits n bytes whose number the packet tells elsewhere. Reading makes
// *b alias the input; writing fails with ErrRange unless len(*b) is n.
func Bytes(c *Cursor, field string, b *[]byte, n int) {
	if c.err != nil {
		return
	}
	if !c.reading {
		if len(*b) != n {
			c.Fail(field, ErrRange)
			return
		}
		c.b = append(c.b, *b...)
		return
	}
	if p := c.take(field, n); c.err == nil {
		*b = p
	}
}

// Bytes8 visits a length of one byte and that many bytes, at most most.
// Reading makes *b alias the input.
func Bytes8(c *Cursor, field string, b *[]byte, most int) {
	n := uint8(len(*b))
	if !c.fits(field, len(*b), min(most, 1<<8-1)) {
		return
	}
	n = uint8(c.count(field, " length", 1, uint64(n)))
	c.body(field, b, int(n), most)
}

// Bytes16 visits a length of two bytes and that many bytes, at most most.
// Reading makes *b alias the input.
func Bytes16(c *Cursor, field string, b *[]byte, most int) {
	n := uint16(len(*b))
	if !c.fits(field, len(*b), min(most, 1<<16-1)) {
		return
	}
	n = uint16(c.count(field, " length", 2, uint64(n)))
	c.body(field, b, int(n), most)
}

// Bytes32 visits a length of four bytes and that many bytes, at most most.
// Reading makes *b alias the input.
func Bytes32(c *Cursor, field string, b *[]byte, most int) {
	n := uint32(len(*b))
	if !c.fits(field, len(*b), most) {
		return
	}
	n = uint32(c.count(field, " length", 4, uint64(n)))
	c.body(field, b, int(n), most)
}

// count visits the number that stands before a field; Dissect lists it as the
// field's name and what.
func (c *Cursor) count(field, what string, size int, n uint64) uint64 {
	n = c.uint(field, size, n)
	if c.trace != nil && c.err == nil {
		(*c.trace)[len(*c.trace)-1].Name += what
	}
	return n
}

// fits refuses to write what is longer than most.
func (c *Cursor) fits(field string, n, most int) bool {
	if c.err == nil && !c.reading && n > most {
		c.Fail(field, ErrRange)
	}
	return c.err == nil
}

func (c *Cursor) body(field string, b *[]byte, n, most int) {
	if c.err == nil && n > most {
		c.Fail(field, ErrRange)
	}
	Bytes(c, field, b, n)
}

// Rest visits everything up to the end of the packet, at most most bytes.
// Reading makes *b alias the input.
func Rest(c *Cursor, field string, b *[]byte, most int) {
	n := len(*b)
	if c.reading {
		n = len(c.b)
	}
	c.body(field, b, n, most)
}

// RestText is Rest for text; reading copies. Whether it is valid UTF-8 is for
// the reader to judge.
func RestText(c *Cursor, field string, s *string, most int) {
	b := []byte(*s)
	Rest(c, field, &b, most)
	if c.reading && c.err == nil {
		*s = string(b)
	}
}

// List8 visits a count of one byte, at most most, and returns the elements to
// visit next. It changes *s only when reading.
func List8[T any](c *Cursor, field string, s *[]T, most int) []T {
	n := uint8(len(*s))
	if !c.fits(field, len(*s), min(most, 1<<8-1)) {
		return nil
	}
	n = uint8(c.count(field, " count", 1, uint64(n)))
	return list(c, field, s, int(n), most)
}

func list[T any](c *Cursor, field string, s *[]T, n, most int) []T {
	if c.err == nil && n > most {
		c.Fail(field, ErrRange)
	}
	if c.err != nil {
		return nil
	}
	if c.reading {
		if cap(*s) < n {
			*s = make([]T, n)
		}
		*s = (*s)[:n]
		clear(*s)
	}
	return *s
}
