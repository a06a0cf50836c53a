package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"trunkline/internal/health"
)

// ErrNotRunning means that no server uses the data folder.
var ErrNotRunning = errors.New("no server runs here")

const (
	controlTimeout = 10 * time.Second
	maxControlBody = 1 << 20
	// longestSocketPath is what fits a socket address on every Unix.
	longestSocketPath = 100
)

// openControl opens the Unix socket in the data folder.
func (s *Server) openControl() error {
	l, done, err := listenUnix(s.folder.file("run", "control.sock"))
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	s.socket = ownerListener{l, done}
	return nil
}

// control answers status and stop over the socket.
func (s *Server) control(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.Status()) })
	mux.HandleFunc("POST /v1/stop", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, struct{}{})
		s.stop()
	})
	web := &http.Server{
		Handler:     mux,
		ReadTimeout: controlTimeout,
		IdleTimeout: controlTimeout,
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second/2)
		defer cancel()
		if web.Shutdown(end) != nil {
			_ = web.Close()
		}
	})
	err := web.Serve(s.socket)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("control socket: %w", err)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// An ownerListener accepts only connections of the user that runs the server,
// and of root.
type ownerListener struct {
	*net.UnixListener
	done func() // releases what its name stands on
}

// Close closes the socket.
func (l ownerListener) Close() error {
	defer l.done()
	return l.UnixListener.Close()
}

// Accept waits for a connection that is allowed.
func (l ownerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, known := peerUser(c); !known || uid == 0 || uid == os.Getuid() {
			return c, nil
		}
		_ = c.Close()
	}
}

// listenUnix opens a socket at path, however long path is. What done does not
// remove, closing does.
func listenUnix(path string) (l *net.UnixListener, done func(), err error) {
	short, done, err := shorten(path)
	if err != nil {
		return nil, nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		done()
		return nil, nil, err
	}
	l, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		done()
		return nil, nil, err
	}
	if err := os.Chmod(path, secretMode); err != nil {
		_ = l.Close()
		done()
		return nil, nil, err
	}
	return l, done, nil
}

// shorten gives a name for path that fits a socket address. done releases what
// the name stands on.
func shorten(path string) (short string, done func(), err error) {
	if len(path) <= longestSocketPath {
		return path, func() {}, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, health.Do(fmt.Errorf("%s: path of %d characters is too long for a socket", path, len(path)),
			"use a data folder with a shorter path")
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	short = fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	return short, func() { _ = dir.Close() }, nil
}

// A Remote reaches the server that runs on a data folder.
type Remote struct {
	folder string
	web    http.Client
}

// Dial returns a Remote for the data folder at path; nothing is sent yet.
func Dial(path string) *Remote {
	r := &Remote{folder: path}
	r.web.Timeout = controlTimeout
	r.web.Transport = &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			short, done, err := shorten(filepath.Join(path, "run", "control.sock"))
			if err != nil {
				return nil, err
			}
			defer done()
			return new(net.Dialer).DialContext(ctx, "unix", short)
		},
	}
	return r
}

// Status asks the server how it is. The error wraps [ErrNotRunning] where none
// runs.
func (r *Remote) Status(ctx context.Context) (Status, error) {
	var s Status
	err := r.ask(ctx, http.MethodGet, "status", &s)
	return s, err
}

// Stop ends the server and waits until it has given its data folder back.
func (r *Remote) Stop(ctx context.Context) error {
	if err := r.ask(ctx, http.MethodPost, "stop", new(struct{})); err != nil {
		return err
	}
	for {
		if free, err := unlocked(filepath.Join(r.folder, "run", "pid")); err != nil || free {
			return err
		}
		select {
		case <-ctx.Done():
			return health.Do(fmt.Errorf("stop the server on %s: still running", r.folder),
				"look at its log; `kill -9` loses nothing that was acknowledged")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// unlocked reports whether no process holds the lock file.
func unlocked(name string) (bool, error) {
	f, err := os.OpenFile(name, os.O_RDWR, secretMode)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	return lockFile(f) == nil, nil
}

func (r *Remote) ask(ctx context.Context, method, what string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://trunkline/v1/"+what, nil)
	if err != nil {
		return err
	}
	response, err := r.web.Do(request)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return health.Do(fmt.Errorf("data folder %s: %w", r.folder, ErrNotRunning),
			"start one with `trunkline serve`, or name its folder with --data")
	}
	if err != nil {
		return fmt.Errorf("ask the server on %s: %w", r.folder, err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(io.LimitReader(response.Body, maxControlBody))
	if err != nil {
		return fmt.Errorf("ask the server on %s: %w", r.folder, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the server on %s for %s: it answers %s", r.folder, what, bytes.TrimSpace(b))
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("ask the server on %s for %s: %w", r.folder, what, err)
	}
	return nil
}
