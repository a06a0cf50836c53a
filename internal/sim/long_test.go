//go:build long

package sim

import "testing"

// TestR24OfTwoHundredSeeds plays ten simulated minutes of each.
func TestR24OfTwoHundredSeeds(t *testing.T) {
	var texts, sessions, crashed int
	for _, r := range search(t, 1, 200) {
		texts += r.Arrived
		sessions += int(r.Sessions)
		crashed += int(r.Stats.Takeovers + r.Stats.Cuts)
	}
	if texts < 50_000 || sessions < 5_000 || crashed < 100 {
		t.Errorf("%d texts, %d sessions, %d takeovers and cuts: too little to learn from", texts, sessions, crashed)
	}
}

func TestStorm(t *testing.T) {
	r, log := play(t, load(t, "storm.json"), 1)
	good(t, r, log)
	if r.Lost == 0 {
		t.Error("no packet was lost")
	}
}
