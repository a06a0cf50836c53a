//go:build linux

package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A Command says what to start.
type Command struct {
	Path string
	Args []string
	Dir  string
	Env  []string // added to the environment of this process
	// User, if not nil, is whom the process runs as.
	User *syscall.Credential
	// Talk connects Stdin and Stdout of the Process. Without it the process reads
	// nothing, and what it writes is kept for [Process.Complaint].
	Talk bool
}

// A Process is a child that was started.
type Process struct {
	Stdin  io.WriteCloser // nil without Talk
	Stdout io.ReadCloser

	cmd    *exec.Cmd
	errors tail
	done   chan struct{}
	state  *os.ProcessState // once done is closed
}

// killDelay is how long a process whose context has ended may take to end after
// SIGTERM.
const killDelay = 2 * time.Second

// Start starts a process, which ends with ctx. Who starts it must call Stop.
func Start(ctx context.Context, c Command) (*Process, error) {
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = separate()
	cmd.SysProcAttr.Credential = c.User
	p := &Process{cmd: cmd, done: make(chan struct{})}
	cmd.Stderr = &p.errors
	cmd.WaitDelay = killDelay
	if err := p.start(c.Talk); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { p.end(killDelay) })
	go func() {
		defer stop()
		_ = cmd.Wait()
		p.state = cmd.ProcessState
		close(p.done)
	}()
	return p, nil
}

// start starts the command, connected if talk says so.
func (p *Process) start(talk bool) error {
	if !talk {
		p.cmd.Stdout = &p.errors
		return p.cmd.Start()
	}
	var err error
	if p.Stdin, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	p.Stdout, p.cmd.Stdout = r, w
	err = p.cmd.Start()
	_ = w.Close()
	if err != nil {
		_ = r.Close()
	}
	return err
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends a signal to the process, not to its group.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// ErrRunning means that a process has not ended.
var ErrRunning = errors.New("still running")

// Code is the exit code of a process that has ended, -1 if a signal ended it.
func (p *Process) Code() (int, error) {
	select {
	case <-p.done:
		return p.state.ExitCode(), nil
	default:
		return 0, ErrRunning
	}
}

// Stop asks the process group to end with SIGTERM, kills it after grace and
// returns when the process has ended.
func (p *Process) Stop(grace time.Duration) {
	p.end(grace)
	if p.Stdout != nil {
		_ = p.Stdout.Close()
	}
}

func (p *Process) end(grace time.Duration) {
	_ = signalGroup(p.PID(), syscall.SIGTERM)
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
	}
	// What the process leaves behind in its group ends with it.
	_ = signalGroup(p.PID(), syscall.SIGKILL)
	<-p.done
}

// Complaint is what the process wrote last about its troubles, in brackets
// for the end of a message; "" if nothing.
func (p *Process) Complaint() string {
	if s := p.errors.String(); s != "" {
		return fmt.Sprintf(" (%s)", s)
	}
	return ""
}

// tailSize is how much of a standard error is kept.
const tailSize = 2048

// A tail keeps the last bytes written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if over := len(t.b) - tailSize; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.b))
}
