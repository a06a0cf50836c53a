package meter

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	perOctave = 32 // slots for each doubling: a resolution of 1/32
	slots     = 60 * perOctave
)

// A Hist counts durations in slots of about 3 % width; the largest is kept
// exactly. The zero value is empty. Add and Merge may be called from several
// goroutines at once.
type Hist struct {
	slot  [slots]atomic.Uint64
	worst atomic.Uint64
}

func slotOf(v uint64) int {
	if v < perOctave {
		return int(v)
	}
	e := bits.Len64(v) - 6
	return (e+1)*perOctave + int(v>>e) - perOctave
}

func slotStart(i int) uint64 {
	if i < perOctave {
		return uint64(i)
	}
	return uint64(i%perOctave+perOctave) << (i/perOctave - 1)
}

// Add records one duration; a negative one counts as none at all, 0.
func (h *Hist) Add(d time.Duration) {
	v := uint64(max(d, 0))
	h.slot[slotOf(v)].Add(1)
	h.raise(v)
}

func (h *Hist) raise(v uint64) {
	for w := h.worst.Load(); v > w; w = h.worst.Load() {
		if h.worst.CompareAndSwap(w, v) {
			return
		}
	}
}

// N is the number of durations recorded.
func (h *Hist) N() (n uint64) {
	for i := range h.slot {
		n += h.slot[i].Load()
	}
	return n
}

// Max is the longest duration recorded, exactly.
func (h *Hist) Max() time.Duration { return time.Duration(h.worst.Load()) }

// Quantile is the duration that the share q of all records does not exceed,
// rounded down to the start of its slot; 0 if nothing was recorded.
func (h *Hist) Quantile(q float64) time.Duration {
	n := h.N()
	if n == 0 {
		return 0
	}
	want := max(1, uint64(math.Ceil(min(q, 1)*float64(n))))
	var seen uint64
	for i := range h.slot {
		if seen += h.slot[i].Load(); seen >= want {
			return time.Duration(slotStart(i))
		}
	}
	return h.Max()
}

// Merge adds all that o has recorded.
func (h *Hist) Merge(o *Hist) {
	for i := range o.slot {
		if n := o.slot[i].Load(); n > 0 {
			h.slot[i].Add(n)
		}
	}
	h.raise(o.worst.Load())
}

// Reset forgets everything.
func (h *Hist) Reset() {
	for i := range h.slot {
		h.slot[i].Store(0)
	}
	h.worst.Store(0)
}

type histJSON struct {
	Max   uint64      `json:"max"`
	Slots [][2]uint64 `json:"slots"` // index, count
}

// MarshalJSON writes the slots that are not empty.
func (h *Hist) MarshalJSON() ([]byte, error) {
	out := histJSON{Max: h.worst.Load()}
	for i := range h.slot {
		if n := h.slot[i].Load(); n > 0 {
			out.Slots = append(out.Slots, [2]uint64{uint64(i), n})
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what [Hist.MarshalJSON] wrote, and refuses slots that do
// not exist.
func (h *Hist) UnmarshalJSON(b []byte) error {
	var in histJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	h.Reset()
	h.worst.Store(in.Max)
	for _, s := range in.Slots {
		if s[0] >= slots {
			return fmt.Errorf("histogram slot %d of %d", s[0], slots)
		}
		h.slot[s[0]].Add(s[1])
	}
	return nil
}
