package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Size is a number of bytes. In text it may have a unit: "256KiB", "1 MiB",
// "65536".
type Size int64

// units from the largest; each is 1024 of the next.
func units() []string { return []string{"TiB", "GiB", "MiB", "KiB"} }

// String writes the size with the largest unit that leaves a whole number.
func (s Size) String() string {
	for i, unit := range units() {
		if one := Size(1) << (10 * (4 - i)); s != 0 && s%one == 0 {
			return strconv.FormatInt(int64(s/one), 10) + unit
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// ParseSize reads a number of bytes with or without a unit. It is not negative.
func ParseSize(text string) (Size, error) {
	number, shift := strings.TrimSpace(text), 0
	for i, unit := range units() {
		if rest, ok := strings.CutSuffix(number, unit); ok {
			number, shift = strings.TrimSpace(rest), 10*(4-i)
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is no size", text)
	}
	return Size(n << shift), nil
}
