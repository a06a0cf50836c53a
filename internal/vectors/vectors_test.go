package vectors_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trunkline/internal/vectors"
)

type sum struct {
	A, B, Sum int
	Skip      string
}

func check(c sum) error {
	switch {
	case c.Skip != "":
		return vectors.Skip(c.Skip)
	case c.A < 0:
		return fmt.Errorf("negative: %d", c.A)
	case c.A == 99:
		panic("99")
	}
	return vectors.Same("sum", c.Sum, c.A+c.B)
}

func files() vectors.Files {
	return vectors.Files{
		"net/sums.json":    vectors.Each(check),
		"net/packets.json": vectors.Packets(map[string]func() vectors.Packet{"Note": notes(""), "Bad": notes("panics")}),
		"net/two.json": vectors.Sections(map[string]vectors.Checker{
			"plus": vectors.Each(check), "more": vectors.Each(check),
		}),
	}
}

// outcome tells what became of every case of a file in one line.
func outcome(r vectors.Result) string {
	var out []string
	for _, c := range r.Cases {
		switch reason, skipped := c.Skipped(); {
		case skipped:
			out = append(out, c.Name+" skipped: "+reason)
		case c.Failed():
			f := c.Failure()
			out = append(out, fmt.Sprintf("%s want %s got %s", f.Name, f.Want, f.Got))
		default:
			out = append(out, c.Name)
		}
	}
	return strings.Join(out, "; ")
}

