package simnet

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const (
	errRefused = syscall.ECONNREFUSED
	errReset   = syscall.ECONNRESET
	errTimeout = syscall.ETIMEDOUT

	firstRetry = time.Second            // RFC 6298 section 2, before a round trip is known
	leastRetry = 200 * time.Millisecond // as Linux
	mostRetry  = time.Minute
	linger     = time.Minute // for the peer's end after our own
	maxHalf    = 128         // connections that a listener has not accepted yet
)

// A Handler is told what happens to a stream of a World.
type Handler interface {
	// Connected tells a dialer that it was accepted.
	Connected(now time.Time)
	// Receive takes bytes in the order sent, in any pieces. It may change b,
	// and must not keep it.
	Receive(now time.Time, b []byte)
	// Closed is the last call, and comes once, unless Close was called before:
	// io.EOF when the peer has sent all (the stream may still be written, and
	// must be closed), else why the stream is broken: syscall.ECONNREFUSED,
	// ECONNRESET or ETIMEDOUT, or ErrHostDown.
	Closed(now time.Time, err error)
}

// Drained may be implemented by a Handler to hear that a stream whose Write took
// less than it was given has room again.
type Drained interface{ Drained(now time.Time) }

type streamState uint8

const (
	dialing streamState = iota
	answering
	open
	dead
)

// Stream is one end of a TCP connection: a reliable stream over packets that may
// be lost.
type Stream struct {
	w             *World
	h             *Host
	id            uint64
	local, remote netip.AddrPort
	handler       Handler
	notify        func()    // of the Net, instead of handler: something has changed
	door          *Listener // while answering
	state         streamState
	begun, heard  int64 // first packet; last sign of the peer
	tries         int   // of the handshake
	lingerAt      int64 // when to forget a closed stream; 0: not yet
	timer         timer
	dice          dice
	closed, told  bool
	err           error
	out           outgoing
	in            incoming
}

// outgoing is the sending half.
type outgoing struct {
	pending  bytes.Buffer // not sent yet
	flight   []flying     // sent, not acknowledged, in order
	held     int          // bytes in flight
	next     uint64       // sequence number of pending's first byte
	edge     uint64       // room at the peer ends here
	mss      int
	rtt      time.Duration
	corkedTo int64 // Config.Chop: wait for more until then
	probeAt  int64 // when to ask a peer without room
	short    bool  // a Write found no room
	finish   bool  // end it after pending
	finished bool  // the end is in flight or done
}

// flying is a segment in flight.
type flying struct {
	seq       uint64
	data      []byte // nil: the end
	sent, due int64
	tries     int
	acked     bool
}

func (f *flying) end() uint64 {
	if f.data == nil {
		return f.seq + 1
	}
	return f.seq + uint64(len(f.data))
}

// incoming is the receiving half.
type incoming struct {
	next     uint64            // first byte that is missing
	inbox    bytes.Buffer      // before next, not yet read
	early    map[uint64][]byte // after next; nil: the end
	promised uint64            // room that the peer knows of
	paused   bool
	ended    bool
}

func (w *World) newStream(h *Host, state streamState, local, remote netip.AddrPort) *Stream {
	s := &Stream{w: w, h: h, state: state, local: local, remote: remote, begun: w.at}
	s.timer = newTimer(s.due)
	s.out.mss = h.mss()
	h.streams[streamKey{local.Port(), remote}] = s
	return s
}

// Dial opens a stream from h, and returns before the peer knows of it. What is
// written before Connected goes out after it.
func (w *World) Dial(h *Host, to netip.AddrPort, handler Handler) *Stream {
	s := w.dial(h, to)
	s.handler = handler
	return s
}

func (w *World) dial(h *Host, to netip.AddrPort) *Stream {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	port := h.freePort(func(p uint16) bool {
		return h.listeners[p] == nil && h.streams[streamKey{p, to}] == nil
	})
	s := w.newStream(h, dialing, netip.AddrPortFrom(h.source(to.Addr()), port), to)
	h.dialed++
	s.id = mix(mix(h.id) ^ h.dialed)
	s.dice = newDice(w.cfg.Seed, s.id, 0)
	if err := s.hopeless(); err != nil {
		w.queue.push(w.at, &call{host: h, life: h.life, f: func(time.Time) { s.fail(err) }})
		return s
	}
	s.shake()
	s.arm()
	return s
}

// hopeless is why a new stream cannot even be tried.
func (s *Stream) hopeless() error {
	switch {
	case s.h.down:
		return ErrHostDown
	case s.local.Port() == 0:
		return syscall.EADDRNOTAVAIL
	case !s.local.IsValid():
		return syscall.ENETUNREACH
	}
	return nil
}

// A Listener accepts streams at a port.
type Listener struct {
	h      *Host
	port   uint16
	admit  func(now time.Time, s *Stream) bool
	half   int // handshakes under way
	closed bool
	onEnd  func() // of the Net: the host has crashed
}

