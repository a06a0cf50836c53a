package server_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

// bubble runs a test in a simulated network, where time costs nothing and a
// goroutine that is left behind is a failure.
func bubble(t *testing.T, c server.Config, test func(t *testing.T, x *exchange)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, simulated(t, c)) })
}

func TestTwoClientsTalkThroughSockets(t *testing.T) {
	t.Parallel()
	talk := func(t *testing.T, x *exchange) {
		a, b := x.raw(1), x.der(derKey(t, 1)) // both forms of key side by side
		meet(a, b)
		a.says(b, "hello")
		b.says(a, "good day")
	}
	bubble(t, server.Config{}, talk)
	talk(t, loopback(t, server.Config{}))
}

func TestBreakingAnyRuleDisturbsNobodyElse(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		a, b := x.raw(1), x.der(derKey(t, 1))
		meet(a, b)
		message := func(key []byte) wire.Packet { return &wire.Message{Peer: key, Sealed: []byte("injected")} }
		for i, rule := range []struct {
			name   string
			login  bool
			send   []wire.Packet
			bytes  []byte
			codes  []blubbel.Code
			closed bool
		}{
			{name: "message before login", send: []wire.Packet{message(a.key.Bytes())}, codes: []blubbel.Code{2}, closed: true},
			{name: "unknown type", login: true, bytes: []byte{0x77, 0, 0, 0, 0}, codes: []blubbel.Code{1}, closed: true},
			{name: "error from a client", login: true, bytes: []byte{5, 0, 0, 0, 0}, codes: []blubbel.Code{1}, closed: true},
			{name: "frame without its key", login: true, bytes: []byte{4, 0, 0, 0, 1, 'x'}, codes: []blubbel.Code{1}, closed: true},
			{name: "second login", login: true, send: []wire.Packet{&wire.Login{Key: rawKey(9).Bytes()}}, codes: []blubbel.Code{3}},
			{name: "key in use", send: []wire.Packet{&wire.Login{Key: a.key.Bytes()}}, codes: []blubbel.Code{4}, closed: true},
			{name: "no key", send: []wire.Packet{&wire.Login{Key: []byte("x")}}, codes: []blubbel.Code{5}, closed: true},
			{name: "no recipient's key", login: true, send: []wire.Packet{message(make([]byte, 128))}, codes: []blubbel.Code{5}},
			{name: "recipient away", login: true, send: []wire.Packet{message(rawKey(9).Bytes())}, codes: []blubbel.Code{6}},
			{name: "no session", login: true, send: []wire.Packet{message(a.key.Bytes()), message(b.key.Bytes())}, codes: []blubbel.Code{7, 7}},
			{name: "accepting unasked", login: true, send: []wire.Packet{&wire.Accept{Peer: a.key.Bytes()}}, codes: []blubbel.Code{7}},
			{name: "4 GiB before login", bytes: []byte{1, 255, 255, 255, 255, 0}, codes: []blubbel.Code{8}, closed: true},
			{name: "4 GiB", login: true, bytes: []byte{4, 255, 255, 255, 255, 0}, codes: []blubbel.Code{8}, closed: true},
			{name: "above the limit", login: true, bytes: append([]byte{4, 0, 1, 0, 1}, make([]byte, 50_000)...), codes: []blubbel.Code{8}, closed: true},
		} {
			c := x.connect()
			if rule.login {
				c = x.raw(100 + i)
			}
			c.sends(rule.send...)
			c.writes(rule.bytes)
			for _, code := range rule.codes {
				c.refused(code)
			}
			if rule.closed {
				c.ended()
			} else {
				c.sends(&wire.Login{}) // answered: it is open
				c.refused(3)
			}
			a.says(b, rule.name)
			b.says(a, rule.name)
		}
	})
}

func TestFramesMayBeCutAnywhere(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		a := x.raw(1)
		stream := func(key blubbel.PublicKey) []byte {
			return append(frameOf(t, &wire.Login{Key: key.Bytes()}), frameOf(t, &wire.Start{Peer: a.key.Bytes(), Sealed: []byte("g^a")})...)
		}
		size := len(stream(rawKey(1)))
		for cut := range size {
			b := stream(rawKey(2 + cut))
			c := x.connect()
			c.writes(b[:cut])
			synctest.Wait()
			c.writes(b[cut:])
			c.gets(&wire.LoginAccepted{})
			a.gets(&wire.Start{Peer: rawKey(2 + cut).Bytes(), Sealed: []byte("g^a")})
			_ = c.c.Close()
			time.Sleep(100 * time.Millisecond) // the rate of requests to one
		}
		c := x.connect()
		for _, b := range stream(rawKey(2)) {
			c.writes([]byte{b})
			synctest.Wait()
		}
		c.gets(&wire.LoginAccepted{})
		a.gets(&wire.Start{Peer: rawKey(2).Bytes(), Sealed: []byte("g^a")})
	})
}

