package server_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

// BenchmarkForward sends frames of 100 bytes between pairs over loopback
// sockets, with so many of each pair on the way at once. The clients run in the
// same process and cost about as much as the relay.
func BenchmarkForward(b *testing.B) {
	for _, c := range []struct {
		name            string
		pairs, inFlight int
	}{{"1pair/1", 1, 1}, {"1pair/10", 1, 10}, {"100pairs/1", 100, 1}, {"100pairs/10", 100, 10}} {
		b.Run(c.name, func(b *testing.B) {
			x := loopback(b, server.Config{FramesPerSecond: -1})
			var clients []*client
			for i := range c.pairs {
				from, to := x.raw(2*i), x.raw(2*i+1)
				meet(from, to)
				clients = append(clients, from, to)
			}
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := 0; i < len(clients); i += 2 {
				wg.Go(func() { pingPong(b, clients[i], clients[i+1], b.N/c.pairs+1, c.inFlight) })
			}
			wg.Wait()
		})
	}
}

// pingPong sends count messages to and fro, inFlight at a time.
func pingPong(b *testing.B, from, to *client, count, inFlight int) {
	there := frameOf(b, &wire.Message{Peer: to.key.Bytes(), Sealed: make([]byte, 100)})
	back := frameOf(b, &wire.Message{Peer: from.key.Bytes(), Sealed: make([]byte, 100)})
	in := make([]byte, len(there)*inFlight)
	burst, echo := bytes.Repeat(there, inFlight), bytes.Repeat(back, inFlight)
	_ = from.c.SetDeadline(time.Time{})
	_ = to.c.SetDeadline(time.Time{})
	for done := 0; done < count; done += 2 * inFlight {
		_, _ = from.c.Write(burst)
		if _, err := io.ReadFull(to.c, in); err != nil {
			b.Error(err)
			return
		}
		_, _ = to.c.Write(echo)
		if _, err := io.ReadFull(from.c, in); err != nil {
			b.Error(err)
			return
		}
	}
}

// BenchmarkReceive is the machine alone: split a frame and forward it.
func BenchmarkReceive(b *testing.B) {
	r := newRelay(b, server.Config{FramesPerSecond: -1})
	from, to := r.raw(1), r.raw(2)
	session(from, to)
	frame := frameOf(b, &wire.Message{Peer: to.key.Bytes(), Sealed: make([]byte, 100)})
	to.deaf = true
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if n, todo := r.m.Take(r.now, from.conn, frame); n != len(frame) || todo.Full != nil {
			b.Fatal("not forwarded")
		}
	}
}

// BenchmarkLogin connects, logs in and leaves.
func BenchmarkLogin(b *testing.B) {
	x := loopback(b, server.Config{})
	k := derKey(b, 1)
	for name, login := range map[string]func() *client{
		"raw": func() *client { return x.raw(1) },
		"der": func() *client { return x.der(k) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := login()
				_ = c.c.(*net.TCPConn).CloseWrite()
				c.ended() // the key is free again
				_ = c.c.Close()
			}
		})
	}
}

// BenchmarkChallenge is the public-key work of a login, outside any lock.
func BenchmarkChallenge(b *testing.B) {
	key := derKey(b, 1).Public().Bytes()
	for b.Loop() {
		k, err := blubbel.ParsePublicKey(key)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := blubbel.NewChallenge(k); err != nil {
			b.Fatal(err)
		}
	}
}
