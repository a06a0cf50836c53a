package limit

import (
	"net/netip"
	"sync"
)

// CountConfig says how many things may exist at once. Zero is no limit.
type CountConfig struct {
	Max            [3]int // for each class of an address, narrowest first
	Total          int    // of all addresses together
	ExemptLoopback bool   // the classes do not hold for 127.0.0.0/8 and ::1; the total does
}

// Count bounds how many things (connections, pending logins) the classes of an
// address hold at once. It remembers only addresses that hold something. It is
// safe for concurrent use.
type Count struct {
	c CountConfig

	// The reason for a lock: things end in goroutines of their own.
	mu    sync.Mutex
	held  [3]map[netip.Prefix]int
	stats CountStats
}

// CountStats are the figures of a Count since it was made.
type CountStats struct {
	Held         int       // things that exist now
	RefusedClass [3]uint64 // refused because a class was full, by the narrowest that was
	RefusedTotal uint64    // refused because all places were taken
}

// NewCount returns a Count that holds nothing.
func NewCount(c CountConfig) *Count {
	n := &Count{c: c}
	for i := range n.held {
		n.held[i] = make(map[netip.Prefix]int)
	}
	return n
}

// A Token is one place in a Count. Keep it in one variable and do not copy it
// while it is held: releasing twice through that variable is harmless, through a
// copy it is not. The zero Token holds nothing.
type Token struct {
	count *Count
	addr  netip.Addr
}

// Acquire takes a place for a and reports whether there was one. The place is
// held until the token is released. It does not allocate when the address holds
// something already.
func (n *Count) Acquire(a netip.Addr) (Token, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.c.Total > 0 && n.stats.Held >= n.c.Total {
		n.stats.RefusedTotal++
		return Token{}, false
	}
	if !n.exempt(a) && !n.enter(Classes(a)) {
		return Token{}, false
	}
	n.stats.Held++
	return Token{count: n, addr: a}, true
}

// Admit is Acquire in the form that a listener's limit wants: release may be
// called more than once and from any goroutine.
func (n *Count) Admit(a netip.Addr) (release func(), ok bool) {
	t, ok := n.Acquire(a)
	if !ok {
		return nil, false
	}
	return sync.OnceFunc(t.Release), true
}

// Release gives the place back.
func (t *Token) Release() {
	n := t.count
	if n == nil {
		return
	}
	t.count = nil
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stats.Held--
	if !n.exempt(t.addr) {
		n.leave(Classes(t.addr))
	}
}

// Stats returns the figures so far.
func (n *Count) Stats() CountStats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

func (n *Count) exempt(a netip.Addr) bool {
	return n.c.ExemptLoopback && a.Unmap().IsLoopback()
}

func (n *Count) enter(classes [3]netip.Prefix) bool {
	for i, p := range classes {
		if n.c.Max[i] > 0 && n.held[i][p] >= n.c.Max[i] {
			n.stats.RefusedClass[i]++
			return false
		}
	}
	for i, p := range classes {
		if n.c.Max[i] > 0 {
			n.held[i][p]++
		}
	}
	return true
}

func (n *Count) leave(classes [3]netip.Prefix) {
	for i, p := range classes {
		switch held := n.held[i][p]; {
		case n.c.Max[i] <= 0:
		case held > 1:
			n.held[i][p] = held - 1
		default:
			delete(n.held[i], p)
		}
	}
}
