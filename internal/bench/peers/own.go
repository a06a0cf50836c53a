//go:build linux

package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"trunkline/internal/bench/child"
)

// ownSettings hold for every run of our server: free ports, no echo contact,
// and profiles, by which a collection is forced.
func ownSettings() []string {
	return []string{"blubbel.listen=127.0.0.1:0", "web.listen=127.0.0.1:0", "web.profiles=true", "blubbel.echo=false"}
}

// FullSpeed is the setting that turns off the limit on frames a second.
const FullSpeed = "blubbel.frames_per_second=0"

func startOwn(ctx context.Context, c Config) (*Server, error) {
	data, err := os.MkdirTemp(c.Dir, "data")
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--data", data, "--no-self-check"}
	for _, set := range append(ownSettings(), c.Set...) {
		args = append(args, "--set", set)
	}
	command := child.Command{Path: c.Exe, Args: args}
	if c.Limits != (Limits{}) {
		if command, err = c.Limits.wrap(command); err != nil {
			return nil, err
		}
	}
	process, err := child.Start(ctx, command)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Exe, err)
	}
	s := &Server{Name: Own, Protocol: "blubbel", child: process}
	if err := s.readAddresses(ctx, filepath.Join(data, "run", "addresses.json")); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// readAddresses waits for the file that says where every port answers.
func (s *Server) readAddresses(ctx context.Context, file string) error {
	var where struct {
		Blubbel struct {
			TCP []string `json:"tcp"`
		} `json:"blubbel"`
		Web struct {
			HTTP []string `json:"http"`
		} `json:"web"`
	}
	err := s.poll(ctx, func() bool {
		b, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(b, &where) == nil
	})
	if err != nil {
		return err
	}
	if len(where.Blubbel.TCP) == 0 {
		return errors.New("the server says no address of blubbel: its port may be taken or its network off")
	}
	s.Addr = where.Blubbel.TCP[0]
	if len(where.Web.HTTP) > 0 {
		s.Web = strings.TrimSuffix(strings.TrimPrefix(where.Web.HTTP[0], "http://"), "/")
	}
	return nil
}

const (
	webTimeout = 20 * time.Second
	maxPage    = 4 << 20
)

// page reads one of our server's web pages.
func (s *Server) page(ctx context.Context, path string) (string, error) {
	if s.Web == "" {
		return "", errors.New("the server has no web pages")
	}
	ctx, cancel := context.WithTimeout(ctx, webTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Web+path, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", path, answer.Status)
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	return string(b), err
}

const defaultSettle = 2 * time.Second

// Memory is the proportional set size, in bytes, a while after a forced
// collection where the server can be made to collect: ours, and the idle ones.
func (s *Server) Memory(ctx context.Context) (int64, error) {
	if err := s.collect(ctx); err != nil {
		return 0, err
	}
	t := time.NewTimer(s.settle)
	defer t.Stop()
	select {
	case <-t.C:
		return s.Proc.PSS(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (s *Server) collect(ctx context.Context) error {
	if s.Name != Own {
		return nil
	}
	_, err := s.page(ctx, "/debug/pprof/heap?gc=1")
	return err
}

// Inside is what our server says about its own runtime.
type Inside struct {
	Goroutines int
	Heap       float64 // bytes of live objects and what is not yet swept
}

// Inside forces a collection and reads the server's figures.
func (s *Server) Inside(ctx context.Context) (Inside, error) {
	// The second collection frees what finalizers of the first let go.
	for range 2 {
		if err := s.collect(ctx); err != nil {
			return Inside{}, err
		}
	}
	text, err := s.page(ctx, "/metrics")
	if err != nil {
		return Inside{}, err
	}
	goroutines, ok1 := metric(text, "go_goroutines")
	heap, ok2 := metric(text, "go_memstats_heap_alloc_bytes")
	if !ok1 || !ok2 {
		return Inside{}, errors.New("/metrics has no figures of the Go runtime")
	}
	return Inside{Goroutines: int(goroutines), Heap: heap}, nil
}

// metric reads a value without labels from a page of metrics.
func metric(page, name string) (float64, bool) {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v, err == nil
		}
	}
	return 0, false
}
