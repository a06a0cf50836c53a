package server_test

import (
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

func TestCrowdThatSaysNothingKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		var crowd []*client
		for range 500 {
			crowd = append(crowd, x.connect())
			synctest.Wait() // until it is accepted
		}
		a, b := x.raw(1), x.der(derKey(t, 1))
		meet(a, b)
		if got := x.s.Stats().Pending; got != 500 {
			t.Errorf("%d connections wait for a login, want 500", got)
		}
		time.Sleep(blubbel.LoginTimeout)
		for _, c := range crowd {
			c.ended()
		}
		a.says(b, "quiet here")
		if s := x.s.Stats(); s.Connections != 2 || s.LoginTimeouts != 500 {
			t.Errorf("Stats() = %+v, want 2 connections and 500 timeouts", s)
		}
	})
}

func TestAnnouncedLengthTakesNoMemory(t *testing.T) {
	const waiting = 400
	x := loopback(t, server.Config{MaxPayload: blubbel.HighestMaxPayload})
	var clients []*client
	for i := range waiting {
		clients = append(clients, x.raw(i))
	}
	before := heapInUse()
	for _, c := range clients {
		c.writes(append(wire.AppendHead(nil, wire.KindMessage, blubbel.HighestMaxPayload), make([]byte, 100)...))
	}
	to := x.raw(waiting) // comes after what the others have sent
	to.sends(&wire.Login{})
	to.refused(3)
	if got := heapInUse(); got > before+waiting*1536+256<<10 {
		t.Errorf("%d bytes more for 400 frames of which nearly nothing has come", got-before)
	}
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
