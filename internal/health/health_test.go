package health_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trunkline/internal/health"
)

var update = flag.Bool("update", false, "write docs/reference/findings.md")

func TestEveryEntrySaysWhatWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^(WEB|SKY|SKN|BLB|TOX|PATH|DATA|KEY|NET|BOT|PEER)-[0-9]{3}$`)
	seen := map[health.Code]bool{}
	for _, e := range health.Table() {
		if !form.MatchString(string(e.Code)) {
			t.Errorf("code %q has not the form AREA-000", e.Code)
		}
		if seen[e.Code] {
			t.Errorf("%s stands twice in the table", e.Code)
		}
		seen[e.Code] = true
		if e.Severity < health.Info || e.Severity > health.Broken {
			t.Errorf("%s has no severity", e.Code)
		}
		for what, text := range map[string]string{"title": e.Title, "detected": e.Detected, "cause": e.Cause, "cure": e.Cure} {
			if text == "" || text != health.Clean(text) {
				t.Errorf("%s: %s %q is empty or not one clean line", e.Code, what, text)
			}
		}
		if strings.HasSuffix(e.Cure, ".") || strings.HasSuffix(e.Title, ".") {
			t.Errorf("%s: title and cure stand inside lines and end without a full stop", e.Code)
		}
	}
}

func TestGivenCodesKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	for code, want := range map[health.Code]string{
		"NET-001":  "clock off by more than 60 s",
		"NET-002":  "address told to clients is not reachable",
		"NET-003":  "port held by another program",
		"KEY-002":  "key file or data folder readable by others",
		"PEER-001": "the network has no such command",
	} {
		e, ok := health.Lookup(code)
		if !ok || e.Title != want {
			t.Errorf("%s: got %q, want %q", code, e.Title, want)
		}
	}
	for _, code := range []health.Code{"TOX-003", "TOX-004", "TOX-007", "SKY-011", "SKY-014", "SKY-021", "SKN-005", "DATA-004"} {
		if _, ok := health.Lookup(code); ok {
			t.Errorf("%s is in the table, but no part that is built can raise it", code)
		}
	}
}

func TestBlubbelCodesCarryTheNumbersOfTheErrorFrame(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 9; n++ {
		code := health.Code("BLB-00" + strconv.Itoa(n))
		e, ok := health.Lookup(code)
		if want := "Error " + strconv.Itoa(n) + ":"; !ok || !strings.HasPrefix(e.Detected, want) {
			t.Errorf("%s: detected %q, want it to begin %q", code, e.Detected, want)
		}
		if !cmp.Equal(e.Networks, []string{"blubbel"}) {
			t.Errorf("%s: networks %v", code, e.Networks)
		}
	}
}

// Each constant of type Code must be in the table: an entry that is missing
// would show as a finding without title and cure.
func TestEveryConstantIsInTheTable(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, v := range spec.Values {
			lit, ok := v.(*ast.BasicLit)
			if !ok {
				continue
			}
			constants++
			code, _ := strconv.Unquote(lit.Value)
			if _, known := health.Lookup(health.Code(code)); !known {
				t.Errorf("constant %s = %s is not in the table", spec.Names[0], lit.Value)
			}
		}
		return true
	})
	if got := len(health.Table()); constants != got {
		t.Errorf("%d constants, %d entries: each entry needs its constant", constants, got)
	}
}

func TestFindingTakesFromTheTableWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	f := health.New(health.PortHeld, "127.0.0.1:8000", "held by nginx (pid 12)", "")
	e, _ := health.Lookup(health.PortHeld)
	if f.Title != e.Title || f.Cure != e.Cure || f.Severity != health.Broken {
		t.Errorf("got %+v, want title, cure and severity of the table", f)
	}
	if own := health.New(health.PortHeld, "x", "", "kill 12"); own.Cure != "kill 12" {
		t.Errorf("own cure replaced by %q", own.Cure)
	}
	if got := f.On("blubbel").Network; got != "blubbel" {
		t.Errorf("network %q", got)
	}
}

func TestFindingAsErrorIsOneLineWithItsCode(t *testing.T) {
	t.Parallel()
	f := health.New(health.PortHeld, "127.0.0.1:8000", "held by nginx (pid 12)", "--set blubbel.listen=127.0.0.1:8001")
	err := f.Err()
	const want = "127.0.0.1:8000: held by nginx (pid 12); --set blubbel.listen=127.0.0.1:8001 [NET-003]"
	if got := health.Line(err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := health.CodeOf(err); got != health.PortHeld {
		t.Errorf("code %q", got)
	}
	if got, want := f.String(), "NET-003 127.0.0.1:8000: held by nginx (pid 12); --set blubbel.listen=127.0.0.1:8001"; got != want {
		t.Errorf("String: got %s, want %s", got, want)
	}
	if got := health.Line(health.Finding{Code: health.ClockOff}.Err()); !strings.HasPrefix(got, "clock off by more than 60 s; ") {
		t.Errorf("bare finding: %s", got)
	}
}

func TestCheckIsOKWithInformationOnly(t *testing.T) {
	t.Parallel()
	info := health.New(health.ClockUnknown, "clock", "pool.ntp.org:123 did not answer", "")
	warning := health.New(health.ClockOff, "clock", "90 s behind", "")
	broken := health.New(health.PortHeld, "127.0.0.1:8000", "", "")
	if c := health.NewCheck("clock", "", time.Second, info); !c.OK {
		t.Error("a check with information only is not OK")
	}
	c := health.NewCheck("clock", "blubbel", time.Second, info, warning, broken)
	if c.OK || c.Findings[0].Code != health.PortHeld || c.Findings[2].Code != health.ClockUnknown {
		t.Errorf("got %+v, want not OK and the worst first", c)
	}
	if c.Findings[0].Network != "blubbel" {
		t.Errorf("finding has network %q, want the check's", c.Findings[0].Network)
	}
	if !health.AllOK([]health.Check{{OK: true}, {OK: true}}) || health.AllOK([]health.Check{{OK: true}, c}) {
		t.Error("AllOK does not say whether all are OK")
	}
}

func TestCheckSurvivesJSON(t *testing.T) {
	t.Parallel()
	f := health.New(health.DiskNearlyFull, "/var/lib/trunkline", "12 MiB free", "")
	f.Since = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	want := health.NewCheck("disk", "", 1500*time.Microsecond, f)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"ok":false`, `"took_ms":1.5`, `"severity":"warning"`, `"code":"DATA-003"`, `"since":"2026-05-01T12:00:00Z"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s\ndoes not contain %s", text, part)
		}
	}
	var got health.Check
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text, _ := json.Marshal(health.Check{}); !strings.Contains(string(text), `"findings":[]`) {
		t.Errorf("no findings are %s, want an empty list", text)
	}
}

func TestSeverityThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	var c health.Check
	for _, bad := range []string{
		`{"findings":[{"severity":"grave"}]}`,
		`{"took_ms":"long"}`,
		`[]`,
	} {
		if err := json.Unmarshal([]byte(bad), &c); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
	if got := health.Severity(9).String(); got != "severity 9" {
		t.Errorf("got %q", got)
	}
}

func TestExplainNamesDetectionCauseAndCure(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{"NET-003", "net-003", "net3", " Net_03 ", "NET003"} {
		var b bytes.Buffer
		if err := health.Explain(&b, spelling); err != nil {
			t.Errorf("%q: %v", spelling, err)
			continue
		}
		e, _ := health.Lookup(health.PortHeld)
		for _, want := range []string{"NET-003", e.Title, e.Detected, e.Cause, e.Cure} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%q: explanation lacks %q:\n%s", spelling, want, b.String())
			}
		}
	}
}

func TestExplainOfUnknownCodeNamesTheNearest(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"NTE-003":         `code "NTE-003": there is no such finding; did you mean NET-003?`,
		"BLB-013":         `code "BLB-013": there is no such finding; did you mean BLB-003?`,
		"everything":      `code "everything": there is no such finding; ` + "`trunkline explain` lists all codes",
		"":                `code "": there is no such finding; ` + "`trunkline explain` lists all codes",
		"\x1b[31mNET-003": `code "?[31mNET-003": there is no such finding; ` + "`trunkline explain` lists all codes",
		"NET-1234":        `code "NET-1234": there is no such finding; ` + "`trunkline explain` lists all codes",
	} {
		var b bytes.Buffer
		err := health.Explain(&b, typed)
		if got := health.Line(err); got != want {
			t.Errorf("%q: got  %s\nwant %s", typed, got, want)
		}
		if b.Len() != 0 {
			t.Errorf("%q: wrote %q beside the error", typed, b.String())
		}
	}
}

func TestListHasALineForEachCode(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := health.List(&b); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(b.String(), "\n"), len(health.Table()); got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	if !strings.Contains(b.String(), "NET-001   clock off") {
		t.Errorf("got %s", b.String())
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestWriteErrorsReachTheCaller(t *testing.T) {
	t.Parallel()
	if health.Explain(brokenWriter{}, "NET-001") == nil || health.List(brokenWriter{}) == nil || health.Reference(brokenWriter{}) == nil {
		t.Error("a failed write was not reported")
	}
}

func TestReferencePageIsUpToDate(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := health.Reference(&want); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "reference", "findings.md")
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
		t.Errorf("findings.md is stale, run go test ./internal/health -update:\n%s", diff)
	}
}
