package server

import "trunkline/blubbel/wire"

// A queue is the bytes that wait to be written to one client. While a part of it
// is written the rest may grow: what is written is never moved.
type queue struct {
	pool      *buffers
	limit     int  // bytes; one frame is always taken
	asShipped bool // framing and writing as the reference server does it

	in    *buffer // not looked at yet
	out   *buffer // being written
	done  int     // bytes of out that are written
	sizes []int   // as shipped: what is left of each frame, for each has its own write
}

func (q *queue) len() int {
	n := -q.done
	if q.in != nil {
		n += len(q.in.b)
	}
	if q.out != nil {
		n += len(q.out.b)
	}
	return n
}

// fits reports whether there is room for a frame of n bytes.
func (q *queue) fits(n int) bool {
	queued := q.len()
	return queued == 0 || queued+n <= q.limit
}

// put appends a frame whose payload is from and body.
func (q *queue) put(k wire.Kind, from string, body []byte) {
	size := len(from) + len(body)
	q.in = q.pool.grow(q.in, wire.HeadSize+size)
	b, start := q.in.b, len(q.in.b)
	if q.asShipped && from != "" {
		b = append(b, byte(k))
	} else {
		b = wire.AppendHead(b, k, size)
	}
	b = append(append(b, from...), body...)
	q.in.b = b
	if q.asShipped {
		q.sizes = append(q.sizes, len(b)-start)
	}
}

// next is what the next write gets, at most most bytes; empty if there is
// nothing. It stays as it is until wrote is called.
func (q *queue) next(most int) []byte {
	if q.out == nil {
		q.out, q.in = q.in, nil
	}
	if q.out == nil {
		return nil
	}
	b := q.out.b[q.done:]
	if q.asShipped {
		return b[:q.sizes[0]]
	}
	return b[:min(len(b), most)]
}

// wrote takes away n bytes of what next gave.
func (q *queue) wrote(n int) {
	q.done += n
	if q.asShipped {
		if q.sizes[0] -= n; q.sizes[0] == 0 {
			q.sizes = q.sizes[1:]
		}
	}
	if q.done == len(q.out.b) {
		q.pool.put(q.out)
		q.out, q.done = nil, 0
	}
}
