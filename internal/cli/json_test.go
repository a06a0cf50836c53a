package cli

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shape lists the fields of a JSON value: "a", "a.b", "a.[].b".
func shape(t *testing.T, text string) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, text)
	}
	found := map[string]bool{}
	walk(found, "", v)
	return slices.Sorted(maps.Keys(found))
}

func walk(found map[string]bool, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			found[path+name] = true
			walk(found, path+name+".", value)
		}
	case []any:
		for _, value := range v {
			walk(found, path+"[].", value)
		}
	}
}

// wants compares the fields of a JSON value with those that programs rely on.
func wants(t *testing.T, what, text, fields string) {
	t.Helper()
	want := strings.Fields(fields)
	slices.Sort(want)
	if got := shape(t, text); !slices.Equal(got, want) {
		t.Errorf("%s has the fields\n\t%q\nwant\n\t%q", what, got, want)
	}
}

// lines splits a stream of JSON objects, one a line.
func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func TestJSONOfCommandsWithoutAServer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "me.pem")
	put(t, pem(), file)
	ok := func(args ...string) string {
		t.Helper()
		s := call(t, args...)
		if s.code != done || s.errors != "" {
			t.Errorf("%q: %+v", args, s)
		}
		return s.out
	}
	wants(t, "version", ok("version", "--json"), `commit go platform protocols protocols.[].name protocols.[].revision version`)
	wants(t, "explain CODE", ok("explain", "NET-003", "--json"), `cause code cure detected severity title`)
	wants(t, "explain", ok("explain", "--json"),
		`[].cause [].code [].cure [].detected [].networks [].severity [].title`)
	wants(t, "config show", ok("config", "show", "--json"), `[].key [].origin [].reload [].value`)
	wants(t, "keygen", ok("keygen", file, "--json"), `address fingerprint form made network`)
	for _, line := range lines(ok("vectors", "../../blubbel/wire/testdata", "--json")) {
		wants(t, "vectors", line, `failed failures file passed path skipped skips`)
	}
}

func TestJSONOfDoctorIsACheckALine(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	prepare(t, data)
	s := callWith(t, "", settings(), "doctor", "--json", "--data", data)
	if s.code != done || s.errors != "" || len(lines(s.out)) != 6 {
		t.Fatalf("got %+v", s)
	}
	for _, line := range lines(s.out) {
		var check struct{ Network string }
		if err := json.Unmarshal([]byte(line), &check); err != nil {
			t.Fatal(err)
		}
		want := `findings name ok took_ms`
		if check.Network != "" {
			want += ` network`
		}
		wants(t, "doctor", line, want)
	}
}

func TestJSONOfAFindingHasWhatAProgramNeeds(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "nothing here")
	s := callWith(t, "", settings(), "doctor", "--json", "--data", data, "--only", "disk", "--set", "limits.disk_free=1TiB")
	if s.code != failed || s.errors != "" {
		t.Fatalf("got %+v", s)
	}
	wants(t, "a finding", s.out, `findings findings.[].code findings.[].cure findings.[].detail
		findings.[].severity findings.[].subject findings.[].title name ok took_ms`)
}

func TestJSONOfStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	if s := w.run("", "doctor", "--only", "blubbel"); s.code != done { // it waits for the echo contact
		t.Fatalf("doctor: %+v", s)
	}
	s := w.run("", "status", "--json")
	if s.code != done || s.errors != "" {
		t.Fatalf("got %+v", s)
	}
	wants(t, "status", s.out, `build build.commit build.go build.platform build.protocols build.protocols.[].name
		build.protocols.[].revision build.version config data findings pid started
		networks networks.[].capabilities networks.[].connected networks.[].echo networks.[].echo.address
		networks.[].echo.server networks.[].http networks.[].name networks.[].on networks.[].tcp networks.[].title`)
}

func TestTextOfCommandsIsForPeople(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"explain"}, {"explain", "net3"}, {"config", "show"}, {"config", "describe"}} {
		s := call(t, args...)
		if s.code != done || s.errors != "" || s.out == "" || json.Valid([]byte(s.out)) {
			t.Errorf("%q: %+v", args, s)
		}
	}
}
