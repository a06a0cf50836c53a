package simnet

import (
	"math"
	"time"
)

const never = math.MaxInt64

// An action is what an event does.
type action interface{ run(w *World) }

// An event happens at a time, in nanoseconds since the start; events of the same
// time happen in the order of their numbers.
type event struct {
	at     int64
	number uint64
	do     action
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.number < o.number
}

// queue is a heap with four children a node.
type queue struct {
	events []event
	number uint64
}

func (q *queue) push(at int64, do action) {
	q.number++
	e := event{at, q.number, do}
	q.events = append(q.events, e)
	i := len(q.events) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&q.events[parent]) {
			break
		}
		q.events[i] = q.events[parent]
		i = parent
	}
	q.events[i] = e
}

// next is when the first event happens, or never.
func (q *queue) next() int64 {
	if len(q.events) == 0 {
		return never
	}
	return q.events[0].at
}

func (q *queue) pop() event {
	first := q.events[0]
	n := len(q.events) - 1
	e := q.events[n]
	q.events[n] = event{}
	q.events = q.events[:n]
	if n > 0 {
		q.sink(e)
	}
	return first
}

// sink puts e at the root and lets it sink to its place.
func (q *queue) sink(e event) {
	i, n := 0, len(q.events)
	for {
		least := 4*i + 1
		if least >= n {
			break
		}
		for c := least + 1; c < min(4*i+5, n); c++ {
			if q.events[c].before(&q.events[least]) {
				least = c
			}
		}
		if !q.events[least].before(&e) {
			break
		}
		q.events[i] = q.events[least]
		i = least
	}
	q.events[i] = e
}

// A timer calls due once when its time has come. Moving it later costs nothing:
// its event stays where it is and goes on when it happens.
type timer struct {
	at     int64 // wanted
	queued int64 // the earliest event that stands for it
	due    func()
}

func newTimer(due func()) timer { return timer{at: never, queued: never, due: due} }

func (w *World) set(t *timer, at int64) {
	t.at = max(at, w.at)
	if t.at < t.queued {
		t.queued = t.at
		w.queue.push(t.at, t)
	}
}

func (t *timer) run(w *World) {
	if t.queued != w.at {
		return // an earlier event has done it
	}
	t.queued = never
	if t.at > w.at {
		w.set(t, t.at)
		return
	}
	t.at = never
	t.due()
}

// call is an event of the user.
type call struct {
	host *Host // whose machines it may touch; nil: all
	life int   // of host at the time of the order
	f    func(now time.Time)
}

func (c *call) run(w *World) {
	if c.host == nil {
		c.f(w.Now())
		w.refreshAll()
		return
	}
	if c.life == c.host.life {
		c.f(w.Now())
		c.host.refresh()
	}
}
