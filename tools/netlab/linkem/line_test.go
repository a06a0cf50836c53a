package main

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// arrive lets n frames of the given size, one a millisecond, through a line
// and returns the first byte of each in the order of arrival, with its time.
func arrive(t *testing.T, l *line, n, size int) (order []byte, at []time.Duration) {
	t.Helper()
	for i := range n {
		now := start.Add(time.Duration(i) * time.Millisecond)
		l.accept(append([]byte{byte(i)}, make([]byte, size-1)...), now)
	}
	for {
		next, ok := l.wake()
		if !ok {
			return order, at
		}
		got := slices.Collect(l.due(next))
		if len(got) == 0 {
			t.Fatalf("nothing is due at %v, the time that the line named", next)
		}
		for _, b := range got {
			order, at = append(order, b[0]), append(at, next.Sub(start))
		}
	}
}

func lineOf(t *testing.T, settings string) *line {
	t.Helper()
	changes, err := parse(settings)
	if err != nil {
		t.Fatal(err)
	}
	l := newLine(1, 1)
	for _, c := range changes {
		if err := l.plan.set(c.key, c.value); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestLineWithoutSettingsDeliversAtOnceInOrder(t *testing.T) {
	order, at := arrive(t, newLine(1, 1), 100, 60)
	if len(order) != 100 || !slices.IsSorted(order) {
		t.Errorf("order of arrival %v, want 0 to 99", order)
	}
	if at[7] != 7*time.Millisecond {
		t.Errorf("frame 7 arrived at %v, want 7ms", at[7])
	}
}

func TestLineDelaysEveryFrameAlike(t *testing.T) {
	_, at := arrive(t, lineOf(t, "delay=40ms"), 10, 60)
	for i, got := range at {
		if want := 40*time.Millisecond + time.Duration(i)*time.Millisecond; got != want {
			t.Errorf("frame %d arrived at %v, want %v", i, got, want)
		}
	}
}

func TestLineHoldsAFrameUntilItsTime(t *testing.T) {
	l := lineOf(t, "delay=40ms")
	l.accept(make([]byte, 60), start)
	if early := slices.Collect(l.due(start.Add(40*time.Millisecond - 1))); len(early) != 0 {
		t.Errorf("%d frames arrived before their time", len(early))
	}
	if late := slices.Collect(l.due(start.Add(40 * time.Millisecond))); len(late) != 1 {
		t.Errorf("%d frames arrived in time, want 1", len(late))
	}
}

func TestJitterKeepsTheOrder(t *testing.T) {
	order, at := arrive(t, lineOf(t, "delay=40ms jitter=30ms"), 200, 60)
	if !slices.IsSorted(order) {
		t.Errorf("order of arrival %v", order)
	}
	if at[0] < 10*time.Millisecond || at[0] > 70*time.Millisecond {
		t.Errorf("first frame took %v, want 10ms to 70ms", at[0])
	}
	steps := make(map[time.Duration]bool)
	for i := 1; i < len(at); i++ {
		steps[at[i]-at[i-1]] = true
	}
	if len(steps) < 10 {
		t.Errorf("only %d different distances between frames: no jitter", len(steps))
	}
}

func TestSharesOfFramesAreAsAskedFor(t *testing.T) {
	tests := []struct {
		settings string
		count    func(counters) int
		min, max int // of 2000 frames
	}{
		{"loss=10", func(c counters) int { return c.lost }, 140, 260},
		{"loss=100", func(c counters) int { return c.lost }, 2000, 2000},
		{"loss=0", func(c counters) int { return c.lost }, 0, 0},
		{"dup=5", func(c counters) int { return c.dup }, 60, 145},
		{"reorder=10", func(c counters) int { return c.late }, 140, 260},
		{"corrupt=10", func(c counters) int { return c.bad }, 140, 260},
	}
	for _, test := range tests {
		t.Run(test.settings, func(t *testing.T) {
			l := lineOf(t, test.settings)
			order, _ := arrive(t, l, 2000, 60)
			if n := test.count(l.count); n < test.min || n > test.max {
				t.Errorf("%d of 2000 frames, want %d to %d", n, test.min, test.max)
			}
			if want := l.count.in - l.count.lost + l.count.dup; len(order) != want || l.count.out != want {
				t.Errorf("%d frames arrived and %d were counted, want %d", len(order), l.count.out, want)
			}
		})
	}
}

func TestReorderedFrameArrivesAfterLaterOnes(t *testing.T) {
	order, _ := arrive(t, lineOf(t, "delay=10ms reorder=20"), 100, 60)
	if len(order) != 100 || slices.IsSorted(order) {
		t.Errorf("order of arrival %v, want all 100, some late", order)
	}
}

func TestDamageSparesTheHeadersAndChangesOneByte(t *testing.T) {
	l := lineOf(t, "corrupt=100")
	sent := bytes.Repeat([]byte{0xaa}, 100)
	for range 500 {
		l.accept(slices.Clone(sent), start)
	}
	for got := range l.due(start) {
		changed := 0
		for i := range got {
			if got[i] != sent[i] {
				changed++
				if i < headers {
					t.Fatalf("byte %d of the headers was changed", i)
				}
			}
		}
		if changed != 1 {
			t.Fatalf("%d bytes changed, want 1", changed)
		}
	}
	if l.count.bad != 500 {
		t.Errorf("%d damaged frames counted, want 500", l.count.bad)
	}
}

func TestDamageLeavesAFrameOfHeadersAlone(t *testing.T) {
	l := lineOf(t, "corrupt=100")
	l.accept(make([]byte, headers), start)
	for got := range l.due(start) {
		if !bytes.Equal(got, make([]byte, headers)) {
			t.Errorf("a frame of headers alone became %x", got)
		}
	}
	if l.count.bad != 0 {
		t.Error("it was counted as damaged")
	}
}

func TestDamageOfARepeatedFrameIsNotShared(t *testing.T) {
	l := lineOf(t, "dup=100 corrupt=100")
	l.accept(make([]byte, 1000), start)
	got := slices.Collect(l.due(start))
	if len(got) != 2 || bytes.Equal(got[0], got[1]) {
		t.Error("both copies carry the same damage, want one frame twice with damage of its own")
	}
}

func TestSlowLineSendsAtItsRate(t *testing.T) {
	// 8 kbit/s are 1000 bytes a second: a frame of 500 bytes takes half a second.
	_, at := arrive(t, lineOf(t, "rate=8k"), 4, 500)
	for i, got := range at {
		if want := time.Duration(i+1) * 500 * time.Millisecond; got != want {
			t.Errorf("frame %d arrived at %v, want %v", i, got, want)
		}
	}
}

func TestSlowLineDropsWhatItsQueueCannotHold(t *testing.T) {
	l := lineOf(t, "rate=8k queue=2000")
	order, _ := arrive(t, l, 20, 500)
	if len(order)+l.count.full != 20 || len(order) < 4 || len(order) > 6 {
		t.Errorf("%d frames arrived, %d were dropped; want about 5 of 20", len(order), l.count.full)
	}
}

func TestSameSeedGivesTheSameChances(t *testing.T) {
	a, _ := arrive(t, lineOf(t, "loss=30 dup=10 reorder=10"), 200, 60)
	b, _ := arrive(t, lineOf(t, "loss=30 dup=10 reorder=10"), 200, 60)
	if !bytes.Equal(a, b) {
		t.Errorf("two lines of one seed differ:\n%v\n%v", a, b)
	}
}
