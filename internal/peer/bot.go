package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"trunkline/internal/health"
	"trunkline/internal/limit"
)

// Bot is a program whose standard output is read as commands and whose standard
// input gets the events.
type Bot struct {
	Program string
	Args    []string
	Stderr  io.Writer     // gets the program's standard error, and reports
	Hang    time.Duration // how long it may leave its input unread; default 30 s
	Rate    float64       // commands a second after the burst; default 100
	Burst   float64       // commands at once; default 1,000
}

// Defaults of a Bot, and how long it may take to end by itself.
const (
	defaultHang  = 30 * time.Second
	defaultRate  = 100
	defaultBurst = 1000
	endTimeout   = 2 * time.Second
)

// Run starts the program and connects it with the network until it ends or ctx
// does. Its exit code other than 0 is an error; so is a program that hangs.
func (b Bot) Run(ctx context.Context, n Network) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	command := exec.CommandContext(ctx, b.Program, b.Args...)
	command.Stderr = b.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = endTimeout
	in, err := command.StdinPipe()
	if err != nil {
		return fmt.Errorf("bot %s: %w", b.Program, err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("bot %s: %w", b.Program, err)
	}
	if err := command.Start(); err != nil {
		return health.Do(fmt.Errorf("bot: %w", err), "give the path of a program that may be run, for instance ./echo.sh")
	}
	limited := &throttle{in: out, report: b.Stderr, bucket: limit.NewBucket(limit.Rate{
		PerSecond: or(b.Rate, defaultRate), Burst: or(b.Burst, defaultBurst),
	})}
	err = Run(ctx, n, limited, &patient{file: in, limit: or(b.Hang, defaultHang)})
	cancel()
	_ = in.Close()
	return b.verdict(err, command.Wait())
}

// verdict says how a bot ended, by the error of its lines and that of its process.
func (b Bot) verdict(lines, process error) error {
	if errors.Is(lines, os.ErrDeadlineExceeded) {
		return health.WithCode(fmt.Errorf("bot %s: it does not read its input", b.Program), health.BotHangs)
	}
	if lines != nil {
		return fmt.Errorf("bot %s: %w", b.Program, lines)
	}
	if exit, ok := errors.AsType[*exec.ExitError](process); ok && exit.Exited() && exit.ExitCode() > 0 {
		return fmt.Errorf("bot %s: %w", b.Program, exit)
	}
	return nil
}

func or[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// patient writes to a pipe that must be read within limit.
type patient struct {
	file  io.Writer
	limit time.Duration
}

func (p *patient) Write(b []byte) (int, error) {
	if f, ok := p.file.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = f.SetWriteDeadline(time.Now().Add(p.limit))
	}
	return p.file.Write(b)
}

// throttle lets lines through at a bounded rate: who writes more waits, and is
// reported once.
type throttle struct {
	in     io.Reader
	report io.Writer
	bucket limit.Bucket
	told   bool
	lines  *bufio.Reader
	rest   []byte
}

func (t *throttle) Read(b []byte) (int, error) {
	if t.lines == nil {
		t.lines = bufio.NewReaderSize(t.in, 64<<10)
	}
	if len(t.rest) == 0 {
		part, err := t.lines.ReadSlice('\n')
		if len(part) == 0 {
			return 0, err
		}
		t.wait()
		t.rest = part
	}
	n := copy(b, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// wait returns when the next line may pass.
func (t *throttle) wait() {
	now := time.Now()
	if t.bucket.Take(now, 1) {
		return
	}
	if !t.told && t.report != nil {
		t.told = true
		_, _ = fmt.Fprintln(t.report, health.Line(health.WithCode(
			errors.New("bot: more commands than its limit; it is read more slowly"), health.BotFloods)))
	}
	time.Sleep(t.bucket.Wait(now, 1))
	t.bucket.Take(time.Now(), 1)
}
