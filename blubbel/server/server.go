package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"trunkline/blubbel"
	"trunkline/internal/netx"
)

// A Server is a relay over real connections: a [Machine], one goroutine for each
// connection and, while a client is behind, one that writes to it. Its methods
// may be called from any goroutine; several listeners may be served at once.
type Server struct {
	config  Config
	log     *slog.Logger
	buffers buffers
	turns   sync.Pool // of *turn

	// The reason for a lock: every connection's goroutine hands its frames to the
	// one machine, which is far quicker than handing them to a goroutine.
	mu      sync.Mutex
	machine *Machine
	dirty   []*link // to flush after the present turn
	alarm   *time.Timer
	number  uint64 // of the newest connection
}

// A turn is the list of links that one goroutine has to flush.
type turn struct{ dirty []*link }

// New returns a relay without connections. The error names every setting that
// cannot be.
func New(c Config) (*Server, error) {
	m, err := NewMachine(c)
	if err != nil {
		return nil, err
	}
	return &Server{config: m.config, log: m.config.Log, machine: m}, nil
}

// Serve accepts connections from l, which it closes in the end, until ctx ends;
// then it closes them, gives what is queued half a second to go out, and returns nil
// when every one has ended. It returns an error only for a listener that is
// broken: a lack of descriptors is waited out.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	limited, ok := l.(*netx.LimitedListener)
	if !ok {
		limited = netx.LimitListener(l, netx.Limits{})
	}
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	g := group{s: s, links: make(map[*link]struct{})}
	wg.Go(func() {
		<-ctx.Done()
		_ = limited.Close()
		g.close()
	})
	err := g.accept(limited, &wg)
	cancel()
	wg.Wait()
	if outer.Err() != nil {
		return nil
	}
	return fmt.Errorf("accept blubbel clients on %v: %w", l.Addr(), err)
}

// ServeConn serves one connection, which it closes in the end. It returns nil if
// the client left or ctx ended, and else why the connection was closed: a
// [*blubbel.Error] that the client was told, one of the Err values of this
// package, or an error of the network.
func (s *Server) ServeConn(ctx context.Context, c net.Conn) error {
	l, err := s.open(c)
	if err != nil {
		return err
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		s.do(func(now time.Time) { s.machine.Close(now, l.conn) })
	})
	err = s.serve(l)
	if !stop() {
		<-closed
		return nil
	}
	return err
}

// Stats returns the figures so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.Stats()
}

// do runs a turn of the machine, then writes what it has sent.
func (s *Server) do(f func(now time.Time)) {
	t, _ := s.turns.Get().(*turn)
	if t == nil {
		t = new(turn)
	}
	s.mu.Lock()
	s.dirty = t.dirty
	now := time.Now()
	f(now)
	s.arm(now)
	t.dirty, s.dirty = s.dirty, nil
	s.mu.Unlock()
	for _, l := range t.dirty {
		l.flush()
	}
	clear(t.dirty)
	t.dirty = t.dirty[:0]
	s.turns.Put(t)
}

// arm sets the alarm for the machine's next deadline. One that rings early is
// set again.
func (s *Server) arm(now time.Time) {
	due := s.machine.Deadline()
	switch {
	case due.IsZero() && s.alarm != nil:
		s.alarm.Stop()
		s.alarm = nil
	case !due.IsZero() && s.alarm == nil:
		s.alarm = time.AfterFunc(due.Sub(now), s.ring)
	}
}

func (s *Server) ring() {
	s.do(func(now time.Time) {
		s.alarm = nil
		s.machine.Advance(now)
	})
}

// open makes a link of a connection, or closes it and says why not.
func (s *Server) open(c net.Conn) (*link, error) {
	l := &link{s: s, stream: netx.NewStream(c)}
	l.reader.get = l.space
	l.queue = queue{pool: &s.buffers, limit: s.config.Queue, asShipped: s.config.AsShipped}
	s.do(func(now time.Time) {
		s.number++
		l.number = s.number
		l.conn = s.machine.Open(now, remoteAddr(c), l)
	})
	if l.conn == nil {
		_ = c.Close()
		s.logEnd(l, "", ErrTooManyPending)
		return nil, ErrTooManyPending
	}
	// A connection that is broken already ends with its first read.
	_ = netx.KeepAlive(c, blubbel.KeepAliveIdle, blubbel.KeepAliveInterval, blubbel.KeepAliveCount)
	if tcp, ok := as[*net.TCPConn](c); ok {
		_ = errors.Join(tcp.SetWriteBuffer(socketBuffer), tcp.SetReadBuffer(socketBuffer))
	}
	return l, nil
}

// remoteAddr is the address that c comes from; zero for local connections that
// have none, as pipes and Unix sockets.
func remoteAddr(c net.Conn) netip.Addr {
	switch a := c.RemoteAddr().(type) {
	case nil:
		return netip.Addr{}
	case *net.TCPAddr:
		return a.AddrPort().Addr()
	default:
		ap, _ := netip.ParseAddrPort(a.String()) // simulated networks
		return ap.Addr()
	}
}
