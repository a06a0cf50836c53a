package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
	"trunkline/internal/simnet"
)

func secret(t testing.TB, name string) *blubbel.SecretKey {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	k, err := blubbel.ParseSecretKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// town is a simulated network with one relay.
type town struct {
	t     *testing.T
	net   *simnet.Net
	relay *simnet.Node
	conf  server.Config
	close func() // the relay
}

func newTown(t *testing.T, n simnet.Config, c server.Config) *town {
	w := &town{t: t, net: simnet.New(n), conf: c}
	w.relay = w.net.Host("relay")
	w.open()
	return w
}

// open starts the relay.
func (w *town) open() {
	w.t.Helper()
	s, err := server.New(w.conf)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := w.relay.Listen(8000)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	w.close = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("relay: %v", err)
		}
	})
	w.t.Cleanup(func() { w.close() })
}

// user is a client that runs, with what it was told.
type user struct {
	*client.Client
	t    *testing.T
	node *simnet.Node
	ran  chan error

	mu   sync.Mutex
	told []client.Event
}

// run runs a client until the test ends, or stop is called.
func run(t *testing.T, c client.Config) (u *user, stop func()) {
	t.Helper()
	cl, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	u = &user{Client: cl, t: t, ran: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-u.ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	go func() { u.ran <- cl.Run(ctx) }()
	return u, stop
}

// listen takes the events.
func (u *user) listen() {
	for e := range u.Events() {
		u.mu.Lock()
		u.told = append(u.told, e)
		u.mu.Unlock()
	}
}

// enter starts a client in the town, whose events are taken.
func (w *town) enter(name string, change ...func(*client.Config)) *user {
	w.t.Helper()
	node := w.net.Host(name)
	c := client.Config{Key: secret(w.t, name), Server: "relay:8000", Dial: node.Dial}
	for _, f := range change {
		f(&c)
	}
	u, stop := run(w.t, c)
	u.node = node
	listened := make(chan struct{})
	go func() { u.listen(); close(listened) }()
	w.t.Cleanup(func() { stop(); <-listened })
	return u
}

// texts returns what u received so far.
func (u *user) texts() (all []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, e := range u.told {
		if r, ok := e.(client.Received); ok {
			all = append(all, r.Text)
		}
	}
	return all
}

// count returns how many events of the kind of e were told.
func (u *user) count(e client.Event) (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, told := range u.told {
		if fmt.Sprintf("%T", told) == fmt.Sprintf("%T", e) {
			n++
		}
	}
	return n
}

func (u *user) add(o *user) {
	u.t.Helper()
	if err := u.Add(u.t.Context(), o.Self()); err != nil {
		u.t.Fatal(err)
	}
}

func (u *user) send(o *user, text string) {
	u.t.Helper()
	if _, err := u.Send(u.t.Context(), o.Self(), text); err != nil {
		u.t.Fatal(err)
	}
}

// numbers are the texts "1" to "n" with an ending.
func numbers(n int, ending string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(i+1, ending))
	}
	return all
}

func (u *user) wantsTexts(want []string) {
	u.t.Helper()
	if got := u.texts(); !slices.Equal(got, want) {
		u.t.Errorf("%d texts came, want %d; last %q", len(got), len(want), got[max(0, len(got)-3):])
	}
}

func TestTwoClientsTalkThroughARelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		line := simnet.Link{Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond}
		w := newTown(t, simnet.Config{Path: line, Chop: true}, server.Config{FramesPerSecond: -1})
		ann, ben := w.enter("ann"), w.enter("raw")
		time.Sleep(time.Second)
		ann.add(ben)
		time.Sleep(time.Second)
		if got := ben.count(client.Request{}); got != 1 {
			t.Fatalf("%d requests, want 1", got)
		}
		ben.add(ann)
		for i := range 1000 {
			ann.send(ben, fmt.Sprint(i+1, " from ann"))
			ben.send(ann, fmt.Sprint(i+1, " from ben"))
		}
		time.Sleep(time.Minute)
		ann.wantsTexts(numbers(1000, " from ben"))
		ben.wantsTexts(numbers(1000, " from ann"))
		if got := ann.count(client.Sent{}); got != 1000 {
			t.Errorf("%d texts were told as sent, want 1000", got)
		}
		list, err := ann.Contacts(t.Context())
		want := client.Contact{Key: ben.Self(), State: client.Open}
		if err != nil || len(list) != 1 || list[0] != want {
			t.Errorf("contacts %v, %v; want %v", list, err, want)
		}
	})
}

func TestTextsSurviveARelayThatIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{Path: simnet.Link{Delay: 5 * time.Millisecond}}, server.Config{})
		ann := w.enter("ann", func(c *client.Config) { c.Contacts = []blubbel.PublicKey{secret(t, "ben").Public()} })
		ben := w.enter("ben", func(c *client.Config) { c.AutoAccept = true })
		time.Sleep(2 * time.Second)
		ann.send(ben, "1")
		time.Sleep(time.Second)
		w.close()
		time.Sleep(time.Minute)
		ann.send(ben, "2")
		ann.send(ben, "3")
		if got := ann.count(client.Offline{}); got < 6 || got > 20 {
			t.Errorf("%d attempts to connect in a minute", got)
		}
		w.open()
		time.Sleep(30 * time.Second)
		ann.send(ben, "4")
		time.Sleep(time.Second)
		ben.wantsTexts([]string{"1", "2", "3", "4"})
		if ann.count(client.Online{}) != 2 || ben.count(client.Online{}) != 2 {
			t.Errorf("logins: %d and %d, want 2 each", ann.count(client.Online{}), ben.count(client.Online{}))
		}
	})
}

func TestTextsSurviveAPeerWhoReconnects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{Path: simnet.Link{Delay: 5 * time.Millisecond}}, server.Config{})
		ann := w.enter("ann")
		bensKey := secret(t, "ben")
		c := client.Config{Key: bensKey, Server: "relay:8000", Dial: w.net.Host("ben").Dial, AutoAccept: true}
		first, stop := run(t, c)
		go first.listen()
		time.Sleep(time.Second)
		ann.add(first)
		time.Sleep(time.Second)
		stop()
		time.Sleep(time.Second)
		ann.send(first, "shows that ben is gone")
		time.Sleep(time.Second)
		ann.send(first, "waits")
		ann.send(first, "too")
		time.Sleep(time.Minute)
		second, stop := run(t, c)
		defer stop()
		go second.listen()
		time.Sleep(20 * time.Second)
		second.wantsTexts([]string{"waits", "too"})
	})
}

func TestASecondLoginEndsTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{}, server.Config{})
		cl, err := client.New(client.Config{Key: secret(t, "ann"), Server: "relay:8000", Dial: w.net.Host("old").Dial})
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		go func() { ran <- cl.Run(context.Background()) }()
		time.Sleep(time.Second)
		w.enter("ann")
		err = <-ran
		if code, ok := errors.AsType[*blubbel.Error](err); !ok || code.Code != blubbel.CodeKeyInUse {
			t.Errorf("Run: %v, want error 4", err)
		}
		var kinds []string
		for e := range cl.Events() {
			kinds = append(kinds, fmt.Sprintf("%T", e))
		}
		if want := []string{"client.Online", "client.Offline"}; !slices.Equal(kinds, want) {
			t.Errorf("told %v, want %v", kinds, want)
		}
		if _, err := cl.Contacts(t.Context()); !errors.Is(err, client.ErrEnded) {
			t.Errorf("Contacts after the end: %v", err)
		}
		if err := cl.Run(t.Context()); err == nil {
			t.Error("runs a second time")
		}
	})
}

func TestARefusedKeyEndsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{}, server.Config{RefuseRaw: true})
		cl, err := client.New(client.Config{Key: secret(t, "raw"), Server: "relay:8000", Dial: w.net.Host("raw").Dial})
		if err != nil {
			t.Fatal(err)
		}
		if err := cl.Run(t.Context()); !errors.Is(err, &blubbel.Error{Code: blubbel.CodeBadKey}) {
			t.Errorf("Run: %v, want error 5", err)
		}
	})
}

func TestAConsumerThatPausesLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{}, server.Config{Stall: 24 * time.Hour, FramesPerSecond: -1})
		ann := w.enter("ann")
		ben, stop := run(t, client.Config{Key: secret(t, "raw"), Server: "relay:8000", Dial: w.net.Host("raw").Dial, AutoAccept: true})
		time.Sleep(time.Second)
		ann.add(ben)
		time.Sleep(time.Second)
		const n = 15_000
		for i := range n {
			ann.send(ben, fmt.Sprint(i+1, ""))
		}
		time.Sleep(time.Second)
		if got := ben.Stats().Received; got < 4000 || got > 6000 {
			t.Errorf("%d texts read by a client whose events nobody takes, want some 4,096", got)
		}
		if _, err := ben.Contacts(t.Context()); err != nil {
			t.Errorf("actions while events wait: %v", err)
		}
		listened := make(chan struct{})
		go func() { ben.listen(); close(listened) }()
		time.Sleep(10 * time.Second)
		stop()
		<-listened
		ben.wantsTexts(numbers(n, ""))
	})
}

func TestAnEchoNeverBlocksItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{}, server.Config{FramesPerSecond: -1})
		ann := w.enter("ann")
		echo, stop := run(t, client.Config{Key: secret(t, "raw"), Server: "relay:8000", Dial: w.net.Host("raw").Dial, AutoAccept: true})
		defer stop()
		go func() {
			for e := range echo.Events() {
				if r, ok := e.(client.Received); ok {
					if _, err := echo.Send(context.Background(), r.From, r.Text); err != nil {
						t.Errorf("echo: %v", err)
					}
				}
			}
		}()
		time.Sleep(time.Second)
		ann.add(echo)
		time.Sleep(time.Second)
		const n = 12_000
		for i := range n {
			ann.send(echo, fmt.Sprint(i+1, ""))
		}
		time.Sleep(10 * time.Second)
		ann.wantsTexts(numbers(n, ""))
	})
}

func TestUntakenEventsOfSentStopTheSending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{}, server.Config{FramesPerSecond: -1})
		ann, stop := run(t, client.Config{Key: secret(t, "raw"), Server: "relay:8000", Dial: w.net.Host("raw").Dial, Outbox: 20_000})
		ben := w.enter("ann", func(c *client.Config) { c.AutoAccept = true })
		time.Sleep(time.Second)
		ann.add(ben)
		time.Sleep(time.Second)
		const n = 15_000
		for i := range n {
			ann.send(ben, fmt.Sprint(i+1, ""))
		}
		time.Sleep(time.Second)
		if got := ann.Stats().Sent; got < 4000 || got > 6000 {
			t.Errorf("%d texts sent by a client whose events nobody takes, want some 4,096", got)
		}
		go ann.listen()
		time.Sleep(10 * time.Second)
		ben.wantsTexts(numbers(n, ""))
		stop()
	})
}

// lateConn tells of what it wrote a while later.
type lateConn struct{ net.Conn }

func (c lateConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	time.Sleep(200 * time.Millisecond)
	return n, err
}

func TestWhatTheSocketTookIsToldBeforeTheEndAndNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{}, server.Config{})
		ben := w.enter("ben", func(c *client.Config) { c.AutoAccept = true })
		ann := w.enter("ann", func(c *client.Config) {
			dial := c.Dial
			c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				return lateConn{conn}, err
			}
		})
		time.Sleep(2 * time.Second)
		ann.add(ben)
		time.Sleep(2 * time.Second)
		ann.send(ben, "once")
		time.Sleep(100 * time.Millisecond)
		w.close()
		time.Sleep(time.Second)
		if ann.count(client.Sent{}) != 1 || ann.count(client.Offline{}) == 0 {
			t.Errorf("%d texts told as sent, %d times offline", ann.count(client.Sent{}), ann.count(client.Offline{}))
		}
		w.open()
		time.Sleep(time.Minute)
		ben.wantsTexts([]string{"once"})
	})
}

// pipe returns a dialler whose connections come out at the other end.
func pipe() (dial func(context.Context, string, string) (net.Conn, error), relay <-chan net.Conn) {
	conns := make(chan net.Conn, 1)
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, conns
}

// whyOffline returns the reason of the n-th Offline event.
func (u *user) whyOffline(n int) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, e := range u.told {
		if o, ok := e.(client.Offline); ok {
			if n--; n == 0 {
				return o.Why
			}
		}
	}
	return nil
}

func TestARelayThatStopsReadingIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dial, relay := pipe()
		u, stop := run(t, client.Config{Key: secret(t, "raw"), Dial: dial})
		go u.listen()
		c := <-relay
		defer c.Close()
		if _, err := io.ReadFull(c, make([]byte, wire.HeadSize+blubbel.RawKeySize)); err != nil {
			t.Fatal(err)
		}
		c.Write(wire.AppendHead(nil, wire.KindLogin, 0))
		synctest.Wait()
		if err := u.Add(t.Context(), secret(t, "ann").Public()); err != nil { // a Start that nobody reads
			t.Fatal(err)
		}
		time.Sleep(30*time.Second - time.Nanosecond)
		synctest.Wait()
		if why := u.whyOffline(1); why != nil {
			t.Fatalf("given up early: %v", why)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if why := u.whyOffline(1); !errors.Is(why, os.ErrDeadlineExceeded) {
			t.Errorf("offline: %v, want the deadline of the write", why)
		}
		stop()
		drain(relay)
	})
}

