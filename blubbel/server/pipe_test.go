package server_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel/server"
)

// pipes connects to s by net.Pipe, which has no buffer at all.
func pipes(t *testing.T, s *server.Server) func() net.Conn {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return func() net.Conn {
		ours, theirs := net.Pipe()
		wg.Go(func() { _ = s.ServeConn(ctx, theirs) })
		return ours
	}
}

// FuzzHostileConnectionDisturbsNobody makes any bytes, in pieces of any size, all
// that a client sends over a connection, while two others talk.
func FuzzHostileConnectionDisturbsNobody(f *testing.F) {
	for i, b := range hostileSeeds(f) {
		f.Add(b, uint16(i+1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		synctest.Test(t, func(t *testing.T) {
			s, err := server.New(server.Config{})
			if err != nil {
				t.Fatal(err)
			}
			x := &exchange{t: t, s: s, dial: pipes(t, s)}
			a, b := x.raw(1000), x.raw(1001) // no key of the seeds
			meet(a, b)
			hostile := x.dial()
			var wg sync.WaitGroup
			wg.Go(func() { drain(hostile) })
			for chunk := range slices.Chunk(stream, max(int(cut), 1+len(stream)/16)) {
				_ = hostile.SetWriteDeadline(time.Now().Add(time.Second))
				if _, err := hostile.Write(chunk); err != nil {
					break
				}
				a.says(b, "hello")
			}
			b.says(a, "still here")
			_ = hostile.Close()
			wg.Wait()
		})
	})
}

// drain reads all that comes.
func drain(c net.Conn) {
	b := make([]byte, 4096)
	for {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}
