package server_test

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

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
		if got := deaf.rest(); got > 2*64<<10 {
			t.Errorf("the client that was cut got %d bytes more, want what was in the network", got)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("its connection was broken after %v", took)
		}
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

func TestEveryFrameMayWaitAsLongAsTheStall(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		const messages, size = 30, 60_000
		a, b := x.raw(1), x.raw(2)
		meet(a, b)
		var wg sync.WaitGroup
		wg.Go(func() {
			frame := frameOf(t, &wire.Message{Peer: b.key.Bytes(), Sealed: make([]byte, size)})
			_ = a.c.SetWriteDeadline(time.Time{})
			for range messages {
				if _, err := a.c.Write(frame); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for range messages {
			time.Sleep(3 * time.Second) // 20 kB a second: two frames take longer than the stall
			b.gets(&wire.Message{Peer: a.key.Bytes(), Sealed: make([]byte, size)})
		}
		wg.Wait()
	})
}

// TestSystemHoldsLittleForAClientThatDoesNotRead is about the buffers of real
// sockets, which would grow to megabytes.
func TestSystemHoldsLittleForAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	x := loopback(t, server.Config{Stall: 100 * time.Millisecond, FramesPerSecond: -1})
	a, b := x.raw(1), x.raw(2)
	meet(a, b)
	if err := b.c.(*net.TCPConn).SetReadBuffer(32 << 10); err != nil {
		t.Fatal(err)
	}
	before := x.s.Stats().BytesOut
	frame := frameOf(t, &wire.Message{Peer: b.key.Bytes(), Sealed: make([]byte, 1000)})
	for x.s.Stats().Stalls == 0 {
		a.writes(frame)
	}
	if got := x.s.Stats().BytesOut - before; got > blubbel.QueueSize+1<<20 {
		t.Errorf("%d bytes were taken for a client that does not read", got)
	}
	a.refused(6)
	b.gone()
}

func TestClientThatHasSentAllGetsWhatIsQueued(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		const messages = 300
		a, b := x.raw(1), x.raw(2)
		meet(a, b)
		for range messages {
			a.sends(&wire.Message{Peer: b.key.Bytes(), Sealed: make([]byte, 1000)})
		}
		synctest.Wait() // more than the network holds: the rest is queued
		if err := b.c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for range messages {
			b.gets(&wire.Message{Peer: a.key.Bytes(), Sealed: make([]byte, 1000)})
		}
		b.ended()
	})
}
