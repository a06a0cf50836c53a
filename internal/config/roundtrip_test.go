package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"trunkline/internal/config"
	"trunkline/internal/health"
)

func ExampleLoad() {
	_, err := config.Load(config.Sources{
		Search: []string{}, // no file
		Set:    []string{"blubbel.listn=:8001", "blubbel.stall=5"},
	})
	for _, line := range health.Lines(err) {
		fmt.Println(line)
	}
	// Output:
	// --set blubbel.listn: unknown key; did you mean blubbel.listen?
	// --set blubbel.stall: "5" is no duration; write a number and a unit, for instance "5s" or "2m"
}

// other is a legal value of a key that is not its default, as text.
func other(t *testing.T, k config.Key) string {
	t.Helper()
	switch {
	case len(k.OneOf) > 0:
		return k.OneOf[slices.IndexFunc(k.OneOf, func(v string) bool { return `"`+v+`"` != k.Default })]
	case k.Type == "true or false":
		return map[string]string{"true": "false", "false": "true"}[k.Default]
	case k.Min != "":
		return k.Max
	case k.Type == "list of texts":
		return "a.example:123,b.example:123"
	case strings.HasSuffix(k.Name, "listen"), strings.HasSuffix(k.Name, "advertise"):
		return "192.0.2.1:4000"
	case strings.HasSuffix(k.Name, "_file"):
		return "/run/secrets/token"
	}
	t.Fatalf("%s: the test has no value of type %q", k.Name, k.Type)
	return ""
}

// inFile writes a key with a value given as text the way a file has it.
func inFile(k config.Key, text string) string {
	switch {
	case k.Type == "list of texts":
		return k.Name + ` = ["` + strings.ReplaceAll(text, ",", `", "`) + `"]`
	case k.Type == "number", k.Type == "true or false":
		return k.Name + " = " + text
	}
	return k.Name + ` = "` + text + `"`
}

func TestEveryKeyCanBeSetFromEverySource(t *testing.T) {
	t.Parallel()
	for _, k := range config.Keys() {
		if !k.Built || k.Name == "log.PART" {
			continue
		}
		text := other(t, k)
		fromSet, fromEnv, fromFile := nowhere(), nowhere(), write(t, inFile(k, text))
		fromSet.Set = []string{k.Name + "=" + text}
		fromEnv.Environ = []string{k.Env + "=" + text}

		changed := load(t, fromSet)
		defaults := config.Default()
		if changes := config.Diff(&defaults, &changed.Config); len(changes) != 1 || changes[0].Key != k.Name || changes[0].Restart == k.Reload {
			t.Errorf("--set %s=%s changes %+v", k.Name, text, changes)
		}
		for source, s := range map[string]config.Sources{"environment": fromEnv, "file": fromFile} {
			l := load(t, s)
			if diff := cmp.Diff(changed.Config, l.Config); diff != "" {
				t.Errorf("%s from the %s differs from --set:\n%s", k.Name, source, diff)
			}
			if got := l.Origin(k.Name).Source; got != source {
				t.Errorf("%s: origin %q, want %q", k.Name, got, source)
			}
		}
	}
}

func TestEveryKeyRefusesAValueOfAnotherType(t *testing.T) {
	t.Parallel()
	for _, k := range config.Keys() {
		name := strings.Replace(k.Name, "PART", "web", 1)
		for _, value := range []string{"1979-05-27", "1.5", "{ a = 1 }", "[[1]]", "[{}]"} {
			lines := mistakes(t, write(t, name+" = "+value))
			if !strings.HasPrefix(lines[0], "trunkline.toml:1 "+name) {
				t.Errorf("%s = %s: %q", name, value, lines)
			}
		}
	}
}

func TestShownValuesLoadBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shown.toml")
	rapid.Check(t, func(t *rapid.T) {
		s := nowhere()
		s.Set = []string{
			"blubbel.max_payload=" + config.Size(rapid.Int64Range(1<<10, 1<<20).Draw(t, "payload")).String(),
			"blubbel.stall=" + (time.Duration(rapid.Int64Range(1e7, 6e10).Draw(t, "stall"))).String(),
			"blubbel.sessions=" + fmt.Sprint(rapid.IntRange(1, 1e6).Draw(t, "sessions")),
			"blubbel.listen=" + fmt.Sprintf("127.0.0.1:%d", rapid.IntRange(0, 65535).Draw(t, "port")),
			"web.metrics_token_file=" + rapid.StringMatching(`/[ -~äß\\"]{0,20}`).Draw(t, "path"),
			"web.listen=",
			"log.blubbel=" + rapid.SampledFrom([]string{"debug", "info", "warn", "error"}).Draw(t, "level"),
		}
		first, err := config.Load(s)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := first.Show(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := config.Load(config.Sources{File: path})
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if diff := cmp.Diff(first.Config, again.Config); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestValuesAsJSONHaveKeyValueAndOrigin(t *testing.T) {
	t.Parallel()
	s := nowhere()
	s.Set = []string{"blubbel.stall=1m", "log.web=debug"}
	text, err := json.Marshal(load(t, s).Values())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"key":"blubbel.stall","value":"1m","origin":"--set","reload":false}`,
		`{"key":"blubbel.queue","value":"256KiB","origin":"default","reload":false}`,
		`{"key":"blubbel.sessions","value":1024,"origin":"default","reload":false}`,
		`{"key":"tox.relay","value":[],"origin":"default","reload":false}`,
		`{"key":"log.web","value":"debug","origin":"--set","reload":true}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestEveryKnownWordIsSuggestedAfterAMistake(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"listen":                 "did you mean web.listen?", // the section forgotten
		"max_payload":            "did you mean blubbel.max_payload?",
		"tox.max_payload":        "did you mean blubbel.max_payload?", // a wrong section
		"blubbel.maxpayload":     "did you mean blubbel.max_payload?",
		"Blubbel.Listen":         "did you mean blubbel.listen?",
		"log.blubbel.severr":     "did you mean log.blubbel.server?",
		"log.lvl":                "did you mean log.level?",
		"data":                   "`trunkline config describe` lists all keys",
		strings.Repeat("a", 999): "`trunkline config describe` lists all keys",
	} {
		s := nowhere()
		s.Set = []string{typed + "=x"}
		if lines := mistakes(t, s); len(lines) != 1 || !strings.HasSuffix(lines[0], ": unknown key; "+want) {
			t.Errorf("%.40q: %q, want %q", typed, lines, want)
		}
	}
}
