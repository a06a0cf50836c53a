package sim

import (
	"strings"
	"testing"
)

// everythingBack is an expectation after any fault that ended in time.
const everythingBack = `, "expect": {"all_open": true, "all_arrive_from": "50s", "online": ["*"]}`

// talkAt50 is texts both ways.
const talkAt50 = `{"at": "50s", "do": "send", "who": "ann", "to": "ben"}, {"at": "50s", "do": "send", "who": "ben", "to": "ann"}`

func TestFaultsEndAndEverythingIsBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault string
		log   []string // in this order
	}{
		"crash": {`"crash", "who": "ann", "for": "3s"`, []string{"ann        crashes", "ann        returns", "ann/2      online"}},
		"leave": {`"leave", "who": "ben", "for": "3s"`, []string{"ben        leaves", "ben/2      online"}},
		"takeover with a proven key": {`"takeover", "who": "ann"`, []string{
			"ann        logs in elsewhere too", "ann        ends: key in use, or taken over", "ann/2      online"}},
		"takeover with a raw key": {`"takeover", "who": "ben"`, []string{
			"ben        logs in elsewhere too", "ben/2      offline: log in: key in use, or taken over"}},
		"hangup": {`"hangup", "who": "ann"`, []string{"ann        offline: closed by the user", "ann        online"}},
		"stall":  {`"stall", "who": "ben", "for": "10s"`, []string{"ben        stops reading", "ben        reads on"}},
		"relay crash": {`"crash", "who": "relay", "for": "2s"`, []string{
			"relay      crashes", "relay      returns", "offline: connection reset by peer", "online"}},
		"short cut": {`"cut", "who": "ann", "for": "5s"`, []string{"ann        line is cut", "ann        line is healed"}},
		"long cut": {`"cut", "who": "ann", "for": "29s"`, []string{
			"ann        line is cut", "ann        offline: connection timed out", "ann        line is healed", "ann        online"}},
		"half open": {`"cut", "who": "ben", "way": "down", "for": "32s"`, []string{
			"ben        line is cut: down", "ben        offline: connection timed out", "ben        online"}},
		"cut of everybody":   {`"cut", "who": "*", "way": "up", "for": "3s"`, []string{"ann        line is cut", "cat        line is cut", "cat        line is healed"}},
		"renumber":           {`"renumber", "who": "relay"`, []string{"relay      has another address", "offline: connection timed out", "online"}},
		"clock forward":      {`"clock", "who": "ann", "by": "1h"`, []string{"ann        clock steps: 1h0m0s"}},
		"clock of the relay": {`"clock", "who": "relay", "by": "-5s"`, []string{"relay      clock steps: -5s"}},
		"line":               {`"line", "who": "ann", "line": {"delay": "200ms", "loss": 0.1}`, []string{"ann        line changes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := small(t, everythingBack, `{"at": "8s", "do": `+c.fault+`}`, talkAt50)
			r, log := play(t, s, 3)
			good(t, r, log)
			wants(t, log, c.log...)
		})
	}
}

func TestFaultWithoutEndLasts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ fault, gone string }{
		"crash": {`"crash", "who": "ann"`, "ann"},
		"leave": {`"leave", "who": "ann"`, "ann"},
		"cut":   {`"cut", "who": "ann"`, "ann"},
		"relay": {`"crash", "who": "relay"`, `ann", "ben", "cat`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := small(t, `, "expect": {"gone": ["`+c.gone+`"]}`, `{"at": "8s", "do": `+c.fault+`}`)
			r, log := play(t, s, 3)
			good(t, r, log)
		})
	}
}

func TestOthersAreNotDisturbed(t *testing.T) {
	t.Parallel()
	s := parse(t, `{
		"version": 1, "length": "40s",
		"clients": [
			{"name": "ann", "contacts": ["ben"]}, {"name": "ben", "contacts": ["ann"]},
			{"name": "bad", "contacts": ["worse"]}, {"name": "worse", "contacts": ["bad"]}
		],
		"timeline": [
			{"at": "5s", "do": "send", "who": "ann", "to": "ben", "count": 100, "every": "200ms"},
			{"at": "5s", "do": "crash", "who": "bad", "for": "1s", "times": 5, "each": "3s"},
			{"at": "6s", "do": "takeover", "who": "worse"},
			{"at": "9s", "do": "cut", "who": "bad"}
		],
		"expect": {"undisturbed": ["ann", "ben"], "arrive": 100, "slowest": "100ms"}
	}`)
	r, log := play(t, s, 1)
	good(t, r, log)
}

func TestSlowReaderIsCutAndOthersGoOn(t *testing.T) {
	t.Parallel()
	s := small(t, `, "buffer": 8192, "relay": {"queue": 8192, "stall": "2s"}, "expect": {"online": ["*"], "undisturbed": ["ann", "cat"]}`,
		`{"at": "5s", "do": "stall", "who": "ben", "for": "20s"}`,
		`{"at": "6s", "do": "send", "who": "ann", "to": "ben", "count": 40, "bytes": 1000}`)
	// Ann's session ends with Ben's connection, which the relay tells her.
	s.Expect.Undisturbed = []string{"cat"}
	r, log := play(t, s, 1)
	good(t, r, log)
	wants(t, log, "ben        stops reading", "relay      cuts: ben", "ben        offline", "ben        online")
	if r.Stats.Cuts != 1 {
		t.Errorf("%d readers were cut, want 1", r.Stats.Cuts)
	}
}

