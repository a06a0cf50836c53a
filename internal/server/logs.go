package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"trunkline/internal/config"
)

// Logs makes the loggers of all parts and holds a level for each, which may
// change while they are used.
type Logs struct {
	out slog.Handler

	mu     sync.Mutex
	config config.Log
	levels map[string]*slog.LevelVar // of the loggers that were made
}

// least lets everything through to the handlers that decide by part.
const least = slog.LevelDebug - 8

// NewLogs writes to w in c's format. "auto" is systemd's where the journal reads
// us, as environ tells, and text elsewhere.
func NewLogs(w io.Writer, c config.Log, environ []string) *Logs {
	l := &Logs{config: c, levels: map[string]*slog.LevelVar{}}
	journal := slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "JOURNAL_STREAM=") })
	switch {
	case c.Format == "json":
		l.out = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least})
	case c.Format == "systemd" || c.Format == "auto" && journal:
		l.out = newJournalHandler(w)
	default:
		l.out = slog.NewTextHandler(w, &slog.HandlerOptions{Level: least, ReplaceAttr: shortTime})
	}
	return l
}

// shortTime writes times of day to the second: a terminal's reader knows the date.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05"))
	}
	return a
}

// SetLevels takes the levels of c. Loggers that were made before follow.
func (l *Logs) SetLevels(c config.Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.config = c
	for part, v := range l.levels {
		v.Set(c.LevelOf(part))
	}
}

// Logger returns the logger of a part. Its records carry the part's name.
func (l *Logs) Logger(part string) *slog.Logger {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.levels[part]
	if v == nil {
		v = new(slog.LevelVar)
		v.Set(l.config.LevelOf(part))
		l.levels[part] = v
	}
	return slog.New(&partHandler{Handler: l.out, level: v}).With("part", part)
}

// A partHandler lets through what its part's level does.
type partHandler struct {
	slog.Handler
	level *slog.LevelVar
}

func (h *partHandler) Enabled(_ context.Context, v slog.Level) bool { return v >= h.level.Level() }

func (h *partHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return &partHandler{Handler: h.Handler.WithAttrs(a), level: h.level}
}

func (h *partHandler) WithGroup(name string) slog.Handler {
	return &partHandler{Handler: h.Handler.WithGroup(name), level: h.level}
}

// A journalHandler writes for systemd's journal: a priority in front, no time.
type journalHandler struct {
	text slog.Handler
	line *prioritised
}

// prioritised puts the priority of the record in front of its line.
type prioritised struct {
	mu  sync.Mutex
	out io.Writer
	now int
}

func (p *prioritised) Write(b []byte) (int, error) {
	if _, err := fmt.Fprintf(p.out, "<%d>%s", p.now, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func newJournalHandler(w io.Writer) *journalHandler {
	line := &prioritised{out: w}
	text := slog.NewTextHandler(line, &slog.HandlerOptions{
		Level: least,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		},
	})
	return &journalHandler{text: text, line: line}
}

func (h *journalHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	h.line.mu.Lock()
	defer h.line.mu.Unlock()
	h.line.now = priority(r.Level)
	return h.text.Handle(ctx, r)
}

func (h *journalHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return &journalHandler{text: h.text.WithAttrs(a), line: h.line}
}

func (h *journalHandler) WithGroup(name string) slog.Handler {
	return &journalHandler{text: h.text.WithGroup(name), line: h.line}
}

// priority is the syslog priority of a level: sd-daemon(3).
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}
