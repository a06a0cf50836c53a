package loop_test

import (
	"context"
	"fmt"
	"time"

	"trunkline/internal/loop"
)

// A reminder is a machine: it is told the time, and never asks.
type reminder struct {
	at   time.Time
	text string
	ring func(text string)
}

func (r *reminder) Set(now time.Time, in time.Duration, text string) {
	r.at, r.text = now.Add(in), text
}

func (r *reminder) Deadline() time.Time { return r.at }

func (r *reminder) Advance(time.Time) {
	r.at = time.Time{}
	r.ring(r.text)
}

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	l := loop.New()
	m := &reminder{ring: func(text string) {
		fmt.Println("remember", text)
		cancel()
	}}
	ended := make(chan error)
	go func() { ended <- l.Run(ctx, m) }()

	err := l.Do(ctx, func(now time.Time) { m.Set(now, time.Millisecond, "the milk") })
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-ended)
	// Output:
	// remember the milk
	// context canceled
}
