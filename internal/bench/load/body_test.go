//go:build linux

package load

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// bodies makes the first n bodies of a pair.
func bodies(pair uint32, n, size int) [][]byte {
	w := writer{pair: pair}
	var list [][]byte
	for i := range n {
		list = append(list, w.append(nil, time.Duration(i)*time.Second, size))
	}
	return list
}

func judge(pair uint32, sent int, list [][]byte) Tally {
	c := checker{pair: pair}
	for _, b := range list {
		c.check(b)
	}
	return c.finish(uint32(sent), 0)
}

func TestBodiesHaveTheirSizeAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, pair := range []uint32{0, 1, 999} {
		for _, b := range bodies(pair, 50, 100) {
			if len(b) != 100 || seen[string(b)] || bytes.ContainsAny(b, "\r\n<&> :") {
				t.Fatalf("body %q", b)
			}
			seen[string(b)] = true
		}
	}
	if b := bodies(1, 1, 3)[0]; len(b) != MinBody {
		t.Errorf("a body of 3 bytes has %d", len(b))
	}
	if b := bodies(1, 1, MaxBody)[0]; len(b) != MaxBody {
		t.Errorf("the largest body has %d bytes", len(b))
	}
}

func TestWhatArrivesAsSentCounts(t *testing.T) {
	t.Parallel()
	c := checker{pair: 7}
	for i, b := range bodies(7, 10, 100) {
		stamp, ok := c.check(b)
		if !ok || stamp != time.Duration(i)*time.Second {
			t.Errorf("body %d: %v %v", i, stamp, ok)
		}
	}
	if got := c.finish(10, 0); got.Void() != "" || got.Delivered != 10 || got.Sent != 10 {
		t.Errorf("%+v, void %q", got, got.Void())
	}
}

func TestTalliesNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	all := bodies(3, 5, 100)
	flipped := bytes.Clone(all[2])
	flipped[60] ^= 1
	for name, c := range map[string]struct {
		list [][]byte
		want Tally
	}{
		"lost in between": {slices.Concat(all[:2], all[3:]), Tally{Sent: 5, Delivered: 4, Missing: 1}},
		"lost at the end": {all[:3], Tally{Sent: 5, Delivered: 3, Missing: 2}},
		"doubled":         {slices.Concat(all[:3], all[2:]), Tally{Sent: 5, Delivered: 5, Doubled: 1}},
		"out of order":    {[][]byte{all[0], all[2], all[1], all[3], all[4]}, Tally{Sent: 5, Delivered: 4, Missing: 1, Doubled: 1}},
		"damaged":         {[][]byte{all[0], all[1], flipped, all[3], all[4]}, Tally{Sent: 5, Delivered: 4, Missing: 1, Wrong: 1}},
		"another's":       {append(slices.Clone(all), bodies(4, 1, 100)...), Tally{Sent: 5, Delivered: 5, Wrong: 1}},
		"cut short":       {append(slices.Clone(all[:4]), all[4][:20]), Tally{Sent: 5, Delivered: 4, Missing: 1, Wrong: 1}},
		"nothing":         {nil, Tally{Sent: 5, Missing: 5}},
		"not hexadecimal": {append(slices.Clone(all), bytes.Repeat([]byte("?"), 100)), Tally{Sent: 5, Delivered: 5, Wrong: 1}},
	} {
		got := judge(3, 5, c.list)
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
		if got.Void() == "" {
			t.Errorf("%s does not void the run", name)
		}
	}
	if (Tally{}).Void() == "" || (Tally{Sent: 3, Delivered: 2}).Void() == "" || (Tally{Sent: 1, Delivered: 1, Failed: 1}).Void() == "" {
		t.Error("a tally that cannot be is not void")
	}
}

func FuzzCheck(f *testing.F) {
	for _, b := range bodies(1, 2, 60) {
		f.Add(b)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := checker{pair: 1}
		_, ok := c.check(b)
		if tally := c.finish(0, 0); ok != (tally.Delivered == 1) || ok == (tally.Wrong == 1) {
			t.Errorf("%q: ok %v, %+v", b, ok, tally)
		}
	})
}