func TestEachChecksEveryCaseByName(t *testing.T) {
	r := vectors.Check("net/sums.json", []byte(`{"description": "sums", "agreed": ["a", "b"], "notation": {"hex": "x"}, "cases": [
		{"name": "one", "a": 1, "b": 2, "sum": 3}, {"a": 1, "b": 2, "sum": 4}, {"name": "later", "skip": "no clock"},
		{"name": "bad", "a": -1}, {"name": "", "a": 99}]}`), files())
	want := "one; #2 want sum: 4 got 3; later skipped: no clock; bad want no error got negative: -1; #5 want no error got panic: 99"
	if got := outcome(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := r.Totals().String(), "1 passed, 3 failed, 1 skipped"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSectionsMayBeListsOrObjectsWithCases(t *testing.T) {
	for in, want := range map[string]string{
		`{"plus": {"note": "n", "cases": [{"a": 1, "sum": 1}]}, "more": [{"a": 2, "sum": 2}, {"name": "x", "sum": 1}]}`: "more/#1; more/x want sum: 1 got 0; plus/#1",
		`{"plus": {"a": 1, "sum": 1}, "more": [{}]}`: "more/#1; plus/#1",
		`{"plus": [{}]}`: "more want a section of this name got none; plus/#1",
		`{"plus": [{}], "more": [{}], "third": [{}]}`:                             `section "third" want a section that is known got unknown; more/#1; plus/#1`,
		`{"plus": [{}], "more": [{}], "third": {"cases": []}}`:                    `section "third" want a section that is known got unknown; more/#1; plus/#1`,
		`{"plus": [{}], "more": [{}], "third": {"note": 1}, "fourth": ["words"]}`: "more/#1; plus/#1",
		`{"plus": {"cases": [{}], "rest": [{}]}, "more": [{}]}`:                   `more/#1; plus/section "rest" want a section that is known got unknown; plus/#1`,
		`{"plus": [], "more": {"cases": []}}`:                                     "more/cases want a list of cases got none; plus/cases want a list of cases got none",
		`{"plus": 7, "more": [[]]}`:                                               "more/#1 want no error got line 1 column 22: json: cannot unmarshal array into Go value of type vectors_test.sum; plus/#1 want no error got line 1 column 10: json: cannot unmarshal number into Go value of type vectors_test.sum",
	} {
		if got := outcome(vectors.Check("net/two.json", []byte(in), files())); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", in, got, want)
		}
	}
}

func TestPacketsAreCheckedByName(t *testing.T) {
	also := func(c vectors.PacketCase) error {
		return vectors.Same("frame", c.Frame, append(vectors.Hex{byte(*c.Kind)}, c.Payload...))
	}
	with := vectors.Files{"net/packets.json": vectors.Packets(map[string]func() vectors.Packet{"Note": notes("")}, also)}
	in := []byte(`{"cases": [
		{"name": "good", "packet": "Note", "kind": 5, "fields": ` + noteFields + `, "payload": "` + noteBytes + `", "frame": "05` + noteBytes + `"},
		{"name": "frame", "packet": "Note", "kind": 5, "fields": {}, "payload": "000000", "frame": "00"},
		{"name": "other", "packet": "Letter", "fields": {}, "payload": "000000"},
		{"name": "bare", "packet": "Note", "payload": "000000"},
		{"name": "long", "packet": "Note", "fields": {}, "payload": "00000"}]}`)
	want := `good; frame want frame: "00" got "05000000"; other want packet: one that is known got "Letter"; ` +
		`bare want no error got the case has no fields; long want no error got line 6 column 3: encoding/hex: odd length hex string`
	if got := outcome(vectors.Check("net/packets.json", in, with)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPanicOfACodecFailsItsCaseOnly(t *testing.T) {
	r := vectors.Check("net/packets.json", []byte(`{"cases": [
		{"packet": "Bad", "fields": {}, "payload": "000000"}, {"packet": "Note", "fields": {}, "payload": "000000"}]}`), files())
	if got, want := outcome(r), "#1 want no error got panic: at byte 3; #2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	broken := vectors.Files{"a/b.json": func(*vectors.Document, vectors.Report) { panic("whole file") }}
	if got, want := outcome(vectors.Check("a/b.json", []byte(`{}`), broken)), "file want no error got panic: whole file"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNothingPassesUnlooked(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                             "cases want a list of cases got none",
		`{"cases": []}`:                  "cases want a list of cases got none",
		`{"cases": {}}`:                  "cases want a list of cases got none",
		`{"case": [{}]}`:                 `section "case" want a section that is known got unknown; cases want a list of cases got none`,
		`{"cases": [{}], "cases": [{}]}`: `file want no error got line 1 column 26: "cases" stands twice`,
	} {
		got := outcome(vectors.Check("net/sums.json", []byte(in), files()))
		if got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if got, want := outcome(vectors.Check("net/dates.json", []byte(`{}`), files())), "unknown want a kind of file that is known got net/dates.json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestJSONErrorsTellTheirPlace(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "line 1 column 1: unexpected end of JSON input",
		"[]":                                 "not an object",
		"null":                               "not an object",
		"{\n \"cases\": [\n  {,}]}":          "line 3 column 4: invalid character ',' looking for beginning of object key string",
		"{\"cases\": [{}]}\nx":               "line 2 column 1: invalid character 'x' after top-level value",
		"{\n\"cases\": [{}, {}\n":            "line 2 column 17: unexpected end of JSON input",
		"{\"cases\": [\n\n {\"a\": \"1\"}]}": "line 3 column 10: json: cannot unmarshal string into Go struct field sum.A of type int",
	} {
		if got := outcome(vectors.Check("net/sums.json", []byte(in), files())); !strings.HasSuffix(got, want) {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestTablesBesideTheCasesAreRead(t *testing.T) {
	with := vectors.Files{"a/b.json": func(d *vectors.Document, report vectors.Report) {
		v, ok := d.Get("table")
		var table []int
		report("table", errors.Join(vectors.Same("there", true, ok), v.Decode(&table), vectors.Same("table", []int{1, 2}, table)))
		_, ok = d.Get("other")
		report("other", vectors.Same("there", false, ok))
	}}
	if got, want := outcome(vectors.Check("a/b.json", []byte(`{"table": [1, 2]}`), with)), "table; other"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const oneSum = `{"cases": [{"name": "one", "a": 1, "sum": 1}]}`

func TestFoldersAreSearchedInOrder(t *testing.T) {
	dir := tree(t, map[string]string{
		"net/sums.json": oneSum, "a/net/sums.json": oneSum, "z/sums.json": oneSum, "net/readme.md": "", "b/deep/net/two.json": `{"plus": [{}], "more": [{}]}`,
	})
	var got []string
	for r := range vectors.Run([]string{dir}, files()) {
		rel, err := filepath.Rel(dir, r.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rel+" is "+r.File+": "+r.Totals().String())
	}
	want := []string{
		"a/net/sums.json is net/sums.json: 1 passed, 0 failed, 0 skipped",
		"b/deep/net/two.json is net/two.json: 2 passed, 0 failed, 0 skipped",
		"net/sums.json is net/sums.json: 1 passed, 0 failed, 0 skipped",
		"z/sums.json is z/sums.json: 0 passed, 1 failed, 0 skipped",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPathsThatCannotBeReadFail(t *testing.T) {
	dir := tree(t, map[string]string{"net/readme.md": "", "net/sums.json": oneSum})
	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(dir, "net", "packets.json")
	if f, err := os.Create(big); err != nil || f.Truncate(vectors.MaxFileSize+1) != nil || f.Close() != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.json"):        "no such file or directory",
		filepath.Join(dir, "net", "readme.md"): "neither a .json file nor a folder with one",
		empty:                                  "neither a .json file nor a folder with one",
		filepath.Join(dir, "folder.json"):      "neither a .json file nor a folder with one",
		big:                                    "larger than 64 MiB",
		"/dev/null":                            "neither a .json file nor a folder with one",
	} {
		results := slices.Collect(vectors.Run([]string{path}, files()))
		if len(results) != 1 || !strings.HasSuffix(outcome(results[0]), want) {
			t.Errorf("%s: got %v, want %s", path, results, want)
		}
	}
}

func TestRunEndsWhenItsReaderDoes(t *testing.T) {
	dir := tree(t, map[string]string{"a/sums.json": oneSum, "b/sums.json": oneSum, "c/sums.json": oneSum})
	n := 0
	for range vectors.Run([]string{dir, dir}, files()) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("went on to file %d", n)
	}
}

func TestTextHasTheDocumentedLines(t *testing.T) {
	dir := tree(t, map[string]string{
		"net/sums.json":    `{"cases": [{"sum": 1}, {"a": 1, "sum": 1}, {"name": "later", "skip": "no clock"}, {"name": "\u001b[31m", "a": -1}]}`,
		"net/packets.json": `{"cases": [{"packet": "Note", "fields": {}, "payload": "000000"}]}`,
		"old/sums.json":    `{}`,
	})
	var b bytes.Buffer
	totals, err := vectors.Print(&b, vectors.Run([]string{dir}, files()))
	want := `ok   net/packets.json  1 passed
FAIL net/sums.json  1 passed, 2 failed, 1 skipped
     #1
       want sum: 1
       got  0
     later skipped: no clock
     \x1b[31m
       want no error
       got  negative: -1
FAIL old/sums.json  0 passed, 1 failed
     unknown
       want a kind of file that is known
       got  old/sums.json
2 passed, 3 failed, 1 skipped
`
	if b.String() != want || err != nil || totals != (vectors.Totals{Passed: 2, Failed: 3, Skipped: 1}) {
		t.Errorf("%v, %v; got\n%swant\n%s", totals, err, b.String(), want)
	}
}

func TestJSONHasOneObjectAFile(t *testing.T) {
	dir := tree(t, map[string]string{
		"net/sums.json": `{"cases": [{"sum": 1}, {"name": "later", "skip": "no clock"}]}`, "net/packets.json": `{"cases": [{"packet": "Note", "fields": {}, "payload": "000000"}]}`,
	})
	var b bytes.Buffer
	totals, err := vectors.JSON(&b, vectors.Run([]string{dir}, files()))
	if err != nil || totals != (vectors.Totals{Passed: 1, Failed: 1, Skipped: 1}) {
		t.Errorf("got %v, %v", totals, err)
	}
	path := func(name string) string { s, _ := json.Marshal(filepath.Join(dir, name)); return string(s) }
	want := `{"file":"net/packets.json","path":` + path("net/packets.json") + `,"passed":1,"failed":0,"skipped":0,"failures":[],"skips":[]}
{"file":"net/sums.json","path":` + path("net/sums.json") + `,"passed":0,"failed":1,"skipped":1,"failures":[{"name":"#1","want":"sum: 1","got":"0"}],"skips":[{"name":"later","reason":"no clock"}]}
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

type fullDisk struct{ room int }

func (w *fullDisk) Write(b []byte) (int, error) {
	if w.room -= len(b); w.room < 0 {
		return 0, errors.New("disk full")
	}
	return len(b), nil
}

func TestPrintersTellWhenTheyCannotWrite(t *testing.T) {
	dir := tree(t, map[string]string{"net/sums.json": oneSum})
	for _, room := range []int{0, 40} {
		if _, err := vectors.Print(&fullDisk{room}, vectors.Run([]string{dir}, files())); err == nil {
			t.Errorf("text with room for %d bytes: no error", room)
		}
	}
	if _, err := vectors.JSON(&fullDisk{}, vectors.Run([]string{dir}, files())); err == nil {
		t.Error("JSON: no error")
	}
}

// recorder stands in for *testing.T to see what Test does with it.
type recorder struct {
	name string
	log  *[]string
}

func (r recorder) Helper() {}
func (r recorder) Logf(f string, a ...any) {
	*r.log = append(*r.log, r.name+" logs "+fmt.Sprintf(f, a...))
}
func (r recorder) Errorf(f string, a ...any) {
	*r.log = append(*r.log, r.name+" fails "+fmt.Sprintf(f, a...))
}
func (r recorder) Run(name string, test func(recorder)) bool {
	*r.log = append(*r.log, r.name+"/"+name)
	test(recorder{r.name + "/" + name, r.log})
	return true
}

func TestCasesBecomeSubtests(t *testing.T) {
	dir := tree(t, map[string]string{"net/sums.json": `{"cases": [{"name": "a"}, {"name": "b", "skip": "no clock"}, {"name": "c", "sum": 1}]}`})
	var log []string
	vectors.Test(recorder{"T", &log}, dir, files())
	want := []string{
		"T/net/sums.json", "T/net/sums.json/a", "T/net/sums.json/b", "T/net/sums.json/b logs skipped: no clock",
		"T/net/sums.json/c", "T/net/sums.json/c fails want sum: 1\ngot  0",
	}
	if !slices.Equal(log, want) {
		t.Errorf("got  %q\nwant %q", log, want)
	}
	vectors.Test(t, filepath.Join(tree(t, map[string]string{"net/sums.json": oneSum}), "net", "sums.json"), files())
}

func TestHexIsReadInEitherCaseAndWrittenLower(t *testing.T) {
	var h vectors.Hex
	if err := h.UnmarshalText([]byte("0aFF")); err != nil {
		t.Fatal(err)
	}
	if b, err := h.MarshalText(); err != nil || string(b) != "0aff" {
		t.Errorf("got %s, %v", b, err)
	}
}

// FuzzCheck feeds any text to every kind of checker: it ends, each case has a
// name, and something fails unless there were cases.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		oneSum, `{"plus": [{}], "more": {"note": "n", "cases": [{}]}}`, `{"cases": [{"packet": "Note", "fields": ` + noteFields + `, "payload": "` + noteBytes + `"}]}`,
		`{"cases": [[[[[]]]]]}`, "{\"\xff\": 1}", `{"": [{}]}`, `{"cases": [{"name": "\u0000\ud800"}]} `, `{"a":{"a":{"a":{}}}}`, `nul`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for kind := range files() {
			r := vectors.Check(kind, text, files())
			if len(r.Cases) == 0 {
				t.Fatalf("%s: nothing was checked and nothing failed", kind)
			}
			for _, c := range r.Cases {
				if c.Name == "" {
					t.Fatalf("%s: a case without a name: %v", kind, c.Err)
				}
			}
			var b bytes.Buffer
			if _, err := vectors.Print(&b, slices.Values([]vectors.Result{r})); err != nil || strings.ContainsAny(b.String(), "\x1b\r\x00") {
				t.Fatalf("%s prints as %q, %v", kind, b.String(), err)
			}
		}
	})
}
