package server

import (
	"math/bits"
	"sync"
)

// The sizes of buffers are powers of two.
const (
	smallest = 9  // 512 bytes
	largest  = 21 // 2 MiB: a frame of the highest limit with its head
)

// A buffer is bytes that go back into the pool they came from.
type buffer struct{ b []byte }

// buffers keeps buffers that nobody uses, by size, so that what comes and goes
// with every message is not allocated, and who is idle holds none.
type buffers [largest - smallest + 1]sync.Pool

// get returns an empty buffer with room for n bytes.
func (p *buffers) get(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), smallest)
	if class > largest {
		return &buffer{make([]byte, 0, n)}
	}
	if b, ok := p[class-smallest].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, 0, 1<<class)}
}

// put takes a buffer back, unless it is nil or of no size that is kept.
func (p *buffers) put(b *buffer) {
	if b == nil {
		return
	}
	class := bits.Len(uint(cap(b.b))) - 1
	if class < smallest || class > largest || cap(b.b) != 1<<class {
		return
	}
	b.b = b.b[:0]
	p[class-smallest].Put(b)
}

// grow returns b, or a larger buffer in its place, with room for n bytes more.
// b may be nil.
func (p *buffers) grow(b *buffer, n int) *buffer {
	if b == nil {
		return p.get(n)
	}
	if len(b.b)+n <= cap(b.b) {
		return b
	}
	return p.move(b, b.b, n)
}

// move returns a buffer that holds what, a part of b, and has room for n bytes
// more, in place of b.
func (p *buffers) move(b *buffer, what []byte, n int) *buffer {
	to := p.get(len(what) + n)
	to.b = append(to.b, what...)
	p.put(b)
	return to
}