// Listen accepts streams on h; port 0 takes a free one. For each connection
// accept returns its handler, or nil to reset it.
func (w *World) Listen(h *Host, port uint16, accept func(now time.Time, s *Stream) Handler) (*Listener, error) {
	return w.listen(h, port, func(now time.Time, s *Stream) bool {
		s.handler = accept(now, s)
		return s.handler != nil
	})
}

func (w *World) listen(h *Host, port uint16, admit func(now time.Time, s *Stream) bool) (*Listener, error) {
	if h.down {
		return nil, fmt.Errorf("listen on %v: %w", h, ErrHostDown)
	}
	if port == 0 {
		port = h.freePort(func(p uint16) bool { return h.listeners[p] == nil })
	}
	if port == 0 || h.listeners[port] != nil {
		return nil, fmt.Errorf("listen on %v, port %d: %w", h, port, syscall.EADDRINUSE)
	}
	l := &Listener{h: h, port: port, admit: admit}
	h.listeners[port] = l
	return l, nil
}

// Addr is the host's IPv4 address with the listener's port.
func (l *Listener) Addr() netip.AddrPort { return netip.AddrPortFrom(l.h.addr, l.port) }

// Close refuses new connections; those accepted live on.
func (l *Listener) Close() {
	if !l.closed {
		l.closed = true
		delete(l.h.listeners, l.port)
	}
}

func (l *Listener) crashed() {
	l.closed = true
	if l.onEnd != nil {
		l.onEnd()
	}
}

// answer begins a connection.
func (l *Listener) answer(p *packet) Fate {
	if l.half >= maxHalf {
		return Overflow
	}
	s := l.h.w.newStream(l.h, answering, p.to, p.from)
	s.id = p.seg.id
	s.dice = newDice(l.h.w.cfg.Seed, s.id, 1)
	s.meet(p.seg)
	s.door = l
	l.half++
	s.shake()
	s.arm()
	return Delivered
}

// LocalAddr is the stream's address on its host, RemoteAddr the peer's as the
// host sees it.
func (s *Stream) LocalAddr() netip.AddrPort { return s.local }

// RemoteAddr is the peer's address as the host sees it.
func (s *Stream) RemoteAddr() netip.AddrPort { return s.remote }

// Write sends b, as far as there is room, and says how much that was; it does not
// keep b. See Drained for the rest.
func (s *Stream) Write(b []byte) (int, error) {
	switch {
	case s.closed:
		return 0, net.ErrClosed
	case s.err != nil:
		return 0, s.err
	case s.out.finish:
		return 0, syscall.EPIPE
	}
	n := min(len(b), s.w.cfg.Buffer-s.out.held-s.out.pending.Len())
	s.out.short = n < len(b)
	s.out.pending.Write(b[:n])
	if s.w.cfg.Chop && s.out.corkedTo == 0 {
		s.out.corkedTo = s.w.at + int64(s.dice.upTo(2*time.Millisecond))
	}
	s.settle()
	return n, nil
}

// CloseWrite ends the stream towards the peer, after all that was written.
func (s *Stream) CloseWrite() {
	s.out.finish = true
	s.settle()
}

// Close ends the stream after all that was written has been sent, and calls the
// handler no more. If there is something unread, or if the peer sends on, the
// connection is reset, as kernels do.
func (s *Stream) Close() {
	if s.closed {
		return
	}
	s.closed = true
	switch {
	case s.state == dialing:
		s.forget()
	case s.in.inbox.Len() > 0:
		s.reset()
	default:
		s.CloseWrite()
	}
}

// Pause stops calls of Receive, like a program that does not read. When Buffer
// bytes wait, the peer cannot send any more.
func (s *Stream) Pause() { s.in.paused = true }

// Resume undoes Pause, and hands over what has come meanwhile.
func (s *Stream) Resume() {
	s.in.paused = false
	if n := s.in.inbox.Len(); n > 0 && !s.closed {
		s.handler.Receive(s.w.Now(), s.in.inbox.Next(n))
	}
	s.reopen()
	s.tell()
}

// tell tells the owner what he does not know yet.
func (s *Stream) tell() {
	if s.notify != nil {
		s.notify()
		return
	}
	if s.handler == nil || s.closed || s.told || s.in.inbox.Len() > 0 {
		return // not accepted yet, or nothing to say now
	}
	err := s.err
	if s.in.ended {
		err = io.EOF
	}
	if err != nil {
		s.told = true
		s.handler.Closed(s.w.Now(), err)
	}
}

// fail breaks the stream.
func (s *Stream) fail(err error) {
	s.forget()
	s.err = err
	s.tell()
}

// reset breaks the connection at both ends.
func (s *Stream) reset() {
	if s.state != dead {
		s.control(rst, 0)
	}
	s.forget()
}

// forget takes the stream off its host.
func (s *Stream) forget() {
	key := streamKey{s.local.Port(), s.remote}
	if s.h.streams[key] == s {
		delete(s.h.streams, key)
	}
	if s.door != nil {
		s.door.half--
		s.door = nil
	}
	s.state = dead
	s.timer.at = never
}

func (s *Stream) crashed() {
	s.forget()
	s.err = ErrHostDown
	if s.notify != nil {
		s.notify()
	}
}