func TestLargestFramesPassWhole(t *testing.T) {
	t.Parallel()
	x := loopback(t, server.Config{MaxPayload: blubbel.HighestMaxPayload})
	a, b := x.raw(1), x.raw(2)
	meet(a, b)
	for _, size := range []int{0, 1, 8<<10 - 133, 64 << 10, blubbel.HighestMaxPayload - blubbel.RawKeySize} {
		body := bytes.Repeat([]byte{byte(size)}, size)
		a.says(b, string(body)) // larger than the queue: one frame always may wait
		b.says(a, string(body))
	}
	head := binary.BigEndian.AppendUint32([]byte{4}, blubbel.HighestMaxPayload+1)
	a.writes(head)
	a.refused(8)
	a.ended()
}

func TestClosingErrorReachesAClientThatGoesOnSending(t *testing.T) {
	t.Parallel()
	x := loopback(t, server.Config{})
	for i := range 20 {
		c := x.raw(i)
		c.writes(append([]byte{4, 255, 255, 255, 255}, make([]byte, 40_000)...))
		c.writes(make([]byte, 40_000))
		c.refused(8)
		c.ended()
		_ = c.c.Close()
	}
}

func TestProvenNewcomerTakesOverAndTheOldOneIsTold(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		k := derKey(t, 1)
		old, b := x.der(k), x.raw(1)
		meet(b, old)
		for range 10 {
			b.sends(&wire.Message{Peer: old.key.Bytes(), Sealed: []byte("before")})
		}
		synctest.Wait()
		again := x.der(k)
		for range 10 { // what was on its way is not lost
			old.gets(&wire.Message{Peer: b.key.Bytes(), Sealed: []byte("before")})
		}
		old.refused(4)
		old.ended()
		b.sends(&wire.Message{Peer: k.Public().Bytes()})
		b.refused(7)
		meet(b, again)
		again.says(b, "it is me")
	})
}

func TestSilentConnectionIsClosedWhateverItSends(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		began := time.Now()
		silent, drip := x.connect(), x.connect()
		login := frameOf(t, &wire.Login{Key: derKey(t, 1).Public().Bytes()})
		for i := range 14 {
			time.Sleep(time.Second)
			drip.writes(login[i : i+1])
		}
		silent.ended()
		if took := time.Since(began); took != blubbel.LoginTimeout {
			t.Errorf("closed after %v, want %v", took, blubbel.LoginTimeout)
		}
		drip.gone()
		if took := time.Since(began); took > blubbel.LoginTimeout+time.Second {
			t.Errorf("one that sends a byte a second was closed after %v", took)
		}
		in := x.raw(1)
		time.Sleep(24 * time.Hour) // no other idle limit
		in.sends(&wire.Login{})
		in.refused(3)
	})
}

func TestReaderThatStopsReadingIsCutAndItsSenderGoesOn(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		sender, deaf, other := x.raw(1), x.raw(2), x.raw(3)
		meet(sender, deaf)
		meet(sender, other)
		frame := frameOf(t, &wire.Message{Peer: deaf.key.Bytes(), Sealed: make([]byte, 1000)})
		began, sent := time.Now(), 0
		for x.s.Stats().Cuts == 0 {
			_ = sender.c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			n, _ := sender.c.Write(frame[sent%len(frame):])
			sent += n
		}
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("cut after %v, want 5s", took)
		}
		// The queue, and the buffers of the network at both ends of both connections.
		if limit := blubbel.QueueSize + 4*64<<10 + 64<<10; sent > limit {
			t.Errorf("%d bytes were taken for a client that does not read, want at most %d", sent, limit)
		}
		deaf.gone()
		sender.writes(frame[sent%len(frame):])
		sender.refused(6)
		sender.says(other, "still here")
		if s := x.s.Stats(); s.Stalls == 0 || s.Cuts != 1 {
			t.Errorf("%d stalls and %d cuts, want one cut", s.Stalls, s.Cuts)
		}
	})
}

