package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"trunkline/internal/console"
	"trunkline/internal/health"
)

func TestTokenOpensFiguresToOtherMachines(t *testing.T) {
	con, err := console.New(console.Config{
		About: func() console.About { return console.About{} }, Checks: func() []health.Check { return nil },
		Metrics:      http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		MetricsToken: "secret", Profiles: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path, from, token string
		want              int
	}{
		{"/metrics", there, "Bearer secret", 200},
		{"/metrics", there, "Bearer secre", 403},
		{"/metrics", there, "secret", 403},
		{"/metrics", there, "", 403},
		{"/debug/pprof/", here, "", 200},
		{"/debug/pprof/", there, "Bearer secret", 403},
	} {
		if w := get(t, con, tc.path, tc.from, "Authorization", tc.token); w.Code != tc.want {
			t.Errorf("%s from %s with %q: got %d, want %d", tc.path, tc.from, tc.token, w.Code, tc.want)
		}
	}
	if w := get(t, newConsole(t), "/metrics", there, "Authorization", "Bearer "); w.Code != 403 {
		t.Errorf("an empty token opened what has none: %d", w.Code)
	}
	if w := get(t, newConsole(t), "/debug/pprof/", here); w.Code != 404 {
		t.Errorf("profiles are served unasked: %d", w.Code)
	}
}

func newConsole(t *testing.T, checks ...health.Check) *console.Console {
	t.Helper()
	con, err := console.New(console.Config{
		About: func() console.About {
			return console.About{Version: "0.1.0", Commit: "abc", Go: "go1.26", Networks: []console.Network{
				{Title: "blubbel", Addresses: []string{"127.0.0.1:8000 tcp"}, Capabilities: []string{"echo"}},
				{Title: "<script>alert(1)</script>"},
			}}
		},
		Checks:  func() []health.Check { return checks },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures") }),
	})
	if err != nil {
		t.Fatal(err)
	}
	return con
}

func get(t *testing.T, con http.Handler, path, from string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	con.ServeHTTP(w, r)
	return w
}

const (
	here  = "127.0.0.1:5000"
	there = "203.0.113.7:5000"
)

func TestFrontPageNamesNetworksAndEscapesThem(t *testing.T) {
	w := get(t, newConsole(t), "/", there)
	body := w.Body.String()
	for _, want := range []string{"blubbel", "127.0.0.1:8000 tcp", "0.1.0", "&lt;script&gt;"} {
		if !strings.Contains(body, want) {
			t.Errorf("page lacks %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "http://") || strings.Contains(body, "https://") {
		t.Errorf("page has a script or names another place:\n%s", body)
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("content policy %q", csp)
	}
}

func TestHealthzSaysWhetherAllIsWell(t *testing.T) {
	bad := health.NewCheck("port", "blubbel", 0, health.New(health.PortHeld, "127.0.0.1:8000", "held by nginx", ""))
	for _, tc := range []struct {
		name   string
		checks []health.Check
		want   int
	}{
		{"no checks", nil, 200},
		{"a finding", []health.Check{bad}, 503},
	} {
		if w := get(t, newConsole(t, tc.checks...), "/healthz", there); w.Code != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, w.Code, tc.want)
		}
	}
}

func TestOnlyThisMachineLearnsDetails(t *testing.T) {
	con := newConsole(t, health.NewCheck("port", "blubbel", 0, health.New(health.PortHeld, "127.0.0.1:8000", "held by nginx", "")))
	if body := get(t, con, "/healthz", there).Body.String(); strings.Contains(body, "nginx") {
		t.Errorf("a stranger was told %q", body)
	}
	var got struct {
		Status string
		Checks []struct{ Findings []struct{ Code string } }
	}
	body := get(t, con, "/healthz", here).Body
	if err := json.NewDecoder(body).Decode(&got); err != nil || got.Status != "findings" || got.Checks[0].Findings[0].Code != "NET-003" {
		t.Errorf("this machine got %+v (%v)", got, err)
	}
	for _, tc := range []struct {
		from   string
		header []string
		want   int
	}{
		{here, nil, 200},
		{"[::1]:99", nil, 200},
		{there, nil, 403},
		{here, []string{"X-Forwarded-For", "203.0.113.7"}, 403},
		{here, []string{"Forwarded", "for=203.0.113.7"}, 403},
		{"nonsense", nil, 403},
	} {
		if w := get(t, con, "/metrics", tc.from, tc.header...); w.Code != tc.want {
			t.Errorf("/metrics from %s %q: got %d, want %d", tc.from, tc.header, w.Code, tc.want)
		}
	}
}

func TestUnknownPagesAndMethodsAreRefused(t *testing.T) {
	con := newConsole(t)
	if w := get(t, con, "/nothing", here); w.Code != 404 {
		t.Errorf("unknown page: %d", w.Code)
	}
	w := httptest.NewRecorder()
	con.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")))
	if w.Code != 405 {
		t.Errorf("POST /: %d", w.Code)
	}
	if w := get(t, con, "/style.css", there); !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("style has type %q", w.Header().Get("Content-Type"))
	}
}

func TestServeEndsWithItsContextEvenWithAnOpenConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	con := newConsole(t)
	go func() { ended <- con.Serve(ctx, l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestConfigMustBeComplete(t *testing.T) {
	if _, err := console.New(console.Config{}); err == nil {
		t.Error("an empty Config was taken")
	}
}
