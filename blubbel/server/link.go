package server

import (
	"errors"
	"math"
	"net"
	"sync"
	"time"

	"trunkline/blubbel/wire"
	"trunkline/internal/netx"
)

const (
	// writeSize is how much is written at once to a client that is behind, so
	// that room is noticed soon.
	writeSize = 16 << 10
	// socketBuffer is what the system keeps for a client that is behind, beside
	// Config.Queue, and of one that is not read. Left to itself it keeps megabytes.
	socketBuffer = 64 << 10
)

// A link is one connection's socket, and the Outlet of its [Conn]. What is sent
// is written by the goroutine that causes it, or, while the client is behind, by
// one that ends when it has caught up.
type link struct {
	s      *Server
	stream *netx.Stream
	conn   *Conn // owned by the machine
	number uint64
	reader reader

	// The reason for a lock: every sender's goroutine writes here. It is taken
	// with s.mu held, never the other way round.
	mu      sync.Mutex
	queue   queue
	dirty   bool           // somebody is about to flush
	busy    bool           // somebody writes
	leaving bool           // Close was called
	words   bool           // and what was queued then has to go out
	dead    bool           // the socket is closed
	why     error          // of Close
	room    chan struct{}  // closed when there is more room; nil if nobody waits
	writer  sync.WaitGroup // drain
}

// Forward is called by the machine, with s.mu held.
func (l *link) Forward(k wire.Kind, from string, body []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.queue.fits(wire.HeadSize + len(from) + len(body)) {
		return false
	}
	l.queue.put(k, from, body)
	l.mark()
	return true
}

// Answer is called by the machine, with s.mu held.
func (l *link) Answer(k wire.Kind, payload []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue.put(k, "", payload)
	l.mark()
}

// Full is called by the machine, with s.mu held.
func (l *link) Full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.queue.fits(1)
}

// Close is called by the machine, with s.mu held. A client that does not read
// gets nothing more; another has a short time to take what is queued.
func (l *link) Close(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving, l.why = true, why
	l.words = l.queue.len() > 0 && !errors.Is(why, ErrSlowReader)
	if l.words {
		_ = l.stream.SetDeadline(time.Now().Add(farewell)) // a closed socket needs none
	}
	l.mark()
	l.wake()
}

// mark puts l on the list of those to flush when s.mu is released.
func (l *link) mark() {
	if !l.dirty {
		l.dirty = true
		l.s.dirty = append(l.s.dirty, l)
	}
}

// wake wakes who waits for room.
func (l *link) wake() {
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}

// flush writes what is queued as far as that is possible without waiting.
func (l *link) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirty = false
	switch {
	case l.dead:
	case l.leaving && !l.words:
		l.hangUp()
	case !l.busy:
		l.write()
	}
}

// write writes what is queued now; what comes in the meantime, or does not fit
// into the socket, is left to drain.
func (l *link) write() {
	l.busy = true
	for left := l.queue.len(); left > 0 && !l.dead; {
		n := l.try(l.stream.TryWrite, math.MaxInt)
		if n == 0 {
			break
		}
		left -= n
	}
	if l.queue.len() > 0 && !l.dead {
		l.writer.Go(l.drain)
		return
	}
	l.rest()
}

// drain writes what is queued until nothing is.
func (l *link) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.queue.len() > 0 && !l.dead {
		l.try(l.stream.Write, writeSize)
	}
	l.rest()
}

// try makes one write, without holding the lock, and hangs up if it fails.
func (l *link) try(write func([]byte) (int, error), most int) int {
	b := l.queue.next(most)
	l.mu.Unlock()
	n, err := write(b)
	l.mu.Lock()
	l.queue.wrote(n)
	l.wake()
	if err != nil && !l.dead {
		l.hangUp()
	}
	return n
}

// rest ends a turn of writing. After parting words the client is given the time
// to read them: closing at once could take them away from it.
func (l *link) rest() {
	l.busy = false
	l.wake()
	if !l.leaving || l.dead {
		return
	}
	if half, ok := as[interface{ CloseWrite() error }](l.stream.NetConn()); ok {
		_ = half.CloseWrite()
		return
	}
	l.hangUp()
}

// hangUp closes the socket. What a client has not read by then it is not kept for.
func (l *link) hangUp() {
	l.dead = true
	if tcp, ok := as[*net.TCPConn](l.stream.NetConn()); ok && l.queue.len() > 0 {
		_ = tcp.SetLinger(0)
	}
	_ = l.stream.Close()
	l.wake()
}

// end closes the socket after whoever writes has ended, for which Close has set
// a time, and returns why the machine closed the connection.
func (l *link) end() error {
	l.wait(func() bool { return !l.busy }, nil)
	l.mu.Lock()
	if !l.dead {
		l.hangUp()
	}
	l.mu.Unlock()
	l.writer.Wait()
	return l.why
}

// await waits until there is room for a frame of n bytes, or l ends, and reports
// false if that took too long.
func (l *link) await(n int, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	return l.wait(func() bool { return l.leaving || l.queue.fits(n) }, timer.C)
}

// wait waits until ready, which is asked with the lock held after every write,
// or until the socket is closed. It reports false if late comes first.
func (l *link) wait(ready func() bool, late <-chan time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.dead && !ready() {
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		select {
		case <-room:
			l.mu.Lock()
		case <-late:
			l.mu.Lock()
			return false
		}
	}
	return true
}

// as finds what c can do, itself or as what it wraps.
func as[T any](c net.Conn) (T, bool) {
	for {
		if t, ok := c.(T); ok {
			return t, true
		}
		wrapper, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			var none T
			return none, false
		}
		c = wrapper.NetConn()
	}
}