// drain closes connections that were made meanwhile.
func drain(relay <-chan net.Conn) {
	for {
		select {
		case c := <-relay:
			c.Close()
		default:
			return
		}
	}
}

func TestASilentRelayIsLeftAfter15Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dial, relay := pipe()
		u, stop := run(t, client.Config{Key: secret(t, "raw"), Dial: dial})
		go u.listen()
		c := <-relay
		go io.Copy(io.Discard, c)
		time.Sleep(15*time.Second - time.Nanosecond)
		synctest.Wait()
		if why := u.whyOffline(1); why != nil {
			t.Fatalf("left early: %v", why)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if why := u.whyOffline(1); why == nil || !strings.Contains(why.Error(), "login") {
			t.Errorf("offline: %v", why)
		}
		stop()
		drain(relay)
	})
}

func TestADialThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, stop := run(t, client.Config{Key: secret(t, "raw"), Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		go u.listen()
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if why := u.whyOffline(1); !errors.Is(why, context.DeadlineExceeded) {
			t.Errorf("offline: %v", why)
		}
		stop()
	})
}

func TestAFrameAboveTheLimitEndsTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dial, relay := pipe()
		u, stop := run(t, client.Config{Key: secret(t, "raw"), Dial: dial})
		go u.listen()
		c := <-relay
		go io.Copy(io.Discard, c)
		c.Write(wire.AppendHead(nil, wire.KindLogin, 0))
		c.Write([]byte{0x77, 0, 0, 0, 3, 1, 2, 3}) // an unknown type does no harm
		c.Write([]byte{0x04, 0, 0, 0, 3, 1, 2, 3}) // nor does a message that does not parse
		c.Write([]byte{0x04, 0xff, 0xff, 0xff, 0xff})
		synctest.Wait()
		if why := u.whyOffline(1); !errors.Is(why, wire.ErrTooLarge) {
			t.Errorf("offline: %v", why)
		}
		if got := u.Stats().Malformed; got != 2 {
			t.Errorf("malformed %d, want 2", got)
		}
		stop()
		drain(relay)
	})
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cl, err := client.New(client.Config{Key: secret(t, "raw")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cl.Send(ctx, secret(t, "ann").Public(), "before Run"); !errors.Is(err, context.Canceled) {
		t.Errorf("Send: %v", err)
	}
}

func TestAConsumerMayStopAndComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{}, server.Config{})
		u, stop := run(t, client.Config{Key: secret(t, "raw"), Server: "relay:8000", Dial: w.net.Host("raw").Dial})
		for e := range u.Events() {
			if _, ok := e.(client.Online); !ok {
				t.Errorf("first event %T", e)
			}
			break
		}
		w.close()
		for e := range u.Events() {
			if _, ok := e.(client.Offline); !ok {
				t.Errorf("second event %T", e)
			}
			break
		}
		stop()
	})
}

func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log bytes.Buffer
		handler := slog.NewJSONHandler(lockedWriter{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug})
		config := func(c *client.Config) { c.Log = slog.New(handler); c.AutoAccept = true }
		w := newTown(t, simnet.Config{}, server.Config{Log: slog.New(handler)})
		ann, ben := w.enter("ann", config), w.enter("raw", config)
		time.Sleep(time.Second)
		ann.add(ben)
		time.Sleep(time.Second)
		ann.send(ben, "a word in confidence")
		time.Sleep(time.Second)
		w.close()
		time.Sleep(time.Second)
		ben.wantsTexts([]string{"a word in confidence"})
		mu.Lock()
		defer mu.Unlock()
		if !strings.Contains(log.String(), "logged in") || !strings.Contains(log.String(), "offline") {
			t.Errorf("the log tells nothing of connections: %s", log.String())
		}
		secretPEM, _ := os.ReadFile("testdata/ann.pem")
		for _, s := range []string{"confidence", "Y29uZmlkZW5jZQ", string(secretPEM[40:80]), ann.Self().String()} {
			if strings.Contains(log.String(), s) {
				t.Errorf("the log holds %q", s)
			}
		}
	})
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func TestSeveralContactsComeAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, simnet.Config{}, server.Config{StartRecipientRate: 1000})
		names := []string{"ben", "eve", "rob"}
		hub := w.enter("raw", func(c *client.Config) { c.AutoAccept = true })
		time.Sleep(time.Second)
		var users []*user
		for _, name := range names {
			users = append(users, w.enter(name))
		}
		time.Sleep(time.Second)
		for _, u := range users {
			u.add(hub)
			u.send(hub, "at once")
		}
		time.Sleep(time.Second)
		hub.wantsTexts([]string{"at once", "at once", "at once"})
	})
}
