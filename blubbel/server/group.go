package server

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A group is the connections of one listener.
type group struct {
	s      *Server
	links  map[*link]struct{} // guarded by s.mu, as is closed
	closed bool
}

// accept serves what l accepts until that fails.
func (g *group) accept(l net.Listener, wg *sync.WaitGroup) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		link, err := g.s.open(c)
		if err != nil {
			continue
		}
		g.add(link)
		wg.Go(func() {
			_ = g.s.serve(link) // has been logged
			g.remove(link)
		})
	}
}

// add takes a connection, which ends at once if the group is closed.
func (g *group) add(l *link) {
	g.s.do(func(now time.Time) {
		if g.closed {
			g.s.machine.Close(now, l.conn)
		}
		g.links[l] = struct{}{}
	})
}

func (g *group) remove(l *link) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	delete(g.links, l)
}

// close ends every connection, now and to come.
func (g *group) close() {
	g.s.do(func(now time.Time) {
		g.closed = true
		for l := range g.links {
			g.s.machine.Close(now, l.conn)
		}
	})
}

// serve reads from a connection until it ends, and waits for who writes to it.
func (s *Server) serve(l *link) error {
	failed := l.read()
	var key string
	s.do(func(now time.Time) {
		key = l.conn.key
		s.machine.Close(now, l.conn)
	})
	why := l.end()
	if why == nil && !expected(failed) {
		why = failed
	}
	s.logEnd(l, key, why)
	return why
}

// expected reports whether err says that the client left, or that we closed.
func expected(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}
