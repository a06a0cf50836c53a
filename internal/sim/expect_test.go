package sim

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryExpectationCanFail(t *testing.T) {
	t.Parallel()
	for expect, want := range map[string]string{
		`"all_open": true`:              "ann has no session with ben, but gone",
		`"all_arrive": true`:            "text #4 from ann to ben has not arrived",
		`"all_arrive_from": "20s"`:      "text #4 from ann to ben has not arrived",
		`"arrive": 5`:                   "4 texts have arrived, of 5 expected",
		`"slowest": "5ms"`:              "a text took 20",
		`"undisturbed": ["cat", "ann"]`: "ann was disturbed 1 times",
		`"online": ["*"]`:               "ben is not logged in",
		`"gone": ["cat"]`:               "cat is logged in",
	} {
		t.Run(expect, func(t *testing.T) {
			t.Parallel()
			s := small(t, `, "expect": {`+expect+`}`,
				`{"at": "5s", "do": "send", "who": "ann", "to": "ben", "count": 3}`,
				`{"at": "5s", "do": "send", "who": "ben", "to": "ann"}`,
				`{"at": "10s", "do": "crash", "who": "ben"}`,
				`{"at": "55s", "do": "send", "who": "ann", "to": "ben"}`)
			r, log := play(t, s, 1)
			if len(r.Broken) > 0 || r.OK() {
				t.Fatalf("broken %q, failed %q\n%s", r.Broken, r.Failed, log)
			}
			if !slices.ContainsFunc(r.Failed, func(f string) bool { return strings.Contains(f, want) }) {
				t.Errorf("failed: %q, want %q", r.Failed, want)
			}
		})
	}
}

func TestTextsBeforeTheTimeMayBeMissing(t *testing.T) {
	t.Parallel()
	s := small(t, `, "expect": {"all_arrive_from": "30s"}`,
		`{"at": "5s", "do": "send", "who": "ann", "to": "cat"}`,
		`{"at": "40s", "do": "send", "who": "ann", "to": "ben"}`)
	r, log := play(t, s, 1)
	good(t, r, log)
}
