package limit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trunkline/internal/limit"
)

func TestKeysHaveBucketsOfTheirOwn(t *testing.T) {
	k := limit.NewKeyed[string](limit.Rate{PerSecond: 1, Burst: 2}, 10)
	for _, c := range []struct {
		key  string
		want bool
	}{{"ann", true}, {"ann", true}, {"ann", false}, {"ben", true}, {"ben", true}, {"ben", false}} {
		if got := k.Take(c.key, start, 1); got != c.want {
			t.Errorf("Take(%q) = %v, want %v", c.key, got, c.want)
		}
	}
	if got := k.Wait("ann", start, 1); got != time.Second {
		t.Errorf("ann waits %v, want 1s", got)
	}
	if got := k.Wait("cid", start, 1); got != 0 {
		t.Errorf("a key never seen waits %v", got)
	}
	want := limit.Stats{Keys: 2, Refused: 2}
	if got := k.Stats(); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
}

// TestKeyedAnswersLikeSeparateBuckets compares with one Bucket a key, which is
// what a table without bounds would be.
func TestKeyedAnswersLikeSeparateBuckets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		k := limit.NewKeyed[int](r, 8)
		model := make(map[int]*limit.Bucket)
		now := start
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			step := rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, time.Minute}).Draw(t, "step")
			now = now.Add(step)
			key := rapid.IntRange(1, 8).Draw(t, "key")
			n := rapid.SampledFrom([]float64{0, 0.25, 0.5, 1, 2}).Draw(t, "part") * r.Burst
			if model[key] == nil {
				model[key] = new(limit.NewBucket(r))
			}
			if got, want := k.Take(key, now, n), model[key].Take(now, n); got != want {
				t.Fatalf("Take(%d, %v) = %v, a bucket of its own says %v", key, n, got, want)
			}
		}
		if got := k.Stats().Evicted; got != 0 {
			t.Fatalf("%d keys were evicted though there was room", got)
		}
	})
}

func TestFullBucketsAreForgotten(t *testing.T) {
	k := limit.NewKeyed[int](limit.Rate{PerSecond: 10, Burst: 100}, 1000)
	for key := range 500 {
		k.Take(key, start, float64(key%100+1))
	}
	if got := k.Stats().Keys; got != 500 {
		t.Fatalf("%d keys remembered, want 500", got)
	}
	k.Take(-1, start.Add(5*time.Second+200*time.Millisecond), 1) // those that took at most 50 are full
	if got := k.Stats().Keys; got < 251 || got > 275 {
		t.Errorf("%d keys remembered after half the time, want about 251", got)
	}
	k.Take(-1, start.Add(time.Hour), 1)
	if got := k.Stats(); got.Keys != 1 || got.Evicted != 0 {
		t.Errorf("after an hour: %+v, want one key and none evicted", got)
	}
}

func TestStrangersWithManyKeysNeitherGrowItNorFreeAnExhaustedKey(t *testing.T) {
	t.Parallel()
	const most = 1000
	k := limit.NewKeyed[int](limit.Rate{PerSecond: 1, Burst: 20}, most)
	k.Take(-1, start, 20)
	for stranger := range 100_000 {
		if !k.Take(stranger, start, 1) {
			t.Fatal("an honest newcomer was refused because of others")
		}
		if got := k.Stats().Keys; got > most {
			t.Fatalf("%d keys remembered, want at most %d", got, most)
		}
	}
	if k.Take(-1, start, 1) {
		t.Error("100,000 strangers made it forget an exhausted key")
	}
	if k.Stats().Evicted == 0 {
		t.Error("evictions are not counted")
	}
}

// TestBoundHoldsWhateverHappens lets the clock jump both ways.
func TestBoundHoldsWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		most := rapid.IntRange(1, 20).Draw(t, "most")
		k := limit.NewKeyed[int](r, most)
		now := start
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, "step")))
			key := rapid.IntRange(1, 100).Draw(t, "key")
			n := rapid.Float64Range(0, r.Burst).Draw(t, "n")
			wait := k.Wait(key, now, n)
			if got := k.Take(key, now, n); got != (wait == 0) {
				t.Fatalf("Take = %v, but Wait said %v", got, wait)
			}
			if got := k.Stats().Keys; got > most {
				t.Fatalf("%d keys remembered, want at most %d", got, most)
			}
		}
	})
}

func TestClockSetBackDoesNotFreeKeysNorShutThem(t *testing.T) {
	k := limit.NewKeyed[int](limit.Rate{PerSecond: 1, Burst: 5}, 10)
	k.Take(1, start, 5)
	back := start.Add(-24 * time.Hour)
	if k.Take(1, back, 1) {
		t.Error("a clock set back gave a token")
	}
	if !k.Take(1, back.Add(time.Second), 1) {
		t.Error("after the clock was set back no token came for a second")
	}
}

func TestKeyedWithoutRateRefusesNothing(t *testing.T) {
	k := limit.NewKeyed[int](limit.Rate{}, 1)
	for key := range 100 {
		if !k.Take(key, start, 1e9) || k.Wait(key, start, 1e9) != 0 {
			t.Fatal("refused without a rate")
		}
	}
	if got := k.Stats(); got != (limit.Stats{}) {
		t.Errorf("Stats() = %+v, want nothing", got)
	}
}

func TestGoroutinesShareOneAllowance(t *testing.T) {
	t.Parallel()
	k := limit.NewKeyed[string](limit.Rate{PerSecond: 1, Burst: 100}, 4)
	var got atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if k.Take("ann", start, 1) {
					got.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got.Load() != 100 {
		t.Errorf("%d tokens given of a burst of 100", got.Load())
	}
}

func TestTakeDoesNotAllocateInAFullTable(t *testing.T) {
	k := limit.NewKeyed[int](limit.Rate{PerSecond: 1, Burst: 20}, 100)
	key := 0
	take := func() { key++; k.Take(key, start, 1) }
	for range 2000 {
		take()
	}
	if got := testing.AllocsPerRun(1000, take); got != 0 {
		t.Errorf("%v allocations a call, want 0", got)
	}
}

func BenchmarkKeyedTakeOfKnownKey(b *testing.B) {
	k := limit.NewKeyed[int](limit.Rate{PerSecond: 1e9, Burst: 1e9}, 0)
	now := start
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Microsecond)
		k.Take(i&1023, now, 1)
	}
}

func BenchmarkKeyedTakeByStrangers(b *testing.B) {
	k := limit.NewKeyed[int](limit.Rate{PerSecond: 1, Burst: 20}, 10_000)
	for i := range 20_000 {
		k.Take(-i, start, 1)
	}
	now := start
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Microsecond)
		k.Take(i, now, 1)
	}
}