func TestSenderOfAFullQueueIsPausedAndLosesNothing(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{FramesPerSecond: -1}, func(t *testing.T, x *exchange) {
		const messages = 10_000
		a, b := x.raw(1), x.raw(2)
		meet(a, b)
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range messages {
				frame := frameOf(t, &wire.Message{Peer: b.key.Bytes(), Sealed: fmt.Appendf(nil, "%0200d", i)})
				if _, err := a.c.Write(frame); err != nil {
					t.Errorf("message %d: %v", i, err)
					return
				}
			}
		})
		for i := range messages {
			if i%10 == 0 {
				time.Sleep(20 * time.Millisecond) // 500 a second are read
			}
			b.gets(&wire.Message{Peer: a.key.Bytes(), Sealed: fmt.Appendf(nil, "%0200d", i)})
		}
		wg.Wait()
		if s := x.s.Stats(); s.Stalls == 0 || s.Cuts != 0 {
			t.Errorf("%d stalls and %d cuts: want the sender to have waited, and nobody cut", s.Stalls, s.Cuts)
		}
	})
}

func TestClientsThatFloodEachOtherDoNotDeadlock(t *testing.T) {
	t.Parallel()
	const messages = 3000
	x := loopback(t, server.Config{FramesPerSecond: -1})
	a, b := x.raw(1), x.raw(2)
	meet(a, b)
	var wg sync.WaitGroup
	for _, pair := range [][2]*client{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		frame := frameOf(t, &wire.Message{Peer: to.key.Bytes(), Sealed: make([]byte, 4000)})
		wg.Go(func() {
			for range messages {
				from.writes(frame)
			}
		})
		wg.Go(func() {
			for range messages {
				from.next()
			}
		})
	}
	wg.Wait()
}

func TestClientsThatFloodEachOtherAndDoNotReadAreCut(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		a, b := x.raw(1), x.raw(2)
		meet(a, b)
		var wg sync.WaitGroup
		for _, pair := range [][2]*client{{a, b}, {b, a}} {
			frame := frameOf(t, &wire.Message{Peer: pair[1].key.Bytes(), Sealed: make([]byte, 4000)})
			wg.Go(func() {
				for {
					_ = pair[0].c.SetWriteDeadline(time.Now().Add(10 * time.Second))
					if _, err := pair[0].c.Write(frame); err != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		if s := x.s.Stats(); s.Cuts == 0 {
			t.Errorf("Stats() = %+v, want somebody cut", s)
		}
	})
}

func TestWhoDoesNotReadItsErrorsIsCut(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		c := x.raw(1)
		frame := frameOf(t, &wire.Message{Peer: rawKey(2).Bytes()})
		for x.s.Stats().Cuts == 0 {
			_ = c.c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.c.Write(frame)
		}
		if out := x.s.Stats().BytesOut; out > blubbel.QueueSize+3*64<<10 {
			t.Errorf("%d bytes of errors for a client that does not read", out)
		}
	})
}

func TestFastSenderIsSlowedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{FramesPerSecond: 100}, func(t *testing.T, x *exchange) {
		fast, to, a, b := x.raw(1), x.raw(2), x.raw(3), x.raw(4)
		meet(fast, to)
		meet(a, b)
		began := time.Now()
		fast.writes(bytes.Repeat(frameOf(t, &wire.Message{Peer: to.key.Bytes()}), 300))
		a.says(b, "meanwhile")
		if took := time.Since(began); took > 10*time.Millisecond {
			t.Errorf("another's message took %v", took)
		}
		for range 300 {
			to.gets(&wire.Message{Peer: fast.key.Bytes()})
		}
		if took := time.Since(began); took < 1900*time.Millisecond || took > 2200*time.Millisecond {
			t.Errorf("300 frames took %v, want 2s", took)
		}
	})
}

