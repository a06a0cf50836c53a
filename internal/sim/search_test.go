package sim

import (
	"context"
	"errors"
	"flag"
	"slices"
	"testing"
)

// seeds chooses what TestR24 plays; with -from alone, one seed, with its log.
var (
	fromSeed = flag.Uint64("from", 0, "first seed of TestR24")
	toSeed   = flag.Uint64("to", 0, "last seed of TestR24; 0: the first")
)

// search plays seeds and fails the test for each that breaks something.
func search(t *testing.T, from, to uint64) (all []Report) {
	t.Helper()
	err := Search(t.Context(), from, to, 2, func(r Report) {
		all = append(all, r)
		if !r.OK() {
			t.Errorf("seed %d (%s): %q %q", r.Seed, Replay(r.Seed), r.Broken, r.Failed)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestR24 plays scenarios by chance: two, unless flags name others.
func TestR24(t *testing.T) {
	t.Parallel()
	if *fromSeed == 0 {
		search(t, 1, 2)
		return
	}
	if *toSeed != 0 {
		search(t, *fromSeed, *toSeed)
		return
	}
	r, log := play(t, Random(*fromSeed), *fromSeed)
	t.Log(log)
	good(t, r, log)
}

func TestSearchPlaysEverySeedOnce(t *testing.T) {
	t.Parallel()
	var seeds []uint64
	for _, r := range search(t, 7, 9) {
		seeds = append(seeds, r.Seed)
		if again, err := Run(t.Context(), Random(r.Seed), Options{Seed: r.Seed}); r.Seed == 7 && (err != nil || again.Digest != r.Digest) {
			t.Errorf("seed %d gives other events the second time: %v", r.Seed, err)
		}
	}
	slices.Sort(seeds)
	if !slices.Equal(seeds, []uint64{7, 8, 9}) {
		t.Errorf("played %v, want 7 to 9", seeds)
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	n := 0
	err := Search(ctx, 10, 1_000_000, 1, func(Report) {
		n++
		cancel(why)
	})
	if !errors.Is(err, why) || n != 1 {
		t.Errorf("Search: %v after %d seeds, want %v after 1", err, n, why)
	}
}

func TestRandomScenariosAreGoodAndDiffer(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	for seed := range uint64(150) {
		s := Random(seed)
		if err := s.Check(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if n := len(s.Clients); n < 3 || n > 8 {
			t.Errorf("seed %d has %d clients", seed, n)
		}
		for _, a := range s.Timeline {
			kinds[a.Do]++
			if a.At+a.For > Duration(randomCalm) && a.Do != "send" && a.Do != "return" && a.Do != "calm" {
				t.Errorf("seed %d: %s at %v for %v does not end in time", seed, a.Do, a.At, a.For)
			}
		}
	}
	for _, do := range []string{"add", "send", "crash", "cut", "stall", "clock", "takeover", "hangup", "renumber", "line", "leave", "meddle", "calm"} {
		if kinds[do] < 25 {
			t.Errorf("%d times %s in 150 scenarios", kinds[do], do)
		}
	}
}
