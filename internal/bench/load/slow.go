//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"trunkline/blubbel"
	"trunkline/internal/bench/meter"
)

// SlowArgs say what is sent to receivers that do not read: so many messages a
// second to each, of Size bytes.
type SlowArgs struct {
	Rate float64 `json:"rate"`
	Size int     `json:"size"`
}

// Slowed is what became of them: how many were cut off, and after what time,
// and how many bytes of bodies were sent to all.
type Slowed struct {
	N     int         `json:"n"`
	Cut   int         `json:"cut"`
	After *meter.Hist `json:"after"`
	Bytes uint64      `json:"bytes"`
	Err   string      `json:"err,omitempty"` // an end that was no cut
}

// slowness is pairs whose receivers stopped reading.
type slowness struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	n      int
	bytes  atomic.Uint64
	after  meter.Hist

	mu  sync.Mutex
	cut int
	err error
}

// slow makes pairs of the crowd and sends to receivers that never read. The
// sender of one that is cut off is told so and stops.
func (c *crowd) slow(ctx context.Context, a SlowArgs) (*slowness, error) {
	if a.Size < MinBody || a.Size > MaxBody || a.Rate <= 0 {
		return nil, fmt.Errorf("no slow readers like %+v", a)
	}
	n := len(c.clients) / 2
	if failed, err := each(ctx, n, 16, func(i int) error {
		shrink(c.clients[2*i+1].Conn())
		return c.protocol.Pair(c.clients[2*i], c.clients[2*i+1])
	}); err != nil {
		return nil, fmt.Errorf("%d of %d slow pairs cannot talk: %w", failed, n, err)
	}
	s := &slowness{n: n}
	ctx, s.cancel = context.WithCancel(ctx)
	start := time.Now()
	for i := range n {
		from := c.clients[2*i]
		ended := make(chan struct{})
		s.wg.Go(func() { defer close(ended); s.await(from, start) })
		s.wg.Go(func() { s.push(ctx, from, a, i, ended) })
	}
	return s, nil
}

// await notes how the sender's connection learns of the end.
func (s *slowness) await(from Client, start time.Time) {
	_, err := from.Next()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := errors.AsType[*blubbel.Error](err); ok && e.Code == blubbel.CodeNotConnected {
		s.cut++
		s.after.Add(time.Since(start))
	} else if s.err == nil {
		s.err = err
	}
}

// push sends to one receiver; the receivers take turns.
func (s *slowness) push(ctx context.Context, from Client, a SlowArgs, i int, ended <-chan struct{}) {
	w := writer{pair: uint32(i)}
	gap := time.Duration(float64(time.Second) / a.Rate)
	var body []byte
	for due := time.Now().Add(gap * time.Duration(i) / time.Duration(s.n)); ctx.Err() == nil; due = due.Add(gap) {
		sleepUntil(ctx, due)
		select {
		case <-ended:
			return
		default:
		}
		body = w.append(body[:0], 0, a.Size)
		if from.Send(body) != nil {
			return
		}
		s.bytes.Add(uint64(a.Size))
	}
}

// result is what happened so far.
func (s *slowness) result() Slowed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Slowed{N: s.n, Cut: s.cut, After: &s.after, Bytes: s.bytes.Load(), Err: text(s.err)}
}
