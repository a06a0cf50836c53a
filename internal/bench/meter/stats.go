package meter

import (
	"math"
	"slices"
)

// A Spread is what a few measured values of one thing say: their median and
// how far they lie apart.
type Spread struct {
	Median, Min, Max float64
	N                int
}

// Spreading returns the spread of values; NaN everywhere for none. The median
// of an even number is the mean of the middle two.
func Spreading(values []float64) Spread {
	if len(values) == 0 {
		return Spread{Median: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	}
	v := slices.Sorted(slices.Values(values))
	m := v[len(v)/2]
	if len(v)%2 == 0 {
		m = (v[len(v)/2-1] + m) / 2
	}
	return Spread{Median: m, Min: v[0], Max: v[len(v)-1], N: len(v)}
}

// Ratio is how many times b's median a's is; NaN where that means nothing.
func (s Spread) Ratio(b Spread) float64 {
	if b.Median == 0 {
		return math.NaN()
	}
	return s.Median / b.Median
}
