package limit

import (
	"math/bits"
	"time"
)

const (
	// maxHorizon bounds the time in which a bucket fills (three years, in
	// nanoseconds), so that sums of times cannot overflow.
	maxHorizon = 1e17

	slots = 64 // one bit each in table.used
	none  = -1

	// defaultKeys is how many keys a table remembers if nothing else is said.
	defaultKeys = 1 << 16
)

// table holds the buckets that are not full. It orders them by the time at
// which they will be: a wheel of 64 slots covers the time in which an empty
// bucket fills. Slots that time has passed hold only full buckets and are
// dropped; when the table is full, the first occupied slot gives one up. Every
// operation costs constant time, averaged over the keys put in.
type table[K comparable] struct {
	rate  Rate
	max   int
	width int64 // nanoseconds a slot covers

	last    int64 // the caller's newest time
	now     int64 // the table's own time: never goes back
	tick    int64 // now / width
	index   map[K]int32
	entries []entry[K]
	free    int32 // first unused entry
	heads   [slots]int32
	used    uint64 // which slots have entries
	evicted uint64
}

type entry[K comparable] struct {
	key        K
	level      level
	prev, next int32 // in the slot, or next in the list of unused entries
	slot       int32
}

func newTable[K comparable](r Rate, maxKeys int) *table[K] {
	r = r.complete()
	if maxKeys <= 0 {
		maxKeys = defaultKeys
	}
	t := &table[K]{rate: r, max: maxKeys, index: make(map[K]int32), free: none}
	if !r.Unlimited() {
		t.width = r.horizon()/(slots-2) + 1
	}
	for i := range t.heads {
		t.heads[i] = none
	}
	return t
}

// advance moves the table to the caller's time and drops what is full by then.
func (t *table[K]) advance(now time.Time) {
	at := now.UnixNano()
	switch d := at - t.last; {
	case d > 0:
		t.now += min(d, maxHorizon)
		t.last = at
	case d < -backstep:
		t.last = at
	}
	tick := t.now / t.width
	for t.tick = max(t.tick, tick-slots); t.tick < tick; t.tick++ {
		for s := t.tick % slots; t.heads[s] != none; {
			t.remove(t.heads[s])
		}
	}
}

// fits reports whether n tokens are there for key.
func (t *table[K]) fits(key K, n float64) bool {
	l := t.level(key)
	return l.fits(t.rate, n)
}

// level returns the present content of the bucket of key.
func (t *table[K]) level(key K) level {
	i, ok := t.index[key]
	if !ok {
		return level{last: t.now}
	}
	l := t.entries[i].level
	l.refill(t.rate, t.now)
	return l
}

// spend takes n tokens that fit from the bucket of key, which it makes room for
// if it has none.
func (t *table[K]) spend(key K, n float64) {
	if !(n > 0) {
		return
	}
	i, ok := t.index[key]
	if ok {
		t.unlink(i)
	} else {
		i = t.add(key)
	}
	e := &t.entries[i]
	e.level.refill(t.rate, t.now)
	e.level.take(t.rate, n)
	t.link(i)
}

func (t *table[K]) add(key K) int32 {
	if len(t.index) >= t.max {
		first := bits.TrailingZeros64(bits.RotateLeft64(t.used, -int(t.tick%slots)))
		t.remove(t.heads[(t.tick+int64(first))%slots])
		t.evicted++
	}
	i := t.free
	if i == none {
		i = int32(len(t.entries))
		t.entries = append(t.entries, entry[K]{})
	} else {
		t.free = t.entries[i].next
	}
	t.entries[i] = entry[K]{key: key, level: level{last: t.now}}
	t.index[key] = i
	return i
}

func (t *table[K]) remove(i int32) {
	t.unlink(i)
	delete(t.index, t.entries[i].key)
	t.entries[i] = entry[K]{next: t.free}
	t.free = i
}

func (t *table[K]) link(i int32) {
	e := &t.entries[i]
	tick := min(e.level.full(t.rate)/t.width, t.tick+slots-1)
	e.slot = int32(tick % slots)
	e.prev, e.next = none, t.heads[e.slot]
	if e.next != none {
		t.entries[e.next].prev = i
	}
	t.heads[e.slot] = i
	t.used |= 1 << e.slot
}

func (t *table[K]) unlink(i int32) {
	e := &t.entries[i]
	if e.next != none {
		t.entries[e.next].prev = e.prev
	}
	if e.prev != none {
		t.entries[e.prev].next = e.next
		return
	}
	t.heads[e.slot] = e.next
	if e.next == none {
		t.used &^= 1 << e.slot
	}
}
