//go:build linux

package load

import (
	"context"
	"net"
	"sync"
	"time"

	"trunkline/internal/bench/meter"
)

// JoinArgs say who joins: clients First to First+N-1 of a protocol, Conc at once.
type JoinArgs struct {
	Protocol string `json:"protocol"`
	Target
	First int `json:"first"`
	N     int `json:"n"`
	Conc  int `json:"conc"`
}

// Joined is what became of it.
type Joined struct {
	N      int           `json:"n"` // joined by this call
	Failed int           `json:"failed"`
	Err    string        `json:"err,omitempty"` // the first failure
	Took   time.Duration `json:"took"`
}

// Void says why a run with these clients does not count, or "".
func (j Joined) Void() string {
	if j.Failed > 0 {
		return "clients could not join: " + j.Err
	}
	return ""
}

// A crowd is clients that are joined and held.
type crowd struct {
	protocol Protocol
	clients  []Client
	traffic  *traffic
	wg       sync.WaitGroup // readers of the traffic
}

// join adds clients; those that joined before stay.
func (c *crowd) join(ctx context.Context, a JoinArgs) (Joined, error) {
	p, err := ProtocolByName(a.Protocol)
	if err != nil {
		return Joined{}, err
	}
	if c.protocol == nil {
		c.protocol = p
	}
	grown := make([]Client, a.N)
	start := time.Now()
	failed, first := each(ctx, a.N, a.Conc, func(i int) (err error) {
		grown[i], err = c.protocol.Join(ctx, a.Target, a.First+i)
		return err
	})
	took := time.Since(start)
	if failed == 0 && first != nil {
		return Joined{}, first
	}
	for _, x := range grown {
		if x != nil {
			c.clients = append(c.clients, x)
		}
	}
	return Joined{N: a.N - failed, Failed: failed, Err: text(first), Took: took}, nil
}

// leave closes all connections, at once and without a word, and waits for the
// readers to end.
func (c *crowd) leave() {
	if c.traffic != nil {
		c.traffic.leaving.Store(true)
	}
	for _, x := range c.clients {
		_ = x.Conn().Close()
	}
	c.wg.Wait()
	c.clients, c.traffic = nil, nil
}

// held counts the clients whose connection the server has not closed.
func (c *crowd) held() (n int) {
	for _, x := range c.clients {
		if open(x.Conn()) {
			n++
		}
	}
	return n
}

// SignInArgs say who signs in and leaves at once: one after the other on Conc
// connections, or, with a Rate, as many a second whatever the server does.
type SignInArgs struct {
	JoinArgs
	Rate float64 `json:"rate"`
}

// SignIns is what became of them. Latency counts from when each should have
// begun to when it was signed in.
type SignIns struct {
	Joined
	Latency *meter.Hist `json:"latency"`
}

// maxAtOnce bounds the sign-ins under way at an offered rate.
const maxAtOnce = 1024

// signIns runs sign-ins and returns when all have ended.
func signIns(ctx context.Context, a SignInArgs) (SignIns, error) {
	p, err := ProtocolByName(a.Protocol)
	if err != nil {
		return SignIns{}, err
	}
	if ready, ok := p.(interface{ Prepare(i int) error }); ok {
		for i := range a.N {
			if err := ready.Prepare(a.First + i); err != nil {
				return SignIns{}, err
			}
		}
	}
	latency, start := new(meter.Hist), time.Now()
	conc, gap := a.Conc, time.Duration(0)
	if a.Rate > 0 {
		conc, gap = maxAtOnce, time.Duration(float64(time.Second)/a.Rate)
	}
	failed, first := each(ctx, a.N, min(conc, a.N), func(i int) error {
		due := time.Now()
		if gap > 0 {
			due = start.Add(time.Duration(i) * gap)
			sleepUntil(ctx, due)
		}
		x, err := p.Join(ctx, a.Target, a.First+i)
		if err != nil {
			return err
		}
		latency.Add(time.Since(due))
		return x.Conn().Close()
	})
	return SignIns{Joined{a.N - failed, failed, text(first), time.Since(start)}, latency}, nil
}

// ChurnArgs say who connects and leaves: N connections, Conc at once, every
// SignInEvery-th (0: none) signs in before it leaves.
type ChurnArgs struct {
	JoinArgs
	SignInEvery int `json:"sign_in_every"`
}

// churn connects and disconnects.
func churn(ctx context.Context, a ChurnArgs) (Joined, error) {
	p, err := ProtocolByName(a.Protocol)
	if err != nil {
		return Joined{}, err
	}
	start := time.Now()
	failed, first := each(ctx, a.N, a.Conc, func(i int) error {
		if a.SignInEvery > 0 && i%a.SignInEvery == 0 {
			x, err := p.Join(ctx, a.Target, a.First+i)
			if err != nil {
				return err
			}
			return x.Conn().Close()
		}
		c, err := dial(ctx, a.Addr, a.Source(i))
		if err != nil {
			return err
		}
		return c.Close()
	})
	return Joined{a.N - failed, failed, text(first), time.Since(start)}, nil
}

// sleepUntil waits for due or the end of ctx.
func sleepUntil(ctx context.Context, due time.Time) {
	d := time.Until(due)
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// shrink makes the kernel hold little of what c does not read.
func shrink(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetReadBuffer(4096)
	}
}
