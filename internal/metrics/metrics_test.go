package metrics_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"trunkline/internal/health"
	"trunkline/internal/metrics"
)

var update = flag.Bool("update", false, "write docs/reference/metrics.md")

func newRegistry(t *testing.T, strict bool) *metrics.Registry {
	t.Helper()
	r, err := metrics.New(metrics.Config{Version: "1.2.3", Commit: "abc", Go: "go1.26", Strict: strict})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scrape returns the answer of the handler.
func scrape(t *testing.T, h http.Handler) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

// bindAll binds every metric of the table with value 1 and returns the registry.
func bindAll(t *testing.T) *metrics.Registry {
	t.Helper()
	r := newRegistry(t, true)
	for _, m := range metrics.Table() {
		if m.Name == metrics.BuildInfo {
			continue
		}
		labels := make([]string, len(m.Labels))
		for i, l := range m.Labels {
			labels[i] = l.Values[0]
		}
		err := r.Bind([]metrics.Name{m.Name}, func(s *metrics.Scrape) { s.Set(m.Name, 1, labels...) })
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
	}
	return r
}

func TestEveryNameSaysNetworkWhatAndUnit(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^trunkline_(blubbel|tox|skynet|skype|web)(_[a-z]+)+_(connections|clients|logins|seconds|sessions|frames|bytes|errors|pauses|stalls|cuts)(_total)?$`)
	given := map[metrics.Name]bool{metrics.BuildInfo: true, metrics.Finding: true}
	seen := map[metrics.Name]bool{}
	for _, m := range metrics.Table() {
		if !given[m.Name] && !form.MatchString(string(m.Name)) {
			t.Errorf("%s is not trunkline_<network>_<what>_<unit>[_total]", m.Name)
		}
		if total := strings.HasSuffix(string(m.Name), "_total"); total != (m.Kind == metrics.Counter) {
			t.Errorf("%s is a %v: counters, and only they, end in _total", m.Name, m.Kind)
		}
		if !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s: help %q is no sentence", m.Name, m.Help)
		}
		if seen[m.Name] {
			t.Errorf("%s stands twice in the table", m.Name)
		}
		seen[m.Name] = true
	}
}

func TestEveryLabelHasAClosedSetWithoutIdentities(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`^([a-z]+(_[a-z]+)*|[A-Z]+-[0-9]{3})$`)
	for _, m := range metrics.Table() {
		for _, l := range m.Labels {
			if len(l.Values) == 0 && m.Name != metrics.BuildInfo {
				t.Errorf("%s: label %s has no set of values", m.Name, l.Name)
			}
			for _, v := range l.Values {
				if !word.MatchString(v) || v == metrics.Other {
					t.Errorf("%s: label %s has the value %q", m.Name, l.Name, v)
				}
			}
			if regexp.MustCompile(`peer|account|address|^ip$|host|user`).MatchString(l.Name) {
				t.Errorf("%s: label %s would name somebody", m.Name, l.Name)
			}
		}
	}
}

func TestAllMetricsTogetherPassTheLinter(t *testing.T) {
	t.Parallel()
	problems, err := testutil.GatherAndLint(bindAll(t).Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "trunkline_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestHandlerAnswersEveryMetricOfTheTable(t *testing.T) {
	t.Parallel()
	code, body := scrape(t, bindAll(t).Handler())
	if code != http.StatusOK {
		t.Fatalf("status %d: %s", code, body)
	}
	for _, m := range metrics.Table() {
		if !strings.Contains(body, "# TYPE "+string(m.Name)+" "+m.Kind.String()+"\n") {
			t.Errorf("%s is missing", m.Name)
		}
	}
	for _, want := range []string{
		`trunkline_build_info{commit="abc",go="go1.26",version="1.2.3"} 1`,
		`trunkline_blubbel_open_connections 1`,
		`trunkline_blubbel_transferred_frames_total{direction="in",kind="login"} 1`,
		`trunkline_blubbel_transferred_frames_total{direction="out",kind="proof"} 0`,
		`go_goroutines `,
	} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("no line %s", want)
		}
	}
}

func TestOneReadingFillsSeveralMetricsAtScrapeTime(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, true)
	calls := 0
	err := r.Bind([]metrics.Name{metrics.BlubbelOpenSessions, metrics.BlubbelLoggedInClients}, func(s *metrics.Scrape) {
		calls++
		s.Set(metrics.BlubbelOpenSessions, float64(calls))
		s.Set(metrics.BlubbelLoggedInClients, 7, metrics.DER)
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls != 0 {
		t.Error("read before anybody asked")
	}
	for want := 1; want <= 2; want++ {
		scrape(t, r.Handler())
		if calls != want {
			t.Fatalf("read %d times after %d scrapes", calls, want)
		}
	}
	want := `
# HELP trunkline_blubbel_logged_in_clients Clients that are logged in, by the form of their key.
# TYPE trunkline_blubbel_logged_in_clients gauge
trunkline_blubbel_logged_in_clients{key="der"} 7
trunkline_blubbel_logged_in_clients{key="raw"} 0
# HELP trunkline_blubbel_open_sessions Sessions that are open between two clients.
# TYPE trunkline_blubbel_open_sessions gauge
trunkline_blubbel_open_sessions 3
`
	if err := testutil.GatherAndCompare(r.Gatherer(), strings.NewReader(want), string(metrics.BlubbelOpenSessions), string(metrics.BlubbelLoggedInClients)); err != nil {
		t.Error(err)
	}
}

func TestForeignLabelValuesAreCountedAsOther(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, false)
	if err := r.Bind([]metrics.Name{metrics.BlubbelErrors}, func(s *metrics.Scrape) {
		s.Set(metrics.BlubbelErrors, 2, "bad_key")
		s.Set(metrics.BlubbelErrors, 3, "127.0.0.1")
		s.Set(metrics.BlubbelErrors, 4, "mallory")
	}); err != nil {
		t.Fatal(err)
	}
	_, body := scrape(t, r.Handler())
	for _, want := range []string{`{error="bad_key"} 2`, `{error="other"} 7`, `{error="slow_down"} 0`} {
		if !strings.Contains(body, string(metrics.BlubbelErrors)+want+"\n") {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if strings.Contains(body, "mallory") || strings.Contains(body, "127.0.0.1") {
		t.Error("a stranger's text became a series")
	}
}

func TestStrictRegistryFailsOnForeignLabelValues(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*metrics.Scrape){
		"foreign value":  func(s *metrics.Scrape) { s.Set(metrics.BlubbelErrors, 1, "mallory") },
		"too few labels": func(s *metrics.Scrape) { s.Set(metrics.BlubbelErrors, 1) },
		"not bound":      func(s *metrics.Scrape) { s.Add(metrics.BlubbelOpenSessions, 1) },
	} {
		r := newRegistry(t, true)
		if err := r.Bind([]metrics.Name{metrics.BlubbelErrors}, read); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Gatherer().Gather(); err == nil {
			t.Errorf("%s: the scrape did not fail", name)
		}
	}
}

func TestAFailedReadingIsLoggedAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r, err := metrics.New(metrics.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Bind([]metrics.Name{metrics.BlubbelCuts}, func(s *metrics.Scrape) { s.Set(metrics.BlubbelCuts, 1, "too", "many") }); err != nil {
		t.Fatal(err)
	}
	code, body := scrape(t, r.Handler())
	if code != http.StatusOK || !strings.Contains(body, "go_goroutines") {
		t.Errorf("status %d, body %s", code, body)
	}
	if !strings.Contains(log.String(), "metrics incomplete") {
		t.Errorf("log: %s", log.String())
	}
}

func TestBindRefusesWhatIsNotItsKindAndWhatIsBound(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, true)
	none := func(*metrics.Scrape) {}
	for _, bad := range []metrics.Name{"trunkline_nothing_total", metrics.BuildInfo} {
		if err := r.Bind([]metrics.Name{bad}, none); err == nil {
			t.Errorf("%s was bound", bad)
		}
	}
	if err := r.Bind([]metrics.Name{metrics.BlubbelCuts}, none); err != nil {
		t.Fatal(err)
	}
	if err := r.Bind([]metrics.Name{metrics.BlubbelCuts}, none); err == nil {
		t.Error("bound twice")
	}
}

func TestFindingsAreCountedByCode(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, true)
	var findings health.Registry
	if err := r.Bind([]metrics.Name{metrics.Finding}, func(s *metrics.Scrape) {
		for _, f := range findings.Snapshot() {
			s.Add(metrics.Finding, 1, string(f.Code))
		}
	}); err != nil {
		t.Fatal(err)
	}
	findings.Raise(health.New(health.PortHeld, "127.0.0.1:8000", "", ""))
	findings.Raise(health.New(health.PortHeld, "127.0.0.1:8080", "", ""))
	_, body := scrape(t, r.Handler())
	for _, want := range []string{`trunkline_finding{code="NET-003"} 2`, `trunkline_finding{code="NET-001"} 0`} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
}

func TestErrorNamesStandInTheOrderOfTheProtocol(t *testing.T) {
	t.Parallel()
	names := metrics.BlubbelErrorNames()
	if len(names) != 9 || names[0] != "bad_frame" || names[5] != "not_connected" || names[8] != "slow_down" {
		t.Errorf("got %v", names)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestReferencePageIsUpToDate(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := metrics.Reference(&want); err != nil {
		t.Fatal(err)
	}
	if metrics.Reference(brokenWriter{}) == nil {
		t.Error("a failed write was not reported")
	}
	path := filepath.Join("..", "..", "docs", "reference", "metrics.md")
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
		t.Errorf("metrics.md is stale, run go test ./internal/metrics -update:\n%s", diff)
	}
}