func TestSessionIsAskedForAcceptedRemovedAndBlocked(t *testing.T) {
	t.Parallel()
	s := small(t, "",
		`{"at": "2s", "do": "add", "who": "cat", "to": "ann"}`,
		`{"at": "4s", "do": "accept", "who": "ann", "to": "cat"}`,
		`{"at": "5s", "do": "accept", "who": "ann", "to": "cat"}`,
		`{"at": "6s", "do": "send", "who": "cat", "to": "ann"}`,
		`{"at": "8s", "do": "remove", "who": "ann", "to": "cat"}`,
		`{"at": "9s", "do": "block", "who": "ann", "to": "cat"}`,
		`{"at": "10s", "do": "leave", "who": "cat", "for": "1s"}`,
		`{"at": "20s", "do": "send", "who": "ann", "to": "cat"}`)
	r, log := play(t, s, 1)
	good(t, r, log)
	wants(t, log,
		"cat        starts ann", "ann        asked by cat", "ann        asking cat", "ann        accepts cat",
		"cat        open ann", "ann        open cat", "ann        cannot accept cat: contact did not ask",
		"cat        sent #1 ann", "ann        received #1 cat", "ann        gone cat", "cat/2      starts ann",
		"ann        does not take #1 cat: unknown contact")
	if strings.Count(log, "asked by cat") != 1 {
		t.Error("somebody blocked is told of")
	}
}

func TestWhoIsAcceptedAutomaticallyIsOpen(t *testing.T) {
	t.Parallel()
	s := parse(t, `{
		"version": 1, "length": "10s",
		"clients": [{"name": "echo", "auto_accept": true}, {"name": "p", "count": 3, "contacts": ["echo"]}],
		"timeline": [{"at": "3s", "do": "send", "who": "p", "to": "echo", "count": 2}],
		"expect": {"all_open": true, "all_arrive": true}
	}`)
	r, log := play(t, s, 1)
	good(t, r, log)
	if r.Arrived != 6 {
		t.Errorf("%d texts arrived, want 6", r.Arrived)
	}
}

func TestChosenByChanceIsDecidedByTheSeed(t *testing.T) {
	t.Parallel()
	s := small(t, "", `{"at": "5s", "do": "hangup", "who": "?", "times": 12, "each": "2s"}`)
	_, log := play(t, s, 1)
	for _, name := range []string{"ann", "ben", "cat"} {
		if !strings.Contains(log, name+"        offline: closed by the user") {
			t.Errorf("%s is never chosen in twelve times", name)
		}
	}
	if _, again := play(t, s, 1); again != log {
		t.Error("the same seed chooses others")
	}
}

func TestEveryKindOfNATLetsClientsThrough(t *testing.T) {
	t.Parallel()
	s := parse(t, `{
		"version": 1, "length": "50s",
		"nats": [
			{"name": "na", "kind": "full-cone"}, {"name": "nb", "kind": "restricted", "hairpin": true},
			{"name": "nc", "kind": "port-restricted", "behind": "na"}, {"name": "nd", "kind": "symmetric", "behind": "nb"}
		],
		"clients": [
			{"name": "a", "behind": "na", "contacts": ["*"]}, {"name": "b", "behind": "nb", "contacts": ["*"]},
			{"name": "c", "behind": "nc", "contacts": ["*"]}, {"name": "d", "behind": "nd", "contacts": ["*"]}
		],
		"timeline": [
			{"at": "5s", "do": "flush", "who": "na"}, {"at": "5s", "do": "renumber", "who": "nb"},
			{"at": "45s", "do": "send", "who": "*", "to": "*"}
		],
		"expect": {"all_open": true, "all_arrive": true}
	}`)
	r, log := play(t, s, 1)
	good(t, r, log)
	wants(t, log, "na         forgets its mappings", "nb         has another address", "offline: connection timed out", "online")
	if r.Arrived != 12 {
		t.Errorf("%d texts arrived, want 12", r.Arrived)
	}
}

func TestDishonestRelayIsNoticed(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		arrived int
		log     []string
	}{
		// The second of five, sent a second apart. What follows a loss is lost
		// until there is a new session, which takes less than a second.
		"drop":   {3, []string{"meddles ann > ben: drop", "ben        lost ann", "ben        starts ann", "ben        received #4 ann"}},
		"damage": {3, []string{"meddles ann > ben: damage", "ben        lost ann", "ben        received #4 ann"}},
		"repeat": {5, []string{"meddles ann > ben: repeat", "ben        received #2 ann", "ben        received #3 ann"}},
		"swap":   {3, []string{"meddles ann > ben: swap", "ben        lost ann", "ben        received #4 ann"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := small(t, "",
				`{"at": "5s", "do": "send", "who": "ann", "to": "ben", "count": 5, "every": "1s"}`,
				`{"at": "5500ms", "do": "meddle", "who": "ann", "to": "ben", "what": "`+what+`"}`)
			r, log := play(t, s, 1)
			good(t, r, log)
			wants(t, log, c.log...)
			if r.Arrived != c.arrived {
				t.Errorf("%d texts arrived, want %d\n%s", r.Arrived, c.arrived, log)
			}
		})
	}
}

func TestCalmEndsEverything(t *testing.T) {
	t.Parallel()
	s := small(t, everythingBack,
		`{"at": "5s", "do": "crash", "who": "ann"}`,
		`{"at": "6s", "do": "cut", "who": "cat"}`,
		`{"at": "7s", "do": "stall", "who": "ben"}`,
		`{"at": "7s", "do": "line", "who": "ben", "line": {"loss": 0.9}}`,
		`{"at": "8s", "do": "crash", "who": "relay"}`,
		`{"at": "8s", "do": "meddle", "who": "ann", "to": "ben", "what": "drop", "count": 100}`,
		`{"at": "15s", "do": "calm"}`, talkAt50)
	r, log := play(t, s, 1)
	good(t, r, log)
	wants(t, log, "sim        calm", "ann        returns", "ann/2      online")
	if strings.Contains(log, "meddles") {
		t.Error("the relay is not honest after all")
	}
}
