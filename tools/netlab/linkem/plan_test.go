package main

import (
	"strings"
	"testing"
	"time"
)

func TestSettingsAreRead(t *testing.T) {
	changes, err := parse("delay=80ms jitter=5ms loss=2.5 dup=1 reorder=2 corrupt=0.1 rate=2M queue=64000")
	if err != nil {
		t.Fatal(err)
	}
	var got plan
	for _, c := range changes {
		if !c.ab || !c.ba {
			t.Errorf("%s is not for both directions", c.key)
		}
		if err := got.set(c.key, c.value); err != nil {
			t.Error(err)
		}
	}
	want := plan{
		delay: 80 * time.Millisecond, jitter: 5 * time.Millisecond,
		loss: 2.5, dup: 1, reorder: 2, corrupt: 0.1, rate: 250_000, queue: 64000,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPrefixChoosesTheDirection(t *testing.T) {
	changes, err := parse("ab.loss=100 ba.loss=0")
	if err != nil {
		t.Fatal(err)
	}
	want := []change{
		{ab: true, key: "loss", value: "100"},
		{ba: true, key: "loss", value: "0"},
	}
	if len(changes) != 2 || changes[0] != want[0] || changes[1] != want[1] {
		t.Errorf("got %+v, want %+v", changes, want)
	}
}

func TestWrongSettingsAreRefusedByName(t *testing.T) {
	for words, want := range map[string]string{
		"loss":            "key=value",
		"los=1":           `no setting "los"`,
		"ac.loss=1":       `no setting "ac.loss"`,
		"loss=101":        "loss wants a share",
		"loss=-1":         "loss wants a share",
		"loss=NaN":        "loss wants a share",
		"dup=x":           "dup wants a share",
		"reorder=":        "reorder wants a share",
		"corrupt=1e9":     "corrupt wants a share",
		"delay=5":         "delay wants a duration",
		"delay=-5ms":      "delay wants a duration",
		"jitter=1000h":    "jitter wants a duration",
		"rate=fast":       "rate wants bits",
		"rate=-1k":        "rate wants bits",
		"rate=1G":         "rate wants bits",
		"queue=-1":        "queue wants a number",
		"queue=10k":       "queue wants a number",
		"loss=1 delay=no": "delay wants a duration",
	} {
		if _, err := parse(words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", words, err, want)
		}
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("delay=80ms ab.loss=2.5 rate=2M queue=64000")
	f.Add("loss=NaN dup=Inf rate=k")
	f.Fuzz(func(t *testing.T, words string) {
		changes, err := parse(words)
		if err != nil {
			return
		}
		var p plan
		for _, c := range changes {
			if err := p.set(c.key, c.value); err != nil {
				t.Errorf("accepted by parse, refused when set: %v", err)
			}
		}
		for _, share := range []float64{p.loss, p.dup, p.reorder, p.corrupt} {
			if !(share >= 0 && share <= 100) {
				t.Errorf("share %v from %q", share, words)
			}
		}
		if p.delay < 0 || p.jitter < 0 || p.queue < 0 || !(p.rate >= 0) {
			t.Errorf("negative setting in %+v from %q", p, words)
		}
	})
}
