package config_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"trunkline/internal/config"
)

var update = flag.Bool("update", false, "write docs/reference/config.md")

func TestDescribedFileLoadsBackAsTheDefaults(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := config.Describe(&b); err != nil {
		t.Fatal(err)
	}
	l := load(t, write(t, b.String()))
	if diff := cmp.Diff(config.Default(), l.Config); diff != "" {
		t.Error(diff)
	}
	for _, k := range config.Keys() {
		if !strings.Contains(b.String(), "# "+k.Env+"\n") {
			t.Errorf("%s does not name its variable %s", k.Name, k.Env)
		}
		if k.Name != "log.PART" && l.Origin(k.Name).Source != "file" {
			t.Errorf("%s is not in the described file", k.Name)
		}
	}
	with := strings.Replace(b.String(), "# blubbel.server = ", "blubbel.server = ", 1)
	if got := load(t, write(t, with)).Config.Log.Parts["blubbel.server"]; got != "debug" {
		t.Errorf("the example for a part gives level %q", got)
	}
}

func TestEveryKeyIsExplained(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z]+\.([a-z_]+|PART)$`)
	seen := map[string]bool{}
	for _, k := range config.Keys() {
		if !form.MatchString(k.Name) || seen[k.Env] {
			t.Errorf("key %q (%s) is badly named or not unique", k.Name, k.Env)
		}
		seen[k.Env] = true
		if !strings.HasSuffix(k.Doc, ".") || k.Type == "" {
			t.Errorf("%s: doc %q, type %q", k.Name, k.Doc, k.Type)
		}
		if k.Type == "number" && k.Min == "" {
			t.Errorf("%s is a number without bounds", k.Name)
		}
		if regexp.MustCompile(`password|passphrase|secret|token`).MatchString(k.Name) && !strings.HasSuffix(k.Name, "_file") {
			t.Errorf("%s would put a secret into the file", k.Name)
		}
	}
}

func TestShowSaysWhereEachValueCameFrom(t *testing.T) {
	t.Parallel()
	s := nowhere()
	s.Set = []string{"blubbel.listen=127.0.0.1:9", "log.web=debug"}
	var b bytes.Buffer
	if err := load(t, s).Show(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^blubbel\.listen = "127\.0\.0\.1:9" +# --set$`, `(?m)^log\.web = "debug" +# --set$`, `(?m)^tox\.relay = \[\] +# default$`, `(?m)^blubbel\.stall = "5s" +# default$`} {
		if !regexp.MustCompile(want).MatchString(b.String()) {
			t.Errorf("no line %s in\n%s", want, b.String())
		}
	}
	again := write(t, b.String())
	if diff := cmp.Diff(load(t, s).Config, load(t, again).Config); diff != "" {
		t.Errorf("what is shown does not load back:\n%s", diff)
	}
}

func TestDiffNamesWhatChangedAndWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	before, after := config.Default(), config.Default()
	if changes := config.Diff(&before, &after); len(changes) != 0 {
		t.Errorf("equal configurations differ: %+v", changes)
	}
	before.Log.Parts["web"] = "debug"
	after.Blubbel.Listen = "127.0.0.1:9"
	after.Log.Level = "debug"
	after.Log.Parts["blubbel"] = "warn"
	after.Clock.Servers = []string{}
	want := []config.Change{
		{Key: "blubbel.listen", Old: `"127.0.0.1:8000"`, New: `"127.0.0.1:9"`, Restart: true},
		{Key: "log.level", Old: `"info"`, New: `"debug"`},
		{Key: "log.blubbel", New: `"warn"`},
		{Key: "clock.servers", Old: `["pool.ntp.org:123"]`, New: "[]"},
		{Key: "log.web", Old: `"debug"`},
	}
	if diff := cmp.Diff(want, config.Diff(&before, &after)); diff != "" {
		t.Error(diff)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestWriteErrorsReachTheCaller(t *testing.T) {
	t.Parallel()
	if config.Describe(brokenWriter{}) == nil || config.Reference(brokenWriter{}) == nil || load(t, nowhere()).Show(brokenWriter{}) == nil {
		t.Error("a failed write was not reported")
	}
}

func TestReferencePageIsUpToDate(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := config.Reference(&want); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "reference", "config.md")
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, want.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("config.md is stale, run go test ./internal/config -update:\n%s", diff)
	}
}
