package server_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

func TestServeConnTellsWhyTheConnectionEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(c *client, cancel func())
		want error
	}{
		"client left":    {func(c *client, _ func()) { _ = c.c.Close() }, nil},
		"context":        {func(_ *client, cancel func()) { cancel() }, nil},
		"never logs in":  {func(*client, func()) {}, server.ErrLoginTimeout},
		"error of ours":  {func(c *client, _ func()) { c.writes([]byte{9, 0, 0, 0, 0}); c.refused(1) }, &blubbel.Error{Code: blubbel.CodeBadFrame}},
		"too large":      {func(c *client, _ func()) { c.writes([]byte{1, 9, 0, 0, 0}); c.refused(8) }, &blubbel.Error{Code: blubbel.CodeTooLarge}},
		"one too many":   {func(c *client, _ func()) { c.gone() }, server.ErrTooManyPending},
		"left in a half": {func(c *client, _ func()) { c.writes([]byte{1, 0}); _ = c.c.Close() }, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, err := server.New(server.Config{LimitLoopback: true, PendingPerAddress: 1})
			if err != nil {
				t.Fatal(err)
			}
			if errors.Is(c.want, server.ErrTooManyPending) {
				other, end := net.Pipe()
				defer other.Close()
				go s.ServeConn(t.Context(), end)
				synctest.Wait()
			}
			ours, theirs := net.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			result := make(chan error, 1)
			go func() { result <- s.ServeConn(ctx, theirs) }()
			synctest.Wait()
			c.do(&client{t: t, c: ours}, cancel)
			if got := <-result; !errors.Is(got, c.want) {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
			}
			if _, err := ours.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s: the connection is open", name)
			}
		})
	}
}

func TestServerEndsAtOnceWhenIdle(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		clients := []*client{x.raw(1), x.connect(), x.der(derKey(t, 1))}
		began := time.Now()
		x.stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
		for _, c := range clients {
			c.gone()
		}
		if s := x.s.Stats(); s.Connections != 0 || s.LoggedIn != (server.ByForm{}) {
			t.Errorf("connections are left: %+v", s)
		}
	})
}

func TestServerEndsAfterQueuesHadAShortTime(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		const messages = 300
		a, b := x.raw(1), x.raw(2)
		meet(a, b)
		for range messages {
			a.sends(&wire.Message{Peer: b.key.Bytes(), Sealed: make([]byte, 1000)})
		}
		synctest.Wait() // more than the network holds: the rest is queued
		got := make(chan int, 1)
		go func() {
			n := 0
			for _, err := b.read(); err == nil; _, err = b.read() {
				n++
			}
			_ = b.c.Close()
			got <- n
		}()
		began := time.Now()
		x.stop()
		if took := time.Since(began); took >= time.Second {
			t.Errorf("took %v although the client reads", took)
		}
		if n := <-got; n != messages {
			t.Errorf("%d of %d messages arrived", n, messages)
		}
	})
}

func TestServerEndsWhileASenderWaitsForAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		a, b := x.raw(1), x.raw(2)
		meet(a, b)
		frame := frameOf(t, &wire.Message{Peer: b.key.Bytes(), Sealed: make([]byte, 1000)})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				if _, err := a.c.Write(frame); err != nil {
					return
				}
			}
		})
		synctest.Wait()
		if x.s.Stats().Stalls == 0 {
			t.Fatal("the sender does not wait")
		}
		began := time.Now()
		x.stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v, want 1s at most", took)
		}
		wg.Wait()
	})
}

// A lateListener accepts one connection, a second after it was closed.
type lateListener struct {
	net.Listener
	closed chan struct{}
	conn   net.Conn
}

func (l *lateListener) Accept() (net.Conn, error) {
	<-l.closed
	time.Sleep(time.Second)
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	c := l.conn
	l.conn = nil
	return c, nil
}

func (l *lateListener) Close() error {
	close(l.closed)
	return nil
}

func (l *lateListener) Addr() net.Addr { return l.conn.LocalAddr() }

func TestConnectionAcceptedTooLateIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := server.New(server.Config{})
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if err := s.Serve(ctx, &lateListener{closed: make(chan struct{}), conn: theirs}); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("took %v, want 2s: the connection was served", took)
		}
		(&client{t: t, c: ours}).ended()
	})
}

func TestOneListenerEndsWithoutTheConnectionsOfAnother(t *testing.T) {
	t.Parallel()
	x := loopback(t, server.Config{})
	a := x.raw(1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.s.Serve(ctx, l) }()
	second, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	b := &client{t: t, c: second, key: rawKey(2)}
	b.sends(&wire.Login{Key: b.key.Bytes()})
	b.gets(&wire.LoginAccepted{})
	meet(a, b)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	b.gone()
	a.sends(&wire.Message{Peer: b.key.Bytes()})
	a.refused(6)
}

func TestServeReturnsTheErrorOfABrokenListener(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := s.Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want that the listener is closed", err)
	}
}
