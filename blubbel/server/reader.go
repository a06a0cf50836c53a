package server

import (
	"sync"
	"time"

	"trunkline/blubbel"
)

const (
	// readSize is the buffer of a read while nothing is left over from the last.
	readSize = 8 << 10
	// discardSize is how much a client that is told why it is closed may still
	// send. Closing while bytes are unread could take the words away from it.
	discardSize = 256 << 10
)

// reader is what a connection has read.
type reader struct {
	get       func() []byte // space, made once
	in        *buffer       // begins with an incomplete frame; nil while idle
	greeted   bool          // the login was logged
	discarded int           // bytes since the machine has ended it
}

// space is where the next read goes: behind what is left over, in a buffer that
// grows with what has come and not with what was announced.
func (l *link) space() []byte {
	r, left := &l.reader, 0
	if r.in != nil {
		left = len(r.in.b)
	}
	if r.in == nil || cap(r.in.b)-left < readSize/2 {
		r.in = l.s.buffers.grow(r.in, max(readSize-left, left))
	}
	return r.in.b[left:cap(r.in.b)]
}

// read reads until the connection ends, and returns what ended the reading.
func (l *link) read() error {
	for {
		_, n, err := l.stream.Read(l.reader.get)
		if in := l.reader.in; in != nil {
			in.b = in.b[:len(in.b)+n]
			l.received(in.b)
		}
		if err != nil || l.reader.discarded > discardSize {
			return err
		}
	}
}

// received takes the frames of b. Until login it does so on a stack of its own:
// public-key work needs 10 kB of stack, and a goroutine that once had a larger
// stack keeps it, also while it is idle.
func (l *link) received(b []byte) {
	if l.reader.greeted {
		l.keep(l.consume(b))
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { l.keep(l.consume(b)) })
	wg.Wait()
}

// keep leaves only rest, the end of what is there, in a buffer that fits it.
func (l *link) keep(rest []byte) {
	r := &l.reader
	switch {
	case len(rest) == 0:
		l.s.buffers.put(r.in)
		r.in = nil
	case r.in.smallFor(len(rest)):
		r.in.b = r.in.b[:copy(r.in.b, rest)]
	default:
		r.in = l.s.buffers.move(r.in, rest, 1)
	}
}

// smallFor reports whether it is not worth while to look for a smaller buffer
// for n bytes.
func (b *buffer) smallFor(n int) bool { return cap(b.b) <= max(4*n, 1<<smallest) }

// consume hands the whole frames in b to the machine, does what that asks for,
// and returns what is left over.
func (l *link) consume(b []byte) []byte {
	for len(b) > 0 {
		n, todo := l.s.take(l, b)
		b = b[n:]
		switch {
		case todo.Seal != nil:
			l.s.seal(l, todo.Seal)
		case todo.Full != nil:
			l.s.stall(todo.Full.(*link), todo.Size)
		case todo.Wait > 0:
			time.Sleep(todo.Wait)
		default:
			return b
		}
	}
	return nil
}

// take hands frames to the machine.
func (s *Server) take(l *link, b []byte) (n int, todo Todo) {
	var gone, greet bool
	s.do(func(now time.Time) {
		n, todo = s.machine.Take(now, l.conn, b)
		gone, greet = l.conn.state == ended, l.conn.LoggedIn() && !l.reader.greeted
	})
	if gone {
		l.reader.discarded += len(b)
	}
	if greet {
		l.reader.greeted = true
		s.logLogin(l)
	}
	return n, todo
}

// stall waits for room for n bytes in a full queue. When that takes too long,
// the one who does not read is cut, and the frame is for nobody.
func (s *Server) stall(full *link, n int) {
	if !full.await(n, s.config.Stall) {
		s.do(func(now time.Time) { s.machine.Cut(now, full.conn) })
	}
}

// seal makes a challenge for a key, outside the lock. A key that it cannot be
// sealed to is a bad one.
func (s *Server) seal(l *link, key []byte) {
	k, err := blubbel.ParsePublicKey(key)
	var challenge *blubbel.Challenge
	if err == nil {
		challenge, _ = blubbel.NewChallenge(k)
	}
	s.do(func(now time.Time) { s.machine.Challenged(now, l.conn, k, challenge) })
}
