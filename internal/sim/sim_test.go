package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sharedKeys is one ring for all tests: making keys takes time.
var sharedKeys = sync.OnceValues(newKeyring)

// load reads a scenario of testdata.
func load(t testing.TB, name string) Scenario {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(b))
}

func parse(t testing.TB, text string) Scenario {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// small is a scenario of ann, ben and cat, who knows nobody; rest is more of its
// keys, and timeline its actions.
func small(t testing.TB, rest string, timeline ...string) Scenario {
	t.Helper()
	return parse(t, fmt.Sprintf(`{
		"version": 1, "length": "60s", "path": {"delay": "10ms"},
		"clients": [
			{"name": "ann", "contacts": ["ben"]},
			{"name": "ben", "contacts": ["ann"], "key": "raw"},
			{"name": "cat"}
		],
		"timeline": [%s]%s}`, strings.Join(timeline, ",\n"), rest))
}

// play plays a scenario and returns its report and its log.
func play(t testing.TB, s Scenario, seed uint64) (Report, string) {
	t.Helper()
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r, err := Run(t.Context(), s, Options{Seed: seed, Log: &log, keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return r, log.String()
}

// good fails the test unless everything held.
func good(t testing.TB, r Report, log string) {
	t.Helper()
	if !r.OK() {
		t.Fatalf("broken: %q\nfailed: %q\n%s", r.Broken, r.Failed, log)
	}
}

// wants fails the test unless the log has these pieces, each in a line after the
// line of the one before.
func wants(t testing.TB, log string, pieces ...string) {
	t.Helper()
	rest := log
	for _, p := range pieces {
		i := strings.Index(rest, p)
		if i < 0 {
			t.Fatalf("%q does not come (any more); the log is\n%s", p, log)
		}
		rest = rest[i:]
		if end := strings.Index(rest, "\n"); end >= 0 {
			rest = rest[end:]
		}
	}
}

func TestSameSeedGivesTheSameLog(t *testing.T) {
	t.Parallel()
	s := load(t, "two-behind-nat.json")
	r1, log1 := play(t, s, 7)
	r2, log2 := play(t, s, 7)
	good(t, r1, log1)
	if log1 != log2 || r1.Digest != r2.Digest {
		t.Error("two runs with one seed differ")
	}
	r3, log3 := play(t, s, 8)
	good(t, r3, log3)
	if log1 == log3 || r1.Digest == r3.Digest {
		t.Error("two seeds give the same log")
	}
	if r1.Arrived != 440 || r1.Lost == 0 {
		t.Errorf("%d texts arrived over a line that lost %d packets; want 440, over a bad one", r1.Arrived, r1.Lost)
	}
}

func TestDigestIsThatOfTheLogWhoeverReadsIt(t *testing.T) {
	t.Parallel()
	s := small(t, "", `{"at": "5s", "do": "send", "who": "ann", "to": "ben"}`)
	loud, log := play(t, s, 1)
	silent, err := Run(t.Context(), s, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if loud.Digest != silent.Digest || loud.Events != strings.Count(log, "\n") {
		t.Errorf("digests %s and %s, %d events of %d lines", loud.Digest, silent.Digest, loud.Events, strings.Count(log, "\n"))
	}
}

func TestLogIsJSONOnRequest(t *testing.T) {
	t.Parallel()
	s := small(t, "", `{"at": "5s", "do": "send", "who": "ann", "to": "ben"}`)
	var log bytes.Buffer
	plain, text := play(t, s, 1)
	r, err := Run(t.Context(), s, Options{Seed: 1, Log: &log, JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Digest != plain.Digest {
		t.Error("the digest depends on how the log is written")
	}
	var back strings.Builder
	for line := range strings.Lines(log.String()) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		back.WriteString(e.line() + "\n")
	}
	if back.String() != text {
		t.Error("JSON and text tell different things")
	}
}

func TestPacketsAreInTheLogOnRequest(t *testing.T) {
	t.Parallel()
	s := small(t, "")
	s.Length = Duration(time.Second)
	var log bytes.Buffer
	if _, err := Run(t.Context(), s, Options{Log: &log, Packets: true}); err != nil {
		t.Fatal(err)
	}
	wants(t, log.String(), "ann tcp", "delivered syn", "relay tcp", "delivered syn-ack", "ann        online")
}

func TestNoTextStandsInTheLog(t *testing.T) {
	t.Parallel()
	s := small(t, "", `{"at": "5s", "do": "send", "who": "ann", "to": "ben", "count": 3}`)
	_, log := play(t, s, 1)
	if strings.Contains(log, "ann>ben") {
		t.Errorf("the log quotes a text:\n%s", log)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := Run(ctx, small(t, ""), Options{}); !errors.Is(err, why) {
		t.Errorf("Run: %v, want %v", err, why)
	}
}

// full is a writer without room.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestRunTellsWhenTheLogCannotBeWritten(t *testing.T) {
	t.Parallel()
	if _, err := Run(t.Context(), small(t, ""), Options{Log: full{}}); !errors.Is(err, errFull) {
		t.Errorf("Run: %v, want %v", err, errFull)
	}
}

func TestRunChecksTheScenario(t *testing.T) {
	t.Parallel()
	s := small(t, "")
	s.Length = 0
	_, err := Run(t.Context(), s, Options{})
	if problems, ok := errors.AsType[Problems](err); !ok || len(problems) != 1 {
		t.Errorf("Run: %v, want one problem", err)
	}
}

func TestKeysAreInOrderAndOfTheirForm(t *testing.T) {
	t.Parallel()
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	for word, form := range keyForms() {
		last, err := keys.key(form, 1)
		if err != nil {
			t.Fatal(err)
		}
		for n := 2; n <= keysOfAForm; n++ {
			k, err := keys.key(form, n)
			if err != nil {
				t.Fatal(err)
			}
			if k.Public().Form() != form || k.Public().Compare(last.Public()) <= 0 {
				t.Errorf("%s key %d: form %v, after %s", word, n, k.Public().Form(), last.Public().Short())
			}
			last = k
		}
	}
}
