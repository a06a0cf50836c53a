//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"trunkline/internal/bench/meter"
)

// TrafficArgs say how the pairs of a crowd talk: Window messages in flight a
// pair, or, with a Rate, as many messages a second over all pairs.
type TrafficArgs struct {
	Window int     `json:"window"`
	Rate   float64 `json:"rate"`
	Size   int     `json:"size"` // bytes a body
}

// A Mark is what happened since the mark before.
type Mark struct {
	Sent      uint64      `json:"sent"`
	Delivered uint64      `json:"delivered"`
	Latency   *meter.Hist `json:"latency"`
}

// traffic is the messages between the pairs of a crowd.
type traffic struct {
	pairs   []*pair
	base    time.Time
	latency atomic.Pointer[meter.Hist]
	last    Mark

	args    TrafficArgs
	talking atomic.Bool
	leaving atomic.Bool
	senders sync.WaitGroup
}

type pair struct {
	from, to Client

	sending sync.Mutex // guards the two below
	out     writer
	body    []byte

	sent, delivered atomic.Uint64 // over all runs

	judging sync.Mutex // guards all below
	in      checker
	before  uint32 // bodies made before this run
}

// maxPairs is how many pairs one process drives.
const maxPairs = 5_000

// pairUp makes pairs of the clients: 0 with 1, 2 with 3, and so on, and starts
// to read from all of them.
func (c *crowd) pairUp(ctx context.Context, conc int) error {
	n := len(c.clients) / 2
	if n == 0 || n > maxPairs || c.traffic != nil {
		return fmt.Errorf("%d clients make no fresh pairs", len(c.clients))
	}
	t := &traffic{base: time.Now()}
	t.latency.Store(new(meter.Hist))
	failed, err := each(ctx, n, conc, func(i int) error { return c.protocol.Pair(c.clients[2*i], c.clients[2*i+1]) })
	if err != nil {
		return fmt.Errorf("%d of %d pairs cannot talk: %w", failed, n, err)
	}
	for i := range n {
		p := &pair{from: c.clients[2*i], to: c.clients[2*i+1], out: writer{pair: uint32(i)}, in: checker{pair: uint32(i)}}
		t.pairs = append(t.pairs, p)
		c.wg.Go(func() { t.receive(p) })
		c.wg.Go(func() { t.listen(p) })
	}
	c.traffic = t
	return nil
}

// receive judges what arrives at the receiver and, with a fixed number in
// flight, lets the next message go.
func (t *traffic) receive(p *pair) {
	for {
		body, err := p.to.Next()
		if err != nil {
			t.broken(p, fmt.Errorf("receiver: %w", err))
			return
		}
		now := time.Since(t.base)
		p.judging.Lock()
		stamp, ok := p.in.check(body)
		p.judging.Unlock()
		if ok {
			t.latency.Load().Add(now - stamp)
			p.delivered.Add(1)
		}
		if t.talking.Load() && t.args.Rate == 0 {
			t.send(p, now)
		}
	}
}

// listen reads what the server tells the sender, who expects nothing.
func (t *traffic) listen(p *pair) {
	_, err := p.from.Next()
	if err == nil {
		err = errors.New("a message came to who only sends")
	}
	t.broken(p, fmt.Errorf("sender: %w", err))
}

func (t *traffic) broken(p *pair, err error) {
	if t.leaving.Load() {
		return
	}
	p.judging.Lock()
	defer p.judging.Unlock()
	p.in.tally.add(Tally{Failed: 1, Err: err.Error()})
}

func (t *traffic) send(p *pair, stamp time.Duration) {
	p.sending.Lock()
	defer p.sending.Unlock()
	p.body = p.out.append(p.body[:0], stamp, t.args.Size)
	p.sent.Add(1)
	if err := p.from.Send(p.body); err != nil {
		t.broken(p, fmt.Errorf("send: %w", err))
	}
}

// start lets the pairs talk until stop.
func (t *traffic) start(ctx context.Context, a TrafficArgs) error {
	if a.Size < MinBody || a.Size > MaxBody || (a.Rate <= 0 && (a.Window < 1 || a.Window > 1000)) || t.talking.Load() {
		return fmt.Errorf("no traffic like %+v", a)
	}
	t.args = a
	for _, p := range t.pairs {
		p.judging.Lock()
		p.in.tally, p.before = Tally{}, p.out.next
		p.judging.Unlock()
	}
	t.talking.Store(true)
	t.mark()
	if a.Rate > 0 {
		for i, p := range t.pairs {
			t.senders.Go(func() { t.pace(ctx, p, i) })
		}
		return nil
	}
	for range a.Window {
		for _, p := range t.pairs {
			t.send(p, time.Since(t.base))
		}
	}
	return nil
}

// pace sends at the pair's share of the rate. The pairs take turns. A message
// is stamped with the time when it should have been sent.
func (t *traffic) pace(ctx context.Context, p *pair, i int) {
	gap := time.Duration(float64(len(t.pairs)) / t.args.Rate * float64(time.Second))
	due := time.Since(t.base) + gap*time.Duration(i)/time.Duration(len(t.pairs))
	for ; t.talking.Load() && ctx.Err() == nil; due += gap {
		sleepUntil(ctx, t.base.Add(due))
		t.send(p, due)
	}
}

// mark returns what happened since the mark before.
func (t *traffic) mark() Mark {
	m := Mark{Latency: t.latency.Swap(new(meter.Hist))}
	for _, p := range t.pairs {
		m.Sent += p.sent.Load()
		m.Delivered += p.delivered.Load()
	}
	last := t.last
	t.last = Mark{Sent: m.Sent, Delivered: m.Delivered}
	m.Sent -= last.Sent
	m.Delivered -= last.Delivered
	return m
}

// patience is how long nothing may arrive before what is missing counts as lost.
const patience = 2 * time.Second

// stop ends the talking, waits for what is on its way and judges the run.
func (t *traffic) stop(ctx context.Context) Tally {
	t.talking.Store(false)
	t.senders.Wait()
	t.drain(ctx)
	var sum Tally
	for _, p := range t.pairs {
		p.sending.Lock()
		sent := p.out.next
		p.sending.Unlock()
		p.judging.Lock()
		sum.add(p.in.finish(sent, p.before))
		p.judging.Unlock()
	}
	return sum
}

// drain waits until all that was sent has arrived, or nothing more does.
func (t *traffic) drain(ctx context.Context) {
	last, since := uint64(0), time.Now()
	for ctx.Err() == nil && time.Since(since) < patience {
		var sent, delivered uint64
		for _, p := range t.pairs {
			sent += p.sent.Load()
			delivered += p.delivered.Load()
		}
		if delivered == sent {
			return
		}
		if delivered != last {
			last, since = delivered, time.Now()
		}
		sleepUntil(ctx, time.Now().Add(2*time.Millisecond))
	}
}
