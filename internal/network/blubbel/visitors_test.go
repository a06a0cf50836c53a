package blubbel

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/internal/config"
	"trunkline/internal/simnet"
)

// crowd makes many raw keys of few primes, which is quick.
func crowd(t *testing.T, many int) (keys []*blubbel.SecretKey) {
	t.Helper()
	var primes []*big.Int
	for len(keys) < many {
		p, err := rand.Prime(rand.Reader, 512)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range primes {
			if k := pair(p, q); k != nil && len(keys) < many {
				keys = append(keys, k)
			}
		}
		primes = append(primes, p)
	}
	return keys
}

// pair is the key of two primes; nil if they make none.
func pair(p, q *big.Int) *blubbel.SecretKey {
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(big.NewInt(65537), phi)
	if d == nil {
		return nil
	}
	key, err := blubbel.NewSecretKey(&rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q},
	})
	if err != nil {
		return nil
	}
	return key
}

// hall is an echo contact in a simulated internet.
type hall struct {
	t       *testing.T
	net     *simnet.Net
	adapter *Adapter
	echo    *client.Client
	server  string
}

// open starts a relay and its echo contact, until the end of the bubble.
func open(t *testing.T, key *blubbel.SecretKey, change func(*config.Blubbel)) *hall {
	t.Helper()
	h := &hall{t: t, net: simnet.New(simnet.Config{Seed: 1})}
	host := h.net.Host("relay")
	l, err := host.Listen(8000)
	if err != nil {
		t.Fatal(err)
	}
	h.server = net.JoinHostPort(host.Addr().String(), "8000")
	settings := config.Default().Blubbel
	change(&settings)
	if h.adapter, err = New(Config{Listener: l, Settings: settings}); err != nil {
		t.Fatal(err)
	}
	h.echo, err = client.New(client.Config{Key: key, Server: h.server, Dial: host.Dial, AutoAccept: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.adapter.Run(ctx); err != nil {
			t.Errorf("adapter ended with %v", err)
		}
	})
	running.Go(func() {
		if err := h.adapter.converse(ctx, h.echo); err != nil {
			t.Errorf("echo contact ended with %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return h
}

// visit says hello, hears it back, and leaves.
func (h *hall) visit(from *simnet.Node, key *blubbel.SecretKey) {
	h.t.Helper()
	c, err := client.New(client.Config{
		Key: key, Server: h.server, Dial: from.Dial, Contacts: []blubbel.PublicKey{h.echo.Self()},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	defer running.Wait()
	defer stop()
	if _, err := c.Send(ctx, h.echo.Self(), "hello"); err != nil {
		h.t.Fatal(err)
	}
	for e := range c.Events() {
		if got, ok := e.(client.Received); ok && got.Text == "hello" {
			return
		}
	}
	h.t.Error("no answer within a minute")
}

func (h *hall) contacts() int {
	h.t.Helper()
	list, err := h.echo.Contacts(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return len(list)
}

func TestEchoContactForgetsVisitorsOfLongAgo(t *testing.T) {
	t.Parallel()
	const most, many = 15, 50
	keys := crowd(t, many+1)
	synctest.Test(t, func(t *testing.T) {
		h := open(t, keys[many], func(c *config.Blubbel) { c.Sessions = most })
		from := h.net.Host("visitors")
		for i, key := range keys[:many] {
			h.visit(from, key)
			synctest.Wait()
			if n := h.contacts(); n > most {
				t.Fatalf("%d contacts after %d visitors, at most %d are wanted", n, i+1, most)
			}
		}
		if n := h.contacts(); n != most {
			t.Errorf("%d contacts in the end, want %d", n, most)
		}
	})
}

func TestVisitorWhoTalksStays(t *testing.T) {
	t.Parallel()
	keys := crowd(t, 4)
	v := newVisitors(2)
	key := func(i int) blubbel.PublicKey { return keys[i].Public() }
	for i, step := range []struct {
		event client.Event
		gone  []int
	}{
		{client.ContactChanged{Contact: client.Contact{Key: key(0), State: client.Asked}}, nil},
		{client.ContactChanged{Contact: client.Contact{Key: key(1), State: client.Open}}, nil},
		{client.Received{From: key(0)}, nil},
		{client.ContactChanged{Contact: client.Contact{Key: key(2), State: client.Asked}}, []int{1}},
		{client.ContactChanged{Contact: client.Contact{Key: key(1), State: client.Gone}}, []int{1}},
		{client.ContactChanged{Contact: client.Contact{Key: key(0), State: client.Gone}}, []int{0}},
		{client.Received{From: key(3)}, nil},
		{client.Online{}, nil},
		{client.Received{From: key(1)}, []int{2}},
	} {
		gone := v.leave(step.event)
		if len(gone) != len(step.gone) || len(gone) > 0 && gone[0] != key(step.gone[0]) {
			t.Errorf("step %d: %d have to go, want %d", i, len(gone), len(step.gone))
		}
	}
}

func TestAnswersThatWaitAreCountedUntilTheirEnd(t *testing.T) {
	t.Parallel()
	v := newVisitors(1)
	v.answering(1, 10)
	v.answering(2, 5)
	v.answered(1)
	v.answered(7)
	if v.waiting != 5 || len(v.answers) != 1 {
		t.Errorf("%d bytes wait of %d answers", v.waiting, len(v.answers))
	}
	v.answered(2)
	if v.waiting != 0 || len(v.answers) != 0 {
		t.Errorf("%d bytes wait of %d answers", v.waiting, len(v.answers))
	}
}

// deaf is a connection that nobody reads once told so.
type deaf struct {
	net.Conn
	told, closed chan struct{}
	once         sync.Once
}

func (d *deaf) Read(b []byte) (int, error) {
	select {
	case <-d.told:
		<-d.closed
		return 0, net.ErrClosed
	default:
		return d.Conn.Read(b)
	}
}

func (d *deaf) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Conn.Close()
}

func TestEchoContactDoesNotHeapUpAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	keys := crowd(t, 2)
	synctest.Test(t, func(t *testing.T) {
		h := open(t, keys[0], func(c *config.Blubbel) { c.FramesPerSecond = 0 })
		told := make(chan struct{})
		c, err := client.New(client.Config{
			Key: keys[1], Server: h.server, Contacts: []blubbel.PublicKey{h.echo.Self()},
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := h.net.Host("flooder").Dial(ctx, network, address)
				return &deaf{Conn: conn, told: told, closed: make(chan struct{})}, err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { _ = c.Run(ctx) })
		for e := range c.Events() {
			if changed, ok := e.(client.ContactChanged); ok && changed.Contact.State == client.Open {
				break
			}
		}
		close(told)
		text := string(make([]byte, 60_000))
		for range 2 * maxWaiting / len(text) {
			if _, err := c.Send(ctx, h.echo.Self(), text); err != nil {
				t.Fatal(err)
			}
		}
		most := 0
		for range 300 { // the relay cuts who does not read after five seconds
			time.Sleep(10 * time.Millisecond)
			list, err := h.echo.Contacts(ctx)
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, list[0].Waiting*len(text))
		}
		if most > maxWaiting || most < maxWaiting/2 {
			t.Errorf("%d bytes wait, want up to %d", most, maxWaiting)
		}
		stop()
		running.Wait()
	})
}
