// Package console is the web face of a running server: what it is and which
// networks it serves (/), whether it is well (/healthz), and figures for a
// monitoring system (/metrics).
//
// # Limits
//
// Pages work without scripts and load nothing from elsewhere. /metrics answers
// loopback addresses only, and so does the detail of /healthz: others learn
// only whether the server is well.
package console

import (
	"bytes"
	"context"
	"crypto/subtle"
	_ "embed" // the page and its style
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"time"

	"trunkline/internal/health"
)

// Config is what a Console shows.
type Config struct {
	// About describes the server; asked for each page. Required.
	About func() About
	// Checks answers at once with what is known of the server's health; asked
	// for each /healthz. Required.
	Checks func() []health.Check
	// Metrics answers /metrics. Required.
	Metrics http.Handler
	// MetricsToken lets other machines that send it read /metrics
	// (Authorization: Bearer TOKEN). Empty: this machine only.
	MetricsToken string
	// Profiles serves Go profiles under /debug/pprof/, to this machine only.
	Profiles bool
	Log      *slog.Logger // default: discard
}

// About is what the front page tells.
type About struct {
	Version  string
	Commit   string
	Go       string
	Networks []Network
}

// Network is one line of the front page.
type Network struct {
	Title        string   // "blubbel", "Skype (old versions)"
	Addresses    []string // "127.0.0.1:8000 tcp"
	Capabilities []string
}

// Times of a connection; what a browser needs at most.
const (
	headTimeout  = 10 * time.Second
	idleTimeout  = time.Minute
	writeTimeout = 30 * time.Second
	closeTimeout = 500 * time.Millisecond
	maxHead      = 16 << 10
)

// A Console serves the pages.
type Console struct {
	config Config
	mux    *http.ServeMux
	page   *template.Template
}

//go:embed page.html
var pageText string

//go:embed style.css
var style []byte

// New makes the console.
func New(c Config) (*Console, error) {
	if c.About == nil || c.Checks == nil || c.Metrics == nil {
		return nil, errors.New("console: About, Checks and Metrics are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("parse the page: %w", err)
	}
	con := &Console{config: c, mux: http.NewServeMux(), page: page}
	con.mux.HandleFunc("GET /{$}", con.front)
	con.mux.HandleFunc("GET /style.css", con.style)
	con.mux.HandleFunc("GET /healthz", con.healthz)
	con.mux.HandleFunc("GET /metrics", con.metrics)
	if c.Profiles {
		con.mux.Handle("GET /debug/pprof/", hereOnly(http.HandlerFunc(pprof.Index)))
		con.mux.Handle("GET /debug/pprof/profile", hereOnly(http.HandlerFunc(pprof.Profile)))
		con.mux.Handle("GET /debug/pprof/trace", hereOnly(http.HandlerFunc(pprof.Trace)))
	}
	return con, nil
}

// ServeHTTP answers one request.
func (con *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	con.mux.ServeHTTP(w, r)
}

// Serve answers requests on l until ctx ends.
func (con *Console) Serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{
		Handler:           con,
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       headTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          slog.NewLogLogger(con.config.Log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if s.Shutdown(end) != nil {
			_ = s.Close()
		}
	})
	err := s.Serve(l)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the web pages: %w", err)
}

func (con *Console) front(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	if err := con.page.Execute(&b, con.config.About()); err != nil {
		con.config.Log.Error("page", "err", err)
		http.Error(w, "page: cannot be made; the server's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

func (con *Console) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(style)
}

// healthz answers 200 when every check is OK, else 503. Loopback addresses get
// the checks as JSON.
func (con *Console) healthz(w http.ResponseWriter, r *http.Request) {
	checks := con.config.Checks()
	status, word := http.StatusOK, "ok"
	for _, c := range checks {
		if !c.OK {
			status, word = http.StatusServiceUnavailable, "findings"
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	if !fromLoopback(r) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintln(w, word)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": word, "checks": checks})
}

func (con *Console) metrics(w http.ResponseWriter, r *http.Request) {
	if !fromLoopback(r) && !con.knows(r) {
		http.Error(w, "/metrics: for this machine only; ask from 127.0.0.1, or send the token", http.StatusForbidden)
		return
	}
	con.config.Metrics.ServeHTTP(w, r)
}

// knows reports whether the request carries the token.
func (con *Console) knows(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want := con.config.MetricsToken
	return ok && want != "" && subtle.ConstantTimeCompare([]byte(token), []byte(want)) == 1
}

// hereOnly refuses other machines.
func hereOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fromLoopback(r) {
			http.Error(w, "profiles: for this machine only; ask from 127.0.0.1", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// fromLoopback reports whether the request comes straight from this machine: a
// proxy on it that passes on a stranger's request says so in a header.
func fromLoopback(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
	return err == nil && from.Addr().Unmap().IsLoopback() && !forwarded
}
