//go:build linux

package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"trunkline/internal/bench/child"
)

// request and reply are the lines between the bench command and a load process.
type request struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
}

type reply struct {
	Err    string          `json:"err,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// An Op answers one call: JSON arguments in, a value that becomes JSON out.
type Op func(ctx context.Context, args json.RawMessage) (any, error)

// Handle makes an Op of a function with typed arguments and result.
func Handle[A, R any](f func(ctx context.Context, a A) (R, error)) Op {
	return func(ctx context.Context, args json.RawMessage) (any, error) {
		var a A
		if len(args) > 0 {
			if err := json.Unmarshal(args, &a); err != nil {
				return nil, err
			}
		}
		return f(ctx, a)
	}
}

// WorkerCommand is the hidden command of our program that is a load process.
const WorkerCommand = "worker"

// None stands for no arguments, or no result.
type None struct{}

// answer runs calls from r until it ends, one after the other, and answers on w.
func answer(ctx context.Context, r io.Reader, w io.Writer, ops map[string]Op) error {
	in, out := json.NewDecoder(r), json.NewEncoder(w)
	for {
		var q request
		if err := in.Decode(&q); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read a call: %w", err)
		}
		if err := out.Encode(call(ctx, q, ops)); err != nil {
			return fmt.Errorf("answer %s: %w", q.Op, err)
		}
	}
}

func call(ctx context.Context, q request, ops map[string]Op) reply {
	op, ok := ops[q.Op]
	if !ok {
		return reply{Err: "no call " + q.Op}
	}
	result, err := op(ctx, q.Args)
	if err != nil {
		return reply{Err: err.Error()}
	}
	b, err := json.Marshal(result)
	if err != nil {
		return reply{Err: err.Error()}
	}
	return reply{Result: b}
}

// A Process is a load process as its parent sees it. Its calls are made one at
// a time.
type Process struct {
	child *child.Process
	out   *json.Encoder
	in    *json.Decoder
}

// stopGrace is how long a load process may take to end by itself.
const stopGrace = 5 * time.Second

// Start starts exe as a load process: as its hidden command [WorkerCommand]. It
// ends with ctx, with this process, or with [Process.Stop].
func Start(ctx context.Context, exe string) (*Process, error) {
	p, err := child.Start(ctx, child.Command{Path: exe, Args: []string{WorkerCommand}, Talk: true})
	if err != nil {
		return nil, fmt.Errorf("start a load process: %w", err)
	}
	return &Process{child: p, out: json.NewEncoder(p.Stdin), in: json.NewDecoder(p.Stdout)}, nil
}

// PID is its process id.
func (p *Process) PID() int { return p.child.PID() }

// Call runs op and stores its result in result, which may be nil.
func (p *Process) Call(op string, args, result any) error {
	b, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if err := p.out.Encode(request{Op: op, Args: b}); err != nil {
		return fmt.Errorf("load process: %s: %w%s", op, err, p.child.Complaint())
	}
	var r reply
	if err := p.in.Decode(&r); err != nil {
		return fmt.Errorf("load process: %s: %w%s", op, err, p.child.Complaint())
	}
	if r.Err != "" {
		return fmt.Errorf("%s: %s", op, r.Err)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(r.Result, result)
}

// Stop ends the process: its input ends, and it with it.
func (p *Process) Stop() {
	_ = p.child.Stdin.Close()
	p.child.Stop(stopGrace)
}
