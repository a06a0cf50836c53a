package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"trunkline/internal/health"
	"trunkline/internal/limit"
)

// Bot is a program whose standard output is read as commands and whose standard
// input gets the events.
type Bot struct {
	Program string
	Args    []string
	Stderr  io.Writer     // gets the program's standard error, and reports; several goroutines write to it
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
// does, and takes with it what it started and left in its process group. Its end
// by an exit code other than 0 or by a signal is an error; so is a program that
// hangs.
func (b Bot) Run(ctx context.Context, n Network) error {
	inner, kill := context.WithCancel(ctx)
	defer kill()
	command := exec.CommandContext(inner, b.Program, b.Args...)
	command.Stderr = b.Stderr
	command.WaitDelay = endTimeout
	endGroup := group(command)
	in, out, err := pipes(command)
	if err != nil {
		return fmt.Errorf("bot %s: %w", b.Program, err)
	}
	if err := command.Start(); err != nil {
		return health.Do(fmt.Errorf("bot: %w", err), "give the path of a program that may be run, for instance ./echo.sh")
	}
	defer endGroup()
	limited := &throttle{in: out, report: b.Stderr, bucket: limit.NewBucket(limit.Rate{
		PerSecond: or(b.Rate, defaultRate), Burst: or(b.Burst, defaultBurst),
	})}
	obeyed, err := run(ctx, n, limited, &patient{file: in, limit: or(b.Hang, defaultHang)})
	_ = in.Close()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		kill()
	}
	defer time.AfterFunc(endTimeout, kill).Stop() // it may end by itself first
	process := command.Wait()
	<-obeyed
	if ctx.Err() != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if inner.Err() != nil {
		process = nil // it ended because we wanted it
	}
	return b.verdict(err, process)
}

func pipes(c *exec.Cmd) (in io.WriteCloser, out io.Reader, err error) {
	if in, err = c.StdinPipe(); err != nil {
		return nil, nil, err
	}
	out, err = c.StdoutPipe()
	return in, out, err
}

// verdict says how a bot ended, by the error of its lines and that of its
// process. That it left a child with its standard error is its affair.
func (b Bot) verdict(lines, process error) error {
	switch {
	case errors.Is(lines, os.ErrDeadlineExceeded):
		return health.WithCode(fmt.Errorf("bot %s: it does not read its input", b.Program), health.BotHangs)
	case lines != nil:
		return fmt.Errorf("bot %s: %w", b.Program, lines)
	case process != nil && !errors.Is(process, exec.ErrWaitDelay):
		return fmt.Errorf("bot %s: %w", b.Program, process)
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

// patient writes to a pipe that must be read within limit. What nobody can read
// any more is dropped: the program may still have said something before its end.
type patient struct {
	file  io.Writer
	limit time.Duration
	gone  bool
}

func (p *patient) Write(b []byte) (int, error) {
	if p.gone {
		return len(b), nil
	}
	if f, ok := p.file.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = f.SetWriteDeadline(time.Now().Add(p.limit))
	}
	n, err := p.file.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		p.gone = true
		return len(b), nil
	}
	return n, err
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
