package sim

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// problems parses what is wrong and returns what Parse says.
func problems(t *testing.T, text string) []string {
	t.Helper()
	_, err := Parse([]byte(text))
	p, ok := errors.AsType[Problems](err)
	if !ok {
		t.Fatalf("Parse of\n%s\nreturned %v, want problems", text, err)
	}
	return p
}

func TestUnknownKeysAreNamedWithTheNearest(t *testing.T) {
	t.Parallel()
	got := problems(t, `{
		"version": 1, "lenght": "1m", "quux": 1,
		"clients": [{"name": "ann", "autoaccept": true}],
		"timeline": [{"at": "1s", "do": "send", "whom": "ann"}]
	}`)
	want := []string{
		`lenght: unknown key; did you mean "length"?`,
		`quux: unknown key`,
		`clients[0].autoaccept: unknown key; did you mean "auto_accept"?`,
		`timeline[0].whom: unknown key; did you mean "who"?`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWrongTypesAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`{"version": "1"}`, "version: want a whole number"},
		{`{"version": null}`, "version: want a whole number"},
		{`{"version": 1.5}`, "version: want a whole number"},
		{`{"length": 60}`, "length: want a string"},
		{`{"length": "long"}`, `length: "long" is not a duration such as "1m30s"`},
		{`{"chop": "yes"}`, "chop: want true or false"},
		{`{"about": 1}`, "about: want a string"},
		{`{"path": {"loss": "5%"}}`, "path.loss: want a number"},
		{`{"path": []}`, "path: want an object"},
		{`{"clients": {}}`, "clients: want a list"},
		{`{"clients": null}`, "clients: want a list"},
		{`{"clients": [1]}`, "clients[0]: want an object"},
		{`{"timeline": [{"line": 5}]}`, "timeline[0].line: want an object"},
		{`{"version": 1, "version": 1}`, "version: stands twice"},
		{`{"version": 1} {}`, "file: something follows the object"},
		{`[]`, "file: want an object"},
		{``, "file: not JSON: it ends early"},
		{`{"version"`, "file: not JSON: it ends early"},
		{`{"version": }`, "file: not JSON: invalid character '}' looking for beginning of value"},
	} {
		if got := problems(t, c.text); !slices.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestFileOfMoreThanAMegabyteIsRefusedUnread(t *testing.T) {
	t.Parallel()
	got := problems(t, `{"about": "`+strings.Repeat("a", maxFile)+`"}`)
	if len(got) != 1 || !strings.Contains(got[0], "of at most 1048576") {
		t.Errorf("got %q", got)
	}
}

func TestEveryProblemIsToldAtOnce(t *testing.T) {
	t.Parallel()
	got := problems(t, `{
		"version": 2, "length": "0s", "buffer": 5, "path": {"loss": 1.5, "mtu": 20},
		"nats": [{"name": "home", "kind": "symetric", "behind": "tower"}, {"name": "relay", "kind": "restricted"}],
		"relay": {"max_payload": 10, "stall": "-1s"},
		"clients": [
			{"name": "Ann"},
			{"name": "ben", "key": "rsa", "behind": "hom", "contacts": ["bem", "*"]},
			{"name": "ben", "count": 40, "number": 33}
		],
		"timeline": [
			{"at": "1s", "do": "sent"},
			{"at": "2h", "do": "send", "who": "ben", "to": "home", "for": "1s"},
			{"at": "0s", "do": "clock", "who": "ben"},
			{"at": "0s", "do": "flush", "who": "ben"},
			{"at": "0s", "do": "cut", "who": "home", "way": "left"},
			{"at": "0s", "do": "calm", "who": "ben"},
			{"at": "0s", "do": "line", "who": "ben", "line": {"mtu": 600, "delay": "2h"}},
			{"at": "0s", "do": "meddle", "who": "ben", "to": "ben", "what": "burn"}
		],
		"expect": {"arrive": -1, "online": ["nobody"]}
	}`)
	want := []string{
		`version: 2 is not within 1 and 1`,
		`length: 0s is not within 1s and 24h0m0s`,
		`buffer: 5 is not within 1024 and 16777216`,
		`path.loss: 1.5 is not within 0 and 1`,
		`path.mtu: 20 is not within 68 and 65535`,
		`nats[0].kind: "symetric" is none of full-cone, port-restricted, restricted, symmetric; did you mean "symmetric"?`,
		`nats[0].behind: no NAT above it in the list is called "tower"`,
		`nats[1].name: "relay" is the name of a relay already`,
		`clients[0].name: "Ann" is no name: a small letter, then up to 31 small letters, digits and -`,
		`clients[2].name: "ben" is the name of a client already`,
		`clients[1].key: "rsa" is none of der, raw; did you mean "raw"?`,
		`clients[1].behind: no nat is called "hom"; did you mean "home"?`,
		`clients[1].contacts[0]: no client is called "bem"; did you mean "ben"?`,
		`clients[2].count: 40 is not within 0 and 32`,
		`clients[2].number: 33 is not within 0 and 32`,
		`clients[2].number: a group has more than one key`,
		`clients, those with a key of the form der: 41 is not within 0 and 32`,
		`relay.max_payload: 10 is not within 1024 and 1048576`,
		`relay.stall: -1s is not within 0s and 1h0m0s`,
		`timeline[1].at: 2h0m0s is not within 0s and 0s`,
		`timeline[1].to: no client is called "home"`,
		`timeline[1].for: send has no such field`,
		`timeline[2].by: clock needs it`,
		`timeline[3].who: no nat is called "ben"`,
		`timeline[4].way: "left" is none of both, down, up`,
		`timeline[5].who: this action is about everything`,
		`timeline[6].line.delay: 2h0m0s is not within 0s and 1m0s`,
		`timeline[6].line.mtu: it stays as it is: streams would not notice another`,
		`timeline[7].what: "burn" is none of damage, drop, repeat, swap`,
		`expect.arrive: -1 is not within 0 and 200000`,
		`expect.online[0]: no client is called "nobody"`,
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("not told: %s", w)
		}
	}
	if extra := slices.DeleteFunc(got, func(p string) bool { return slices.Contains(want, p) || strings.HasPrefix(p, "timeline[0].do:") }); len(extra) > 0 {
		t.Errorf("told beside:\n%s", strings.Join(extra, "\n"))
	}
}

