//go:build linux

package load

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"trunkline/blubbel/client"
	"trunkline/internal/bench/keyring"
)

// ConverseArgs say what two whole clients, which seal and open, tell each other:
// N texts, after they have agreed on a session.
type ConverseArgs struct {
	Addr string `json:"addr"`
	N    int    `json:"n"`
}

// Conversed is what became of it: the texts that arrived in order and as sent,
// and how long all of it took.
type Conversed struct {
	Delivered int           `json:"delivered"`
	Took      time.Duration `json:"took"`
}

// The keys of the two, which no other client of a load has.
const (
	firstTalker  = 14_900
	secondTalker = 14_901
)

// converse checks a relay with the real client while others load it.
func converse(ctx context.Context, a ConverseArgs) (Conversed, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	start := time.Now()
	from, err := talker(a.Addr, firstTalker)
	if err != nil {
		return Conversed{}, err
	}
	to, err := talker(a.Addr, secondTalker)
	if err != nil {
		return Conversed{}, err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	online, ended := make(chan struct{}, 2), make(chan error, 2)
	texts := make(chan string, a.N)
	for _, c := range []*client.Client{from, to} {
		wg.Go(func() { ended <- c.Run(ctx) })
		wg.Go(func() { follow(c, online, texts) })
	}
	for range 2 {
		if err := either(ctx, online, ended); err != nil {
			return Conversed{}, err
		}
	}
	if err := from.Add(ctx, to.Self()); err != nil {
		return Conversed{}, err
	}
	for i := range a.N {
		if _, err := from.Send(ctx, to.Self(), numbered(i)); err != nil {
			return Conversed{}, err
		}
	}
	n, err := inOrder(ctx, texts, a.N)
	return Conversed{n, time.Since(start)}, err
}

func numbered(i int) string { return fmt.Sprintf("text %d of a conversation", i) }

func talker(addr string, i int) (*client.Client, error) {
	key, err := keyring.Key(i)
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{
		Key: key, Server: addr, AutoAccept: true,
		Dial: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return dial(ctx, addr, Target{}.Source(i))
		},
	})
}

// follow takes the events of a client until it has ended.
func follow(c *client.Client, online chan<- struct{}, texts chan<- string) {
	for e := range c.Events() {
		switch e := e.(type) {
		case client.Online:
			select {
			case online <- struct{}{}:
			default:
			}
		case client.Received:
			select {
			case texts <- e.Text:
			default: // more than was sent: the count shows it
			}
		}
	}
}

func either(ctx context.Context, online <-chan struct{}, ended <-chan error) error {
	select {
	case <-online:
		return nil
	case err := <-ended:
		return fmt.Errorf("a client ended: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("a client does not get online: %w", ctx.Err())
	}
}

// inOrder counts the texts that are the next ones, up to n.
func inOrder(ctx context.Context, texts <-chan string, n int) (int, error) {
	for i := range n {
		select {
		case text := <-texts:
			if text != numbered(i) {
				return i, fmt.Errorf("%q came in place of text %d", text, i)
			}
		case <-ctx.Done():
			return i, fmt.Errorf("text %d of %d did not come: %w", i, n, ctx.Err())
		}
	}
	return n, nil
}
