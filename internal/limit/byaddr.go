package limit

import (
	"net/netip"
	"sync"
	"time"
)

// AddrConfig says what a ByAddr allows.
type AddrConfig struct {
	Rate           Rate    // of the narrowest class, /32 or /64; zero: no limit
	Grow           float64 // each wider class is allowed so many times more; default 4
	MaxKeys        int     // remembered of each class; default 65,536
	ExemptLoopback bool    // 127.0.0.0/8 and ::1 are never refused
}

// ByAddr limits how often something may happen by the address that causes it,
// counted in its three classes, so that a whole network gains little by using
// many of its addresses. It is safe for concurrent use.
type ByAddr struct {
	exempt bool

	// One lock over all three, so that a call takes from each class or from none.
	mu      sync.Mutex
	classes [3]*table[netip.Prefix]
	refused uint64
}

// NewByAddr returns a ByAddr with full allowances.
func NewByAddr(c AddrConfig) *ByAddr {
	if !(c.Grow > 0) {
		c.Grow = 4
	}
	l := &ByAddr{exempt: c.ExemptLoopback}
	for i := range l.classes {
		l.classes[i] = newTable[netip.Prefix](c.Rate, c.MaxKeys)
		c.Rate = c.Rate.times(c.Grow)
	}
	return l
}

// Take takes n from each class of a if all have it, and reports whether they had.
func (l *ByAddr) Take(a netip.Addr, now time.Time, n float64) bool {
	if l.free(a) {
		return true
	}
	classes := Classes(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, t := range l.classes {
		t.advance(now)
		if !t.fits(classes[i], n) {
			l.refused++
			return false
		}
	}
	for i, t := range l.classes {
		t.spend(classes[i], n)
	}
	return true
}

// Wait says how long after now Take will find n in each class of a, if nobody
// else takes any: 0 if it is there, Never if it is more than a burst.
func (l *ByAddr) Wait(a netip.Addr, now time.Time, n float64) time.Duration {
	if l.free(a) {
		return 0
	}
	classes := Classes(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	var longest time.Duration
	for i, t := range l.classes {
		t.advance(now)
		level := t.level(classes[i])
		longest = max(longest, level.wait(t.rate, n))
	}
	return longest
}

// Stats returns the figures so far; Keys and Evicted are sums over the classes.
func (l *ByAddr) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{Refused: l.refused}
	for _, t := range l.classes {
		s.Keys += len(t.index)
		s.Evicted += t.evicted
	}
	return s
}

func (l *ByAddr) free(a netip.Addr) bool {
	return l.classes[0].rate.Unlimited() || l.exempt && a.Unmap().IsLoopback()
}
