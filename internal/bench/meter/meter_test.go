package meter

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestHistogramQuantilesAreWithinThreePercent(t *testing.T) {
	t.Parallel()
	var h Hist
	for i := range 100_000 {
		h.Add(time.Duration(i+1) * time.Microsecond)
	}
	for _, q := range []float64{.001, .5, .99, .999, 1} {
		got, want := float64(h.Quantile(q)), q*100_000*float64(time.Microsecond)
		if got > want || got < want*.96 {
			t.Errorf("quantile %v: got %v, want %v less at most 4 %%", q, got, want)
		}
	}
	if h.N() != 100_000 || h.Max() != 100*time.Millisecond {
		t.Errorf("n %d max %v", h.N(), h.Max())
	}
}

func TestEverySlotHoldsItsOwnStart(t *testing.T) {
	t.Parallel()
	for i := range slots {
		if v := slotStart(i); slotOf(v) != i {
			t.Fatalf("slot %d starts at %d, which belongs to slot %d", i, v, slotOf(v))
		}
	}
	for range 10_000 {
		v := rand.Uint64() >> rand.IntN(60) >> 1
		if i := slotOf(v); slotStart(i) > v || (i+1 < slots && slotStart(i+1) <= v) {
			t.Fatalf("%d in slot %d from %d", v, i, slotStart(i))
		}
	}
	if i := slotOf(math.MaxInt64); i >= slots {
		t.Fatalf("the longest duration needs slot %d of %d", i, slots)
	}
}

func TestNegativeAndEmptyHistograms(t *testing.T) {
	t.Parallel()
	var h Hist
	if h.Quantile(.99) != 0 || h.N() != 0 || h.Max() != 0 {
		t.Error("an empty histogram is not empty")
	}
	h.Add(-time.Second)
	if h.N() != 1 || h.Quantile(1) != 0 {
		t.Errorf("a negative duration counts as %v", h.Quantile(1))
	}
	h.Reset()
	if h.N() != 0 {
		t.Error("not empty after Reset")
	}
}

func TestHistogramTravelsAsJSONAndMerges(t *testing.T) {
	t.Parallel()
	var a, b, sum Hist
	for range 1000 {
		d := time.Duration(rand.Int64N(int64(time.Minute)))
		a.Add(d)
		sum.Add(d)
		sum.Add(2 * d)
		b.Add(2 * d)
	}
	data, err := json.Marshal(&a)
	if err != nil {
		t.Fatal(err)
	}
	var c Hist
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	c.Merge(&b)
	for _, q := range []float64{0, .5, .9, .99, 1} {
		if c.Quantile(q) != sum.Quantile(q) {
			t.Errorf("quantile %v: got %v, want %v", q, c.Quantile(q), sum.Quantile(q))
		}
	}
	if c.N() != 2000 || c.Max() != sum.Max() {
		t.Errorf("n %d max %v, want 2000 %v", c.N(), c.Max(), sum.Max())
	}
}

func TestHistogramRefusesForeignJSON(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`{"slots":[[99999,1]]}`, `[]`, `{"slots":[[-1,1]]}`} {
		if err := json.Unmarshal([]byte(in), new(Hist)); err == nil {
			t.Errorf("%s was accepted", in)
		}
	}
}

func TestHistogramCountsFromManyGoroutines(t *testing.T) {
	t.Parallel()
	var h Hist
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 1000 {
				h.Add(time.Duration(i))
			}
		})
	}
	wg.Wait()
	if h.N() != 8000 || h.Max() != 999 {
		t.Errorf("n %d max %v", h.N(), h.Max())
	}
}

func TestMedianAndSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []float64
		want Spread
	}{
		{[]float64{3}, Spread{3, 3, 3, 1}},
		{[]float64{5, 1, 3}, Spread{3, 1, 5, 3}},
		{[]float64{4, 1, 2, 9}, Spread{3, 1, 9, 4}},
	} {
		if got := Spreading(c.in); got != c.want {
			t.Errorf("%v: got %v, want %v", c.in, got, c.want)
		}
	}
	if s := Spreading(nil); !math.IsNaN(s.Median) || s.N != 0 {
		t.Errorf("nothing measured: %v", s)
	}
	if r := (Spread{Median: 6}).Ratio(Spread{Median: 3}); r != 2 {
		t.Errorf("ratio %v", r)
	}
	if r := (Spread{Median: 6}).Ratio(Spread{}); !math.IsNaN(r) {
		t.Errorf("ratio to nothing %v", r)
	}
}

func TestStatLineIsReadWhateverTheNameHolds(t *testing.T) {
	t.Parallel()
	line := "12 (a b) c) d) S 1 12 12 0 -1 4194560 1 2 3 4 70 30 5 6 20 0 1 0 99"
	if got := statTicks([]byte(line)); got != 100 {
		t.Errorf("got %d ticks, want 100", got)
	}
	for _, in := range []string{"", "12", "12 (x) S 1 2", "no bracket at all"} {
		if got := statTicks([]byte(in)); got != 0 {
			t.Errorf("%q: %d ticks", in, got)
		}
	}
}

func TestOwnProcessIsMetered(t *testing.T) {
	t.Parallel()
	p := Watch(os.Getpid())
	before := p.CPU()
	for end := time.Now().Add(60 * time.Millisecond); time.Now().Before(end); {
		_ = strings.Repeat("x", 1000)
	}
	if p.CPU() <= before-clockTick {
		t.Errorf("CPU time went back from %v to %v", before, p.CPU())
	}
	if p.PSS() < 1<<20 || p.Descriptors() < 3 || !p.Alive() {
		t.Errorf("PSS %d, descriptors %d, alive %v", p.PSS(), p.Descriptors(), p.Alive())
	}
}

func TestEndedProcessIsNotAlive(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := Watch(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if p.Alive() || p.PSS() != 0 || p.CPU() != 0 || p.Descriptors() != 0 {
		t.Error("an ended process still measures something")
	}
}

func TestKernelBuffersAreRead(t *testing.T) {
	t.Parallel()
	text := "sockets: used 100\nTCP: inuse 5 orphan 0 tw 2 alloc 6 mem 37\nUDP: inuse 1 mem 4\n"
	if got := tcpPages(text); got != 37 {
		t.Errorf("got %d pages, want 37", got)
	}
	for _, in := range []string{"", "TCP: mem", "UDP: mem 3\n"} {
		if got := tcpPages(in); got != 0 {
			t.Errorf("%q: %d pages", in, got)
		}
	}
	if TCPBuffers() < 0 {
		t.Error("negative memory")
	}
}

func TestMachineLineNamesCoresAndGo(t *testing.T) {
	t.Parallel()
	if m := Machine(); !strings.Contains(m, "cores") || !strings.Contains(m, "go1") {
		t.Errorf("machine line %q", m)
	}
}
