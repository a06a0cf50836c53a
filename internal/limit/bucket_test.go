package limit_test

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"trunkline/internal/limit"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestBucketIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(limit.Bucket{}); got > 32 {
		t.Errorf("a Bucket has %d bytes, want at most 32", got)
	}
}

func TestBucketGivesItsBurstThenItsRate(t *testing.T) {
	b := limit.NewBucket(limit.Rate{PerSecond: 1, Burst: 20})
	for i := range 20 {
		if !b.Take(start, 1) {
			t.Fatalf("token %d of the burst of 20 was refused", i+1)
		}
	}
	if b.Take(start, 1) {
		t.Error("a 21st token was given at once")
	}
	if b.Take(start.Add(999*time.Millisecond), 1) {
		t.Error("a token was given 1 ms early")
	}
	if !b.Take(start.Add(time.Second), 1) {
		t.Error("no token after one second")
	}
	if b.Take(start.Add(time.Second), 1) {
		t.Error("two tokens after one second")
	}
}

func TestRateWithoutBurstAllowsWhatOneSecondBrings(t *testing.T) {
	for _, c := range []struct {
		perSecond float64
		burst     int
	}{{0.01, 1}, {1, 1}, {7, 7}} {
		b := limit.NewBucket(limit.Rate{PerSecond: c.perSecond})
		got := 0
		for b.Take(start, 1) {
			got++
		}
		if got != c.burst {
			t.Errorf("rate %v gives %d at once, want %d", c.perSecond, got, c.burst)
		}
	}
}

func TestRateThatIsNoPositiveNumberAllowsEverything(t *testing.T) {
	for _, perSecond := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		r := limit.Rate{PerSecond: perSecond, Burst: 1}
		if !r.Unlimited() {
			t.Errorf("Rate{%v}.Unlimited() = false", perSecond)
		}
		b := limit.NewBucket(r)
		for range 1000 {
			if !b.Take(start, 1e9) || b.Wait(start, 1e9) != 0 {
				t.Fatalf("rate %v refused", perSecond)
			}
		}
	}
	var zero limit.Bucket
	if !zero.Take(start, 1e9) {
		t.Error("the zero Bucket refused")
	}
}

func TestAmountThatIsNotPositiveChangesNothing(t *testing.T) {
	b := limit.NewBucket(limit.Rate{PerSecond: 1, Burst: 1})
	b.Take(start, 1)
	for _, n := range []float64{0, -5, math.NaN(), math.Inf(-1)} {
		if !b.Take(start, n) {
			t.Errorf("Take(%v) was refused", n)
		}
		if b.Take(start, 1) {
			t.Errorf("Take(%v) put a token back", n)
		}
	}
}

func TestMoreThanTheBurstNeverFits(t *testing.T) {
	b := limit.NewBucket(limit.Rate{PerSecond: 10, Burst: 5})
	for _, n := range []float64{5.001, 1e300, math.Inf(1)} {
		if b.Take(start, n) {
			t.Errorf("%v of a burst of 5 was given", n)
		}
		if got := b.Wait(start, n); got != limit.Never {
			t.Errorf("Wait(%v) = %v, want Never", n, got)
		}
	}
	if !b.Take(start, 5) {
		t.Error("refusing took tokens")
	}
}

func TestClockThatGoesBackGivesNothingAndDoesNotLock(t *testing.T) {
	b := limit.NewBucket(limit.Rate{PerSecond: 1, Burst: 10})
	b.Take(start, 10)
	if b.Take(start.Add(-500*time.Millisecond), 1) {
		t.Error("a small step back gave a token")
	}
	if b.Take(start.Add(500*time.Millisecond), 1) {
		t.Error("a small step back was counted twice")
	}
	back := start.Add(-time.Hour)
	if b.Take(back, 1) {
		t.Error("a step back of an hour gave a token")
	}
	if !b.Take(back.Add(time.Second), 1) {
		t.Error("after a step back of an hour the bucket stays shut")
	}
}

func TestBucketWorksFromTheZeroTime(t *testing.T) {
	b := limit.NewBucket(limit.Rate{PerSecond: 1, Burst: 2})
	var zero time.Time
	if !b.Take(zero, 2) || b.Take(zero, 1) || !b.Take(zero.Add(time.Second), 1) {
		t.Error("a bucket counts wrongly from the zero time")
	}
}

func drawRate(t *rapid.T) limit.Rate {
	return limit.Rate{
		PerSecond: rapid.Float64Range(1e-5, 1e6).Draw(t, "per second"),
		Burst:     rapid.Float64Range(0.5, 1e4).Draw(t, "burst"),
	}
}

// TestNoWindowGetsMoreThanBurstAndRate checks every window of a random history.
func TestNoWindowGetsMoreThanBurstAndRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		b := limit.NewBucket(r)
		now := start
		var at []time.Time
		var got []float64
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "step")))
			n := rapid.Float64Range(0, r.Burst*1.2).Draw(t, "n")
			if b.Take(now, n) {
				at, got = append(at, now), append(got, n)
			}
		}
		for i := range at {
			sum := 0.0
			for j := i; j < len(at); j++ {
				sum += got[j]
				most := r.Burst + r.PerSecond*at[j].Sub(at[i]).Seconds()
				if sum > most*(1+1e-8) {
					t.Fatalf("%v between %v and %v, at most %v", sum, at[i], at[j], most)
				}
			}
		}
	})
}

func TestTakeFindsTokensAfterWaitAndNotMuchBefore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		b := limit.NewBucket(r)
		now := start
		for range rapid.IntRange(1, 30).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "step")))
			n := rapid.Float64Range(0, r.Burst).Draw(t, "n")
			wait := b.Wait(now, n)
			early := b
			rounding := time.Duration(2e-9*r.Burst/r.PerSecond*1e9) + time.Microsecond
			if before := wait/100*99 - rounding; before > 0 && early.Take(now.Add(before), n) {
				t.Fatalf("Wait says %v for %v of %+v, but it was there after %v", wait, n, r, before)
			}
			now = now.Add(wait)
			if !b.Take(now, n) {
				t.Fatalf("%v of %+v not there after Wait's %v", n, r, wait)
			}
		}
	})
}

func BenchmarkBucketTake(b *testing.B) {
	bucket := limit.NewBucket(limit.Rate{PerSecond: 1e6, Burst: 1e6})
	now := start
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		bucket.Take(now, 1)
	}
}