func TestConnectionsOfOneAddressBeforeLoginAreLimited(t *testing.T) {
	t.Parallel()
	x := loopback(t, server.Config{LimitLoopback: true, PendingPerAddress: 3})
	in := x.raw(1)
	for range 3 {
		x.connect()
	}
	for x.s.Stats().Pending < 3 {
		runtime.Gosched()
	}
	x.connect().gone()
	in.sends(&wire.Login{}) // who is logged in never suffers from its address
	in.refused(3)
	if s := x.s.Stats(); s.RefusedPending != 1 || s.Connections != 4 {
		t.Errorf("Stats() = %+v, want one refused and 4 connections", s)
	}
}

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
	for _, reads := range []bool{true, false} {
		bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
			const messages = 300
			a, b := x.raw(1), x.raw(2)
			meet(a, b)
			for range messages {
				a.sends(&wire.Message{Peer: b.key.Bytes(), Sealed: make([]byte, 1000)})
			}
			synctest.Wait() // more than the network holds: the rest is queued
			got := make(chan int, 1)
			if reads {
				go func() {
					n := 0
					for _, err := b.read(); err == nil; _, err = b.read() {
						n++
					}
					_ = b.c.Close()
					got <- n
				}()
			}
			began := time.Now()
			x.stop()
			switch took := time.Since(began); {
			case took > time.Second:
				t.Errorf("reads %v: took %v, want 1s at most", reads, took)
			case reads && (took == time.Second || <-got != messages):
				t.Errorf("took %v and did not deliver all", took)
			}
		})
	}
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

func TestTextsAreNeitherLoggedNorCounted(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		const secret = "the text of a message"
		a, b := x.raw(1), x.der(derKey(t, 1))
		meet(a, b)
		a.says(b, secret)
		b.says(a, secret)
		a.sends(&wire.Message{Peer: rawKey(9).Bytes(), Sealed: []byte(secret)})
		a.refused(6)
		a.sends(&wire.Message{Peer: b.key.Bytes(), Sealed: []byte(secret)}, &wire.Proof{})
		a.refused(1)
		x.stop()
		log := x.log.String()
		for _, hidden := range []string{secret, b.key.String(), string(b.key.Bytes())} {
			if strings.Contains(log+fmt.Sprintf("%+v", x.s.Stats()), hidden) {
				t.Errorf("%q is in the log or the figures", hidden)
			}
		}
		for _, line := range []string{
			`level=DEBUG msg="logged in" conn=1 peer="` + a.key.Short() + `" proven=false`,
			`level=DEBUG msg="logged in" conn=2 peer="` + b.key.Short() + `" proven=true`,
			`level=DEBUG msg="connection closed" conn=1 peer="` + a.key.Short() + `" why="bad frame: not at this point of a login"`,
			`level=DEBUG msg="connection ended" conn=2`,
		} {
			if !strings.Contains(log, line) {
				t.Errorf("the log lacks %s\n%s", line, log)
			}
		}
		if strings.Contains(log, "level=INFO") || strings.Contains(log, "level=WARN") {
			t.Errorf("strangers cause more than Debug:\n%s", log)
		}
	})
}

func TestNothingIsLeftOfAThousandConnections(t *testing.T) {
	x := loopback(t, server.Config{})
	churn := func(n int) {
		for i := range n {
			c := &client{t: t, c: x.dial()}
			c.sends(&wire.Login{Key: rawKey(i).Bytes()}, &wire.Start{Peer: rawKey(i + 1).Bytes()})
			c.gets(&wire.LoginAccepted{})
			c.refused(6)
			_ = c.c.Close()
		}
		for x.s.Stats().Connections > 0 {
			runtime.Gosched()
		}
	}
	churn(100)
	goroutines, heap := runtime.NumGoroutine(), heapInUse()
	churn(1000)
	if got := runtime.NumGoroutine(); got > goroutines+10 {
		t.Errorf("%d goroutines, %d before", got, goroutines)
	}
	if got := heapInUse(); got > heap+2<<20 {
		t.Errorf("%d bytes of heap, %d before", got, heap)
	}
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestForwardingDoesNotAllocate(t *testing.T) {
	x := loopback(t, server.Config{FramesPerSecond: -1})
	a, b := x.raw(1), x.raw(2)
	meet(a, b)
	frame := frameOf(t, &wire.Message{Peer: b.key.Bytes(), Sealed: make([]byte, 100)})
	in, allowed := make([]byte, len(frame)), 0.0
	if raceDetector() {
		allowed = 3
	}
	if n := testing.AllocsPerRun(2000, func() {
		_, _ = a.c.Write(frame)
		if _, err := io.ReadFull(b.c, in); err != nil {
			t.Fatal(err)
		}
	}); n > allowed {
		t.Errorf("%v allocations a frame, want at most %v", n, allowed)
	}
}

// raceDetector reports whether this is a build with -race, in which a sync.Pool
// forgets things at random.
func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
