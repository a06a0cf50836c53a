package limit

import (
	"math"
	"time"
)

// Never is what Wait returns for an amount that will never be there.
const Never = time.Duration(math.MaxInt64)

// backstep is how far time may go back (callers that read the clock before they
// wait for a lock) before it is taken for a corrected clock.
const backstep = int64(time.Second)

// slack is the part of a burst by which rounding may be off.
const slack = 1e-9

// Rate says how much is allowed: Burst at once, and PerSecond in the long run.
// The zero Rate allows everything, as does any PerSecond that is not a positive
// number.
type Rate struct {
	PerSecond float64
	Burst     float64 // default: what one second brings, at least 1
}

// Unlimited reports whether r allows everything.
func (r Rate) Unlimited() bool {
	return !(r.PerSecond > 0 && r.PerSecond <= math.MaxFloat64)
}

// times returns the rate that allows f times as much as r, and never becomes
// unlimited by growing.
func (r Rate) times(f float64) Rate {
	r = r.complete()
	return Rate{PerSecond: min(r.PerSecond*f, math.MaxFloat64), Burst: r.Burst * f}
}

func (r Rate) complete() Rate {
	if !(r.Burst > 0) {
		r.Burst = max(1, r.PerSecond)
	}
	return r
}

// horizon is the time in which an empty bucket fills, in nanoseconds.
func (r Rate) horizon() int64 {
	return int64(min(r.Burst/r.PerSecond*1e9, maxHorizon))
}

// A Bucket is a token bucket: a value of 32 bytes, to be put into the struct of
// what it limits. It starts full. The zero Bucket allows everything. It is not
// safe for concurrent use.
type Bucket struct {
	rate  Rate
	level level
}

// NewBucket returns a full bucket.
func NewBucket(r Rate) Bucket { return Bucket{rate: r.complete()} }

// Take takes n tokens if they are there and reports whether they were. If not,
// it takes none. More than the burst is never there; zero, a negative number and
// NaN always are and take nothing.
func (b *Bucket) Take(now time.Time, n float64) bool {
	if b.rate.Unlimited() {
		return true
	}
	b.level.refill(b.rate, now.UnixNano())
	return b.level.take(b.rate, n)
}

// Wait says how long after now Take will find n tokens, if nothing else is taken
// until then: 0 if they are there already, Never if n is more than the burst.
func (b *Bucket) Wait(now time.Time, n float64) time.Duration {
	if b.rate.Unlimited() {
		return 0
	}
	b.level.refill(b.rate, now.UnixNano())
	return b.level.wait(b.rate, n)
}

// level is the content of a bucket, kept as what is missing so that the zero
// value is full. The time is in nanoseconds from any origin.
type level struct {
	spent float64
	last  int64
}

func (l *level) refill(r Rate, now int64) {
	d := now - l.last
	switch {
	case d > 0:
		l.spent = max(0, l.spent-float64(d)/1e9*r.PerSecond)
		l.last = now
	case d < -backstep:
		l.last = now
	}
}

func (l *level) fits(r Rate, n float64) bool {
	return !(n > 0) || l.spent+n <= r.Burst*(1+slack)
}

func (l *level) take(r Rate, n float64) bool {
	if !l.fits(r, n) {
		return false
	}
	if n > 0 {
		l.spent += n
	}
	return true
}

func (l *level) wait(r Rate, n float64) time.Duration {
	if l.fits(r, n) {
		return 0
	}
	ns := math.Ceil((l.spent + n - r.Burst) / r.PerSecond * 1e9)
	if n > r.Burst*(1+slack) || ns >= math.MaxInt64 {
		return Never
	}
	return time.Duration(ns)
}

// full is the time at which nothing is missing any more.
func (l *level) full(r Rate) int64 {
	return l.last + int64(min(l.spent/r.PerSecond*1e9, maxHorizon))
}