func TestBoundsOfNumbersOfThings(t *testing.T) {
	t.Parallel()
	base := func() Scenario {
		return Scenario{Version: 1, Length: Duration(time.Minute), Clients: []Client{{Name: "ann"}, {Name: "ben"}}}
	}
	for name, c := range map[string]struct {
		change func(s *Scenario)
		want   string
	}{
		"no clients":       {func(s *Scenario) { s.Clients = nil }, "clients: there is none"},
		"two with one key": {func(s *Scenario) { s.Clients[0].Number, s.Clients[1].Number = 3, 3 }, "clients[1].number: ann has this key too"},
		"deep NATs": {func(s *Scenario) {
			for i := range maxNesting + 1 {
				n := NAT{Name: "n" + string(rune('a'+i)), Kind: "restricted"}
				if i > 0 {
					n.Behind = s.NATs[i-1].Name
				}
				s.NATs = append(s.NATs, n)
			}
		}, "nats[4].behind: 5 NATs behind each other; 4 are enough"},
		"many texts": {func(s *Scenario) {
			s.Timeline = []Action{{Do: "send", Who: "*", To: "*", Count: 1000, Times: 100}}
		}, "timeline: 400000 texts in all, 200000 are enough"},
		"many actions": {func(s *Scenario) { s.Timeline = slices.Repeat([]Action{{Do: "calm"}}, maxActions+1) }, "timeline: 2001 is not within 0 and 2000"},
	} {
		s := base()
		c.change(&s)
		p, _ := errors.AsType[Problems](s.Check())
		if !slices.Contains(p, c.want) {
			t.Errorf("%s: got %q, want %q", name, p, c.want)
		}
	}
}

func TestScenarioReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	for seed := range uint64(15) {
		want := Random(seed)
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(b)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("seed %d comes back as another scenario:\n%+v\n%+v", seed, got, want)
		}
	}
}

func TestNearestWord(t *testing.T) {
	t.Parallel()
	words := []string{"crash", "cut", "calm", "clock"}
	for wrong, want := range map[string]string{
		"crahs": `; did you mean "crash"?`, "clok": `; did you mean "clock"?`, "cat": `; did you mean "cut"?`, "explode": "", "": `; did you mean "cut"?`,
	} {
		if got := suggestion(wrong, words); wrong != "" && got != want {
			t.Errorf("%q: got %q, want %q", wrong, got, want)
		}
	}
	if got := suggestion("x", nil); got != "" {
		t.Errorf("of no words: %q", got)
	}
}

// FuzzParse wants problems or a scenario that holds its own bounds and can be
// written and read again, for any bytes.
func FuzzParse(f *testing.F) {
	for seed := range uint64(3) {
		b, err := json.Marshal(Random(seed))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"version": 1, "length": "1s", "clients": [{"name": "a", "count": 3, "contacts": ["*"]}]}`))
	f.Add([]byte(`{"timeline": [{"line": {}}, null, {"at": ""}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			if p, ok := errors.AsType[Problems](err); !ok || len(p) == 0 {
				t.Fatalf("error without problems: %v", err)
			}
			return
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Parse(again); err != nil || !reflect.DeepEqual(back.Clients, s.Clients) {
			t.Fatalf("%s comes back as %s: %v", b, again, err)
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a": true, "ann": true, "p-1": true, strings.Repeat("a", 32): true,
		"": false, "1a": false, "-a": false, "Ann": false, "a_b": false, "a b": false, "ä": false, "a*": false, strings.Repeat("a", 33): false,
	} {
		if goodName(name) != want {
			t.Errorf("%q: %v, want %v", name, !want, want)
		}
	}
}
