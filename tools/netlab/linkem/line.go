package main

import (
	"container/heap"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"
)

// headers is the length of an Ethernet, an IPv4 and a UDP header: damage keeps
// clear of them, so that a damaged frame still arrives at its socket.
const headers = 14 + 20 + 8

// counters tells what happened to the frames of one direction.
type counters struct {
	in, out              int
	lost, dup, late, bad int
	full                 int // dropped because the queue of a slow line was full
}

// A frame waits for its time.
type frame struct {
	at  time.Time
	seq uint64 // keeps frames of one instant in order
	b   []byte
}

type frames []frame

func (f frames) Len() int      { return len(f) }
func (f frames) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *frames) Push(x any)   { *f = append(*f, x.(frame)) }

func (f frames) Less(i, j int) bool {
	if f[i].at.Equal(f[j].at) {
		return f[i].seq < f[j].seq
	}
	return f[i].at.Before(f[j].at)
}

func (f *frames) Pop() any {
	last := len(*f) - 1
	x := (*f)[last]
	*f = (*f)[:last]
	return x
}

// A line carries frames one way as its plan says. It has no clock and no
// goroutine: whoever owns it gives it the time.
type line struct {
	plan  plan
	count counters

	waiting frames
	seq     uint64
	free    time.Time // when a line with a rate has sent what was accepted
	last    time.Time // latest time given out: delay alone does not reorder
	rng     *rand.Rand
}

// newLine returns a line whose chances follow from the two seeds.
func newLine(seed, stream uint64) *line {
	return &line{rng: rand.New(rand.NewPCG(seed, stream))}
}

// accept takes a frame, which it keeps and may change.
func (l *line) accept(b []byte, now time.Time) {
	l.count.in++
	if l.chance(l.plan.loss) {
		l.count.lost++
		return
	}
	if l.chance(l.plan.dup) {
		l.count.dup++
		l.queue(slices.Clone(b), now)
	}
	l.queue(b, now)
}

func (l *line) queue(b []byte, now time.Time) {
	sent, ok := l.send(len(b), now)
	if !ok {
		l.count.full++
		return
	}
	if len(b) > headers && l.chance(l.plan.corrupt) {
		l.count.bad++
		b[headers+l.rng.IntN(len(b)-headers)] ^= byte(1 + l.rng.IntN(255))
	}
	l.seq++
	heap.Push(&l.waiting, frame{at: l.arrival(sent), seq: l.seq, b: b})
}

// send returns when the last bit of a frame leaves a line of the plan's rate,
// or false when too much waits before it.
func (l *line) send(size int, now time.Time) (time.Time, bool) {
	if l.plan.rate <= 0 {
		return now, true
	}
	if l.free.Before(now) {
		l.free = now
	}
	backlog := l.free.Sub(now).Seconds() * l.plan.rate
	if l.plan.queue > 0 && backlog > float64(l.plan.queue) {
		return time.Time{}, false
	}
	l.free = l.free.Add(time.Duration(float64(size) / l.plan.rate * float64(time.Second)))
	return l.free, true
}

// arrival returns when a frame sent then reaches the far end. A frame that is
// to be reordered is held back behind some that come later.
func (l *line) arrival(sent time.Time) time.Time {
	at := sent.Add(l.plan.delay)
	if l.plan.jitter > 0 {
		at = at.Add(time.Duration(l.rng.Int64N(int64(2*l.plan.jitter))) - l.plan.jitter)
	}
	if l.chance(l.plan.reorder) {
		l.count.late++
		return at.Add(l.plan.delay/2 + 5*time.Millisecond)
	}
	if at.Before(l.last) {
		at = l.last
	}
	l.last = at
	return at
}

func (l *line) chance(percent float64) bool {
	return percent > 0 && l.rng.Float64()*100 < percent
}

// due yields the frames that have arrived by now, earliest first.
func (l *line) due(now time.Time) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(l.waiting) > 0 && !l.waiting[0].at.After(now) {
			f := heap.Pop(&l.waiting).(frame)
			l.count.out++
			if !yield(f.b) {
				return
			}
		}
	}
}

// wake returns when the next frame arrives, and false when none is under way.
func (l *line) wake() (time.Time, bool) {
	if len(l.waiting) == 0 {
		return time.Time{}, false
	}
	return l.waiting[0].at, true
}

// String tells the settings in force and the counters, as the control socket
// answers them.
func (l *line) String() string {
	p, c := l.plan, l.count
	return fmt.Sprintf("delay=%v jitter=%v loss=%v dup=%v reorder=%v corrupt=%v rate=%.0f queue=%d"+
		" in=%d out=%d lost=%d doubled=%d late=%d damaged=%d full=%d",
		p.delay, p.jitter, p.loss, p.dup, p.reorder, p.corrupt, p.rate*8, p.queue,
		c.in, c.out, c.lost, c.dup, c.late, c.bad, c.full)
}
