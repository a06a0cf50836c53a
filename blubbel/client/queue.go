package client

import "slices"

// queue is a first-in first-out queue that uses its memory again. The zero
// queue is empty.
type queue[T any] struct {
	items []T
	head  int // of items, the first that is queued; those before are zero
}

func (q *queue[T]) len() int { return len(q.items) - q.head }

// first returns the oldest item; the queue must not be empty.
func (q *queue[T]) first() T { return q.items[q.head] }

func (q *queue[T]) push(v T) {
	if len(q.items) == cap(q.items) && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

// unpop puts v back before the oldest item.
func (q *queue[T]) unpop(v T) {
	if q.head == 0 {
		q.items = slices.Insert(q.items, 0, v)
		return
	}
	q.head--
	q.items[q.head] = v
}

// pop removes the oldest item; the queue must not be empty.
func (q *queue[T]) pop() T {
	var zero T
	v := q.items[q.head]
	q.items[q.head] = zero
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return v
}

// drain empties the queue and returns what it held, oldest first.
func (q *queue[T]) drain() []T {
	v := q.items[q.head:]
	q.items, q.head = nil, 0
	return v
}
