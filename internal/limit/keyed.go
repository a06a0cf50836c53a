package limit

import (
	"sync"
	"time"
)

// Keyed gives each key a token bucket of its own and remembers only those that
// are not full, and of these at most a fixed number. It is safe for concurrent
// use.
type Keyed[K comparable] struct {
	// The reason for a lock: connections of many goroutines share one table, and
	// a call is far shorter than handing it to an owner would be.
	mu      sync.Mutex
	t       *table[K]
	refused uint64
}

// Stats are the figures of a Keyed or ByAddr since it was made.
type Stats struct {
	Keys    int    // buckets remembered now
	Refused uint64 // calls of Take that found too little
	Evicted uint64 // keys forgotten for lack of room before they were full
}

// NewKeyed returns a Keyed that allows each key rate r and remembers at most
// maxKeys of them (0: 65,536, at about 100 bytes each, taken only as needed).
func NewKeyed[K comparable](r Rate, maxKeys int) *Keyed[K] {
	return &Keyed[K]{t: newTable[K](r, maxKeys)}
}

// Take is Bucket.Take for the bucket of key. It does not allocate once the table
// has reached its size.
func (k *Keyed[K]) Take(key K, now time.Time, n float64) bool {
	if k.t.rate.Unlimited() {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.t.advance(now)
	if !k.t.fits(key, n) {
		k.refused++
		return false
	}
	k.t.spend(key, n)
	return true
}

// Wait is Bucket.Wait for the bucket of key.
func (k *Keyed[K]) Wait(key K, now time.Time, n float64) time.Duration {
	if k.t.rate.Unlimited() {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.t.advance(now)
	l := k.t.level(key)
	return l.wait(k.t.rate, n)
}

// Stats returns the figures so far.
func (k *Keyed[K]) Stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Stats{Keys: len(k.t.index), Refused: k.refused, Evicted: k.t.evicted}
}
