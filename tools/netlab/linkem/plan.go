package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A plan says what happens to the frames of one direction. The zero value
// passes every frame on at once. Shares are percent of the frames.
type plan struct {
	delay   time.Duration // one way
	jitter  time.Duration // uniform, either side of delay; keeps the order
	loss    float64
	dup     float64
	reorder float64
	corrupt float64
	rate    float64 // bytes a second; 0: no limit
	queue   int     // bytes that may wait when rate is set; 0: any number
}

// set changes one setting of the plan. A value that is wrong changes nothing.
func (p *plan) set(key, value string) error {
	switch key {
	case "delay":
		return setDuration(&p.delay, key, value)
	case "jitter":
		return setDuration(&p.jitter, key, value)
	case "loss":
		return setPercent(&p.loss, key, value)
	case "dup":
		return setPercent(&p.dup, key, value)
	case "reorder":
		return setPercent(&p.reorder, key, value)
	case "corrupt":
		return setPercent(&p.corrupt, key, value)
	case "rate":
		return setRate(&p.rate, value)
	case "queue":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("queue wants a number of bytes, not %q", value)
		}
		p.queue = n
		return nil
	}
	return fmt.Errorf("no setting %q", key)
}

func setDuration(to *time.Duration, key, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > time.Hour {
		return fmt.Errorf("%s wants a duration from 0s to 1h, not %q", key, value)
	}
	*to = d
	return nil
}

func setPercent(to *float64, key, value string) error {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return fmt.Errorf("%s wants a share from 0 to 100, not %q", key, value)
	}
	*to = f
	return nil
}

// setRate takes bits a second, with k or M for thousands and millions, and
// keeps bytes a second.
func setRate(to *float64, value string) error {
	digits, unit := value, 1.0
	if s, ok := strings.CutSuffix(value, "k"); ok {
		digits, unit = s, 1e3
	} else if s, ok := strings.CutSuffix(value, "M"); ok {
		digits, unit = s, 1e6
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(f >= 0 && f <= 1e6) {
		return fmt.Errorf("rate wants bits a second such as 64k or 10M, not %q", value)
	}
	*to = f * unit / 8
	return nil
}

// A change is one key=value word of the control language.
type change struct {
	ab, ba     bool // the directions that it is for
	key, value string
}

// parse reads a line of key=value words. A word that begins with "ab." or
// "ba." is for that direction, any other for both. The whole line is checked
// before anything of it is used.
func parse(line string) ([]change, error) {
	var changes []change
	for word := range strings.FieldsSeq(line) {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("want key=value, not %q", word)
		}
		c := change{ab: true, ba: true, key: key, value: value}
		if rest, ok := strings.CutPrefix(key, "ab."); ok {
			c.ba, c.key = false, rest
		} else if rest, ok := strings.CutPrefix(key, "ba."); ok {
			c.ab, c.key = false, rest
		}
		if err := new(plan).set(c.key, value); err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return changes, nil
}
